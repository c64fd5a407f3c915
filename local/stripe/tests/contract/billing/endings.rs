//! How subscriptions end.

use serde_json::json;

use super::{Customer, DAY, period};
use crate::support::id;

const START: &str = "2027-03-10T00:00:00Z";

#[tokio::test]
async fn a_cancellation_at_the_periods_end_shows_by_billing_mode() {
    for (mode, at_period_end) in [("flexible", false), ("classic", true)] {
        let ada = Customer::at(START, "pm_card_visa").await;
        let subscription = ada.subscribe(&format!("&billing_mode[type]={mode}")).await;
        assert_eq!(subscription["billing_mode"]["type"], mode);
        let end = period(&subscription).1;
        let ending = ada.update(&subscription, "cancel_at_period_end=true").await;
        assert_eq!(
            (
                &ending["status"],
                &ending["cancel_at"],
                &ending["cancel_at_period_end"]
            ),
            (&json!("active"), &json!(end), &json!(at_period_end))
        );
        let going_on = ada
            .update(&subscription, "cancel_at_period_end=false")
            .await;
        assert_eq!(
            (&going_on["cancel_at"], &going_on["canceled_at"]),
            (&json!(null), &json!(null))
        );
        ada.update(&subscription, "cancel_at_period_end=true").await;
        let before = ada.stripe.event_types().await.len();
        ada.advance(end).await;
        let ended = ada.subscription(&subscription).await;
        assert_eq!(
            (&ended["status"], &ended["ended_at"]),
            (&json!("canceled"), &json!(end))
        );
        assert_eq!(ada.invoices().await.len(), 1, "no renewal");
        assert!(
            ada.events(before)
                .await
                .contains(&"customer.subscription.deleted".to_owned())
        );
    }
}

#[tokio::test]
async fn a_cancellation_now_can_give_back_what_is_left() {
    let ada = Customer::at("2027-04-01T00:00:00Z", "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    ada.advance(period(&subscription).0 + 15 * DAY).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let canceled = ada
        .stripe
        .delete_with(&path, "prorate=true&invoice_now=true")
        .await
        .ok();
    assert_eq!(canceled["status"], "canceled");
    let credit = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (&credit["total"], &canceled["latest_invoice"]),
        (&json!(-500), &credit["id"])
    );
    let customer = ada
        .stripe
        .get(&format!("/v1/customers/{}", ada.id))
        .await
        .ok();
    assert_eq!(customer["balance"], -500);
    ada.stripe
        .delete(&path)
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    ada.stripe
        .post(&path, "cancel_at_period_end=true")
        .await
        .check_error(400, None, None);
    ada.stripe.post(&path, "metadata[why]=left").await.ok();
}

#[tokio::test]
async fn deleting_a_clock_deletes_its_customers_and_ends_their_subscriptions() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let path = format!("/v1/test_helpers/test_clocks/{}", ada.clock);
    assert_eq!(ada.stripe.delete(&path).await.ok()["deleted"], true);
    ada.stripe
        .get(&path)
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    assert_eq!(ada.subscription(&subscription).await["status"], "canceled");
    let customer = ada
        .stripe
        .get(&format!("/v1/customers/{}", ada.id))
        .await
        .ok();
    assert_eq!(customer["deleted"], true);
}
