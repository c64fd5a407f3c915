//! One price in several currencies, and customers who pay in one of them.

use serde_json::{Value, json};

use super::{Customer, DAY, HOUR, period};
use crate::support::{Reply, id};

// 30 days long.
const START: &str = "2027-04-01T00:00:00Z";

impl Customer {
    /// A price a month in dollars and in euros.
    async fn in_two(&self, dollars: i64, euros: i64) -> String {
        let form = format!(
            "currency=usd&unit_amount={dollars}&currency_options[eur][unit_amount]={euros}&recurring[interval]=month&product_data[name]=Both"
        );
        id(&self.stripe.post("/v1/prices", &form).await.ok())
    }

    async fn subscribe_in(&self, price: &str, currency: &str) -> Reply {
        let form = format!(
            "customer={}&items[0][price]={price}&currency={currency}",
            self.id
        );
        self.stripe.post("/v1/subscriptions", &form).await
    }

    async fn own_currency(&self) -> Value {
        let path = format!("/v1/customers/{}", self.id);
        self.stripe.get(&path).await.ok()["currency"].clone()
    }
}

fn item(subscription: &Value) -> String {
    id(&subscription["items"]["data"][0])
}

#[tokio::test]
async fn a_price_shows_its_currencies_where_they_are_asked_for() {
    let ada = Customer::at(START, "").await;
    let form = "currency=usd&unit_amount=1000&currency_options[eur][unit_amount]=900&currency_options[eur][tax_behavior]=inclusive&product_data[name]=Both";
    let price = ada.stripe.post("/v1/prices", form).await.ok();
    assert!(price.get("currency_options").is_none());
    let option = |amount: i64, tax: &str| {
        json!({
            "custom_unit_amount": null,
            "tax_behavior": tax,
            "unit_amount": amount,
            "unit_amount_decimal": amount.to_string(),
        })
    };
    let both = json!({ "eur": option(900, "inclusive"), "usd": option(1000, "unspecified") });
    let path = format!("/v1/prices/{}?expand[]=currency_options", id(&price));
    let shown = ada.stripe.get(&path).await.ok();
    assert_eq!(shown["currency_options"], both);
    let listed = ada.stripe.get("/v1/prices?expand[]=data.currency_options");
    assert_eq!(listed.await.ok()["data"][0]["currency_options"], both);
}

#[tokio::test]
async fn currencies_are_added_and_taken_back() {
    let ada = Customer::at(START, "").await;
    let price = ada.in_two(1000, 900).await;
    let path = format!("/v1/prices/{price}");
    let expand = "expand[]=currency_options";
    let before = ada.events(0).await.len();
    let form = format!("currency_options[chf][unit_amount]=950&{expand}");
    let changed = ada.stripe.post(&path, &form).await.ok();
    let amount =
        |of: &Value, currency: &str| of["currency_options"][currency]["unit_amount"].clone();
    assert_eq!(
        ["chf", "eur", "usd"].map(|it| amount(&changed, it)),
        [json!(950), json!(900), json!(1000)]
    );
    assert_eq!(ada.events(before).await, ["price.updated"]);
    let form = format!("currency_options=&{expand}");
    let changed = ada.stripe.post(&path, &form).await.ok();
    assert_eq!(
        ["chf", "eur", "usd"].map(|it| amount(&changed, it)),
        [Value::Null, Value::Null, json!(1000)]
    );
    for (form, param) in [
        (
            "currency_options[usd][unit_amount]=1",
            "currency_options[usd]",
        ),
        (
            "currency_options[euro][unit_amount]=1",
            "currency_options[euro]",
        ),
        (
            "currency_options[gbp][tax_behavior]=exclusive",
            "currency_options[gbp][unit_amount]",
        ),
        (
            "currency_options[gbp][unit_amount]=-1",
            "currency_options[gbp][unit_amount]",
        ),
        (
            "currency_options[gbp][tiers][0][up_to]=inf",
            "currency_options[gbp][tiers]",
        ),
        (
            "currency_options[gbp][nonsense]=1",
            "currency_options[gbp][nonsense]",
        ),
    ] {
        let reply = ada.stripe.post(&path, form).await;
        assert_eq!(reply.status, 400, "{form}");
        assert_eq!(reply.json["error"]["param"], param, "{form}");
    }
}

