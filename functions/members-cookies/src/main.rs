//! The Lambda: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    http_api::run::<members_cookies::MembersCookies>()
}
