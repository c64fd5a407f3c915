//! `GET /api/members`, for subscribers, and `GET /api/members/reports`, for those whose plan has the feature `reports`: a sample of what can be put behind
//! the gate. It says what the gate has said; a function of your own would do its work here.

use http_api::{Admission, HttpFunction, Problem, Request, Response};
use lambda::{Env, StartError};
use lambda_http::RequestExt;
use lambda_http::http::Method;
use serde::Serialize;

/// The function. It needs nothing: what there is to know of who is calling, the gate has said.
#[derive(Debug)]
pub struct Members;

#[derive(Serialize)]
struct Room<'a> {
    room: &'static str,
    admission: &'a Admission,
}

impl HttpFunction for Members {
    async fn start(_: &Env) -> Result<Self, StartError> {
        Ok(Self)
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let admission = http_api::admission(&request, lambda::now())?;
        let room = match (request.method(), request.raw_http_path()) {
            (&Method::GET, "/api/members") => "members",
            (&Method::GET, "/api/members/reports") => "reports",
            _ => return Err(Problem::not_found()),
        };
        http_api::json(&Room {
            room,
            admission: &admission,
        })
    }
}