#[tokio::test]
async fn whether_a_price_includes_tax_is_said_once() {
    let ada = Customer::at(START, "").await;
    let path = format!("/v1/prices/{}", ada.in_two(1000, 900).await);
    for (form, param) in [
        ("tax_behavior=exclusive", None),
        ("tax_behavior=exclusive", None),
        ("tax_behavior=inclusive", Some("tax_behavior")),
        ("tax_behavior=unspecified", Some("tax_behavior")),
        ("currency_options[eur][tax_behavior]=inclusive", None),
        (
            "currency_options[eur][tax_behavior]=exclusive",
            Some("currency_options[eur][tax_behavior]"),
        ),
    ] {
        let reply = ada.stripe.post(&path, form).await;
        assert_eq!(reply.json["error"]["param"].as_str(), param, "{form}");
    }
    let path = format!("{path}?expand[]=currency_options");
    let price = ada.stripe.get(&path).await.ok();
    let options = &price["currency_options"];
    assert_eq!(
        [&options["usd"], &options["eur"], &price].map(|it| it["tax_behavior"].clone()),
        [json!("exclusive"), json!("inclusive"), json!("exclusive")]
    );
    assert_eq!(options["eur"]["unit_amount"], 900);
}

#[tokio::test]
async fn a_subscription_is_billed_in_its_currency() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let price = ada.in_two(1000, 900).await;
    let subscription = ada.subscribe_in(&price, "eur").await.ok();
    assert_eq!(subscription["currency"], "eur");
    // The price itself is shown in its own.
    let shown = &subscription["items"]["data"][0]["price"];
    assert_eq!(
        (&shown["currency"], &shown["unit_amount"]),
        (&json!("usd"), &json!(1000))
    );
    assert_eq!(ada.own_currency().await, "eur");
    ada.advance(period(&subscription).1 + HOUR).await;
    let invoices = ada.invoices().await;
    assert_eq!(invoices.len(), 2);
    for invoice in invoices {
        assert_eq!(
            (&invoice["currency"], &invoice["amount_paid"]),
            (&json!("eur"), &json!(900))
        );
        let line = &invoice["lines"]["data"][0];
        assert_eq!(line["description"], "1 × Both (at €9.00 / month)");
        assert_eq!(line["pricing"]["unit_amount_decimal"], "900");
    }
}

#[tokio::test]
async fn a_currency_that_a_price_does_not_have_is_refused() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let price = ada.in_two(1000, 900).await;
    let reply = ada.subscribe_in(&price, "gbp").await;
    reply.check_error(400, None, Some("currency"));
    assert_eq!(
        reply.json["error"]["message"],
        "The price specified supports currencies of `usd`, `eur` which doesn't include the expected currency of `gbp`."
    );
    let form = format!(
        "customer={}&subscription_details[items][0][price]={price}&currency=gbp",
        ada.id
    );
    let path = "/v1/invoices/create_preview";
    let reply = ada.stripe.post(path, &form).await;
    reply.check_error(400, None, Some("currency"));
    let form = form.replace("gbp", "eur");
    let preview = ada.stripe.post(path, &form).await.ok();
    assert_eq!(
        (&preview["currency"], &preview["amount_due"]),
        (&json!("eur"), &json!(900))
    );
}

