//! Changes of plan: what they cost, and when.

use serde_json::{Value, json};

use super::{Customer, DAY, HOUR, period};
use crate::support::id;

// 30 days long, so that a third of the period is ten days.
const START: &str = "2027-04-01T00:00:00Z";

fn item(subscription: &Value) -> String {
    id(&subscription["items"]["data"][0])
}

fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().unwrap();
    lines
        .iter()
        .map(|it| it["amount"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn an_upgrade_is_prorated_on_the_next_invoice() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let (start, end) = period(&subscription);
    let pro = ada.price(3000, "month").await;
    ada.advance(start + 10 * DAY).await;
    let changed = ada
        .update(
            &subscription,
            &format!("items[0][id]={}&items[0][price]={pro}", item(&subscription)),
        )
        .await;
    assert_eq!(changed["items"]["data"].as_array().unwrap().len(), 1);
    assert_eq!(changed["items"]["data"][0]["price"]["id"], pro.as_str());
    assert_eq!(period(&changed), (start, end));
    assert_eq!(ada.invoices().await.len(), 1, "nothing is invoiced yet");
    ada.advance(end + HOUR).await;
    let invoice = ada.invoices().await.pop().unwrap();
    assert_eq!(amounts(&invoice), [-667, 2000, 3000]);
    assert_eq!(
        (&invoice["total"], &invoice["status"]),
        (&json!(4333), &json!("paid"))
    );
    let credit = &invoice["lines"]["data"][0];
    assert_eq!(
        credit["description"],
        "Unused time on Plan 1000 after 11 Apr 2027"
    );
    assert_eq!(credit["parent"]["invoice_item_details"]["proration"], true);
}

#[tokio::test]
async fn what_a_preview_shows_is_what_is_charged() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let start = period(&subscription).0;
    let pro = ada.price(3000, "month").await;
    ada.advance(start + 10 * DAY).await;
    let date = start + 10 * DAY;
    let preview = ada
        .stripe
        .post(
            "/v1/invoices/create_preview",
            &format!(
                "subscription={}&subscription_details[items][0][id]={}&subscription_details[items][0][price]={pro}&subscription_details[proration_behavior]=always_invoice&subscription_details[proration_date]={date}",
                id(&subscription), item(&subscription)
            ),
        )
        .await
        .ok();
    assert_eq!(preview["amount_due"], 1333);
    assert_eq!(preview["billing_reason"], "upcoming");
    let about = &preview["parent"]["subscription_details"];
    assert_eq!(about["subscription_proration_date"], date);
    for line in preview["lines"]["data"].as_array().unwrap() {
        assert_eq!(line["parent"]["invoice_item_details"]["proration"], true);
        assert_eq!(
            line["period"],
            json!({ "start": date, "end": period(&subscription).1 })
        );
    }
    assert!(id(&preview).starts_with("upcoming_in_"));
    // Looking changed nothing.
    assert_eq!(ada.subscription(&subscription).await, subscription);
    assert_eq!(ada.invoices().await.len(), 1);
    ada.advance(start + 10 * DAY + 300).await;
    ada.update(
        &subscription,
        &format!(
            "items[0][id]={}&items[0][price]={pro}&proration_behavior=always_invoice&proration_date={date}",
            item(&subscription)
        ),
    )
    .await;
    let invoice = ada.invoices().await.pop().unwrap();
    assert_eq!(invoice["billing_reason"], "subscription_update");
    assert_eq!(
        (&invoice["amount_paid"], &invoice["status"]),
        (&json!(1333), &json!("paid"))
    );
    assert_eq!(amounts(&invoice), amounts(&preview));
}

#[tokio::test]
async fn a_switch_to_a_year_begins_a_new_period_and_is_charged_at_once() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let start = period(&subscription).0;
    let yearly = ada.price(10_000, "year").await;
    ada.advance(start + 15 * DAY).await;
    let changed = ada
        .update(
            &subscription,
            &format!(
                "items[0][id]={}&items[0][price]={yearly}",
                item(&subscription)
            ),
        )
        .await;
    assert_eq!(changed["billing_cycle_anchor"], start + 15 * DAY);
    assert_eq!(
        period(&changed),
        (start + 15 * DAY, start + (15 + 366) * DAY)
    );
    let invoice = ada.invoices().await.pop().unwrap();
    assert_eq!(amounts(&invoice), [-500, 10_000]);
    assert_eq!(invoice["amount_paid"], 9500);
    assert_eq!(changed["latest_invoice"], invoice["id"]);
}

