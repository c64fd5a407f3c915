//! API Gateway's part: an HTTP API with JWT authorizers and Lambda proxy integrations, payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>

mod authorizer;
mod event;
mod keys;
mod reply;
mod routes;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use crate::lambda::{Function, InvokeError, LogSink};
use crate::template::ApiSpec;
use authorizer::{Denial, Identity};
use event::EventContext;
use keys::KeySource;
use routes::{Match, Routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// The HTTP API.
pub struct Gateway {
    routes: Routes,
    functions: BTreeMap<String, Function>,
    stage_variables: BTreeMap<String, String>,
    keys: KeySource,
    logs: LogSink,
}

/// A problem of the API's description.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A route key that is neither `$default` nor `METHOD /path`.
    #[error("{0} is not a route key: it must be `$default` or a method and a path")]
    RouteKey(String),
    /// A route whose function is not there.
    #[error("the route {route_key} needs the function {function}, which is not there")]
    NoFunction {
        /// The route.
        route_key: String,
        /// The function's logical id.
        function: String,
    },
}

impl Gateway {
    /// The API that `api` describes, over `functions` by logical id. `logs` takes what goes wrong, by function.
    ///
    /// # Errors
    /// If a route key cannot be understood, or a route's function is missing.
    pub fn new(
        api: ApiSpec,
        functions: BTreeMap<String, Function>,
        logs: LogSink,
    ) -> Result<Self, GatewayError> {
        if let Some(route) = api
            .routes
            .iter()
            .find(|route| !functions.contains_key(&route.function))
        {
            let (route_key, function) = (route.route_key.clone(), route.function.clone());
            return Err(GatewayError::NoFunction {
                route_key,
                function,
            });
        }
        Ok(Self {
            routes: Routes::new(api.routes)?,
            functions,
            stage_variables: api.stage_variables,
            keys: KeySource::default(),
            logs,
        })
    }

    /// Answers one request, as API Gateway does.
    pub async fn handle(&self, request: Request, source_ip: IpAddr) -> Response<Body> {
        let request_id = request_id();
        let mut response = self.answer(request, source_ip, &request_id).await;
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }

    async fn answer(
        &self,
        request: Request,
        source_ip: IpAddr,
        request_id: &str,
    ) -> Response<Body> {
        let (head, body) = request.into_parts();
        let Some(matched) = self.routes.find(&head.method, head.uri.path()) else {
            return reply::message(StatusCode::NOT_FOUND, "Not Found");
        };
        let identity = match self.authorize(&matched, &head.headers).await {
            Ok(identity) => identity,
            Err(denial) => return denied(&denial),
        };
        let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
            return reply::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let context = EventContext {
            request_id,
            source_ip,
            route_key: &matched.route.route_key,
            path_parameters: &matched.path_parameters,
            stage_variables: &self.stage_variables,
            identity: identity.as_ref(),
        };
        let event = event::build(&head, &body, &context);
        let Some(function) = self.functions.get(&matched.route.function) else {
            return reply::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        };
        let timeout = matched.route.timeout;
        match tokio::time::timeout(timeout, function.invoke(event)).await {
            Ok(Ok(value)) => reply::from_function(value).unwrap_or_else(|problem| {
                self.log(function, &problem);
                reply::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }),
            Ok(Err(error)) => {
                self.log(function, &error.to_string());
                failed(&error)
            }
            Err(_) => {
                self.log(function, &late(timeout));
                reply::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        }
    }

    async fn authorize(
        &self,
        matched: &Match<'_>,
        headers: &axum::http::HeaderMap,
    ) -> Result<Option<Identity>, Denial> {
        match &matched.route.authorizer {
            None => Ok(None),
            Some(authorizer) => {
                authorizer::authorize(&self.keys, authorizer, &matched.route.scopes, headers)
                    .await
                    .map(Some)
            }
        }
    }

    fn log(&self, function: &Function, problem: &str) {
        (self.logs)(function.name(), &format!("ERROR {problem}"));
    }
}

/// What a failed invocation looks like from outside. A function's own timeout is a 503 once API Gateway's own wait is
/// over, a 500 before.
fn failed(error: &InvokeError) -> Response<Body> {
    match error {
        InvokeError::Timeout
        | InvokeError::Crashed { .. }
        | InvokeError::Init { .. }
        | InvokeError::Function(_) => {
            reply::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
        InvokeError::Throttled => {
            reply::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        InvokeError::PayloadTooLarge => {
            reply::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
        }
    }
}

fn denied(denial: &Denial) -> Response<Body> {
    let (status, message) = match denial {
        Denial::MissingToken | Denial::InvalidToken(_) => {
            (StatusCode::UNAUTHORIZED, "Unauthorized")
        }
        Denial::InsufficientScope(_) => (StatusCode::FORBIDDEN, "Forbidden"),
    };
    let mut response = reply::message(status, message);
    if let Ok(challenge) = HeaderValue::from_str(&denial.challenge()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn late(timeout: Duration) -> String {
    format!(
        "no answer within the integration's {} s",
        timeout.as_secs_f64()
    )
}

/// Of the form of API Gateway's extended request ids, such as `JKJaXmPLvHcESHA=`.
fn request_id() -> String {
    URL_SAFE.encode(rand::random::<[u8; 11]>())
}
