//! Payments that fail, are tried again, and recover or do not.

use serde_json::json;

use super::{Customer, DAY, HOUR, period};
use crate::support::id;

const START: &str = "2027-03-10T00:00:00Z";

#[tokio::test]
async fn a_failed_renewal_is_past_due_until_a_new_card_pays_it() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let end = period(&subscription).1;
    ada.pay_with("pm_card_chargeCustomerFail").await;
    let before = ada.stripe.event_types().await.len();
    ada.advance(end + HOUR).await;
    let late = ada.subscription(&subscription).await;
    assert_eq!(late["status"], "past_due");
    let invoice = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (
            &invoice["status"],
            &invoice["attempted"],
            &invoice["attempt_count"]
        ),
        (&json!("open"), &json!(true), &json!(1))
    );
    assert_eq!(invoice["next_payment_attempt"], end + HOUR + 2 * DAY);
    let events = ada.events(before).await;
    for expected in [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "customer.updated",
        "customer.subscription.updated",
    ] {
        assert!(
            events.iter().any(|it| it == expected),
            "{expected}: {events:?}"
        );
    }

    ada.pay_with("pm_card_visa").await;
    let path = format!("/v1/invoices/{}/pay", id(&invoice));
    let paid = ada.stripe.post(&path, "").await.ok();
    assert_eq!(
        (&paid["status"], &paid["amount_remaining"]),
        (&json!("paid"), &json!(0))
    );
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
    let customer = ada
        .stripe
        .get(&format!("/v1/customers/{}", ada.id))
        .await
        .ok();
    assert_eq!(customer["delinquent"], false);
    ada.stripe
        .post(&path, "")
        .await
        .check_error(400, None, None);
}

#[tokio::test]
async fn a_retry_with_a_good_card_recovers_by_itself() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let end = period(&subscription).1;
    ada.pay_with("pm_card_chargeCustomerFail").await;
    ada.advance(end + HOUR).await;
    ada.pay_with("pm_card_visa").await;
    ada.advance(end + 3 * DAY).await;
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
    let invoice = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (&invoice["status"], &invoice["attempt_count"]),
        (&json!("paid"), &json!(2))
    );
}

#[tokio::test]
async fn after_the_last_of_eight_tries_the_setting_decides() {
    for (setting, status) in [
        ("cancel", "canceled"),
        ("unpaid", "unpaid"),
        ("past_due", "past_due"),
    ] {
        let ada = Customer::at(START, "pm_card_visa").await;
        ada.stripe
            .knob("/_local/billing", json!({ "after_retries": setting }))
            .await;
        let subscription = ada.subscribe("").await;
        let end = period(&subscription).1;
        ada.pay_with("pm_card_chargeCustomerFail").await;
        ada.advance(end + 14 * DAY).await;
        assert_eq!(ada.subscription(&subscription).await["status"], "past_due");
        ada.advance(end + 15 * DAY).await;
        let ended = ada.subscription(&subscription).await;
        assert_eq!(ended["status"], status);
        let invoice = ada.invoices().await.pop().unwrap();
        assert_eq!(
            (&invoice["status"], &invoice["attempt_count"]),
            (&json!("open"), &json!(8))
        );
        assert!(invoice["next_payment_attempt"].is_null());
        if status == "canceled" {
            assert_eq!(ended["cancellation_details"]["reason"], "payment_failed");
            assert_eq!(invoice["auto_advance"], false);
        }
        if status == "unpaid" {
            // Its renewals are drafts that nobody collects, and paying the latest invoice brings it back.
            ada.advance(end + 40 * DAY).await;
            let draft = ada.invoices().await.pop().unwrap();
            assert_eq!(
                (&draft["status"], &draft["auto_advance"]),
                (&json!("draft"), &json!(false))
            );
            let pay = format!("/v1/invoices/{}/pay", id(&draft));
            ada.stripe
                .post(&pay, "payment_method=pm_card_visa")
                .await
                .ok();
            assert_eq!(ada.subscription(&subscription).await["status"], "active");
        }
    }
}

#[tokio::test]
async fn a_first_payment_that_fails_leaves_an_incomplete_subscription_for_23_hours() {
    let ada = Customer::at(START, "pm_card_chargeCustomerFail").await;
    let subscription = ada.subscribe("").await;
    assert_eq!(subscription["status"], "incomplete");
    let first = ada.invoices().await.pop().unwrap();
    assert!(first["next_payment_attempt"].is_null(), "{first}");
    let start = period(&subscription).0;
    ada.advance(start + 22 * HOUR).await;
    assert_eq!(
        ada.subscription(&subscription).await["status"],
        "incomplete"
    );
    ada.advance(start + 23 * HOUR).await;
    assert_eq!(
        ada.subscription(&subscription).await["status"],
        "incomplete_expired"
    );
    let invoice = ada.invoices().await.pop().unwrap();
    assert_eq!(invoice["status"], "void");
    let intents = ada
        .stripe
        .get(&format!("/v1/payment_intents?customer={}", ada.id))
        .await
        .ok();
    assert_eq!(intents["data"][0]["status"], "canceled");
}

#[tokio::test]
async fn paying_its_first_invoice_completes_a_subscription() {
    let ada = Customer::at(START, "pm_card_chargeCustomerFail").await;
    let subscription = ada.subscribe("").await;
    let pay = format!(
        "/v1/invoices/{}/pay",
        subscription["latest_invoice"].as_str().unwrap()
    );
    ada.stripe
        .post(&pay, "")
        .await
        .check_error(402, Some("card_declined"), None);
    ada.stripe
        .post(&pay, "payment_method=pm_card_visa")
        .await
        .ok();
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
}

#[tokio::test]
async fn a_payment_that_must_succeed_leaves_nothing_when_it_fails() {
    let ada = Customer::at(START, "pm_card_chargeCustomerFail").await;
    let price = ada.price(1000, "month").await;
    let form = format!(
        "customer={}&items[0][price]={price}&payment_behavior=error_if_incomplete",
        ada.id
    );
    let before = ada.stripe.event_types().await.len();
    let reply = ada.stripe.post("/v1/subscriptions", &form).await;
    reply.check_error(402, Some("card_declined"), None);
    assert!(ada.invoices().await.is_empty());
    assert!(ada.events(before).await.is_empty());
}

#[tokio::test]
async fn without_a_payment_method_there_is_no_subscription_unless_it_may_be_incomplete() {
    let ada = Customer::at(START, "").await;
    let price = ada.price(1000, "month").await;
    let form = format!("customer={}&items[0][price]={price}", ada.id);
    let reply = ada.stripe.post("/v1/subscriptions", &form).await;
    reply.check_error(400, Some("resource_missing"), None);
    let form = format!(
        "{form}&payment_behavior=default_incomplete&expand[]=latest_invoice.confirmation_secret"
    );
    let subscription = ada.stripe.post("/v1/subscriptions", &form).await.ok();
    assert_eq!(subscription["status"], "incomplete");
    let secret = &subscription["latest_invoice"]["confirmation_secret"];
    assert_eq!(secret["type"], "payment_intent");
    assert!(secret["client_secret"].as_str().unwrap().starts_with("pi_"));
}
