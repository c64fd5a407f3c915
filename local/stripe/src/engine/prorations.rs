//! What is given back for time that was billed and is not used, and charged for what is used instead.
//! <https://docs.stripe.com/billing/subscriptions/prorations>
//!
//! A credit is computed from what was billed for an item, after discounts, not from what its price is now: so that nobody
//! gets back what they never owed, and several changes in one period add up.

use serde_json::Value;

use super::discounts::{self, Line};
use super::subscriptions::discounts_of;
use super::{invoices, prices, updates};
use crate::ids;
use crate::money;
use crate::objects::invoice::LinePrice;
use crate::objects::invoice_item::{self, NewInvoiceItem};
use crate::objects::{Kind, subscription, text};
use crate::store::{Error, Query, Transaction};

/// Parts that a share is counted in before it is rounded.
const PARTS: i128 = 1_000_000;

/// What prorations of one change have in common.
pub(super) struct Change<'a> {
    /// As it was before.
    pub(super) subscription: &'a Value,
    pub(super) customer: &'a Value,
    /// From when on things change, in seconds since the epoch.
    pub(super) at: i64,
}

impl Change<'_> {
    /// Makes a pending credit for what was billed for an item and is not used. Whether there is one.
    pub(super) fn credit(&self, tx: &Transaction<'_>, item: &Value) -> Result<bool, Error> {
        let amount = self.unused(tx, item)?;
        self.add(tx, item, "Unused time on", -amount)
    }

    /// Makes a pending charge for an item over the rest of its period. Whether there is one.
    pub(super) fn charge(&self, tx: &Transaction<'_>, item: &Value) -> Result<bool, Error> {
        let currency = text(self.subscription, "currency");
        let Some(price) = prices::in_currency(tx, text(item, "price"), currency)? else {
            return Ok(false);
        };
        let full = updates::amount_of(item, &price);
        let line = Line {
            amount: full,
            product: price["product"].as_str(),
        };
        let ids = discounts_of(self.subscription);
        let off = discounts::lines_off(tx, &ids, &[line], currency)?;
        let off: i64 = off.iter().flatten().map(|(_, amount)| amount).sum();
        let (start, end) = period(item);
        let share = in_parts(
            full - off,
            end - self.at.clamp(start, end.max(start)),
            end - start,
        );
        self.add(tx, item, "Remaining time on", rounded(share))
    }

    /// What was billed for an item from `at` on: its lines on invoices that stand, and what waits for the next one.
    fn unused(&self, tx: &Transaction<'_>, item: &Value) -> Result<i64, Error> {
        let id = text(item, "id");
        let mut parts = 0;
        for invoice in invoices::of_subscription(tx, text(self.subscription, "id"))? {
            if !matches!(text(&invoice.body, "status"), "draft" | "open" | "paid") {
                continue;
            }
            for line in invoice.body["lines"]["data"]
                .as_array()
                .into_iter()
                .flatten()
            {
                if billed_item(tx, line)?.as_deref() == Some(id) {
                    let off = line["discount_amounts"].as_array().into_iter().flatten();
                    let off: i64 = off.filter_map(|it| it["amount"].as_i64()).sum();
                    let amount = line["amount"].as_i64().unwrap_or_default() - off;
                    parts += self.part_from_now(amount, &line["period"]);
                }
            }
        }
        let waiting = Query::of(Kind::InvoiceItem)
            .with("$.customer", text(self.subscription, "customer"))
            .with("$.parent.subscription_details.subscription_item", id)
            .lacking("$.invoice");
        for waiting in tx.all(&waiting)? {
            let amount = waiting.body["amount"].as_i64().unwrap_or_default();
            parts += self.part_from_now(amount, &waiting.body["period"]);
        }
        Ok(rounded(parts))
    }

    /// The share of an amount for the part of its period that is from `at` on.
    fn part_from_now(&self, amount: i64, period: &Value) -> i128 {
        let time = |field: &str| period[field].as_i64().unwrap_or_default();
        let (start, end) = (time("start"), time("end"));
        if end <= self.at || end <= start {
            return 0;
        }
        in_parts(amount, end - self.at.max(start), end - start)
    }

    fn add(
        &self,
        tx: &Transaction<'_>,
        item: &Value,
        what: &str,
        amount: i64,
    ) -> Result<bool, Error> {
        let currency = text(self.subscription, "currency");
        let price = prices::in_currency(tx, text(item, "price"), currency)?;
        let Some(price) = price.filter(|_| amount != 0) else {
            return Ok(false);
        };
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let name = invoices::product_name(tx, &price)?;
        let several = if quantity == 1 {
            String::new()
        } else {
            format!("{quantity} × ")
        };
        let description = format!("{what} {several}{name} after {}", money::day(self.at));
        let new = NewInvoiceItem {
            customer: self.customer,
            subscription: Some((text(self.subscription, "id"), Some(text(item, "id")))),
            currency,
            amount,
            quantity,
            description: Some(&description),
            price: Some(LinePrice {
                id: text(&price, "id").to_owned(),
                product: text(&price, "product").to_owned(),
                unit_amount: price["unit_amount"].as_i64().unwrap_or_default(),
            }),
            period: (self.at, period(item).1.max(self.at)),
            proration: true,
            metadata: self.subscription["metadata"].clone(),
            created: tx.now(),
        };
        let body = invoice_item::new(&ids::for_kind(Kind::InvoiceItem), &new);
        tx.create(
            Kind::InvoiceItem,
            &body,
            &Value::Null,
            "invoiceitem.created",
        )?;
        Ok(true)
    }
}

