//! Fuzzes [`Event::parse`]. The input is a body.
#![no_main]

use billing::{CustomerId, EventId};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use payments::webhook::{Event, Party, Subject};
use serde_json::{Value, json};
use webhook_fuzz::Choices;

fuzz_target!(|body: &[u8]| {
    let Ok(event) = Event::parse(body) else {
        return;
    };
    let value: Value = serde_json::from_slice(body).expect("what parses is JSON");
    check_fields(&event, &value);

    let again = serde_json::to_vec_pretty(&value).expect("a value is JSON");
    let again = Event::parse(&again).expect("how it is written does not matter");
    assert_eq!(again, event);

    // A version to come has more fields, and a thin event's type has a prefix.
    let mut later = value;
    for pointer in ["", "/data", "/data/object", "/related_object"] {
        if let Some(Value::Object(object)) = later.pointer_mut(pointer) {
            object.insert("of_2030".to_owned(), json!({"customer": "cus_2030"}));
        }
    }
    assert_eq!(Event::from_value(&later).as_ref(), Some(&event));
    if !event.kind.starts_with("v1.") {
        later["type"] = format!("v1.{}", event.kind).into();
        let thin = Event::from_value(&later).map(|event| event.subject);
        assert_eq!(thin, Some(event.subject));
    }
});

/// The fields that are looked at, and what stands in them.
const WORDS: [&str; 27] = [
    "id",
    "object",
    "type",
    "data",
    "related_object",
    "customer",
    "charge",
    "livemode",
    "created",
    "event",
    "v2.core.event",
    "subscription",
    "invoice",
    "checkout.session",
    "refund",
    "dispute",
    "cus_Nff3",
    "in_1Mb0",
    "evt_1Lf2",
    "customer.deleted",
    "customer.updated",
    "v1.invoice.paid",
    "charge.refunded",
    "charge.dispute.closed",
    "refund.created",
    "price.updated",
    "checkout.session.expired",
];

// Bytes changed at random mostly leave no JSON, so most of the time something within it is changed.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut value = serde_json::from_slice(&data[..size]).unwrap_or_default();
    change(&mut value, Choices(seed.into()));
    let text = value.to_string();
    if seed.is_multiple_of(4) || value.is_null() || text.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..text.len()].copy_from_slice(text.as_bytes());
    text.len()
});

/// Changes one place in the value.
fn change(value: &mut Value, mut choices: Choices) {
    let nodes = size(value);
    let word = WORDS[choices.pick(WORDS.len())];
    let other = node(value, &mut choices.pick(nodes)).cloned();
    let other = other.filter(|it| size(it) < 10).unwrap_or_default();
    match (choices.pick(3), node(value, &mut choices.pick(nodes))) {
        (0, Some(place)) => *place = other,
        (_, Some(Value::Object(fields))) => {
            if fields.remove(word).is_none() {
                fields.insert(word.to_owned(), other);
            }
        }
        (1, Some(Value::String(text))) => {
            let size = text.len();
            let mut bytes = std::mem::take(text).into_bytes();
            bytes.resize(size + 16, 0);
            let size = fuzzer_mutate(&mut bytes, size, size + 16);
            *text = String::from_utf8_lossy(&bytes[..size]).into_owned();
        }
        (_, Some(place)) => *place = word.into(),
        (_, None) => {}
    }
}

/// How many nodes the value has.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

/// The node with that many before it.
fn node<'a>(value: &'a mut Value, before: &mut usize) -> Option<&'a mut Value> {
    if *before == 0 {
        return Some(value);
    }
    *before -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| node(item, before)),
        Value::Object(fields) => fields.values_mut().find_map(|field| node(field, before)),
        _ => None,
    }
}

/// Each field is valid, and made of what the body says.
fn check_fields(event: &Event, value: &Value) {
    assert!(!event.kind.is_empty());
    assert_eq!(value["type"], event.kind.as_str());
    if let Some(id) = &event.id {
        assert!(EventId::parse(id.as_str()).is_ok());
        assert_eq!(value["id"], id.as_str());
    }
    if let Some(created) = event.created {
        assert_eq!(value["created"], created);
    }
    if let Subject::DeletedCustomer(customer)
    | Subject::Customer {
        party: Party::Customer(customer),
        ..
    } = &event.subject
    {
        assert!(CustomerId::parse(customer.as_str()).is_ok());
        assert!(says(value, customer.as_str()), "{customer} is made up");
    }
}

/// Whether the text stands anywhere in the value.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| says(item, text)),
        Value::Object(fields) => fields.values().any(|field| says(field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
