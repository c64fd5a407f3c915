//! That money is asked for once, in full, in its currency, and never counted without having come.

use serde_json::{Value, json};

use super::{Customer, DAY, HOUR, time};
use crate::support::id;

const START: &str = "2027-03-10T00:00:00Z";
const DECLINED: &str = "pm_card_chargeCustomerFail";

impl Customer {
    async fn post(&self, path: &str, form: &str) -> Value {
        self.stripe.post(path, form).await.ok()
    }

    /// What the customer looks like now.
    async fn now(&self) -> Value {
        let path = format!("/v1/customers/{}", self.id);
        self.stripe.get(&path).await.ok()
    }

    async fn set_balance(&self, balance: i64) {
        let path = format!("/v1/customers/{}", self.id);
        self.post(&path, &format!("balance={balance}")).await;
    }

    async fn invoice(&self, id: &Value) -> Value {
        let path = format!("/v1/invoices/{}", id.as_str().unwrap());
        self.stripe.get(&path).await.ok()
    }

    /// How much was taken from the customer's cards, less nothing.
    async fn taken(&self) -> i64 {
        let path = format!("/v1/charges?customer={}&limit=100", self.id);
        let charges = self.stripe.get(&path).await.ok();
        let charges = charges["data"].as_array().unwrap().iter();
        charges
            .filter_map(|it| it["amount_captured"].as_i64())
            .sum()
    }

    /// The intent of an invoice.
    async fn intent(&self, invoice: &str) -> String {
        let path = format!("/v1/invoice_payments?invoice={invoice}");
        let payments = self.stripe.get(&path).await.ok();
        let intent = &payments["data"][0]["payment"]["payment_intent"];
        intent.as_str().unwrap().to_owned()
    }

    /// The previous attributes of the customer's events.
    async fn changes(&self) -> Vec<Value> {
        let events = self.stripe.get("/v1/events?type=customer.updated").await;
        let events = events.ok();
        let events = events["data"].as_array().unwrap().iter().rev();
        let changes = events.map(|it| it["data"]["previous_attributes"].clone());
        changes.collect()
    }

    /// A draft with one item, in a currency.
    async fn draft(&self, amount: i64, currency: &str) -> String {
        let form = format!("customer={}&currency={currency}", self.id);
        let draft = id(&self.post("/v1/invoices", &form).await);
        let form = format!(
            "customer={}&invoice={draft}&amount={amount}&currency={currency}",
            self.id
        );
        self.post("/v1/invoiceitems", &form).await;
        draft
    }

    async fn act(&self, invoice: &str, action: &str, form: &str) -> Value {
        let path = format!("/v1/invoices/{invoice}/{action}");
        self.post(&path, form).await
    }
}

#[tokio::test]
async fn a_key_is_good_for_a_request_in_the_past_of_a_test_clock() {
    let ada = Customer::at("2023-03-10T00:00:00Z", "pm_card_visa").await;
    let price = ada.price(1000, "month").await;
    let form = format!("customer={}&items[0][price]={price}", ada.id);
    let path = "/v1/subscriptions";
    let first = ada.stripe.post_with_key(path, &form, "once").await;
    let second = ada.stripe.post_with_key(path, &form, "once").await;
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(id(&first.ok()), id(&second.ok()));
    assert_eq!(ada.invoices().await.len(), 1);
}

#[tokio::test]
async fn an_invoice_is_not_paid_by_what_is_only_authorized() {
    let ada = Customer::at(START, "").await;
    let subscription = ada.subscribe("&payment_behavior=default_incomplete").await;
    let invoice = subscription["latest_invoice"].as_str().unwrap();
    let path = format!("/v1/payment_intents/{}", ada.intent(invoice).await);
    let form = "payment_method=pm_card_visa&capture_method=manual";
    let confirmed = ada.stripe.post(&format!("{path}/confirm"), form).await;
    confirmed.check_error(400, None, None);
    assert_eq!(
        ada.subscription(&subscription).await["status"],
        "incomplete"
    );
    ada.post(&format!("{path}/confirm"), "payment_method=pm_card_visa")
        .await;
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
}

