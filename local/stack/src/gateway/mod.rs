//! API Gateway's part: an HTTP API with JWT and Lambda authorizers and Lambda proxy integrations, payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>

mod authorizer;
mod event;
mod keys;
mod lambda_authorizer;
mod reply;
mod routes;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use crate::lambda::{Function, InvokeError, LogSink};
use crate::template::{ApiSpec, AuthorizerSpec, RouteSpec};
use authorizer::Denial;
use event::{EventContext, Identity};
use keys::KeySource;
use lambda_authorizer::{LambdaAuthorizers, Refusal};
use routes::Routes;

const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// The HTTP API.
pub struct Gateway {
    routes: Routes,
    functions: BTreeMap<String, Function>,
    stage_variables: BTreeMap<String, String>,
    keys: KeySource,
    lambda_authorizers: LambdaAuthorizers,
    logs: LogSink,
}

/// A problem of the API's description.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A route key that is neither `$default` nor `METHOD /path`.
    #[error("{0} is not a route key: it must be `$default` or a method and a path")]
    RouteKey(String),
    /// A route whose function, or whose authorizer's, is not there.
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
        for route in &api.routes {
            for function in functions_of(route) {
                if !functions.contains_key(function) {
                    return Err(GatewayError::NoFunction {
                        route_key: route.route_key.clone(),
                        function: function.to_owned(),
                    });
                }
            }
        }
        Ok(Self {
            routes: Routes::new(api.routes)?,
            functions,
            stage_variables: api.stage_variables,
            keys: KeySource::default(),
            lambda_authorizers: LambdaAuthorizers::default(),
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
        let mut context = EventContext {
            request_id,
            source_ip,
            route_key: &matched.route.route_key,
            path_parameters: &matched.path_parameters,
            stage_variables: &self.stage_variables,
            identity: None,
        };
        let identity = match self.authorize(matched.route, &head, &context).await {
            Ok(identity) => identity,
            Err(response) => return *response,
        };
        context.identity = identity.as_ref();
        let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
            return reply::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let event = event::build(&head, &body, &context);
        let Some(function) = self.functions.get(&matched.route.function) else {
            return internal_error();
        };
        let timeout = matched.route.timeout;
        match tokio::time::timeout(timeout, function.invoke(event)).await {
            Ok(Ok(value)) => reply::from_function(value).unwrap_or_else(|problem| {
                self.log(function, &problem);
                internal_error()
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

    /// What the route's authorizer says of who calls, or the answer to who does not get through.
    async fn authorize(
        &self,
        route: &RouteSpec,
        head: &Parts,
        context: &EventContext<'_>,
    ) -> Result<Option<Identity>, Box<Response<Body>>> {
        match &route.authorizer {
            None => Ok(None),
            Some(AuthorizerSpec::Jwt(spec)) => {
                let found =
                    authorizer::authorize(&self.keys, spec, &route.scopes, &head.headers).await;
                found
                    .map(|identity| Some(Identity::Jwt(identity)))
                    .map_err(|denial| Box::new(denied(&denial)))
            }
            Some(AuthorizerSpec::Lambda(spec)) => {
                let Some(function) = self.functions.get(&spec.function) else {
                    return Err(Box::new(internal_error()));
                };
                let asked = self
                    .lambda_authorizers
                    .authorize(spec, function, head, context);
                asked
                    .await
                    .map(|said| Some(Identity::Lambda(said)))
                    .map_err(|refusal| Box::new(self.refused(function, &refusal)))
            }
        }
    }

    fn refused(&self, function: &Function, refusal: &Refusal) -> Response<Body> {
        match refusal {
            Refusal::Unidentified => reply::message(StatusCode::UNAUTHORIZED, "Unauthorized"),
            Refusal::Forbidden => reply::message(StatusCode::FORBIDDEN, "Forbidden"),
            Refusal::Failed(problem) => {
                self.log(function, problem);
                internal_error()
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
        | InvokeError::Function(_) => internal_error(),
        InvokeError::Throttled => {
            reply::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        InvokeError::PayloadTooLarge => {
            reply::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
        }
    }
}

fn internal_error() -> Response<Body> {
    reply::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// Its own, and its Lambda authorizer's.
fn functions_of(route: &RouteSpec) -> impl Iterator<Item = &str> {
    let authorizer = match &route.authorizer {
        Some(AuthorizerSpec::Lambda(spec)) => Some(spec.function.as_str()),
        Some(AuthorizerSpec::Jwt(_)) | None => None,
    };
    [Some(route.function.as_str()), authorizer]
        .into_iter()
        .flatten()
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
