//! Every object and event of a purchase against Stripe's OpenAPI spec, whose path is in `STRIPE_OPENAPI`.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::{Stripe, id};

/// OpenAPI 3.0's `nullable` in JSON Schema's words.
fn as_json_schema(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(as_json_schema),
        Value::Object(fields) => {
            fields.values_mut().for_each(as_json_schema);
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                *value = json!({ "anyOf": [value.clone(), { "type": "null" }] });
            }
        }
        _ => {}
    }
}

fn schemas(path: &str) -> Value {
    let bytes = std::fs::read(path).expect("STRIPE_OPENAPI names the spec");
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let mut spec: Value = serde_json::from_str(&text).unwrap();
    let mut schemas = spec["components"]["schemas"].take();
    as_json_schema(&mut schemas);
    schemas
}

/// The schemas, and a validator for each that was needed so far.
struct Spec {
    schemas: Value,
    validators: HashMap<String, Validator>,
}

impl Spec {
    fn check(&mut self, object: &Value) {
        let name = object["object"].as_str().unwrap();
        let validator = self.validators.entry(name.to_owned()).or_insert_with(|| {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}"), "components": { "schemas": self.schemas } });
            jsonschema::validator_for(&schema).unwrap()
        });
        let errors: Vec<String> = validator
            .iter_errors(object)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[tokio::test]
async fn every_object_of_a_purchase_has_stripes_shape() {
    let Ok(path) = std::env::var("STRIPE_OPENAPI") else {
        println!("skipped: STRIPE_OPENAPI does not name Stripe's OpenAPI spec");
        return;
    };
    let mut spec = Spec {
        schemas: schemas(&path),
        validators: HashMap::new(),
    };
    let stripe = Stripe::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint("http://127.0.0.1:9/", "whsec_x")
        .await
        .unwrap();
    for further in [
        "",
        "&subscription_data[trial_period_days]=7",
        "&customer_email=a@example.com",
    ] {
        let session = stripe.session(further).await;
        stripe.pay(&session, "4242424242424242").await;
    }
    stripe.session("").await;
    catalogue_and_portal(&stripe, &mut spec).await;
    for list in [
        "customers",
        "products",
        "prices",
        "checkout/sessions?expand[]=data.line_items",
        "subscriptions",
        "invoices?expand[]=data.payments",
        "payment_intents",
        "charges",
        "payment_methods",
        "invoice_payments",
        "webhook_endpoints",
        "coupons?expand[]=data.applies_to",
        "promotion_codes?expand[]=data.promotion.coupon",
        "billing_portal/configurations?expand[]=data.features.subscription_update.products",
        "events?limit=100",
    ] {
        let list = stripe.get(&format!("/v1/{list}")).await.ok();
        let objects = list["data"].as_array().unwrap();
        assert!(!objects.is_empty());
        // One of each event is as good as all.
        let mut seen = HashSet::new();
        for object in objects
            .iter()
            .filter(|it| it["type"].is_null() || seen.insert(it["type"].to_string()))
        {
            spec.check(object);
            if object["object"] == "event" {
                spec.check(&object["data"]["object"]);
            }
        }
    }
}

/// Makes what a purchase does not.
async fn catalogue_and_portal(stripe: &Stripe, spec: &mut Spec) {
    let first = async |list: &str| stripe.get(&format!("/v1/{list}")).await.ok()["data"][0].clone();
    let product = id(&first("products").await);
    for (path, form) in [
        (
            "coupons",
            format!("id=C&percent_off=12.5&applies_to[products][]={product}"),
        ),
        ("coupons/C", "name=Coupon".into()),
        ("coupons", "amount_off=5&currency=usd".into()),
        (
            "promotion_codes",
            "promotion[type]=coupon&promotion[coupon]=C&code=CODE".into(),
        ),
    ] {
        spec.check(&stripe.post(&format!("/v1/{path}"), &form).await.ok());
    }
    let subscription = first("subscriptions").await;
    let form = format!(
        "customer={}&return_url=http://shop.test/&flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]={}",
        subscription["customer"].as_str().unwrap(),
        id(&subscription)
    );
    let session = stripe.post("/v1/billing_portal/sessions", &form).await.ok();
    spec.check(&session);
}
