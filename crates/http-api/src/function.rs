use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lambda::metrics::{self, Unit};
use lambda::{Env, StartError};
use lambda_http::request::RequestContext;
use lambda_http::{RequestExt, service_fn};
use tracing::field::Empty;
use tracing::{Instrument, error, info, info_span, warn};

use crate::origin::Origin;
use crate::{Problem, Request, Response};

/// How long before Lambda ends the function we give up by ourselves, so that the caller gets an answer.
const RESERVE: Duration = Duration::from_millis(500);

/// What a request led to, in one of few words: an extension of the response, for the log and the metrics.
#[derive(Debug, Clone, Copy)]
pub struct Outcome(pub &'static str);

/// A function behind the HTTP API.
pub trait HttpFunction: Sized + Send + Sync + 'static {
    /// The metric that counts its requests by [`Outcome`] (`ok` where none is said) or by the code of the [`Problem`].
    const METRIC: &'static str = "Requests";

    /// Whether it is called through CloudFront; Stripe calls the API's own address.
    const BEHIND_CLOUDFRONT: bool = true;

    /// Reads the configuration and makes the connections, once, at init.
    ///
    /// # Errors
    /// [`StartError`], which names the variable that is missing or wrong.
    fn start(env: &Env) -> impl Future<Output = Result<Self, StartError>> + Send;

    /// Answers one request.
    ///
    /// # Errors
    /// [`Problem`]
    fn handle(&self, request: Request) -> impl Future<Output = Result<Response, Problem>> + Send;
}

/// Runs a function until Lambda ends it.
pub fn run<F: HttpFunction>() -> ExitCode {
    lambda::run(async |env| {
        let function = &F::start(&env).await?;
        let origin = &Origin::from_env(&env);
        let service = service_fn(move |request: Request| async move {
            Ok::<Response, lambda_http::Error>(answer(function, origin, request).await)
        });
        lambda_http::run(service).await
    })
}

/// One request, one log line.
async fn answer<F: HttpFunction>(function: &F, origin: &Origin, request: Request) -> Response {
    let started = Instant::now();
    let request_id = request.lambda_context().request_id;
    let span = info_span!(
        "request",
        request_id,
        route = route_key(&request),
        user.id = Empty,
        stripe.event = Empty,
        stripe.event_type = Empty,
        stripe.request_id = Empty,
        outcome = Empty,
    );
    async {
        let work = async {
            if F::BEHIND_CLOUDFRONT {
                origin.check(request.headers())?;
            }
            let left = time_left(&request);
            let handled = tokio::time::timeout(left, function.handle(request));
            handled.await.unwrap_or_else(|_| Err(Problem::timeout()))
        };
        let handled = work.await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match &handled {
            Ok(response) => response.extensions().get::<Outcome>().map(|it| it.0),
            Err(problem) => Some(problem.code()),
        };
        let dimensions = [("Outcome", outcome.unwrap_or("ok"))];
        metrics::put(&dimensions, &[(F::METRIC, Unit::Count, 1)]);
        match handled {
            Ok(response) => {
                tracing::Span::current().record("outcome", outcome);
                info!(status = response.status().as_u16(), duration_ms, "request");
                response
            }
            Err(problem) => {
                let (status, code) = (problem.status().as_u16(), problem.code());
                match problem.causes() {
                    Some(error) if status >= 500 => {
                        error!(status, code, duration_ms, error, "request")
                    }
                    Some(error) => warn!(status, code, duration_ms, error, "request"),
                    None => info!(status, code, duration_ms, "request"),
                }
                problem.into_response(&request_id)
            }
        }
    }
    .instrument(span)
    .await
}

fn route_key(request: &Request) -> Option<&str> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.route_key.as_deref(),
        _ => None,
    }
}

/// How long a function may take for a request, so that the caller gets an answer of ours.
#[must_use]
pub fn time_left(request: &Request) -> Duration {
    let deadline = UNIX_EPOCH
        + Duration::from_millis(
            request
                .lambda_context_ref()
                .map_or(0, |context| context.deadline),
        );
    deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .saturating_sub(RESERVE)
}
