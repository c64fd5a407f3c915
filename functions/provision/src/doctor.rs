//! `cargo xtask doctor`: is everything as it must be? Changes nothing.

use std::time::{Duration, SystemTime};

use http::{Request, header};
use http_body_util::Full;
use lambda::with_causes;
use payments::webhook::{TOLERANCE, sign};
use payments::{PERMISSIONS, StripeError};
use secrets::{Signing, SigningSecret};
use serde::Serialize;

use crate::{Doing, Provision, ProvisionError, offers};

/// Half of what a signature may be off.
const CLOCK_WARNING: u64 = TOLERANCE.unsigned_abs() / 2;
const ONE_TRY: Duration = Duration::from_secs(20);
/// The webhook reads its secrets again at most once in ten seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// What only a person can look at.
const BY_HAND: [(&str, &str); 4] = [
    (
        "failed payments",
        "Billing → Revenue recovery: after the last retry, cancel the subscription or mark it unpaid; let Stripe send mails about failed payments",
    ),
    (
        "mails about trials and renewals",
        "Settings → Billing → Subscriptions and emails: a mail before a trial ends, and before a yearly renewal",
    ),
    (
        "branding",
        "Settings → Branding: icon and colours, which Checkout and the portal show",
    ),
    (
        "public details",
        "Settings → Business → Public details: name, support address, statement descriptor",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Problem,
    ByHand,
}

/// What was looked at, and what was found.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    check: String,
    state: State,
    detail: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, check: &str, state: State, detail: impl Into<String>) {
        self.0.push(Finding {
            check: check.to_owned(),
            state,
            detail: detail.into(),
        });
    }

    /// What could not be looked at is a problem.
    fn add_result(&mut self, check: &str, result: Result<(State, String), ProvisionError>) {
        match result {
            Ok((state, detail)) => self.add(check, state, detail),
            Err(error) => self.add(check, State::Problem, error.to_string()),
        }
    }
}

fn fine(detail: impl Into<String>) -> Result<(State, String), ProvisionError> {
    Ok((State::Ok, detail.into()))
}

fn wrong(detail: impl Into<String>) -> Result<(State, String), ProvisionError> {
    Ok((State::Problem, detail.into()))
}

impl Provision {
    pub(crate) async fn examine(&self) -> Vec<Finding> {
        let mut findings = Findings::default();
        let can_ask = self.examine_key(&mut findings).await;
        if can_ask {
            self.examine_permissions(&mut findings).await;
            findings.add_result("webhook endpoint", self.examine_endpoint().await);
        }
        findings.add_result("signing secrets", self.examine_secrets().await);
        if can_ask {
            findings.add_result("customer portal", self.examine_portal().await);
            findings.add_result("plans in Stripe", self.examine_plans().await);
        }
        findings.add_result("plans in the table", self.examine_table().await);
        for (check, where_to) in BY_HAND {
            findings.add(check, State::ByHand, where_to);
        }
        findings.0
    }

    /// Whether there is a key to ask anything else with.
    async fn examine_key(&self, findings: &mut Findings) -> bool {
        if let Err(error) = self.stripe.prepare().await {
            findings.add("Stripe's key", State::Problem, with_causes(&error));
            return false;
        }
        match self.stripe.clock().await {
            Ok(theirs) => {
                let mode = self.stripe.mode();
                let detail = format!(
                    "{mode} mode, as the publishable key ({})",
                    shortened(&self.publishable_key)
                );
                findings.add("Stripe's key", State::Ok, detail);
                match theirs.map(seconds_off) {
                    Some(off) => {
                        let state = if off < CLOCK_WARNING {
                            State::Ok
                        } else {
                            State::Problem
                        };
                        let detail =
                            format!("{off} s from Stripe's; signatures hold for {TOLERANCE} s");
                        findings.add("clock", state, detail);
                    }
                    None => findings.add("clock", State::Warning, "Stripe does not tell its time"),
                }
                true
            }
            Err(StripeError::Api { status: 401, .. }) => {
                findings.add(
                    "Stripe's key",
                    State::Problem,
                    "Stripe refuses it: it is wrong, or was revoked",
                );
                false
            }
            Err(error) => {
                findings.add("Stripe's key", State::Problem, with_causes(&error));
                false
            }
        }
    }

    async fn examine_permissions(&self, findings: &mut Findings) {
        let mut missing = Vec::new();
        for permission in &PERMISSIONS {
            match self.stripe.has(permission).await {
                Ok(true) => {}
                Ok(false) => missing.push(permission.to_string()),
                Err(error) => {
                    findings.add("the key's permissions", State::Problem, with_causes(&error));
                    return;
                }
            }
        }
        match &missing[..] {
            [] => findings.add(
                "the key's permissions",
                State::Ok,
                format!("all {}", PERMISSIONS.len()),
            ),
            missing => findings.add(
                "the key's permissions",
                State::Problem,
                format!("missing: {}", missing.join(", ")),
            ),
        }
    }

