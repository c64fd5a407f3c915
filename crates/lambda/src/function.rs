use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::process::run;
use crate::{AnswerError, Env, StartError};

/// A function that is not behind the HTTP API; one that is, is an `HttpFunction`.
pub trait Function: Sized + Send + Sync + 'static {
    /// What whoever calls it sends. What is not of this form is answered with an error before the function sees it.
    type Input: DeserializeOwned + Send;

    /// What whoever calls it gets.
    type Answer: Serialize;

    /// Reads the configuration and makes the connections, once, at init.
    ///
    /// # Errors
    /// [`StartError`], which names the variable that is missing or wrong.
    fn start(env: &Env) -> impl Future<Output = Result<Self, StartError>> + Send;

    /// Answers one call. `time_left` says how long it is until Lambda ends the function.
    ///
    /// # Errors
    /// [`AnswerError`]: whoever calls gets to read it, and Lambda may call again.
    fn answer(
        &self,
        input: Self::Input,
        time_left: impl Fn() -> Duration + Copy + Send + Sync,
    ) -> impl Future<Output = Result<Self::Answer, AnswerError>> + Send;
}

/// Runs a function until Lambda ends it.
pub fn serve<F: Function>() -> ExitCode {
    run(async |env| {
        let function = &F::start(&env).await?;
        let service = service_fn(move |event: LambdaEvent<F::Input>| {
            let deadline = event.context.deadline();
            let time_left = move || {
                deadline
                    .duration_since(SystemTime::now())
                    .unwrap_or_default()
            };
            // Boxed: what is in it is too deep for the compiler's recursion limit.
            let answer: Pin<Box<dyn Future<Output = _> + Send>> =
                Box::pin(function.answer(event.payload, time_left));
            answer
        });
        lambda_runtime::run(service).await
    })
}
