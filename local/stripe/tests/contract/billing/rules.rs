//! What a subscription's state lets happen to it, and what is given back.

use serde_json::{Value, json};

use super::{Customer, DAY, HOUR, period};
use crate::support::id;

// 30 days long.
const START: &str = "2027-04-01T00:00:00Z";

fn item(subscription: &Value) -> String {
    id(&subscription["items"]["data"][0])
}

async fn balance(ada: &Customer) -> i64 {
    let customer = ada
        .stripe
        .get(&format!("/v1/customers/{}", ada.id))
        .await
        .ok();
    customer["balance"].as_i64().unwrap()
}

async fn charged(ada: &Customer) -> i64 {
    let charges = ada
        .stripe
        .get(&format!("/v1/charges?customer={}", ada.id))
        .await
        .ok();
    let paid = charges["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["paid"] == true);
    paid.map(|it| it["amount"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn ending_a_trial_that_is_over_changes_nothing() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let after = ada.update(&subscription, "trial_end=now").await;
    assert_eq!(period(&after), period(&subscription));
    ada.advance(period(&subscription).1 + HOUR).await;
    assert_eq!(charged(&ada).await, 2000);
}

#[tokio::test]
async fn a_trial_given_to_a_subscriber_gives_back_what_is_left() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let (start, _) = period(&subscription);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let late = format!("trial_end={}", start + 800 * DAY);
    ada.stripe
        .post(&path, &late)
        .await
        .check_error(400, None, Some("trial_end"));
    let trial = ada
        .update(&subscription, &format!("trial_end={}", start + 15 * DAY))
        .await;
    assert_eq!(
        (&trial["status"], period(&trial)),
        (&json!("trialing"), (start, start + 15 * DAY))
    );
    ada.advance(start + 15 * DAY + HOUR).await;
    let renewal = ada.invoices().await.pop().unwrap();
    assert_eq!((&renewal["total"], charged(&ada).await), (&json!(0), 1000));
}

#[tokio::test]
async fn an_incomplete_subscription_cannot_be_changed_into_a_paid_one() {
    let ada = Customer::at(START, "pm_card_chargeCustomerFail").await;
    let subscription = ada.subscribe("").await;
    let start = period(&subscription).0;
    let cheap = ada.price(100, "month").await;
    ada.pay_with("pm_card_visa").await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    for form in [
        format!(
            "items[0][id]={}&items[0][price]={cheap}&proration_behavior=always_invoice",
            item(&subscription)
        ),
        format!("trial_end={}", start + 30 * DAY),
        "billing_cycle_anchor=now".to_owned(),
        "cancel_at_period_end=true".to_owned(),
    ] {
        ada.stripe
            .post(&path, &form)
            .await
            .check_error(400, None, None);
    }
    let form = format!("subscription={}&price={cheap}", id(&subscription));
    ada.stripe
        .post("/v1/subscription_items", &form)
        .await
        .check_error(400, None, None);
    ada.update(&subscription, "metadata[a]=b").await;
    assert_eq!(
        ada.subscription(&subscription).await["status"],
        "incomplete"
    );
    // Nothing was paid, so nothing is given back.
    ada.stripe
        .delete_with(&path, "prorate=true&invoice_now=true")
        .await
        .ok();
    assert_eq!((balance(&ada).await, charged(&ada).await), (0, 0));
}

#[tokio::test]
async fn a_paused_subscription_is_not_billed_and_resumes_once() {
    let ada = Customer::at(START, "").await;
    let subscription = ada
        .subscribe(
            "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]=pause",
        )
        .await;
    ada.advance(subscription["trial_end"].as_i64().unwrap() + DAY)
        .await;
    ada.pay_with("pm_card_chargeCustomerFail").await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    for form in ["billing_cycle_anchor=now", "cancel_at_period_end=true"] {
        ada.stripe
            .post(&path, form)
            .await
            .check_error(400, None, None);
    }
    let resume = format!("{path}/resume");
    assert_eq!(ada.stripe.post(&resume, "").await.ok()["status"], "paused");
    ada.pay_with("pm_card_visa").await;
    assert_eq!(ada.stripe.post(&resume, "").await.ok()["status"], "active");
    ada.advance(subscription["trial_end"].as_i64().unwrap() + 9 * DAY)
        .await;
    assert_eq!(charged(&ada).await, 1000);
    let statuses: Vec<Value> = ada
        .invoices()
        .await
        .iter()
        .map(|it| it["status"].clone())
        .collect();
    assert_eq!(statuses, ["paid", "void", "paid"]);
}

#[tokio::test]
async fn a_resumption_that_is_not_paid_within_23_hours_is_voided() {
    let ada = Customer::at(START, "").await;
    let subscription = ada
        .subscribe(
            "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]=pause",
        )
        .await;
    let end = subscription["trial_end"].as_i64().unwrap();
    ada.advance(end + DAY).await;
    ada.pay_with("pm_card_chargeCustomerFail").await;
    ada.stripe
        .post(
            &format!("/v1/subscriptions/{}/resume", id(&subscription)),
            "",
        )
        .await
        .ok();
    ada.advance(end + 2 * DAY).await;
    assert_eq!(ada.invoices().await.pop().unwrap()["status"], "void");
    assert_eq!(ada.subscription(&subscription).await["status"], "paused");
}

#[tokio::test]
async fn only_what_was_billed_is_given_back() {
    let cancel = "prorate=true&invoice_now=true";
    let new = |ada: &Customer, coupon: &str| {
        format!("&discounts[0][coupon]={coupon}&metadata[c]={}", ada.id)
    };

    // Nothing was paid with a coupon for all of it.
    let ada = Customer::at(START, "pm_card_visa").await;
    let coupon = id(&ada
        .stripe
        .post("/v1/coupons", "percent_off=100&duration=once")
        .await
        .ok());
    let free = ada.subscribe(&new(&ada, &coupon)).await;
    ada.stripe
        .delete_with(&format!("/v1/subscriptions/{}", id(&free)), cancel)
        .await
        .ok();
    assert_eq!((charged(&ada).await, balance(&ada).await), (0, 0));

    // A dearer plan that was not paid for is not given back, either.
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let pro = ada.price(3000, "month").await;
    ada.update(
        &subscription,
        &format!(
            "items[0][id]={}&items[0][price]={pro}&proration_behavior=none",
            item(&subscription)
        ),
    )
    .await;
    ada.advance(period(&subscription).0 + 15 * DAY).await;
    ada.stripe
        .delete_with(&format!("/v1/subscriptions/{}", id(&subscription)), cancel)
        .await
        .ok();
    assert_eq!(balance(&ada).await, -500);

    // A discount that came later takes nothing off what was paid.
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let coupon = id(&ada
        .stripe
        .post("/v1/coupons", "percent_off=50&duration=forever")
        .await
        .ok());
    ada.update(&subscription, &format!("discounts[0][coupon]={coupon}"))
        .await;
    ada.advance(period(&subscription).0 + 15 * DAY).await;
    ada.stripe
        .delete_with(&format!("/v1/subscriptions/{}", id(&subscription)), cancel)
        .await
        .ok();
    assert_eq!(balance(&ada).await, -500);
}

#[tokio::test]
async fn several_changes_in_one_period_add_up() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let (start, end) = period(&subscription);
    let (pro, max) = (
        ada.price(3000, "month").await,
        ada.price(6000, "month").await,
    );
    for (day, price) in [(10, &pro), (20, &max)] {
        ada.advance(start + day * DAY).await;
        ada.update(
            &subscription,
            &format!(
                "items[0][id]={}&items[0][price]={price}",
                item(&subscription)
            ),
        )
        .await;
    }
    ada.advance(end + HOUR).await;
    // A third of each of the three prices, less what was paid, and the next month.
    let renewal = ada.invoices().await.pop().unwrap();
    let total = renewal["total"].as_i64().unwrap();
    assert!(
        (total - (333 + 1000 + 2000 - 1000 + 6000)).abs() <= 1,
        "{total}"
    );
}

#[tokio::test]
async fn a_coupon_for_once_is_used_by_the_first_charge_it_takes_something_off() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let coupon = id(&ada
        .stripe
        .post("/v1/coupons", "percent_off=50&duration=once")
        .await
        .ok());
    let subscription = ada
        .subscribe(&format!(
            "&trial_period_days=7&discounts[0][coupon]={coupon}"
        ))
        .await;
    let discount = &subscription["discounts"][0];
    assert!(discount.is_string(), "the free invoice does not use it");
    let events = ada
        .stripe
        .get("/v1/events?type=customer.discount.created")
        .await
        .ok();
    assert_eq!(
        events["data"][0]["data"]["object"]["subscription"],
        subscription["id"]
    );
    let end = subscription["trial_end"].as_i64().unwrap();
    ada.advance(end + HOUR).await;
    assert_eq!(ada.invoices().await.pop().unwrap()["amount_paid"], 500);
    assert_eq!(
        ada.subscription(&subscription).await["discounts"],
        json!([])
    );
    ada.advance(end + 32 * DAY).await;
    assert_eq!(ada.invoices().await.pop().unwrap()["amount_paid"], 1000);
}