    async fn examine_endpoint(&self) -> Result<(State, String), ProvisionError> {
        let stored = Signing::read(&self.vault).await?;
        let ours = self.our_endpoints().await?;
        let Some(current) = &stored.current else {
            return wrong("none is stored; deploy again, or cargo xtask doctor --repair");
        };
        let Some(endpoint) = ours.iter().find(|it| it.id == current.endpoint) else {
            return wrong(format!(
                "{} is not in Stripe any more; --repair makes another",
                current.endpoint
            ));
        };
        let id = &endpoint.id;
        if !endpoint.has_our_version() {
            let has = endpoint.api_version.as_deref().unwrap_or("the account's");
            return wrong(format!(
                "{id} has version {has}, not {}; --repair replaces it",
                payments::api_version()
            ));
        }
        if !self.is_as_it_is_to_be(endpoint) {
            return wrong(format!(
                "{id} is disabled, or has other events or another address; --repair mends it"
            ));
        }
        if let Some(stray) = ours.iter().find(|it| !stored.knows(&it.id)) {
            return Ok((
                State::Warning,
                format!(
                    "{} is ours too, but its secret is not stored; --repair takes it away",
                    stray.id
                ),
            ));
        }
        let is_there = |it: &SigningSecret| ours.iter().any(|endpoint| endpoint.id == it.endpoint);
        if stored.previous.as_ref().is_some_and(is_there) {
            return Ok((
                State::Warning,
                format!(
                    "{id}, in rotation: finish it by cargo xtask rotate-webhook-secret --finish"
                ),
            ));
        }
        fine(format!(
            "{id}, version {}, {} types of events",
            payments::api_version(),
            endpoint.enabled_events.len()
        ))
    }

    /// Whether the webhook takes what is signed with each of the stored secrets, through the front door.
    async fn examine_secrets(&self) -> Result<(State, String), ProvisionError> {
        let stored = Signing::read(&self.vault).await?;
        let mut count = 0;
        for secret in stored.all() {
            match self.deliver(secret).await {
                Ok(true) => {}
                // It may not have read a new one yet.
                Ok(false) if self.await_acceptance(secret).await.is_ok() => {}
                Ok(false) => {
                    return wrong(format!(
                        "the webhook refuses what is signed with the secret of {}",
                        secret.endpoint
                    ));
                }
                Err(problem) => {
                    return wrong(format!(
                        "{} does not answer as it must: {problem}",
                        self.webhook_url
                    ));
                }
            }
            count += 1;
        }
        match count {
            0 => wrong("none is stored: every event is refused"),
            1 => fine("a signed event was taken"),
            _ => fine("events that are signed with either were taken"),
        }
    }

    async fn examine_portal(&self) -> Result<(State, String), ProvisionError> {
        let configuration = self.stripe.portal_configuration(self.app()).await;
        match configuration.map_err(Doing::Portal.failed())? {
            Some(it) if it.active => fine(it.id),
            Some(it) => wrong(format!("{} is not active; --repair mends it", it.id)),
            None => wrong("there is no configuration of ours; --repair makes it"),
        }
    }

    async fn examine_plans(&self) -> Result<(State, String), ProvisionError> {
        let plans = self.plans()?;
        let differences = offers::differences(&self.stripe, self.app(), &plans).await?;
        match &differences[..] {
            [] => fine(format!("{} plans as plans.toml says", plans.keys().count())),
            keys => wrong(format!(
                "not as plans.toml says: {}; --repair makes them so",
                keys.join(", ")
            )),
        }
    }

    async fn examine_table(&self) -> Result<(State, String), ProvisionError> {
        let catalogue = self.syncer.table().catalogue().await?.unwrap_or_default();
        let plans = self.plans()?;
        let on_offer: Vec<&str> = catalogue.plans.iter().map(|it| it.key.as_str()).collect();
        let missing: Vec<&str> = plans.keys().filter(|key| !on_offer.contains(key)).collect();
        if !missing.is_empty() {
            return wrong(format!(
                "missing: {}; --repair reads them from Stripe",
                missing.join(", ")
            ));
        }
        let more: Vec<&str> = on_offer
            .iter()
            .copied()
            .filter(|it| !plans.keys().any(|key| key == *it))
            .collect();
        match &more[..] {
            [] => fine(format!("{} plans on offer", on_offer.len())),
            more => Ok((
                State::Warning,
                format!(
                    "on offer, but not in plans.toml: {}; archive their prices in Stripe to end that",
                    more.join(", ")
                ),
            )),
        }
    }

    /// Waits until the webhook takes what is signed with this secret.
    pub(crate) async fn await_acceptance(
        &self,
        secret: &SigningSecret,
    ) -> Result<(), ProvisionError> {
        let accepted = async {
            while self.deliver(secret).await != Ok(true) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, accepted).await;
        waited.map_err(|_| ProvisionError::Rotation("the secrets are stored, but the webhook does not take one of them yet; see cargo xtask doctor"))
    }

    /// Sends the webhook an event of a type that means nothing to it. Whether it took the signature.
    async fn deliver(&self, secret: &SigningSecret) -> Result<bool, String> {
        let body = r#"{"object":"event","type":"tollgate.check","data":{"object":{}}}"#;
        let signature = sign(&secret.secret, lambda::now(), body.as_bytes());
        let request = Request::post(&self.webhook_url)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("stripe-signature", signature)
            .body(Full::from(body))
            .map_err(|error| error.to_string())?;
        let answer = self.http.send(request, ONE_TRY).await;
        match answer
            .map_err(|error| with_causes(&error))?
            .status()
            .as_u16()
        {
            200 => Ok(true),
            400 => Ok(false),
            status => Err(format!("it answered {status}")),
        }
    }
}

fn seconds_off(theirs: SystemTime) -> u64 {
    let now = SystemTime::now();
    let off = now
        .duration_since(theirs)
        .or_else(|_| theirs.duration_since(now));
    off.unwrap_or_default().as_secs()
}

/// Enough of a public key to tell it from another.
fn shortened(key: &str) -> String {
    let begin: String = key.chars().take(12).collect();
    format!("{begin}…")
}
