//! Renewals: when they fall, and what they do.

use super::{Customer, DAY, HOUR, period, time};

#[tokio::test]
async fn twelve_renewals_from_31_january_fall_on_the_last_day_of_each_month() {
    let ada = Customer::at("2027-01-31T10:00:00Z", "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    assert_eq!(subscription["status"], "active");
    let days = [
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
        "2027-06-30",
        "2027-07-31",
        "2027-08-31",
        "2027-09-30",
        "2027-10-31",
        "2027-11-30",
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
    ];
    ada.advance(time("2028-02-29T12:00:00Z")).await;
    let invoices = ada.invoices().await;
    let starts: Vec<i64> = invoices[1..]
        .iter()
        .map(|it| it["lines"]["data"][0]["period"]["start"].as_i64().unwrap())
        .collect();
    let expected: Vec<i64> = days
        .iter()
        .map(|day| time(&format!("{day}T10:00:00Z")))
        .collect();
    assert_eq!(starts, expected);
    assert!(invoices.iter().all(|it| it["status"] == "paid"));
    let subscription = ada.subscription(&subscription).await;
    assert_eq!(
        period(&subscription),
        (time("2028-02-29T10:00:00Z"), time("2028-03-31T10:00:00Z"))
    );
}

#[tokio::test]
async fn a_yearly_subscription_from_29_february_renews_on_the_28th() {
    let ada = Customer::at("2028-02-29T10:00:00Z", "pm_card_visa").await;
    let price = ada.price(10_000, "year").await;
    let form = format!("customer={}&items[0][price]={price}", ada.id);
    let subscription = ada.stripe.post("/v1/subscriptions", &form).await.ok();
    assert_eq!(period(&subscription).1, time("2029-02-28T10:00:00Z"));
}

#[tokio::test]
async fn the_period_moves_on_an_hour_before_the_money_comes() {
    let ada = Customer::at("2027-03-10T00:00:00Z", "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let end = period(&subscription).1;
    assert_eq!(end, time("2027-04-10T00:00:00Z"));

    ada.advance(end).await;
    let renewed = ada.subscription(&subscription).await;
    assert_eq!(renewed["status"], "active");
    assert_eq!(period(&renewed).0, end);
    let draft = ada.invoices().await.pop().unwrap();
    assert_eq!(renewed["latest_invoice"], draft["id"]);
    assert_eq!(draft["status"], "draft");
    assert_eq!(draft["billing_reason"], "subscription_cycle");
    assert_eq!(draft["automatically_finalizes_at"], end + HOUR);
    assert_eq!(
        (&draft["period_start"], &draft["period_end"]),
        (&period(&subscription).0.into(), &end.into())
    );

    ada.advance(end + HOUR).await;
    let paid = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (paid["status"].as_str(), paid["amount_paid"].as_i64()),
        (Some("paid"), Some(1000))
    );
    assert_eq!(paid["status_transitions"]["paid_at"], end + HOUR);
}

#[tokio::test]
async fn a_renewal_tells_what_stripe_tells_and_a_week_ahead_what_is_coming() {
    let ada = Customer::at("2027-03-10T00:00:00Z", "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let end = period(&subscription).1;
    let before = ada.stripe.event_types().await.len();
    ada.advance(end - 7 * DAY).await;
    assert_eq!(
        ada.events(before).await,
        [
            "test_helpers.test_clock.advancing",
            "invoice.upcoming",
            "test_helpers.test_clock.ready"
        ]
    );
    let upcoming = ada
        .stripe
        .get("/v1/events?type=invoice.upcoming")
        .await
        .ok();
    let upcoming = &upcoming["data"][0];
    assert_eq!(upcoming["created"], end - 7 * DAY);
    assert_eq!(upcoming["request"]["id"], serde_json::Value::Null);
    assert!(upcoming["data"]["object"].get("id").is_none());
    assert_eq!(upcoming["data"]["object"]["amount_due"], 1000);

    let before = ada.stripe.event_types().await.len();
    ada.advance(end + HOUR).await;
    assert_eq!(
        ada.events(before).await,
        [
            "test_helpers.test_clock.advancing",
            "invoice.created",
            "customer.subscription.updated",
            "payment_intent.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice_payment.paid",
            "invoice.paid",
            "invoice.payment_succeeded",
            "test_helpers.test_clock.ready"
        ]
    );
}

#[tokio::test]
async fn collection_can_be_paused() {
    for (behavior, status) in [
        ("void", "void"),
        ("mark_uncollectible", "uncollectible"),
        ("keep_as_draft", "draft"),
    ] {
        let ada = Customer::at("2027-03-10T00:00:00Z", "pm_card_visa").await;
        let subscription = ada.subscribe("").await;
        ada.update(
            &subscription,
            &format!("pause_collection[behavior]={behavior}"),
        )
        .await;
        ada.advance(period(&subscription).1 + 2 * HOUR).await;
        let invoice = ada.invoices().await.pop().unwrap();
        assert_eq!(invoice["status"], status, "{behavior}");
        let renewed = ada.subscription(&subscription).await;
        assert_eq!(renewed["status"], "active");
        let going_on = ada.update(&subscription, "pause_collection=").await;
        assert!(going_on["pause_collection"].is_null());
    }
}

#[tokio::test]
async fn a_clock_goes_forward_only_and_two_intervals_at_most() {
    let ada = Customer::at("2027-03-10T00:00:00Z", "pm_card_visa").await;
    ada.subscribe("").await;
    let path = format!("/v1/test_helpers/test_clocks/{}/advance", ada.clock);
    for to in [
        "2027-03-10T00:00:00Z",
        "2027-03-09T00:00:00Z",
        "2027-05-10T00:00:01Z",
    ] {
        let reply = ada
            .stripe
            .post(&path, &format!("frozen_time={}", time(to)))
            .await;
        reply.check_error(400, None, Some("frozen_time"));
    }
    ada.advance(time("2027-05-10T00:00:00Z")).await;
}

#[tokio::test]
async fn what_is_on_a_test_clock_is_listed_only_when_it_is_asked_for() {
    let ada = Customer::at("2027-03-10T00:00:00Z", "pm_card_visa").await;
    ada.subscribe("").await;
    for (path, count) in [
        ("/v1/customers".to_owned(), 0),
        (format!("/v1/customers?test_clock={}", ada.clock), 1),
        ("/v1/subscriptions".to_owned(), 0),
        (format!("/v1/subscriptions?test_clock={}", ada.clock), 1),
        (format!("/v1/subscriptions?customer={}", ada.id), 1),
    ] {
        let list = ada.stripe.get(&path).await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{path}");
    }
}
