//! The gate: API Gateway asks it whether a request to a route behind it may pass, and it says so by who is calling, what they have, and what
//! the route needs. See docs/GATE.md.
//!
//! A Lambda authorizer of an HTTP API, payload format 2.0 with simple responses:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>.

mod decision;
mod request;
mod requirements;

use std::time::{Duration, Instant};

use access_token::{AccessToken, KeysError, TokenError, Verifier};
use billing::{App, Policy, Timestamp};
use lambda::metrics::{self, Unit};
use lambda::{AnswerError, Connections, Env, Function, StartError};
use store::{StoreError, Table};
use tracing::field::Empty;
use tracing::{Instrument, Span, error, info, info_span};

use decision::Decision;
pub use decision::{Answer, Context};
pub use request::Question;
use request::{InvalidRequest, Request};
pub use requirements::{InvalidRequirements, Requirements};

/// The function and its connections.
pub struct SubscriberAuthorizer {
    tokens: Verifier,
    table: Table,
    policy: Policy,
    requirements: Requirements,
}

/// Why nobody can say whether a request may pass. API Gateway answers 500.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// What came is not what API Gateway asks.
    #[error("not a question of API Gateway's")]
    Request(#[from] InvalidRequest),
    /// The sign-in's keys cannot be had, so no token can be looked at.
    #[error("the sign-in's keys cannot be had")]
    Keys(#[from] KeysError),
    /// The table gives no result.
    #[error("the table gives no result")]
    Store(#[from] StoreError),
}

impl Failure {
    /// The metric's outcome.
    fn code(&self) -> &'static str {
        match self {
            Self::Keys(_) => "keys_unavailable",
            Self::Store(StoreError::Unavailable { .. } | StoreError::Busy) => "store_unavailable",
            Self::Request(_) | Self::Store(_) => "internal_error",
        }
    }
}

impl Function for SubscriberAuthorizer {
    type Input = Question;
    type Answer = Answer;

    async fn start(env: &Env) -> Result<Self, StartError> {
        let app = env.parse("APP", |name| App::parse(name))?;
        let connections = Connections::from_env(env)?;
        let endpoint = aws::endpoint("COGNITO_IDENTITY_PROVIDER");
        let client_id = env.text("SIGN_IN_CLIENT_ID")?;
        let scope = format!("{app}/billing");
        let function = Self {
            tokens: env.parse("SIGN_IN_ISSUER", |issuer| {
                let http = connections.http().clone();
                Verifier::new(http, issuer, endpoint.as_deref(), client_id, &scope)
            })?,
            table: connections.table(env)?,
            policy: lambda::policy_from_env(env)?,
            requirements: env.parse("REQUIREMENTS", Requirements::parse)?,
        };
        // Now, rather than while somebody waits.
        if let Err(error) = function.tokens.prepare(lambda::now()).await {
            tracing::warn!(%error, "the sign-in's keys cannot be read yet");
        }
        Ok(function)
    }

    /// Says whether a request may pass. One log line, and one count, for each.
    ///
    /// # Errors
    /// Where nobody can say: the sign-in's keys or the table cannot be had, or this is no question of API Gateway's. Each of its waits ends by
    /// itself, the keys' after 1.5 s and DynamoDB's after 4 s, so that this is known well before API Gateway gives up.
    async fn answer(
        &self,
        question: Question,
        _: impl Fn() -> Duration + Copy + Send + Sync,
    ) -> Result<Answer, AnswerError> {
        let started = Instant::now();
        let request = Request::read(&question);
        let span = info_span!(
            "request",
            request_id = request.as_ref().ok().and_then(|it| it.id),
            route = request.as_ref().ok().map(|it| it.route_key),
            user.id = Empty,
            outcome = Empty,
            reason = Empty,
            line = Empty,
        );
        async {
            let decided = match request {
                Ok(request) => self.decide(&request, lambda::now()).await,
                Err(problem) => Err(problem.into()),
            };
            let outcome = match &decided {
                Ok(decision) => decision.outcome(),
                Err(failure) => failure.code(),
            };
            Span::current().record("outcome", outcome);
            metrics::put(&[("Outcome", outcome)], &[("Requests", Unit::Count, 1)]);
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            match decided {
                Ok(decision) => {
                    decision.note();
                    info!(duration_ms, "request");
                    Ok(decision.into())
                }
                Err(failure) => {
                    error!(
                        duration_ms,
                        error = lambda::with_causes(&failure),
                        "request"
                    );
                    Err(failure.into())
                }
            }
        }
        .instrument(span)
        .await
    }
}

impl SubscriberAuthorizer {
    async fn decide(&self, request: &Request<'_>, now: Timestamp) -> Result<Decision, Failure> {
        let token = match self.tokens.verify(request.authorization, now).await {
            Ok(token) => token,
            Err(TokenError::Refused(refusal)) => return Ok(Decision::Refused(refusal)),
            Err(TokenError::NoKeys(error)) => return Err(error.into()),
        };
        let AccessToken { user, expires } = token;
        Span::current().record("user.id", user.as_str());
        let record = self.table.user(&user).await?;
        let requirement = self.requirements.of(request.route_key);
        Ok(decision::decide(
            user,
            expires,
            &record,
            requirement,
            self.policy,
            now,
        ))
    }
}
