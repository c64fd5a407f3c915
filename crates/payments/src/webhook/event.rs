use billing::{CustomerId, EventId, Mode, Timestamp};
use serde_json::Value;

use crate::{Object, ObjectKind};

/// The types of events that a webhook endpoint of ours gets: those that change what access or the plans are decided from.
///
/// `invoice.created` is not among them: while we fail to acknowledge it, Stripe finalizes no invoice for up to 72 hours
/// (<https://docs.stripe.com/webhooks>), and a renewal's draft comes with a `customer.subscription.updated`.
pub const EVENTS: [&str; 37] = [
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "entitlements.active_entitlement_summary.updated",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.upcoming",
    "invoice.updated",
    "invoice.voided",
    "price.created",
    "price.deleted",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
];

/// Stripe's have some sixty characters at most; the type stands in the log and in the audit trail.
const LONGEST_TYPE: usize = 200;

/// A signed body that is not an event.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// Not JSON.
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but not what an event of any version is.
    #[error("the body is not an event")]
    NotAnEvent,
}

/// Whose something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// This customer's.
    Customer(CustomerId),
    /// The customer's whose object this is: Stripe has to be asked.
    OwnerOf(Object),
}

/// What an event is about, and so what there is to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Something of a customer changed that access may depend on.
    Customer {
        /// Whose.
        party: Party,
        /// Whether money of one of their charges went back, or is disputed.
        charges: bool,
    },
    /// This customer was deleted.
    DeletedCustomer(CustomerId),
    /// A product or price changed.
    Catalogue,
    /// Nothing we act on.
    Other,
}

/// The envelope of an event, of any API version, snapshot or thin.
/// See <https://docs.stripe.com/api/events/object> and <https://docs.stripe.com/webhooks#event-overview>.
///
/// Nothing is decided from what an event says, so little is asked of it: all but its type may be missing or have moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`
    pub id: Option<EventId>,
    /// Such as `customer.subscription.updated`.
    pub kind: String,
    /// Live or test, if it says so.
    pub mode: Option<Mode>,
    /// When Stripe made it, if it says so in Unix seconds. Events of one second have no order, so this is for display only.
    pub created: Option<Timestamp>,
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
        Self::from_value(&event).ok_or(InvalidEvent::NotAnEvent)
    }

    /// The same from JSON that has been read already; `None` for what is not an event.
    #[must_use]
    pub fn from_value(event: &Value) -> Option<Self> {
        let kind = event["type"].as_str()?;
        // A thin event's type is that of a snapshot event with a prefix.
        let name = kind.strip_prefix("v1.").unwrap_or(kind);
        if !(1..=LONGEST_TYPE).contains(&name.len()) {
            return None;
        }
        let object = &event["data"]["object"];
        let is_event = object.is_object()
            || event["related_object"].is_object()
            || matches!(event["object"].as_str(), Some("event" | "v2.core.event"));
        if !is_event {
            return None;
        }
        let livemode = event["livemode"]
            .as_bool()
            .or_else(|| object["livemode"].as_bool());
        Some(Self {
            id: event["id"].as_str().and_then(|id| EventId::parse(id).ok()),
            kind: kind.to_owned(),
            mode: livemode.map(Mode::of_livemode),
            created: event["created"].as_i64(),
            subject: subject(name, event),
        })
    }
}

fn subject(kind: &str, event: &Value) -> Subject {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| kind.starts_with(prefix));
    if kind == "customer.deleted" {
        return match party(event) {
            Some(Party::Customer(customer)) => Subject::DeletedCustomer(customer),
            _ => Subject::Other,
        };
    }
    if begins(&["product.", "price."]) {
        return Subject::Catalogue;
    }
    let charges = begins(&["charge.refund", "charge.dispute.", "refund."]);
    let customers = begins(&[
        "checkout.session.",
        "customer.",
        "invoice.",
        "entitlements.active_entitlement_summary.",
    ]);
    if !charges && !customers {
        return Subject::Other;
    }
    party(event).map_or(Subject::Other, |party| Subject::Customer { party, charges })
}

/// Whose the event's object is. A thin event names the object only by its id, and what a later version moves away is not here.
fn party(event: &Value) -> Option<Party> {
    let object = &event["data"]["object"];
    if !object.is_object() {
        let related = &event["related_object"];
        return named(related["type"].as_str()?, related["id"].as_str()?);
    }
    let kind = object["object"].as_str().unwrap_or_default();
    if kind == "customer" {
        return named(kind, object["id"].as_str()?);
    }
    let customer = object.get("customer");
    if let Some(customer) = customer.filter(|it| !it.is_null()) {
        return named("customer", id_of(customer)?);
    }
    // A refund or dispute may have only its charge.
    if let Some(charge) = object.get("charge").filter(|charge| !charge.is_null()) {
        return match charge.get("customer") {
            Some(customer) => named("customer", id_of(customer)?),
            None => named("charge", id_of(charge)?),
        };
    }
    // What says that it is nobody's is.
    if customer.is_some() {
        return None;
    }
    named(kind, object["id"].as_str()?)
}

/// A reference's id, expanded or not.
fn id_of(reference: &Value) -> Option<&str> {
    reference.as_str().or_else(|| reference["id"].as_str())
}

