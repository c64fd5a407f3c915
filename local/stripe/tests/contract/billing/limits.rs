//! What is refused at the edges of time and money, and what is left of what was deleted.

use serde_json::json;

use super::{Customer, DAY, HOUR, period, time};
use crate::support::{Stripe, id};

const START: &str = "2027-03-10T00:00:00Z";
const CLOCKS: &str = "/v1/test_helpers/test_clocks";

#[tokio::test]
async fn a_clock_stands_between_1970_and_the_year_9999() {
    let stripe = Stripe::start().await;
    for wrong in [
        "-1",
        "253402300800",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        let form = format!("frozen_time={wrong}");
        stripe.post(CLOCKS, &form).await.check_error(
            400,
            Some("parameter_invalid_integer"),
            Some("frozen_time"),
        );
    }
    let ada = Customer::at("9999-12-30T00:00:00Z", "pm_card_visa").await;
    let path = format!("{CLOCKS}/{}/advance", ada.clock);
    ada.stripe
        .post(&path, "frozen_time=253402300800")
        .await
        .check_error(400, Some("parameter_invalid_integer"), Some("frozen_time"));
    // The calendar ends before the month does: the renewal never comes, and time goes on.
    let subscription = ada.subscribe("").await;
    ada.advance(time("9999-12-30T12:00:00Z")).await;
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
    assert_eq!(ada.invoices().await.len(), 1);
}

#[tokio::test]
async fn a_trial_of_a_day_has_its_notice_at_once_and_after_its_beginning() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let before = ada.stripe.event_types().await.len();
    ada.subscribe("&trial_period_days=1").await;
    let events = ada.events(before).await;
    let place = |kind: &str| events.iter().position(|it| it == kind);
    let (began, notice) = (
        place("customer.subscription.created"),
        place("customer.subscription.trial_will_end"),
    );
    assert!(began.is_some() && began < notice, "{events:?}");
    let path = "/v1/events?type=customer.subscription.trial_will_end";
    let notices = ada.stripe.get(path).await.ok();
    assert_eq!(notices["data"].as_array().unwrap().len(), 1);
    assert_eq!(notices["data"][0]["created"], time(START));

    // The same in real time.
    let stripe = Stripe::start().await;
    let price = stripe.price("starter-monthly").await;
    let customer = id(&stripe.post("/v1/customers", "").await.ok());
    let form = format!("customer={customer}&items[0][price]={price}&trial_period_days=1");
    let subscription = stripe.post("/v1/subscriptions", &form).await.ok();
    let notices = stripe.get(path).await.ok();
    assert!(
        notices["data"][0]["created"].as_i64() >= subscription["created"].as_i64(),
        "{notices}"
    );
    // One that is made due later has its notice then.
    let form = format!("customer={customer}&items[0][price]={price}&trial_period_days=30");
    let later = stripe.post("/v1/subscriptions", &form).await.ok();
    let soon = later["created"].as_i64().unwrap() + DAY;
    let path = format!("/v1/subscriptions/{}", id(&later));
    stripe.post(&path, &format!("trial_end={soon}")).await.ok();
    let notices = stripe
        .get("/v1/events?type=customer.subscription.trial_will_end")
        .await
        .ok();
    assert_eq!(notices["data"].as_array().unwrap().len(), 2);
    assert!(notices["data"][0]["created"].as_i64() >= later["created"].as_i64());
}

