//! Tax, addresses and tax ids in Checkout, for an account that collects no tax anywhere.

use serde_json::{Value, json};

use super::{GOOD, all, page, reread};
use crate::support::{Stripe, id};

/// A stand-in whose starter plan does not include tax.
async fn taxed() -> Stripe {
    let stripe = Stripe::start().await;
    let price = stripe.price("starter-monthly").await;
    let path = format!("/v1/prices/{price}");
    stripe.post(&path, "tax_behavior=exclusive").await.ok();
    stripe
}

fn form(further: &str) -> String {
    format!(
        "email=ada@example.com&cardNumber={GOOD}&cardExpiry=12 / 40&cardCvc=123&billingName=Ada Lovelace{further}"
    )
}

#[tokio::test]
async fn tax_is_computed_where_the_buyer_is_and_is_nothing() {
    let stripe = taxed().await;
    let session = stripe.session("&automatic_tax[enabled]=true").await;
    assert_eq!(
        session["automatic_tax"],
        json!({ "enabled": true, "liability": { "type": "self" }, "provider": "stripe", "status": "requires_location_inputs" })
    );
    let (_, shown) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(shown.contains("Country or region"), "{shown}");
    let (status, _, shown) = stripe.submit(&id(&session), &form("")).await;
    assert_eq!(status, 422);
    assert!(shown.contains("Select a country."), "{shown}");
    let american = form("&billingCountry=US");
    let (status, _, shown) = stripe.submit(&id(&session), &american).await;
    assert_eq!(status, 422);
    assert!(shown.contains("Enter your postal code."), "{shown}");

    let german = form("&billingCountry=DE&billingPostalCode=10117");
    assert_eq!(stripe.submit(&id(&session), &german).await.0, 303);
    let done = reread(&stripe, &session).await;
    assert_eq!(done["automatic_tax"]["status"], "complete");
    assert_eq!(
        (&done["amount_total"], &done["total_details"]["amount_tax"]),
        (&json!(900), &json!(0))
    );
    let address = json!({
        "city": null, "country": "DE", "line1": null, "line2": null, "postal_code": "10117", "state": null,
    });
    assert_eq!(done["customer_details"]["address"], address);
    let path = format!(
        "/v1/customers/{}?expand[]=tax",
        done["customer"].as_str().unwrap()
    );
    let customer = stripe.get(&path).await.ok();
    assert_eq!(customer["address"], address);
    assert_eq!(customer["tax"]["automatic_tax"], "not_collecting");
    let method = &all(
        &stripe,
        "subscriptions?expand[]=data.default_payment_method",
    )
    .await[0]["default_payment_method"];
    assert_eq!(method["billing_details"]["address"], address);

    let subscription = &all(&stripe, "subscriptions").await[0];
    assert_eq!(
        subscription["automatic_tax"],
        json!({ "disabled_reason": null, "enabled": true, "liability": { "type": "self" } })
    );
    let invoice = &all(&stripe, "invoices").await[0];
    assert_eq!(
        invoice["automatic_tax"],
        json!({ "disabled_reason": null, "enabled": true, "liability": { "type": "self" }, "provider": "stripe", "status": "complete" })
    );
    let none = json!([{
        "amount": 0,
        "tax_behavior": "exclusive",
        "tax_rate_details": null,
        "taxability_reason": "not_collecting",
        "taxable_amount": 0,
        "type": "tax_rate_details",
    }]);
    assert_eq!(invoice["total_taxes"], none);
    assert_eq!(invoice["lines"]["data"][0]["taxes"], none);
    assert_eq!(
        (&invoice["total"], &invoice["amount_paid"]),
        (&json!(900), &json!(900))
    );
    assert_eq!(invoice["customer_address"], address);
}