fn named(kind: &str, id: &str) -> Option<Party> {
    if kind == "customer" {
        return CustomerId::parse(id).ok().map(Party::Customer);
    }
    Object::new(ObjectKind::named(kind)?, id).map(Party::OwnerOf)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, object: &str) -> String {
        format!(
            r#"{{"id":"evt_1","object":"event","type":"{kind}","livemode":false,"data":{{"object":{object}}}}}"#
        )
    }

    fn thin(kind: &str, related: &str, id: &str) -> String {
        format!(
            r#"{{"id":"evt_1","object":"v2.core.event","type":"{kind}","livemode":false,"related_object":{{"id":"{id}","type":"{related}"}}}}"#
        )
    }

    fn check(body: &str, expected: Subject) {
        let event = Event::parse(body.as_bytes()).unwrap();
        assert_eq!(event.subject, expected, "{body}");
    }

    fn customer(charges: bool) -> Subject {
        Subject::Customer {
            party: Party::Customer(CustomerId::parse("cus_1").unwrap()),
            charges,
        }
    }

    fn owner_of(kind: ObjectKind, id: &str, charges: bool) -> Subject {
        Subject::Customer {
            party: Party::OwnerOf(Object::new(kind, id).unwrap()),
            charges,
        }
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
            (
                "entitlements.active_entitlement_summary.updated",
                r#"{"object":"entitlements.active_entitlement_summary","customer":"cus_1"}"#,
            ),
        ] {
            check(&event(kind, object), customer(false));
        }
        check(
            &thin("v1.customer.updated", "customer", "cus_1"),
            customer(false),
        );
    }

    #[test]
    fn stripe_is_asked_whose_an_object_is_that_does_not_say_so() {
        use ObjectKind::{Charge, CheckoutSession, Invoice, Subscription};
        for (body, expected) in [
            (
                thin("v1.invoice.paid", "invoice", "in_1"),
                owner_of(Invoice, "in_1", false),
            ),
            (
                thin("v1.checkout.session.completed", "checkout.session", "cs_1"),
                owner_of(CheckoutSession, "cs_1", false),
            ),
            // What moved away in a version to come.
            (
                event(
                    "customer.subscription.updated",
                    r#"{"object":"subscription","id":"sub_1"}"#,
                ),
                owner_of(Subscription, "sub_1", false),
            ),
            (
                event("refund.created", r#"{"object":"refund","charge":"ch_1"}"#),
                owner_of(Charge, "ch_1", true),
            ),
            (
                event(
                    "refund.updated",
                    r#"{"object":"refund","customer":null,"charge":"ch_1"}"#,
                ),
                owner_of(Charge, "ch_1", true),
            ),
            (
                event(
                    "charge.dispute.created",
                    r#"{"object":"dispute","id":"dp_1","charge":{"id":"ch_1","object":"charge"}}"#,
                ),
                owner_of(Charge, "ch_1", true),
            ),
        ] {
            check(&body, expected);
        }
        check(
            &event(
                "charge.refunded",
                r#"{"object":"charge","id":"ch_1","customer":"cus_1"}"#,
            ),
            customer(true),
        );
        check(
            &event(
                "charge.dispute.closed",
                r#"{"object":"dispute","charge":{"id":"ch_1","customer":"cus_1"}}"#,
            ),
            customer(true),
        );
    }

    #[test]
    fn a_deletion_a_catalogue_change_and_the_rest_are_told_apart() {
        check(
            &event(
                "customer.deleted",
                r#"{"object":"customer","id":"cus_1","deleted":true}"#,
            ),
            Subject::DeletedCustomer(CustomerId::parse("cus_1").unwrap()),
        );
        check(
            &event("price.created", r#"{"object":"price"}"#),
            Subject::Catalogue,
        );
        check(
            &thin("v1.product.updated", "product", "prod_1"),
            Subject::Catalogue,
        );
        for (kind, object) in [
            ("payout.paid", r#"{"object":"payout"}"#),
            ("charge.succeeded", r#"{"customer":"cus_1"}"#),
            (
                "checkout.session.expired",
                r#"{"object":"checkout.session","customer":null}"#,
            ),
            (
                "charge.refunded",
                r#"{"object":"charge","id":"ch_1","customer":null}"#,
            ),
            (
                "invoice.paid",
                r#"{"object":"invoice","id":"in_1","customer":"../x"}"#,
            ),
            ("invoice.paid", r#"{"object":"invoice","id":"../x"}"#),
            ("type_of.2030", r#"{"object":"novelty","customer":"cus_1"}"#),
        ] {
            check(&event(kind, object), Subject::Other);
        }
    }

    #[test]
    fn all_but_the_type_may_be_missing() {
        let event =
            Event::parse(br#"{"type":"invoice.paid","data":{"object":{"customer":"cus_1"}}}"#)
                .unwrap();
        assert_eq!(
            (event.id, event.mode, event.created, event.subject),
            (None, None, None, customer(false))
        );
        let event = Event::parse(
            br#"{"id":"a b","type":"invoice.paid","created":"2026-11-24T00:00:00Z","data":{"object":{"livemode":true}}}"#,
        )
        .unwrap();
        assert_eq!(
            (event.id, event.mode, event.created),
            (None, Some(Mode::Live), None)
        );
    }

    #[test]
    fn the_longest_type_may_have_a_prefix() {
        for prefix in ["", "v1."] {
            let kind = format!("{prefix}{}", "a".repeat(LONGEST_TYPE));
            check(&event(&kind, "{}"), Subject::Other);
        }
    }

    #[test]
    fn what_is_not_an_event_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"id":"evt_1","type":"a"}"#,
            r#"{"type":"a","data":[]}"#,
            r#"{"type":7,"data":{"object":{}}}"#,
            r#"{"type":"","data":{"object":{}}}"#,
            r#"{"type":"v1.","data":{"object":{}}}"#,
            &format!(
                r#"{{"type":"{}","data":{{"object":{{}}}}}}"#,
                "a".repeat(201)
            ),
            "{\"id\":",
        ] {
            assert!(Event::parse(body.as_bytes()).is_err(), "{body:?}");
        }
    }
}