#[tokio::test]
async fn nobody_pays_in_two_currencies_at_a_time() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let price = ada.in_two(1000, 900).await;
    let dollars = ada.subscribe_in(&price, "usd").await.ok();
    let reply = ada.subscribe_in(&price, "eur").await;
    reply.check_error(400, None, None);
    let message = reply.json["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("You cannot combine currencies on a single customer."));
    assert!(message.ends_with("with currency usd."));

    // A credit of before is kept, in its currency.
    let path = format!("/v1/customers/{}", ada.id);
    ada.stripe.post(&path, "balance=-300").await.ok();
    let of_old = format!("/v1/subscriptions/{}", id(&dollars));
    ada.stripe.delete(&of_old).await.ok();
    ada.subscribe_in(&price, "eur").await.ok();
    let customer = ada.stripe.get(&path).await.ok();
    assert_eq!(
        (&customer["currency"], &customer["balance"]),
        (&json!("eur"), &json!(0))
    );
    assert_eq!(ada.invoices().await[1]["amount_paid"], 900);

    // Who does not say which goes on in theirs.
    let form = format!("customer={}&items[0][price]={price}", ada.id);
    let again = ada.stripe.post("/v1/subscriptions", &form).await.ok();
    assert_eq!(again["currency"], "eur");
}

#[tokio::test]
async fn what_waits_in_another_currency_keeps_a_subscription_from_beginning() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let price = ada.in_two(1000, 900).await;
    let form = format!("customer={}&amount=100&currency=usd", ada.id);
    let waiting = ada.stripe.post("/v1/invoiceitems", &form).await.ok();
    ada.subscribe_in(&price, "eur")
        .await
        .check_error(400, None, None);
    let path = format!("/v1/invoiceitems/{}", id(&waiting));
    ada.stripe.delete(&path).await.ok();
    ada.subscribe_in(&price, "eur").await.ok();
}

#[tokio::test]
async fn a_switch_is_previewed_and_billed_in_the_subscriptions_currency() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let starter = ada.in_two(1000, 900).await;
    let pro = ada.in_two(3000, 2700).await;
    let subscription = ada.subscribe_in(&starter, "eur").await.ok();
    ada.advance(period(&subscription).0 + 10 * DAY).await;
    let dollars = ada.price(3000, "month").await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let of_item = format!("items[0][id]={}", item(&subscription));
    let form = format!("{of_item}&items[0][price]={dollars}");
    let reply = ada.stripe.post(&path, &form).await;
    reply.check_error(400, None, Some("items"));
    assert_eq!(ada.subscription(&subscription).await, subscription);

    let form = format!(
        "subscription={}&subscription_details[items][0][id]={}&subscription_details[items][0][price]={pro}&subscription_details[proration_behavior]=always_invoice",
        id(&subscription),
        item(&subscription)
    );
    let preview = "/v1/invoices/create_preview";
    let reply = ada
        .stripe
        .post(preview, &format!("{form}&currency=usd"))
        .await;
    reply.check_error(400, None, Some("currency"));
    let preview = ada.stripe.post(preview, &form).await.ok();
    assert_eq!(
        (&preview["currency"], &preview["amount_due"]),
        (&json!("eur"), &json!(1200))
    );
    let form = format!("{of_item}&items[0][price]={pro}&proration_behavior=always_invoice");
    ada.update(&subscription, &form).await;
    let invoice = ada.invoices().await.pop().unwrap();
    assert_eq!(
        (&invoice["currency"], &invoice["amount_paid"]),
        (&json!("eur"), &json!(1200))
    );
}

#[tokio::test]
async fn what_somebody_pays_in_a_currency_does_not_change() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let price = ada.in_two(1000, 900).await;
    let subscription = ada.subscribe_in(&price, "eur").await.ok();
    let path = format!("/v1/prices/{price}");
    for form in [
        "currency_options[eur][unit_amount]=800",
        "currency_options=",
    ] {
        let reply = ada.stripe.post(&path, form).await;
        reply.check_error(400, None, Some("currency_options"));
    }
    let same = "currency_options[eur][unit_amount]=900&currency_options[gbp][unit_amount]=800";
    ada.stripe.post(&path, same).await.ok();
    let of_old = format!("/v1/subscriptions/{}", id(&subscription));
    ada.stripe.delete(&of_old).await.ok();
    let other = "currency_options[eur][unit_amount]=800";
    ada.stripe.post(&path, other).await.ok();
}