#[tokio::test]
async fn what_tax_needs_of_a_known_customer_is_demanded() {
    let stripe = taxed().await;
    let price = stripe.price("starter-monthly").await;
    let customer = id(&stripe.post("/v1/customers", "name=Ada").await.ok());
    let base = format!(
        "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=http://shop.test/&customer={customer}"
    );
    let path = "/v1/checkout/sessions";
    for (further, code, message) in [
        (
            "automatic_tax[enabled]=true",
            Some("customer_tax_location_invalid"),
            "Automatic tax calculation in Checkout requires a valid address on the Customer.",
        ),
        (
            "tax_id_collection[enabled]=true&customer_update[address]=auto",
            None,
            "Tax ID collection requires updating business name on the customer.",
        ),
    ] {
        let reply = stripe.post(path, &format!("{base}&{further}")).await;
        reply.check_error(400, code, None);
        let said = reply.json["error"]["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{said}");
    }
    let kept = format!("{base}&automatic_tax[enabled]=true&customer_update[address]=auto");
    let session = stripe.post(path, &kept).await.ok();
    let german = form("&billingCountry=DE");
    assert_eq!(stripe.submit(&id(&session), &german).await.0, 303);
    let known = stripe.get(&format!("/v1/customers/{customer}")).await.ok();
    assert_eq!(
        (&known["address"]["country"], &known["name"]),
        (&json!("DE"), &json!("Ada"))
    );
    // From now on the address is known, and nobody is asked.
    let again = format!("{base}&automatic_tax[enabled]=true");
    let session = stripe.post(path, &again).await.ok();
    assert_eq!(session["automatic_tax"]["status"], "complete");
    let (_, shown) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(!shown.contains("Country or region"), "{shown}");
    assert_eq!(stripe.submit(&id(&session), &form("")).await.0, 303);
}

#[tokio::test]
async fn a_price_must_say_whether_it_includes_tax() {
    let stripe = Stripe::start().await;
    let price = stripe.price("starter-monthly").await;
    let form = format!(
        "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=http://shop.test/&automatic_tax[enabled]=true"
    );
    let reply = stripe.post("/v1/checkout/sessions", &form).await;
    reply.check_error(400, None, Some("automatic_tax[enabled]"));
}

#[tokio::test]
async fn a_business_gives_its_name_and_tax_id() {
    let stripe = taxed().await;
    let session = stripe
        .session("&tax_id_collection[enabled]=true&automatic_tax[enabled]=true")
        .await;
    assert_eq!(
        session["tax_id_collection"],
        json!({ "enabled": true, "required": "never" })
    );
    let german = "&billingCountry=DE&businessName=Engines GmbH&taxId=";
    let (status, _, shown) = stripe
        .submit(&id(&session), &form(&format!("{german}123")))
        .await;
    assert_eq!(status, 422);
    assert!(shown.contains("Your tax ID is invalid."), "{shown}");
    assert!(shown.contains("Engines GmbH"), "{shown}");
    let right = form(&format!("{german}DE123456789"));
    assert_eq!(stripe.submit(&id(&session), &right).await.0, 303);
    let done = reread(&stripe, &session).await;
    let pair = json!([{ "type": "eu_vat", "value": "DE123456789" }]);
    let details = &done["customer_details"];
    assert_eq!(
        (
            &details["tax_ids"],
            &details["name"],
            &details["business_name"]
        ),
        (&pair, &json!("Engines GmbH"), &json!("Engines GmbH"))
    );
    let customer = done["customer"].as_str().unwrap();
    let path = format!("/v1/customers/{customer}?expand[]=tax_ids");
    let known = stripe.get(&path).await.ok();
    assert_eq!(known["name"], "Engines GmbH");
    let tax_id = &known["tax_ids"]["data"][0];
    assert_eq!(
        (
            &tax_id["type"],
            &tax_id["value"],
            &tax_id["country"],
            &tax_id["verification"]["status"]
        ),
        (
            &json!("eu_vat"),
            &json!("DE123456789"),
            &json!("DE"),
            &json!("pending")
        )
    );
    assert_eq!(all(&stripe, "invoices").await[0]["customer_tax_ids"], pair);
    let types = stripe.event_types().await;
    assert!(types.contains(&"customer.tax_id.created".to_owned()));
}

#[tokio::test]
async fn a_buyer_without_a_business_gives_no_tax_id() {
    let stripe = taxed().await;
    let session = stripe.session("&tax_id_collection[enabled]=true").await;
    let german = form("&billingCountry=DE&businessName=&taxId=");
    assert_eq!(stripe.submit(&id(&session), &german).await.0, 303);
    let done = reread(&stripe, &session).await;
    let details = &done["customer_details"];
    assert_eq!(
        (
            &details["tax_ids"],
            &details["name"],
            &done["automatic_tax"]["status"]
        ),
        (&json!([]), &json!("Ada Lovelace"), &Value::Null)
    );
}

