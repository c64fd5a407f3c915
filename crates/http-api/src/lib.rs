//! What the functions behind the HTTP API share: how they run, who is calling, and how they answer.

mod admission;
mod body;
mod caller;
mod function;
mod origin;
mod problem;
mod response;

pub use admission::{Admission, admission};
pub use body::{json_body, no_body, raw_body};
pub use caller::{caller, is_in_group, record_of, refuse_deleted, signed_in};
pub use function::{HttpFunction, Outcome, run, time_left};
pub use problem::Problem;
pub use response::{accepted_json, cacheable_json, json, no_content};

/// A request as API Gateway hands it over (payload format 2.0).
pub type Request = lambda_http::Request;

/// What goes back.
pub type Response = lambda_http::Response<lambda_http::Body>;
