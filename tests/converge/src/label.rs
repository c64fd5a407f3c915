//! What a held request does, read off the request itself: which item of the table or whether Stripe, and whether it reads or writes.

use std::collections::HashMap;

use http::Method;
use serde_json::Value;

use crate::gate::{Request, Service};

/// What one request touches, and how it reads in a report. Names stand for the ids, which are other ones in each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// In words.
    pub text: String,
    /// What it touches, and whether it writes there.
    pub touches: Vec<(String, bool)>,
}

/// What is said of Stripe as a whole: each change there may show in each answer.
const STRIPE: &str = "Stripe";

/// What a request touches that names no item: it may be any of them.
const EVERY: &str = "every item";

impl Label {
    /// A change in Stripe.
    #[must_use]
    pub fn change(text: String) -> Self {
        Self {
            text,
            touches: vec![(STRIPE.to_owned(), true)],
        }
    }

    /// What touches nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            text: "nothing".to_owned(),
            touches: Vec::new(),
        }
    }

    /// Reads a request.
    #[must_use]
    pub fn of(request: &Request, names: &HashMap<String, String>) -> Self {
        match request.to {
            Service::Stripe => of_stripe(&request.method, &request.path, names),
            Service::Table => of_table(operation(request), &request.body, names),
        }
    }

    /// Whether it makes no difference which of the two comes first: they touch different things, or only read.
    #[must_use]
    pub fn commutes(&self, other: &Self) -> bool {
        let same = |one: &str, other: &str| one == other || one == EVERY || other == EVERY;
        self.touches.iter().all(|(thing, writes)| {
            other
                .touches
                .iter()
                .all(|(others, also)| !same(thing, others) || !(*writes || *also))
        })
    }
}

/// The operation of a request to DynamoDB.
#[must_use]
pub fn operation(request: &Request) -> &str {
    let target = request.headers.get("x-amz-target");
    let target = target.and_then(|it| it.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

fn of_stripe(method: &Method, path: &str, names: &HashMap<String, String>) -> Label {
    let path = path.split('?').next().unwrap_or_default();
    Label {
        text: format!("{method} {}", named(path, names)),
        touches: vec![(STRIPE.to_owned(), method != Method::GET)],
    }
}

fn of_table(operation: &str, body: &[u8], names: &HashMap<String, String>) -> Label {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut touches = Vec::new();
    collect(&request, &mut |key| {
        touches.push((named(key, names), writes(operation)));
    });
    // What names no item may touch any.
    if touches.is_empty() {
        touches.push((EVERY.to_owned(), true));
    }
    let items: Vec<&str> = touches.iter().map(|(item, _)| item.as_str()).collect();
    Label {
        text: format!("{operation} {}", items.join(" and ")),
        touches,
    }
}

fn writes(operation: &str) -> bool {
    !matches!(operation, "GetItem" | "BatchGetItem" | "TransactGetItems")
}

/// Every item that a request names: by a key, or whole.
fn collect(request: &Value, found: &mut impl FnMut(&str)) {
    match request {
        Value::Object(fields) => {
            if let (Some(pk), Some(sk)) = (text(fields.get("pk")), text(fields.get("sk"))) {
                found(&format!("{pk}/{sk}"));
                return;
            }
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn text(attribute: Option<&Value>) -> Option<&str> {
    attribute?.get("S")?.as_str()
}

fn named(text: &str, names: &HashMap<String, String>) -> String {
    names
        .iter()
        .fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(operation: &str, body: &str) -> Label {
        let names = HashMap::from([("cus_x7".to_owned(), "customer-1".to_owned())]);
        of_table(operation, body.as_bytes(), &names)
    }

    #[test]
    fn two_requests_commute_unless_one_writes_what_the_other_touches() {
        let key = |pk: &str| format!(r#"{{"Key":{{"pk":{{"S":"{pk}"}},"sk":{{"S":"user"}}}}}}"#);
        let read = item("GetItem", &key("cus_x7"));
        let write = item("UpdateItem", &key("cus_x7"));
        let elsewhere = item("UpdateItem", &key("other"));
        assert_eq!(read.text, "GetItem customer-1/user");
        assert!(read.commutes(&read));
        assert!(!read.commutes(&write));
        assert!(!write.commutes(&write));
        assert!(write.commutes(&elsewhere));
        let names = HashMap::new();
        let list = of_stripe(&Method::GET, "/v1/subscriptions?customer=cus_x7", &names);
        assert!(list.commutes(&write));
        assert!(list.commutes(&list));
        assert!(!list.commutes(&Label::change("renews".to_owned())));
    }

    #[test]
    fn a_transaction_touches_all_its_items_and_a_scan_every_one() {
        let body = r#"{"TransactItems":[{"Update":{"Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}},{"Put":{"Item":{"pk":{"S":"c"},"sk":{"S":"d"},"user":{"S":"u"}}}}]}"#;
        let both = item("TransactWriteItems", body);
        assert_eq!(both.text, "TransactWriteItems a/b and c/d");
        let scan = item("Scan", "{}");
        assert_eq!(scan.text, "Scan every item");
        assert!(!scan.commutes(&both));
    }
}
