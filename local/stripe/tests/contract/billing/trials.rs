//! Trials, and what their end does.

use serde_json::json;

use super::{Customer, DAY, HOUR, period};
use crate::support::id;

const START: &str = "2027-03-10T00:00:00Z";

#[tokio::test]
async fn a_trial_ends_in_a_first_charge_an_hour_later() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("&trial_period_days=14").await;
    assert_eq!(subscription["status"], "trialing");
    let end = subscription["trial_end"].as_i64().unwrap();
    assert_eq!(period(&subscription).1, end);
    let first = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (&first["status"], &first["total"]),
        (&json!("paid"), &json!(0))
    );

    let before = ada.stripe.event_types().await.len();
    ada.advance(end - 3 * DAY).await;
    assert!(
        ada.events(before)
            .await
            .contains(&"customer.subscription.trial_will_end".to_owned())
    );
    ada.advance(end).await;
    let active = ada.subscription(&subscription).await;
    assert_eq!(active["status"], "active");
    assert_eq!(active["billing_cycle_anchor"], end);
    assert_eq!(period(&active).0, end);
    assert_eq!(ada.invoices().await.pop().unwrap()["status"], "draft");
    ada.advance(end + HOUR).await;
    let paid = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (&paid["status"], &paid["total"]),
        (&json!("paid"), &json!(1000))
    );
}

#[tokio::test]
async fn a_trial_that_ends_without_a_card_does_what_was_chosen() {
    for (behavior, status, event) in [
        ("pause", "paused", "customer.subscription.paused"),
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("create_invoice", "past_due", "invoice.payment_failed"),
    ] {
        let ada = Customer::at(START, "").await;
        let further = format!(
            "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]={behavior}"
        );
        let subscription = ada.subscribe(&further).await;
        let before = ada.stripe.event_types().await.len();
        ada.advance(subscription["trial_end"].as_i64().unwrap() + 2 * HOUR)
            .await;
        let after = ada.subscription(&subscription).await;
        assert_eq!(after["status"], status);
        let events = ada.events(before).await;
        assert!(
            events.iter().any(|it| it == event),
            "{behavior}: {events:?}"
        );
    }
}

#[tokio::test]
async fn a_paused_subscription_resumes_when_it_is_paid() {
    let ada = Customer::at(START, "").await;
    let subscription = ada
        .subscribe(
            "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]=pause",
        )
        .await;
    ada.advance(subscription["trial_end"].as_i64().unwrap() + DAY)
        .await;
    let resume = format!("/v1/subscriptions/{}/resume", id(&subscription));
    let reply = ada.stripe.post(&resume, "billing_cycle_anchor=now").await;
    reply.check_error(400, Some("resource_missing"), None);
    ada.pay_with("pm_card_visa").await;
    let before = ada.stripe.event_types().await.len();
    let resumed = ada
        .stripe
        .post(&resume, "billing_cycle_anchor=now")
        .await
        .ok();
    assert_eq!(resumed["status"], "active");
    assert_eq!(
        period(&resumed).0,
        subscription["trial_end"].as_i64().unwrap() + DAY
    );
    assert!(
        ada.events(before)
            .await
            .contains(&"customer.subscription.resumed".to_owned())
    );
    ada.stripe
        .post(&resume, "")
        .await
        .check_error(400, None, None);
}

#[tokio::test]
async fn a_trial_can_be_ended_now_or_later() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("&trial_period_days=14").await;
    let (start, end) = period(&subscription);
    let longer = ada
        .update(&subscription, &format!("trial_end={}", end + 5 * DAY))
        .await;
    assert_eq!(
        (&longer["status"], &longer["trial_end"]),
        (&json!("trialing"), &json!(end + 5 * DAY))
    );
    assert_eq!(period(&longer).1, end + 5 * DAY);
    ada.advance(start + DAY).await;
    let over = ada.update(&subscription, "trial_end=now").await;
    assert_eq!(
        (&over["status"], &over["trial_end"]),
        (&json!("active"), &json!(start + DAY))
    );
    assert_eq!(period(&over).0, start + DAY);
    let paid = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (&paid["status"], &paid["total"]),
        (&json!("paid"), &json!(1000))
    );
}
