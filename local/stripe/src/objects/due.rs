//! When time next changes an object.

use serde_json::Value;

use super::{subscription, text};

/// How long a first payment may stay open before its subscription expires: 23 hours.
/// <https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses>
pub(crate) const INCOMPLETE_LIFETIME: i64 = 23 * 60 * 60;
/// How long before a trial ends `customer.subscription.trial_will_end` is sent.
pub(crate) const TRIAL_NOTICE: i64 = 3 * 24 * 60 * 60;
/// How long before a renewal `invoice.upcoming` is sent: Stripe's default setting.
pub(crate) const RENEWAL_NOTICE: i64 = 7 * 24 * 60 * 60;

/// When an object is to be looked at next, in seconds since the epoch on its clock; `None` if time does nothing to it.
pub(crate) fn due(body: &Value, private: &Value) -> Option<i64> {
    match text(body, "object") {
        "checkout.session" if body["status"] == "open" => body["expires_at"].as_i64(),
        "invoice" if body["status"] == "draft" => body["automatically_finalizes_at"].as_i64(),
        "invoice" if body["status"] == "open" => body["next_payment_attempt"].as_i64(),
        "subscription" => subscription_due(body, private),
        _ => None,
    }
}

fn subscription_due(body: &Value, private: &Value) -> Option<i64> {
    let period_end = subscription::first_period_end(body);
    let changes = match text(body, "status") {
        "incomplete" => body["created"]
            .as_i64()
            .map(|created| created + INCOMPLETE_LIFETIME),
        "canceled" | "incomplete_expired" => return None,
        "paused" => private["resuming_until"].as_i64(),
        "trialing" => notice(
            &private["trial_notice"],
            body["trial_end"].as_i64()?,
            TRIAL_NOTICE,
        ),
        _ => {
            let start = body["items"]["data"][0]["current_period_start"].as_i64()?;
            match period_end? {
                // A week is too short for a notice a week ahead.
                end if end - RENEWAL_NOTICE <= start => Some(end),
                end => notice(&private["renewal_notice"], end, RENEWAL_NOTICE),
            }
        }
    };
    let resumes = body["pause_collection"]["resumes_at"].as_i64();
    [changes, resumes, body["cancel_at"].as_i64()]
        .into_iter()
        .flatten()
        .min()
}

/// The time of the notice before `at`, and once that was sent, `at` itself.
fn notice(sent_for: &Value, at: i64, before: i64) -> Option<i64> {
    Some(if *sent_for == at { at } else { at - before })
}
