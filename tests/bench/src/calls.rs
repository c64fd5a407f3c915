//! What a function asks of others, once and in each request.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use local_stack::lambda::{Function, FunctionConfig};
use serde::{Deserialize, Serialize};
use stack_tests::Tap;

use crate::world::{Services, World, ensure_let_in};

/// DynamoDB's and Secrets Manager's operations by name, Stripe's and the sign-in's requests as `GET /path`, with `…` for ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Once in the life of an instance: at init, beside the first request, or in it.
    pub once: Vec<String>,
    /// In each request.
    pub request: Vec<String>,
}

/// Looks on while the function starts and answers, and in its second request, which has nothing to make up for.
pub async fn of(world: &World, function: &str, functions: &Path) -> Result<Calls> {
    let taps = [
        Tap::before(&world.plain.dynamodb).await?,
        Tap::before(&world.plain.secrets).await?,
        Tap::before(&world.plain.stripe).await?,
        Tap::before(&world.plain.sign_in).await?,
    ];
    let seen = || {
        let mut all: Vec<String> = taps.iter().flat_map(Tap::seen).map(without_ids).collect();
        all.sort();
        all
    };
    let [dynamodb, secrets, stripe, sign_in] = taps.each_ref().map(|tap| tap.url.clone());
    let mut config =
        FunctionConfig::new(functions.join(function)).timeout(Duration::from_secs(120));
    config.env = world.environment_at(&Services {
        dynamodb,
        secrets,
        stripe,
        sign_in,
    });
    let lambda = Function::new(config);
    ensure_let_in(function, &lambda.invoke(world.request(function)?).await?)?;
    let mut once = seen();
    ensure_let_in(function, &lambda.invoke(world.request(function)?).await?)?;
    let request = seen();
    lambda.shutdown().await;
    for call in &request {
        if let Some(at) = once.iter().position(|it| it == call) {
            once.remove(at);
        }
    }
    Ok(Calls { once, request })
}

/// `/v1/checkout/sessions/cs_test_a1` is the same call for every session.
fn without_ids(call: String) -> String {
    let is_id = |part: &str| {
        let (prefix, rest) = part.split_once('_').unwrap_or_default();
        !prefix.is_empty() && rest.len() >= 8 && rest.bytes().any(|it| it.is_ascii_digit())
    };
    let parts = call
        .split('/')
        .map(|part| if is_id(part) { "…" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_left_out() {
        let check = |call: &str, expected: &str| assert_eq!(without_ids(call.to_owned()), expected);
        check(
            "GET /v1/checkout/sessions/cs_test_a1B2c3D4e5",
            "GET /v1/checkout/sessions/…",
        );
        check("GET /v1/webhook_endpoints", "GET /v1/webhook_endpoints");
        check("GetItem", "GetItem");
    }
}