#[tokio::test]
async fn a_downgrade_is_credited_to_the_next_invoices() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let (start, end) = period(&subscription);
    let small = ada.price(100, "month").await;
    ada.advance(start + 10 * DAY).await;
    ada.update(
        &subscription,
        &format!(
            "items[0][id]={}&items[0][price]={small}&proration_behavior=always_invoice",
            item(&subscription)
        ),
    )
    .await;
    let credit = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (&credit["total"], &credit["amount_due"], &credit["status"]),
        (&json!(-600), &json!(0), &json!("paid"))
    );
    let customer = ada
        .stripe
        .get(&format!("/v1/customers/{}", ada.id))
        .await
        .ok();
    assert_eq!(customer["balance"], -600);
    ada.advance(end + HOUR).await;
    let renewal = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (
            &renewal["total"],
            &renewal["starting_balance"],
            &renewal["amount_due"],
            &renewal["ending_balance"]
        ),
        (&json!(100), &json!(-600), &json!(0), &json!(-500))
    );
}

#[tokio::test]
async fn nothing_is_prorated_where_that_was_not_wanted() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let (start, end) = period(&subscription);
    let pro = ada.price(3000, "month").await;
    ada.advance(start + 10 * DAY).await;
    ada.update(
        &subscription,
        &format!(
            "items[0][id]={}&items[0][price]={pro}&proration_behavior=none",
            item(&subscription)
        ),
    )
    .await;
    ada.advance(end + HOUR).await;
    assert_eq!(amounts(&ada.invoices().await.pop().unwrap()), [3000]);
}

#[tokio::test]
async fn a_change_whose_payment_fails_is_past_due_or_refused_as_was_chosen() {
    for (behavior, reply_status, status) in [
        ("error_if_incomplete", 402, "active"),
        ("allow_incomplete", 200, "past_due"),
    ] {
        let ada = Customer::at(START, "pm_card_visa").await;
        let subscription = ada.subscribe("").await;
        let yearly = ada.price(10_000, "year").await;
        ada.pay_with("pm_card_chargeCustomerFail").await;
        let path = format!("/v1/subscriptions/{}", id(&subscription));
        let form = format!(
            "items[0][id]={}&items[0][price]={yearly}&payment_behavior={behavior}",
            item(&subscription)
        );
        let reply = ada.stripe.post(&path, &form).await;
        assert_eq!(reply.status, reply_status, "{}", reply.json);
        let after = ada.subscription(&subscription).await;
        assert_eq!(after["status"], status);
        let price = after["items"]["data"][0]["price"]["id"].as_str().unwrap();
        assert_eq!(price == yearly, reply_status == 200);
    }
}

#[tokio::test]
async fn items_are_added_counted_and_taken_away() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let (start, end) = period(&subscription);
    let seat = ada.price(500, "month").await;
    ada.advance(start + 15 * DAY).await;
    let added = ada
        .stripe
        .post(
            "/v1/subscription_items",
            &format!("subscription={}&price={seat}&quantity=2", id(&subscription)),
        )
        .await
        .ok();
    assert_eq!(
        (&added["quantity"], &added["current_period_end"]),
        (&json!(2), &json!(end))
    );
    let path = format!("/v1/subscription_items/{}", id(&added));
    let more = ada.stripe.post(&path, "quantity=4").await.ok();
    assert_eq!(more["quantity"], 4);
    let list = ada
        .stripe
        .get(&format!(
            "/v1/subscription_items?subscription={}",
            id(&subscription)
        ))
        .await
        .ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    ada.stripe
        .delete_with(&path, "proration_behavior=none")
        .await
        .ok();
    ada.stripe
        .get(&path)
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    let only = format!("/v1/subscription_items/{}", item(&subscription));
    ada.stripe.delete(&only).await.check_error(400, None, None);
    ada.advance(end + HOUR).await;
    let renewal = ada.invoices().await.pop().unwrap();
    assert_eq!(amounts(&renewal), [500, -500, 1000, 1000]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let yearly = ada.price(10_000, "year").await;
    for (form, param) in [
        (format!("items[0][price]={yearly}"), Some("items")),
        (
            "items[0][price]=price_no".to_owned(),
            Some("items[0][price]"),
        ),
        (
            "items[0][id]=si_no&items[0][quantity]=2".to_owned(),
            Some("id"),
        ),
        (
            "payment_behavior=pending_if_incomplete".to_owned(),
            Some("payment_behavior"),
        ),
        ("proration_date=5".to_owned(), Some("proration_date")),
        ("trial_end=5".to_owned(), Some("trial_end")),
        (
            "collection_method=send_invoice".to_owned(),
            Some("collection_method"),
        ),
        (
            "transfer_data[destination]=acct_1".to_owned(),
            Some("transfer_data"),
        ),
        ("nonsense=1".to_owned(), Some("nonsense")),
    ] {
        let reply = ada.stripe.post(&path, &form).await;
        assert!(matches!(reply.status, 400 | 404), "{form}: {}", reply.json);
        assert_eq!(reply.json["error"]["param"].as_str(), param, "{form}");
    }
    assert_eq!(ada.subscription(&subscription).await, subscription);
}

