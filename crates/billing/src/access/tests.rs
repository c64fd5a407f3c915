//! Each line of the policy, and what holds for all of them.

mod docs;
mod grants;
mod lines;
mod lives;
mod money_back;
mod properties;

use super::*;
use crate::{
    ChargeId, Dispute, DisputeStatus, Interval, Invoice, Price, PriceId, Product, ProductId,
};

const HOUR: i64 = 3_600;
const START: i64 = 1_700_000_000;
const END: i64 = START + 30 * DAY;
const RUNNING: Period = Period {
    start: START,
    end: END,
};
const POLICY: Policy = Policy {
    slack: DAY,
    grace: 7 * DAY,
};

fn subscription(status: &str) -> Subscription {
    Subscription {
        id: subscription_id("sub_1"),
        status: Status::from(status.to_owned()),
        currency: "usd".to_owned(),
        items: vec![item()],
        cancel_at_period_end: false,
        cancel_at: None,
        trial_start: None,
        trial_end: None,
        has_payment_method: true,
        latest_invoice: Some(invoice("paid")),
        past_due_since: None,
    }
}

fn subscription_id(id: &str) -> SubscriptionId {
    SubscriptionId::parse(id).unwrap()
}

fn item() -> Item {
    Item {
        price: Price {
            id: PriceId::parse("price_1").unwrap(),
            product: ProductId::parse("prod_1").unwrap(),
            plan: None,
            amount: Some(900),
            currency: "usd".to_owned(),
            interval: Interval::Month,
            interval_count: 1,
            grace_days: None,
        },
        quantity: 1,
        period_start: START,
        period_end: END,
    }
}

fn invoice(status: &str) -> Invoice {
    Invoice {
        status: InvoiceStatus::from(status.to_owned()),
        created: START,
        url: None,
    }
}

fn snapshot(subscriptions: Vec<Subscription>) -> Snapshot {
    Snapshot {
        subscriptions,
        products: vec![Product {
            id: ProductId::parse("prod_1").unwrap(),
            name: "Starter".to_owned(),
            description: String::new(),
            marketing_features: Vec::new(),
            features: Vec::new(),
        }],
        ..Snapshot::default()
    }
}

/// A charge that paid for the running period of `sub_1`.
fn charge() -> Charge {
    Charge {
        id: ChargeId::parse("ch_1").unwrap(),
        subscription: Some(subscription_id("sub_1")),
        paid_for: Some(RUNNING),
        amount: 900,
        amount_refunded: 0,
        currency: "usd".to_owned(),
        disputes: Vec::new(),
    }
}

fn refunded(amount: i64) -> Charge {
    Charge {
        amount_refunded: amount,
        ..charge()
    }
}

fn disputed(status: &str) -> Charge {
    Charge {
        disputes: vec![Dispute {
            id: "dp_1".to_owned(),
            status: DisputeStatus::from(status.to_owned()),
            amount: 900,
        }],
        ..charge()
    }
}

/// The line that decides, and until when.
fn decided(
    subscriptions: Vec<Subscription>,
    charges: &[Charge],
    now: Timestamp,
) -> (Line, Option<Timestamp>) {
    let snapshot = snapshot(subscriptions);
    let access = access(&snapshot, charges, POLICY, now);
    assert_eq!(
        access.granted,
        access.until.is_some_and(|until| now < until)
    );
    assert_eq!(access.reason, access.line.reason());
    (access.line, access.until)
}