#[tokio::test]
async fn what_was_written_off_can_be_paid_once() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let draft = ada.draft(2000, "usd").await;
    ada.act(&draft, "finalize", "").await;
    ada.act(&draft, "mark_uncollectible", "").await;
    let path = format!("/v1/payment_intents/{}/confirm", ada.intent(&draft).await);
    ada.post(&path, "payment_method=pm_card_visa").await;
    let paid = ada.invoice(&json!(draft)).await;
    assert_eq!(
        (&paid["status"], &paid["amount_paid"]),
        (&json!("paid"), &json!(2000))
    );
    let path = format!("/v1/invoices/{draft}/pay");
    ada.stripe
        .post(&path, "")
        .await
        .check_error(400, None, None);
    assert_eq!(ada.taken().await, 2000);
}

#[tokio::test]
async fn a_failed_try_at_what_was_written_off_leaves_the_subscription_alone() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    ada.pay_with(DECLINED).await;
    ada.advance(time("2027-04-10T02:00:00Z")).await;
    let renewal = id(&ada.invoices().await[1]);
    ada.act(&renewal, "mark_uncollectible", "").await;
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
    let path = format!("/v1/invoices/{renewal}/pay");
    let tried = ada.stripe.post(&path, "").await;
    assert_eq!(tried.status, 402);
    assert_eq!(ada.subscription(&subscription).await["status"], "active");
}

#[tokio::test]
async fn a_voided_invoice_gives_the_credit_back() {
    let ada = Customer::at(START, DECLINED).await;
    ada.set_balance(-400).await;
    let subscription = ada.subscribe("").await;
    let invoice = ada.invoice(&subscription["latest_invoice"]).await;
    assert_eq!(invoice["amount_due"], 600);
    assert_eq!(
        (&invoice["starting_balance"], &invoice["ending_balance"]),
        (&json!(-400), &json!(0))
    );
    assert_eq!(ada.now().await["balance"], 0);
    assert!(ada.changes().await.contains(&json!({ "balance": -400 })));
    ada.act(&id(&invoice), "void", "").await;
    assert_eq!(ada.now().await["balance"], -400);
    assert_eq!(ada.changes().await.last(), Some(&json!({ "balance": 0 })));
}

#[tokio::test]
async fn a_first_payment_that_never_comes_gives_the_credit_back() {
    let ada = Customer::at(START, DECLINED).await;
    ada.set_balance(-400).await;
    let subscription = ada.subscribe("").await;
    ada.advance(time(START) + 24 * HOUR).await;
    assert_eq!(
        ada.subscription(&subscription).await["status"],
        "incomplete_expired"
    );
    assert_eq!(ada.now().await["balance"], -400);
}

#[tokio::test]
async fn a_renewal_that_is_voided_while_collection_is_paused_gives_the_credit_back() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = ada.subscribe("").await;
    ada.update(&subscription, "pause_collection[behavior]=void")
        .await;
    ada.set_balance(-400).await;
    ada.advance(time("2027-04-10T02:00:00Z")).await;
    assert_eq!(ada.invoices().await[1]["status"], "void");
    assert_eq!(ada.now().await["balance"], -400);
}

#[tokio::test]
async fn a_balance_is_of_one_currency() {
    let ada = Customer::at(START, "pm_card_visa").await;
    ada.set_balance(-1000).await;
    let euros = ada.draft(2000, "eur").await;
    let open = ada.act(&euros, "finalize", "").await;
    assert_eq!(
        (&open["amount_due"], &open["starting_balance"]),
        (&json!(2000), &json!(0))
    );
    assert_eq!(ada.now().await["balance"], -1000);
    // A credit in euros stays one in euros.
    let credit = ada.draft(-700, "eur").await;
    assert_eq!(
        ada.act(&credit, "finalize", "").await["ending_balance"],
        -700
    );
    let customer = ada.now().await;
    assert_eq!(
        (&customer["balance"], &customer["currency"]),
        (&json!(-1000), &json!("usd"))
    );
    let euros = ada.draft(2000, "eur").await;
    assert_eq!(ada.act(&euros, "finalize", "").await["amount_due"], 1300);
    let dollars = ada.draft(1500, "usd").await;
    assert_eq!(ada.act(&dollars, "finalize", "").await["amount_due"], 500);
}