impl Customer {
    /// A preview of a switch of the only item to a price, invoiced at once; with further details.
    async fn preview(&self, subscription: &Value, price: &str, further: &str) -> Value {
        let form = format!(
            "subscription={}&subscription_details[items][0][id]={}&subscription_details[items][0][price]={price}&subscription_details[proration_behavior]=always_invoice{further}",
            id(subscription),
            item(subscription)
        );
        let path = "/v1/invoices/create_preview";
        self.stripe.post(path, &form).await.ok()
    }

    /// Makes the switch that was previewed.
    async fn switch(&self, subscription: &Value, price: &str, preview: &Value) {
        let date = &preview["parent"]["subscription_details"]["subscription_proration_date"];
        let form = format!(
            "items[0][id]={}&items[0][price]={price}&proration_behavior=always_invoice&payment_behavior=error_if_incomplete&proration_date={date}",
            item(subscription)
        );
        self.update(subscription, &form).await;
    }
}

fn totals(invoice: &Value) -> [Value; 5] {
    [
        "total",
        "amount_due",
        "starting_balance",
        "ending_balance",
        "currency",
    ]
    .map(|it| invoice[it].clone())
}

#[tokio::test]
async fn a_switch_costs_what_was_shown_whatever_it_is_and_whenever_it_comes() {
    for (amount, interval, balance, due, left) in [
        (3000, "month", 0, 1333, 0),
        (3000, "month", -300, 1033, 0),
        (3000, "month", -2000, 0, -667),
        (100, "month", 0, 0, -600),
        (10_000, "year", 0, 9333, 0),
        (10_000, "year", 250, 9583, 0),
    ] {
        let ada = Customer::at(START, "pm_card_visa").await;
        let subscription = ada.subscribe("").await;
        let price = ada.price(amount, interval).await;
        let path = format!("/v1/customers/{}", ada.id);
        let form = format!("balance={balance}");
        ada.stripe.post(&path, &form).await.ok();
        let now = period(&subscription).0 + 10 * DAY;
        ada.advance(now).await;
        let preview = ada.preview(&subscription, &price, "").await;
        assert_eq!(
            (&preview["amount_due"], &preview["ending_balance"]),
            (&json!(due), &json!(left)),
            "{amount} {interval} {balance}"
        );
        // Nine minutes later, each second of which would count.
        ada.advance(now + 540).await;
        ada.switch(&subscription, &price, &preview).await;
        let invoice = ada.invoices().await.pop().unwrap();
        assert_eq!(totals(&invoice), totals(&preview));
        assert_eq!(amounts(&invoice), amounts(&preview));
        assert_eq!(
            (&invoice["amount_paid"], &invoice["status"]),
            (&json!(due), &json!("paid"))
        );
    }
}

