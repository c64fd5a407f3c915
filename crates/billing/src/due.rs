//! Since when something of a subscription is not paid.

use crate::{InvoiceStatus, Period, Status, Subscription, Timestamp};

/// An invoice of a subscription, as far as it tells since when something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    /// Stripe's status.
    pub status: InvoiceStatus,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it is the first one or a renewal's: Stripe's `billing_reason` is `subscription_create` or `subscription_cycle`.
    pub begins_period: bool,
    /// The period that it is for, where it is for a whole one: what a change in between costs is not.
    pub period: Option<Period>,
}

/// Since when something of a subscription is due, from its invoices, the newest first: the start of the oldest period that is not paid, or when
/// the oldest invoice was made that is about less. What is older than the last period that was paid for, or taken back, is of the past.
///
/// Counted from the period's start and not from when Stripe came to make or finalize the invoice, which may be days later.
#[must_use]
pub fn due_since(subscription: &Subscription, invoices: &[Billed]) -> Option<Timestamp> {
    invoices
        .iter()
        .take_while(|invoice| !settles(invoice, subscription))
        .filter(|invoice| is_due(invoice))
        .map(|invoice| {
            let start = invoice.period.map(|period| period.start);
            start.unwrap_or(invoice.created).min(invoice.created)
        })
        .min()
}

/// Whether it takes a look at all invoices to know since when something is due. The latest one tells that nothing is where it began a period
/// and is paid; where it came later, as an upgrade's does, the period's own may be open behind it, and Stripe calls that active.
#[must_use]
pub fn may_be_due(subscription: &Subscription, latest_begins_period: bool) -> bool {
    match subscription.status {
        Status::PastDue => true,
        Status::Active => match subscription.latest_invoice.as_ref().map(|it| &it.status) {
            None => false,
            Some(InvoiceStatus::Paid | InvoiceStatus::Void) => !latest_begins_period,
            Some(
                InvoiceStatus::Draft
                | InvoiceStatus::Open
                | InvoiceStatus::Uncollectible
                | InvoiceStatus::Unknown(_),
            ) => true,
        },
        Status::Incomplete
        | Status::IncompleteExpired
        | Status::Trialing
        | Status::Unpaid
        | Status::Paused
        | Status::Canceled
        | Status::Unknown(_) => false,
    }
}

/// Whether with it the period that runs was paid or given away, or one before it, so that nothing older counts.
fn settles(invoice: &Billed, subscription: &Subscription) -> bool {
    let any_item = |is: &dyn Fn(Period) -> bool| {
        let mut items = subscription.items.iter();
        items.any(|item| is(item.period()))
    };
    // Where the subscription was read before a switch and the invoices after it, what was paid for does not run yet.
    let has_begun = invoice.period.map_or(invoice.begins_period, |period| {
        any_item(&|running| period.covers(running) || period.end <= running.start)
    });
    match invoice.status {
        InvoiceStatus::Paid => has_begun,
        // A switch that never came about is voided, too: its period is not the one that runs.
        InvoiceStatus::Void => {
            let runs = |period: Period| any_item(&|running| running == period);
            has_begun && (invoice.begins_period || invoice.period.is_some_and(runs))
        }
        InvoiceStatus::Draft
        | InvoiceStatus::Open
        | InvoiceStatus::Uncollectible
        | InvoiceStatus::Unknown(_) => false,
    }
}

fn is_due(invoice: &Billed) -> bool {
    match invoice.status {
        InvoiceStatus::Draft
        | InvoiceStatus::Open
        | InvoiceStatus::Uncollectible
        | InvoiceStatus::Unknown(_) => true,
        InvoiceStatus::Paid | InvoiceStatus::Void => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A renewal's, of the period that begins with this day.
    fn renewal(status: &str, day: Timestamp) -> Billed {
        Billed {
            status: InvoiceStatus::from(status.to_owned()),
            created: day + 2,
            begins_period: true,
            period: Some(Period {
                start: day,
                end: day + 30,
            }),
        }
    }

    /// What a change within a period costs.
    fn change(status: &str, day: Timestamp) -> Billed {
        Billed {
            created: day,
            begins_period: false,
            period: None,
            ..renewal(status, day)
        }
    }

    /// The change to another interval: a whole period, which is no renewal's.
    fn switch(status: &str, day: Timestamp) -> Billed {
        Billed {
            created: day,
            begins_period: false,
            ..renewal(status, day)
        }
    }

    fn check(invoices: &[Billed], expected: Option<Timestamp>) {
        // Its running period began on day 30.
        let subscription = serde_json::json!({
            "id": "sub_1", "status": "active", "cancel_at_period_end": false, "has_payment_method": true,
            "items": [{
                "price": {
                    "id": "price_1", "product": "prod_1", "amount": 900, "currency": "usd", "interval": "month", "interval_count": 1
                },
                "quantity": 1, "period_start": 30, "period_end": 60
            }]
        });
        let subscription = serde_json::from_value(subscription).unwrap();
        assert_eq!(due_since(&subscription, invoices), expected, "{invoices:?}");
    }

    #[test]
    fn nothing_is_due_where_the_last_period_is_paid() {
        check(&[], None);
        check(&[renewal("paid", 30), renewal("open", 0)], None);
        check(&[switch("paid", 30), renewal("open", 0)], None);
        check(&[renewal("void", 30), renewal("open", 0)], None);
    }

    #[test]
    fn it_is_the_oldest_unpaid_period_after_the_last_paid_one_that_counts_from_its_start() {
        for status in ["draft", "open", "uncollectible", "status_of_2030"] {
            check(&[renewal(status, 30), renewal("paid", 0)], Some(30));
            let two = [renewal("open", 60), renewal(status, 30), renewal("paid", 0)];
            check(&two, Some(30));
        }
        let long_ago = [
            renewal("open", 60),
            renewal("paid", 30),
            renewal("uncollectible", 0),
        ];
        check(&long_ago, Some(60));
    }

    #[test]
    fn a_change_that_was_paid_pays_no_renewal() {
        let invoices = [change("paid", 45), renewal("open", 30), renewal("paid", 0)];
        check(&invoices, Some(30));
        check(&[change("open", 45), renewal("paid", 30)], Some(45));
        // One to a period that does not run yet.
        check(&[switch("paid", 45), renewal("open", 30)], Some(30));
    }

    #[test]
    fn a_void_invoice_gives_the_period_away_that_runs_and_no_other() {
        check(&[switch("void", 30), renewal("open", 0)], None);
        // A switch that never came about.
        check(&[switch("void", 45), renewal("open", 30)], Some(30));
    }

    #[test]
    fn a_free_trial_settles_what_is_before_it() {
        let trial = Billed {
            period: None,
            ..renewal("paid", 0)
        };
        check(&[renewal("draft", 7), trial], Some(7));
    }
}
