//! The stand-in over HTTP, as a browser, a page's script and API Gateway's authorizer see it.

// clippy.toml allows these in test functions, not in what they call.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod browser;
mod code_flow;
mod pages;
mod persistence;
mod refresh_tokens;
mod scripts;
mod server;
mod shortcuts;
mod user_info;
mod user_pools;
