//! What all functions behind the HTTP API share: how they start, who is calling, and how they answer and log.

mod body;
mod caller;
mod clock;
mod connections;
mod env;
mod function;
mod log;
mod problem;
mod response;

pub use body::{json_body, raw_body};
pub use caller::caller;
pub use clock::now;
pub use connections::{sync_from_env, table_from_env};
pub use env::{Env, InvalidEnv};
pub use function::{HttpFunction, StartError, run};
pub use problem::Problem;
pub use response::{cacheable_json, json};

/// A request as API Gateway hands it over (payload format 2.0).
pub type Request = lambda_http::Request;

/// What goes back.
pub type Response = lambda_http::Response<lambda_http::Body>;