/// Makes pending credits for the rest of the current period: a cancellation that prorates. Nothing is given back for a
/// trial, or for a first period that was never paid.
pub(crate) fn credit_unused(tx: &Transaction<'_>, subscription: &Value) -> Result<(), Error> {
    let Some(customer) = tx.get(Kind::Customer, text(subscription, "customer"))? else {
        return Ok(());
    };
    if matches!(text(subscription, "status"), "trialing" | "incomplete") {
        return Ok(());
    }
    let change = Change {
        subscription,
        customer: &customer.body,
        at: tx.now(),
    };
    for item in subscription::items(subscription) {
        change.credit(tx, item)?;
    }
    Ok(())
}

/// The subscription item that a line bills or prorates.
fn billed_item(tx: &Transaction<'_>, line: &Value) -> Result<Option<String>, Error> {
    let parent = &line["parent"];
    let of_item = &parent["subscription_item_details"]["subscription_item"];
    if let Some(item) = of_item.as_str() {
        return Ok(Some(item.to_owned()));
    }
    let Some(id) = parent["invoice_item_details"]["invoice_item"].as_str() else {
        return Ok(None);
    };
    let item = tx.get(Kind::InvoiceItem, id)?;
    Ok(item.and_then(|it| {
        let details = &it.body["parent"]["subscription_details"];
        details["subscription_item"].as_str().map(str::to_owned)
    }))
}

fn period(item: &Value) -> (i64, i64) {
    let time = |field: &str| item[field].as_i64().unwrap_or_default();
    (time("current_period_start"), time("current_period_end"))
}

/// The share of an amount for `part` of `whole` seconds.
fn in_parts(amount: i64, part: i64, whole: i64) -> i128 {
    if whole <= 0 {
        return 0;
    }
    i128::from(amount) * i128::from(part) * PARTS / i128::from(whole)
}

/// To the nearest minor unit, halves away from zero.
fn rounded(parts: i128) -> i64 {
    let half = if parts < 0 { -PARTS / 2 } else { PARTS / 2 };
    i64::try_from((parts + half) / PARTS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(amount: i64, part: i64, whole: i64, expected: i64) {
        assert_eq!(rounded(in_parts(amount, part, whole)), expected);
    }

    #[test]
    fn a_share_is_rounded_to_the_nearest_cent() {
        check(2900, 15, 30, 1450);
        check(1000, 1, 3, 333);
        check(1000, 2, 3, 667);
        check(-1000, 2, 3, -667);
        check(1, 1, 2, 1);
        check(900, 0, 30, 0);
        check(900, 30, 30, 900);
        check(900, 1, 0, 0);
    }
}