#[tokio::test]
async fn a_whole_address_is_asked_for_where_the_shop_wants_it() {
    let stripe = Stripe::start().await;
    let session = stripe.session("&billing_address_collection=required").await;
    assert_eq!(session["billing_address_collection"], "required");
    let part = form("&billingCountry=DE&billingPostalCode=10117");
    let (status, _, shown) = stripe.submit(&id(&session), &part).await;
    assert_eq!(status, 422);
    for text in ["Enter your address.", "Enter your city."] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let whole = form(
        "&billingCountry=DE&billingPostalCode=10117&billingAddressLine1=Unter den Linden 1&billingLocality=Berlin",
    );
    assert_eq!(stripe.submit(&id(&session), &whole).await.0, 303);
    let done = reread(&stripe, &session).await;
    let address = &done["customer_details"]["address"];
    assert_eq!(
        (&address["line1"], &address["city"], &address["country"]),
        (&json!("Unter den Linden 1"), &json!("Berlin"), &json!("DE"))
    );
}

#[tokio::test]
async fn tax_is_computed_for_a_subscription_whose_customer_is_somewhere() {
    let stripe = taxed().await;
    let price = stripe.price("starter-monthly").await;
    let card = "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa";
    let customer = id(&stripe.post("/v1/customers", card).await.ok());
    let form = format!("customer={customer}&items[0][price]={price}&automatic_tax[enabled]=true");
    let reply = stripe.post("/v1/subscriptions", &form).await;
    reply.check_error(400, Some("customer_tax_location_invalid"), None);
    let path = format!("/v1/customers/{customer}");
    stripe.post(&path, "address[country]=US").await.ok();
    let reply = stripe.post("/v1/subscriptions", &form).await;
    reply.check_error(400, Some("customer_tax_location_invalid"), None);
    let address = "address[country]=US&address[postal_code]=10001";
    stripe.post(&path, address).await.ok();
    let subscription = stripe.post("/v1/subscriptions", &form).await.ok();
    assert_eq!(subscription["automatic_tax"]["enabled"], true);
    // A plan that does not say whether it includes tax cannot be switched to.
    let pro = stripe.price("pro-monthly").await;
    let item = id(&subscription["items"]["data"][0]);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let switch = format!("items[0][id]={item}&items[0][price]={pro}");
    let reply = stripe.post(&path, &switch).await;
    reply.check_error(400, None, Some("automatic_tax[enabled]"));
    let changed = stripe
        .post(&path, "automatic_tax[enabled]=false")
        .await
        .ok();
    assert_eq!(
        changed["automatic_tax"],
        json!({ "disabled_reason": null, "enabled": false, "liability": null })
    );
    stripe.post(&path, &switch).await.ok();
}

#[tokio::test]
async fn tax_ids_are_made_listed_and_deleted() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe.post("/v1/customers", "").await.ok());
    let path = format!("/v1/customers/{customer}/tax_ids");
    for (form, code, param) in [
        ("value=1", Some("parameter_missing"), "type"),
        ("type=uz_vat&value=12345", None, "type"),
        ("type=eu_vat&value=12345", Some("tax_id_invalid"), "value"),
    ] {
        let reply = stripe.post(&path, form).await;
        reply.check_error(400, code, Some(param));
    }
    let made = stripe
        .post(&path, "type=us_ein&value=12-3456789")
        .await
        .ok();
    assert_eq!(
        made["owner"],
        json!({ "customer": customer, "type": "customer" })
    );
    let list = stripe.get(&path).await.ok();
    assert_eq!(list["data"], json!([made]));
    let one = format!("{path}/{}", id(&made));
    assert_eq!(stripe.get(&one).await.ok(), made);
    assert_eq!(stripe.delete(&one).await.ok()["deleted"], true);
    stripe
        .get(&one)
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    assert_eq!(stripe.get(&path).await.ok()["data"], json!([]));
}