#[tokio::test]
async fn an_older_invoice_does_not_make_a_paid_subscription_past_due() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let end = period(&subscription).1;
    ada.pay_with("pm_card_chargeCustomerFail").await;
    ada.advance(end + HOUR).await;
    assert_eq!(ada.subscription(&subscription).await["status"], "past_due");
    ada.pay_with("pm_card_visa").await;
    let pro = ada.price(3000, "month").await;
    let form = format!(
        "items[0][id]={}&items[0][price]={pro}&proration_behavior=always_invoice",
        item(&subscription)
    );
    assert_eq!(ada.update(&subscription, &form).await["status"], "active");
    ada.pay_with("pm_card_chargeCustomerFail").await;
    ada.advance(end + 3 * DAY).await;
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
}

#[tokio::test]
async fn a_subscription_ends_at_the_end_of_a_period() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let (start, end) = period(&subscription);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    for (at, further) in [
        (start + 10 * DAY, ""),
        (start + 45 * DAY, "&proration_behavior=none"),
    ] {
        let reply = ada
            .stripe
            .post(&path, &format!("cancel_at={at}{further}"))
            .await;
        reply.check_error(400, None, Some("cancel_at"));
    }
    for (at, further) in [
        (end, ""),
        (start + 10 * DAY, "&proration_behavior=none"),
        (start + 61 * DAY, ""),
    ] {
        let ending = ada
            .update(&subscription, &format!("cancel_at={at}{further}"))
            .await;
        assert_eq!(ending["cancel_at"], at);
    }
    ada.advance(start + 70 * DAY).await;
    let ended = ada.subscription(&subscription).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(start + 61 * DAY))
    );
    assert_eq!(charged(&ada).await, 2000);
}

#[tokio::test]
async fn a_subscription_that_is_to_end_says_so_from_its_creation_on() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("&cancel_at_period_end=true").await;
    let events = ada
        .stripe
        .get("/v1/events?type=customer.subscription.created")
        .await
        .ok();
    let created = &events["data"][0]["data"]["object"];
    assert_eq!(created["cancel_at"], subscription["cancel_at"]);
    assert_eq!(created["cancel_at"], period(&subscription).1);
}

#[tokio::test]
async fn the_same_price_comes_once_in_a_subscription() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let price = subscription["items"]["data"][0]["price"]["id"]
        .as_str()
        .unwrap();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let reply = ada
        .stripe
        .post(&path, &format!("items[0][price]={price}"))
        .await;
    reply.check_error(400, None, Some("items"));
}

#[tokio::test]
async fn a_trial_that_is_ended_now_without_a_card_does_what_was_chosen() {
    for (behavior, status) in [("pause", "paused"), ("cancel", "canceled")] {
        let ada = Customer::at(START, "").await;
        let further = format!(
            "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]={behavior}"
        );
        let subscription = ada.subscribe(&further).await;
        assert_eq!(
            ada.update(&subscription, "trial_end=now").await["status"],
            status
        );
    }
}