#[tokio::test]
async fn an_item_goes_on_a_draft_of_its_currency_and_subscription() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let (one, other) = (ada.subscribe("").await, ada.subscribe("").await);
    let form = format!("customer={}&subscription={}", ada.id, id(&one));
    let draft = id(&ada.post("/v1/invoices", &form).await);
    for (further, param) in [
        ("currency=eur".to_owned(), "currency"),
        (
            format!("currency=usd&subscription={}", id(&other)),
            "subscription",
        ),
    ] {
        let form = format!("customer={}&invoice={draft}&amount=100&{further}", ada.id);
        let reply = ada.stripe.post("/v1/invoiceitems", &form).await;
        reply.check_error(400, None, Some(param));
    }
}

#[tokio::test]
async fn what_is_for_a_subscription_is_in_its_currency() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let form = "currency=eur&unit_amount=900&recurring[interval]=month&product_data[name]=Euro";
    let price = id(&ada.post("/v1/prices", form).await);
    let form = format!("customer={}&items[0][price]={price}", ada.id);
    let euros = id(&ada.post("/v1/subscriptions", &form).await);
    let of = format!("customer={}&subscription={euros}", ada.id);
    let form = format!("{of}&currency=usd");
    let reply = ada.stripe.post("/v1/invoices", &form).await;
    reply.check_error(400, None, Some("currency"));
    assert_eq!(ada.post("/v1/invoices", &of).await["currency"], "eur");
    let form = format!("{of}&currency=usd&amount=100");
    let reply = ada.stripe.post("/v1/invoiceitems", &form).await;
    reply.check_error(400, None, Some("currency"));
}

#[tokio::test]
async fn too_little_is_carried_over() {
    let ada = Customer::at(START, "").await;
    let draft = ada.draft(30, "usd").await;
    let paid = ada.act(&draft, "finalize", "").await;
    assert_eq!(paid["status"], "paid");
    for (field, amount) in [
        ("total", 30),
        ("amount_due", 0),
        ("amount_paid", 0),
        ("starting_balance", 0),
        ("ending_balance", 30),
    ] {
        assert_eq!(paid[field], amount, "{field}");
    }
    assert_eq!(ada.now().await["balance"], 30);
    let draft = ada.draft(30, "usd").await;
    let open = ada.act(&draft, "finalize", "").await;
    assert_eq!(
        (&open["status"], &open["amount_due"]),
        (&json!("open"), &json!(60))
    );
    assert_eq!(ada.now().await["balance"], 0);
    ada.act(&draft, "void", "").await;
    assert_eq!(ada.now().await["balance"], 30);
}

#[tokio::test]
async fn too_much_is_refused() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let draft = ada.draft(99_999_999, "usd").await;
    let form = format!("customer={}&invoice={draft}&amount=1&currency=usd", ada.id);
    ada.post("/v1/invoiceitems", &form).await;
    for action in ["finalize", "pay", "send"] {
        let path = format!("/v1/invoices/{draft}/{action}");
        let reply = ada.stripe.post(&path, "").await;
        reply.check_error(400, Some("amount_too_large"), None);
    }
    let price = ada.price(99_999_999, "month").await;
    let form = format!(
        "customer={}&items[0][price]={price}&items[0][quantity]=2",
        ada.id
    );
    let reply = ada.stripe.post("/v1/subscriptions", &form).await;
    reply.check_error(400, Some("amount_too_large"), None);
    assert_eq!(ada.taken().await, 0);
}

#[tokio::test]
async fn a_renewal_of_too_much_stays_a_draft_that_says_why() {
    let ada = Customer::at(START, "pm_card_visa").await;
    ada.subscribe("").await;
    ada.set_balance(99_999_999).await;
    ada.advance(time("2027-04-10T02:00:00Z")).await;
    let renewal = &ada.invoices().await[1];
    assert_eq!(renewal["status"], "draft");
    assert_eq!(renewal["auto_advance"], false);
    assert_eq!(
        renewal["last_finalization_error"]["code"],
        "amount_too_large"
    );
    let types = ada.stripe.event_types().await;
    assert!(types.contains(&"invoice.finalization_failed".to_owned()));
    // Once less is due, it can be finalized.
    ada.set_balance(0).await;
    let open = ada.act(&id(renewal), "finalize", "").await;
    assert_eq!(
        (&open["status"], &open["last_finalization_error"]),
        (&json!("open"), &Value::Null)
    );
}