#[tokio::test]
async fn a_switch_costs_what_was_shown_on_a_clock_that_runs_ahead() {
    let ada = Customer::at(START, "pm_card_visa").await;
    // Somebody who is on no test clock, whose time the dashboard moves.
    let card = "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa";
    let eve = id(&ada.stripe.post("/v1/customers", card).await.ok());
    let small = ada.price(1000, "month").await;
    let form = format!("customer={eve}&items[0][price]={small}");
    let subscription = ada.stripe.post("/v1/subscriptions", &form).await.ok();
    ada.stripe.handle.move_clock(&eve, 45 * DAY).await.unwrap();
    let subscription = ada.subscription(&subscription).await;
    let large = ada.price(5000, "year").await;
    let preview = ada.preview(&subscription, &large, "").await;
    let date = &preview["parent"]["subscription_details"]["subscription_proration_date"];
    let (start, end) = period(&subscription);
    assert!((start..end).contains(&date.as_i64().unwrap()));
    ada.stripe.handle.move_clock(&eve, 500).await.unwrap();
    ada.switch(&subscription, &large, &preview).await;
    let path = format!("/v1/invoices?customer={eve}&limit=1");
    let invoice = ada.stripe.get(&path).await.ok()["data"][0].clone();
    assert_eq!(totals(&invoice), totals(&preview));
    assert_eq!(invoice["amount_paid"], preview["amount_due"]);
}

#[tokio::test]
async fn a_switch_during_a_trial_costs_nothing_now() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("&trial_period_days=14").await;
    let pro = ada.price(3000, "month").await;
    ada.advance(period(&subscription).0 + DAY).await;
    let preview = ada.preview(&subscription, &pro, "").await;
    // It is the invoice at the trial's end.
    assert_eq!(amounts(&preview), [3000]);
    assert_eq!(preview["period_end"], subscription["trial_end"]);
    let about = &preview["parent"]["subscription_details"];
    assert!(about.get("subscription_proration_date").is_none());
    let form = format!(
        "items[0][id]={}&items[0][price]={pro}&proration_behavior=always_invoice",
        item(&subscription)
    );
    let changed = ada.update(&subscription, &form).await;
    assert_eq!(changed["status"], "trialing");
    assert_eq!(ada.invoices().await.len(), 1, "nothing more is invoiced");
}

#[tokio::test]
async fn a_preview_counts_quantities_and_ends() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    let pro = ada.price(3000, "month").await;
    ada.advance(period(&subscription).0 + 10 * DAY).await;
    let further = "&subscription_details[items][0][quantity]=3";
    let preview = ada.preview(&subscription, &pro, further).await;
    assert_eq!(amounts(&preview), [-667, 6000]);
    let form = format!(
        "subscription={}&subscription_details[cancel_at_period_end]=true",
        id(&subscription)
    );
    let reply = ada.stripe.post("/v1/invoices/create_preview", &form).await;
    reply.check_error(404, Some("invoice_upcoming_none"), None);
}

#[tokio::test]
async fn a_change_whose_payment_cannot_be_made_now_changes_nothing() {
    for (card, code, decline) in [
        (
            "pm_card_chargeCustomerFail",
            "card_declined",
            Some("generic_decline"),
        ),
        (
            "pm_card_authenticationRequired",
            "subscription_payment_intent_requires_action",
            None,
        ),
    ] {
        let ada = Customer::at(START, "pm_card_visa").await;
        let subscription = ada.subscribe("").await;
        let pro = ada.price(3000, "month").await;
        ada.advance(period(&subscription).0 + 10 * DAY).await;
        ada.pay_with(card).await;
        let before = ada.events(0).await.len();
        let preview = ada.preview(&subscription, &pro, "").await;
        let date = &preview["parent"]["subscription_details"]["subscription_proration_date"];
        let form = format!(
            "items[0][id]={}&items[0][price]={pro}&proration_behavior=always_invoice&payment_behavior=error_if_incomplete&proration_date={date}",
            item(&subscription)
        );
        let path = format!("/v1/subscriptions/{}", id(&subscription));
        let reply = ada.stripe.post(&path, &form).await;
        assert_eq!(reply.status, 402, "{card}");
        let error = &reply.json["error"];
        assert_eq!(
            (
                &error["type"],
                &error["code"],
                error["decline_code"].as_str()
            ),
            (&json!("card_error"), &json!(code), decline)
        );
        assert_eq!(ada.subscription(&subscription).await, subscription);
        assert_eq!(ada.invoices().await.len(), 1);
        assert_eq!(ada.events(before).await, [] as [&str; 0]);
    }
}
