//! Every object and event of a purchase against Stripe's OpenAPI spec, whose path is in `STRIPE_OPENAPI`.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::Stripe;

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
        self.check_as(object["object"].as_str().unwrap(), object);
    }

    /// Checks that it has no field that Stripe's has not.
    fn check_fields(&self, object: &Value) {
        let name = object["object"].as_str().unwrap();
        let known = &self.schemas[name]["properties"];
        for field in object.as_object().unwrap().keys() {
            assert!(!known[field].is_null(), "{name} has no field {field}");
        }
    }

    fn check_as(&mut self, name: &str, object: &Value) {
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

#[tokio::test]
async fn every_object_of_a_payment_has_stripes_shape() {
    let Ok(path) = std::env::var("STRIPE_OPENAPI") else {
        println!("skipped: STRIPE_OPENAPI does not name Stripe's OpenAPI spec");
        return;
    };
    let mut spec = Spec {
        schemas: schemas(&path),
        validators: HashMap::new(),
    };
    let stripe = Stripe::start().await;
    for card in [
        "pm_card_visa",
        "pm_card_chargeDeclined",
        "pm_card_chargeDeclinedFraudulent",
        "pm_card_authenticationRequired",
        "pm_card_createDispute",
        "pm_card_createDisputeInquiry",
    ] {
        for further in [
            "",
            "&return_url=http://shop.test/",
            "&capture_method=manual",
        ] {
            let form = format!(
                "amount=2000&currency=usd&confirm=true&payment_method={card}&shipping[name]=A&shipping[address][city]=B{further}"
            );
            let reply = stripe.post("/v1/payment_intents", &form).await;
            if reply.status != 200 {
                let error = &reply.json["error"];
                spec.check_as("api_errors", error);
            }
        }
        let form = format!("payment_method={card}&confirm=true");
        let reply = stripe.post("/v1/setup_intents", &form).await;
        if reply.status != 200 {
            spec.check_as("api_errors", &reply.json["error"]);
        }
    }
    for list in ["payment_intents", "setup_intents"] {
        let open = stripe.get(&format!("/v1/{list}?limit=100")).await.ok();
        for (index, intent) in open["data"].as_array().unwrap().iter().enumerate() {
            let path = format!("/authenticate/{}", intent["id"].as_str().unwrap());
            let form = format!("passed={}", index % 2 == 0);
            let request = stripe.request(reqwest::Method::POST, &path, &form);
            request.send().await.unwrap();
        }
    }
    let charge = stripe
        .post("/v1/charges", "amount=100&currency=usd&source=tok_visa")
        .await;
    let refund = format!("charge={}", charge.ok()["id"].as_str().unwrap());
    stripe.post("/v1/refunds", &refund).await.ok();
    let disputes = stripe.get("/v1/disputes").await.ok();
    for dispute in disputes["data"].as_array().unwrap() {
        let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
        let form = "evidence[uncategorized_text]=winning_evidence";
        stripe.post(&path, form).await.ok();
    }
    spec.check(&stripe.get("/v1/account").await.ok());
    for list in [
        "payment_intents",
        "setup_intents",
        "charges?expand[]=data.refunds",
        "payment_methods",
        "refunds",
        "disputes",
        "events",
    ] {
        let separator = if list.contains('?') { '&' } else { '?' };
        let list = stripe
            .get(&format!("/v1/{list}{separator}limit=100"))
            .await
            .ok();
        let objects = list["data"].as_array().unwrap();
        assert!(!objects.is_empty());
        for object in objects {
            spec.check(object);
            if object["object"] == "event" {
                spec.check(&object["data"]["object"]);
            } else {
                spec.check_fields(object);
            }
        }
    }
}