#[tokio::test]
async fn nothing_is_asked_of_a_customer_who_is_gone() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let draft = ada.draft(2000, "usd").await;
    let path = format!("/v1/customers/{}", ada.id);
    ada.stripe.delete(&path).await.ok();
    for action in ["finalize", "pay"] {
        let path = format!("/v1/invoices/{draft}/{action}");
        let reply = ada.stripe.post(&path, "").await;
        reply.check_error(400, Some("resource_missing"), Some("customer"));
    }
    assert_eq!(ada.invoice(&json!(draft)).await["status"], "draft");
}

#[tokio::test]
async fn numbers_are_bounded() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let product = "currency=usd&product_data[name]=Gold&unit_amount=";
    let price = ada.post("/v1/prices", &format!("{product}99999999")).await;
    let code = Some("parameter_invalid_integer");
    let form = format!("{product}100000000");
    let reply = ada.stripe.post("/v1/prices", &form).await;
    reply.check_error(400, code, Some("unit_amount"));
    let of = format!("customer={}", ada.id);
    for (further, param) in [
        ("currency=usd&amount=100000000".to_owned(), "amount"),
        ("currency=usd&amount=-100000000".to_owned(), "amount"),
        (
            format!("pricing[price]={}&quantity=1000000", id(&price)),
            "quantity",
        ),
    ] {
        let form = format!("{of}&{further}");
        let reply = ada.stripe.post("/v1/invoiceitems", &form).await;
        reply.check_error(400, code, Some(param));
    }
    let sells = "mode=payment&success_url=http://shop.test/&line_items[0][quantity]=";
    let path = "/v1/checkout/sessions";
    let item = format!("&line_items[0][price]={}", id(&price));
    let reply = ada
        .stripe
        .post(path, &format!("{sells}1000000{item}"))
        .await;
    reply.check_error(400, code, Some("line_items[0][quantity]"));
    let reply = ada.stripe.post(path, &format!("{sells}2{item}")).await;
    reply.check_error(400, Some("amount_too_large"), None);
    let cheap = ada.post("/v1/prices", &format!("{product}49")).await;
    let item = format!("&line_items[0][price]={}", id(&cheap));
    let reply = ada.stripe.post(path, &format!("{sells}1{item}")).await;
    reply.check_error(400, Some("amount_too_small"), None);
    let form = format!("{of}&currency=usd&amount=100&period[start]=2000&period[end]=1000");
    let reply = ada.stripe.post("/v1/invoiceitems", &form).await;
    reply.check_error(400, None, Some("period[end]"));
    for days in ["-1", "3651", "9223372036854775807"] {
        let form = format!("{of}&collection_method=send_invoice&days_until_due={days}");
        let reply = ada.stripe.post("/v1/invoices", &form).await;
        reply.check_error(400, code, Some("days_until_due"));
    }
}

#[tokio::test]
async fn retries_stop_and_go_on_as_auto_advance_says() {
    let ada = Customer::at(START, "pm_card_visa").await;
    ada.subscribe("").await;
    ada.pay_with(DECLINED).await;
    let failed = time("2027-04-10T02:00:00Z");
    ada.advance(failed).await;
    let renewal = ada.invoices().await[1].clone();
    assert!(renewal["next_payment_attempt"].is_i64());
    let path = format!("/v1/invoices/{}", id(&renewal));
    let stopped = ada.post(&path, "auto_advance=false").await;
    assert_eq!(stopped["next_payment_attempt"], Value::Null);
    ada.advance(failed + 10 * DAY).await;
    assert_eq!(ada.invoice(&renewal["id"]).await["attempt_count"], 1);
    let going = ada.post(&path, "auto_advance=true").await;
    assert_eq!(going["next_payment_attempt"], failed + 10 * DAY + HOUR);
    ada.pay_with("pm_card_visa").await;
    ada.advance(failed + 11 * DAY).await;
    assert_eq!(ada.invoice(&renewal["id"]).await["status"], "paid");
    for advance in ["true", "false"] {
        let form = format!("auto_advance={advance}");
        let reply = ada.stripe.post(&path, &form).await;
        reply.check_error(400, None, Some("auto_advance"));
    }
}