#[tokio::test]
async fn nothing_is_collected_from_a_deleted_customer() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    ada.advance(period(&subscription).1).await;
    let item = format!("customer={}&amount=500&currency=usd", ada.id);
    ada.stripe.post("/v1/invoiceitems", &item).await.ok();
    let form = format!("customer={}&auto_advance=true", ada.id);
    let own = id(&ada.stripe.post("/v1/invoices", &form).await.ok());
    let cards = format!("/v1/payment_methods?customer={}", ada.id);
    let card = id(&ada.stripe.get(&cards).await.ok()["data"][0]);

    let path = format!("/v1/customers/{}", ada.id);
    ada.stripe.delete(&path).await.ok();
    for invoice in &ada.invoices().await[1..] {
        assert_eq!(
            [
                &invoice["status"],
                &invoice["auto_advance"],
                &invoice["automatically_finalizes_at"],
                &invoice["next_payment_attempt"],
            ],
            [&json!("draft"), &json!(false), &json!(null), &json!(null)]
        );
    }
    let card = format!("/v1/payment_methods/{card}");
    assert!(ada.stripe.get(&card).await.ok()["customer"].is_null());
    for step in ["finalize", "pay", "send"] {
        let path = format!("/v1/invoices/{own}/{step}");
        let reply = ada.stripe.post(&path, "").await;
        assert_eq!(reply.status, 400, "{step}: {}", reply.json);
    }
    ada.advance(period(&subscription).1 + 2 * DAY).await;
    assert!(
        ada.invoices().await[1..]
            .iter()
            .all(|it| it["status"] == "draft")
    );
    assert_eq!(
        ada.stripe.get("/v1/charges").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_was_on_a_deleted_clock_stays_in_its_time() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let now = time(START) + 3 * HOUR;
    ada.advance(now).await;
    ada.stripe
        .delete(&format!("{CLOCKS}/{}", ada.clock))
        .await
        .ok();
    let ended = ada.subscription(&subscription).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(now))
    );
    let before = ada.stripe.event_types().await.len();
    ada.update(&subscription, "metadata[why]=over").await;
    let events = ada.stripe.get("/v1/events?limit=1").await.ok();
    assert_eq!(ada.events(before).await, ["customer.subscription.updated"]);
    assert_eq!(events["data"][0]["created"], now);
    let invoice = &ada.invoices().await[0];
    assert_eq!(invoice["status"], "paid");
}

#[tokio::test]
async fn an_address_is_unset_by_an_empty_one() {
    let stripe = Stripe::start().await;
    let customer = stripe.post("/v1/customers", "address[city]=Paris").await;
    let path = format!("/v1/customers/{}", id(&customer.ok()));
    let kept = stripe.post(&path, "name=Ada").await.ok();
    assert_eq!(kept["address"]["city"], "Paris");
    assert!(stripe.post(&path, "address=").await.ok()["address"].is_null());
}

#[tokio::test]
async fn a_balance_has_eight_digits_at_most() {
    let stripe = Stripe::start().await;
    for right in ["99999999", "-99999999"] {
        let form = format!("balance={right}");
        stripe.post("/v1/customers", &form).await.ok();
    }
    for wrong in ["100000000", "-100000000", "9223372036854775807"] {
        let form = format!("balance={wrong}");
        stripe.post("/v1/customers", &form).await.check_error(
            400,
            Some("parameter_invalid_integer"),
            Some("balance"),
        );
    }
}

#[tokio::test]
async fn invoices_are_found_by_due_date_and_their_payments_by_intent() {
    let ada = Customer::at(START, "pm_card_visa").await;
    ada.subscribe("").await;
    let form = format!(
        "customer={}&collection_method=send_invoice&days_until_due=10",
        ada.id
    );
    let bill = id(&ada.stripe.post("/v1/invoices", &form).await.ok());
    let due = ada.stripe.get(&format!("/v1/invoices/{bill}")).await.ok()["due_date"]
        .as_i64()
        .unwrap();
    let paid = &ada.stripe.get("/v1/invoice_payments").await.ok()["data"][0];
    let intent = paid["payment"]["payment_intent"].as_str().unwrap();
    for (path, count) in [
        (format!("invoices?due_date={due}"), 1),
        (format!("invoices?due_date[gt]={due}"), 0),
        ("invoices?due_date[gte]=0".to_owned(), 1),
        (
            format!(
                "invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}"
            ),
            1,
        ),
        (
            "invoice_payments?payment[type]=payment_intent&payment[payment_intent]=pi_none"
                .to_owned(),
            0,
        ),
        (
            "invoice_payments?payment[type]=payment_intent".to_owned(),
            1,
        ),
    ] {
        let list = ada.stripe.get(&format!("/v1/{path}")).await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{path}");
    }
    ada.stripe
        .get("/v1/invoice_payments?payment[payment_intent]=pi_1")
        .await
        .check_error(400, Some("parameter_missing"), Some("payment[type]"));
}

#[tokio::test]
async fn what_stripe_has_and_this_has_not_is_refused_by_name() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe.post("/v1/customers", "").await.ok());
    let customer = format!("/v1/customers/{customer}");
    for param in [
        "bank_account",
        "card",
        "default_alipay_account",
        "default_bank_account",
        "default_card",
        "default_source",
    ] {
        let reply = stripe.post(&customer, &format!("{param}=x")).await;
        reply.check_error(400, None, Some(param));
    }
    for (path, param) in [
        ("invoices?customer_account=acct_1", "customer_account"),
        (
            "invoice_payments?payment[type]=payment_record&payment[payment_record]=x",
            "payment[payment_record]",
        ),
    ] {
        let reply = stripe.get(&format!("/v1/{path}")).await;
        reply.check_error(400, None, Some(param));
    }
}
