use billing::{CustomerId, Mode};
use serde_json::Value;

/// A signed body that is not an event.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// Not JSON.
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON without what every event has.
    #[error("the event has no {0}")]
    Lacks(&'static str),
}

/// What an event is about, and so what there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Something of this customer changed that access may depend on.
    Customer(CustomerId),
    /// This customer was deleted.
    DeletedCustomer(CustomerId),
    /// A product or price changed.
    Catalogue,
    /// Nothing we act on.
    Other,
}

/// The envelope of an event, of any API version, snapshot or thin.
/// See <https://docs.stripe.com/api/events/object> and <https://docs.stripe.com/webhooks#event-overview>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`
    pub id: String,
    /// Such as `customer.subscription.updated`.
    pub kind: String,
    /// Live or test.
    pub mode: Mode,
    /// What it is about.
    pub subject: Subject,
}

impl Event {
    /// Reads the envelope.
    ///
    /// # Errors
    /// [`InvalidEvent`]
    pub fn parse(body: &[u8]) -> Result<Self, InvalidEvent> {
        let event: Value = serde_json::from_slice(body).map_err(InvalidEvent::NotJson)?;
        let text = |name: &'static str| {
            event[name]
                .as_str()
                .map(str::to_owned)
                .ok_or(InvalidEvent::Lacks(name))
        };
        let id = text("id")?;
        let kind = text("type")?;
        let mode = event["livemode"]
            .as_bool()
            .map(Mode::of_livemode)
            .ok_or(InvalidEvent::Lacks("livemode"))?;
        let subject = subject(kind.strip_prefix("v1.").unwrap_or(&kind), &event);
        Ok(Self {
            id,
            kind,
            mode,
            subject,
        })
    }
}

fn subject(kind: &str, event: &Value) -> Subject {
    let customer = || customer(event);
    if kind == "customer.deleted" {
        return customer().map_or(Subject::Other, Subject::DeletedCustomer);
    }
    let matters = ["checkout.session.", "customer.", "invoice."]
        .iter()
        .any(|prefix| kind.starts_with(prefix));
    if matters {
        return customer().map_or(Subject::Other, Subject::Customer);
    }
    if kind.starts_with("product.") || kind.starts_with("price.") {
        return Subject::Catalogue;
    }
    Subject::Other
}

/// The customer that the event's object is or belongs to. A thin event names the object only by id, which tells us something where the
/// object is the customer.
fn customer(event: &Value) -> Option<CustomerId> {
    let object = &event["data"]["object"];
    let related = &event["related_object"];
    let id = if object["object"] == "customer" {
        &object["id"]
    } else if object["customer"].is_string() {
        &object["customer"]
    } else if object["customer"].is_object() {
        &object["customer"]["id"]
    } else {
        &related["id"]
    };
    CustomerId::parse(id.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Subject) {
        let event = Event::parse(body.as_bytes()).unwrap();
        assert_eq!(event.subject, expected, "{body}");
    }

    fn customer() -> CustomerId {
        CustomerId::parse("cus_1").unwrap()
    }

    #[test]
    fn the_customer_is_found_wherever_a_version_puts_it() {
        for (kind, object) in [
            ("customer.updated", r#"{"object":"customer","id":"cus_1"}"#),
            (
                "customer.subscription.updated",
                r#"{"object":"subscription","id":"sub_1","customer":"cus_1"}"#,
            ),
            (
                "invoice.paid",
                r#"{"object":"invoice","customer":{"id":"cus_1","object":"customer"}}"#,
            ),
            (
                "invoice.upcoming",
                r#"{"object":"invoice","customer":"cus_1"}"#,
            ),
            (
                "checkout.session.completed",
                r#"{"object":"checkout.session","customer":"cus_1"}"#,
            ),
        ] {
            check(
                &format!(
                    r#"{{"id":"evt_1","type":"{kind}","livemode":false,"data":{{"object":{object}}}}}"#
                ),
                Subject::Customer(customer()),
            );
        }
        check(
            r#"{"id":"evt_1","object":"v2.core.event","type":"v1.customer.updated","livemode":false,"related_object":{"id":"cus_1","type":"customer"}}"#,
            Subject::Customer(customer()),
        );
    }

    #[test]
    fn a_deletion_a_catalogue_change_and_the_rest_are_told_apart() {
        let event = |kind: &str, object: &str| {
            format!(
                r#"{{"id":"evt_1","type":"{kind}","livemode":false,"data":{{"object":{object}}}}}"#
            )
        };
        check(
            &event(
                "customer.deleted",
                r#"{"object":"customer","id":"cus_1","deleted":true}"#,
            ),
            Subject::DeletedCustomer(customer()),
        );
        check(
            &event("price.created", r#"{"object":"price"}"#),
            Subject::Catalogue,
        );
        check(
            &event("product.updated", r#"{"object":"product"}"#),
            Subject::Catalogue,
        );
        check(
            &event("payout.paid", r#"{"object":"payout"}"#),
            Subject::Other,
        );
        check(
            &event(
                "checkout.session.expired",
                r#"{"object":"checkout.session","customer":null}"#,
            ),
            Subject::Other,
        );
        check(
            &event("invoice.paid", r#"{"object":"invoice","customer":"../x"}"#),
            Subject::Other,
        );
    }

    #[test]
    fn what_is_not_an_event_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"id":"evt_1","type":"a"}"#,
            "{\"id\":",
        ] {
            assert!(Event::parse(body.as_bytes()).is_err(), "{body:?}");
        }
    }
}