#[tokio::test]
async fn an_invoice_that_is_finalized_to_advance_is_collected_later() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let draft = ada.draft(2000, "usd").await;
    let open = ada.act(&draft, "finalize", "auto_advance=true").await;
    assert_eq!(
        (&open["status"], &open["next_payment_attempt"]),
        (&json!("open"), &json!(time(START) + HOUR))
    );
    let left = ada.draft(2000, "usd").await;
    ada.act(&left, "finalize", "").await;
    ada.advance(time(START) + 2 * HOUR).await;
    assert_eq!(ada.invoice(&json!(draft)).await["status"], "paid");
    assert_eq!(ada.invoice(&json!(left)).await["status"], "open");
}

#[tokio::test]
async fn paying_an_invoice_keeps_no_card_that_cannot_be_kept() {
    let ada = Customer::at(START, "").await;
    let draft = ada.draft(2000, "usd").await;
    let path = format!("/v1/invoices/{draft}/pay");
    let form = "payment_method=pm_card_chargeDeclined";
    assert_eq!(ada.stripe.post(&path, form).await.status, 402);
    let path = format!("/v1/customers/{}/payment_methods", ada.id);
    assert_eq!(ada.stripe.get(&path).await.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_payment_and_its_refund_are_in_the_customers_time() {
    let ada = Customer::at(START, "pm_card_visa").await;
    ada.subscribe("").await;
    let now = time(START) + DAY;
    ada.advance(now).await;
    let path = format!("/v1/charges?customer={}", ada.id);
    let charge = id(&ada.stripe.get(&path).await.ok()["data"][0]);
    let refund = ada.post("/v1/refunds", &format!("charge={charge}")).await;
    assert_eq!(refund["created"], now);
    let form = format!(
        "amount=2000&currency=usd&customer={}&payment_method=pm_card_visa&confirm=true&capture_method=manual\
         &automatic_payment_methods[enabled]=true&return_url=http://shop.test/",
        ada.id
    );
    let intent = ada.post("/v1/payment_intents", &form).await;
    assert_eq!(intent["created"], now);
    ada.advance(now + DAY).await;
    let path = format!("/v1/payment_intents/{}/cancel", id(&intent));
    assert_eq!(ada.post(&path, "").await["canceled_at"], now + DAY);
}

#[tokio::test]
async fn a_preview_of_what_is_free_is_a_draft() {
    let ada = Customer::at(START, "").await;
    let price = ada.price(0, "month").await;
    let form = format!(
        "customer={}&subscription_details[items][0][price]={price}",
        ada.id
    );
    let preview = ada.post("/v1/invoices/create_preview", &form).await;
    assert_eq!(
        (&preview["status"], &preview["attempted"]),
        (&json!("draft"), &json!(false))
    );
    let transitions = preview["status_transitions"].as_object().unwrap();
    assert!(transitions.values().all(Value::is_null));
    assert_eq!(
        (&preview["effective_at"], &preview["ending_balance"]),
        (&Value::Null, &json!(0))
    );
}

#[tokio::test]
async fn an_invoice_by_hand_takes_the_pending_items_that_are_asked_for() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let subscription = id(&ada.subscribe("").await);
    let of = format!("customer={}", ada.id);
    let nothing = format!("{of}&pending_invoice_items_behavior=include_and_require");
    let reply = ada.stripe.post("/v1/invoices", &nothing).await;
    reply.check_error(400, Some("invoice_no_customer_line_items"), None);
    for (amount, further) in [
        (100, String::new()),
        (200, format!("&subscription={subscription}")),
    ] {
        let form = format!("{of}&currency=usd&amount={amount}{further}");
        ada.post("/v1/invoiceitems", &form).await;
    }
    for (behavior, total) in [("exclude", 0), ("include", 200)] {
        let form =
            format!("{of}&subscription={subscription}&pending_invoice_items_behavior={behavior}");
        let draft = ada.post("/v1/invoices", &form).await;
        assert_eq!(draft["total"], total, "{behavior}");
    }
}
