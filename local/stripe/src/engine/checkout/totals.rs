//! What a session costs: its lines, less its discounts.

use serde_json::{Value, json};

use super::{completion, intents};
use crate::api::error::ApiError;
use crate::engine::discounts::{self, Source, Target, Wanted};
use crate::engine::{clocks, periods, prices};
use crate::money;
use crate::objects::invoice::CHARGEABLE;
use crate::objects::{Kind, text};
use crate::store::{Error, Record, Transaction};

const INVALID: &str = "This code is invalid.";
const TAKES_NOTHING_OFF: &str = "This code does not apply to anything here.";

/// What is due now.
pub(crate) enum Due {
    /// In minor units.
    Amount(i64),
    /// The session's discount cannot be redeemed any more.
    DiscountGone,
}

/// What the buyer pays now: for a subscription, what its first invoice will ask for.
pub(crate) fn due_today(tx: &Transaction<'_>, session: &Record) -> Result<Due, ApiError> {
    let now = tx.now();
    if let Some(customer) = session.body["customer"].as_str() {
        clocks::enter(tx, customer)?;
    }
    let due = due_now(tx, session);
    tx.set_now(now);
    due
}

fn due_now(tx: &Transaction<'_>, session: &Record) -> Result<Due, ApiError> {
    let total = session.body["amount_total"].as_i64().unwrap_or_default();
    let due = match text(&session.body, "mode") {
        "subscription" => tx.as_if(|| completion::first_invoice_due(tx, session)),
        "payment" => tx.as_if(|| redeem(tx, &session.body, session).map(|_| total)),
        _ => Ok(total),
    };
    match due {
        Ok(due) => Ok(Due::Amount(due)),
        Err(error) if error.status.is_client_error() && has_discount(&session.body) => {
            Ok(Due::DiscountGone)
        }
        Err(error) => Err(error),
    }
}

fn has_discount(session: &Value) -> bool {
    session["discounts"]
        .as_array()
        .is_some_and(|it| !it.is_empty())
}

/// The discounts that a session names, as they are asked for.
pub(super) fn wanted(session: &Value) -> Vec<Wanted> {
    let discounts = session["discounts"].as_array().into_iter().flatten();
    let wanted = discounts.enumerate().filter_map(|(index, discount)| {
        let (field, source) = match (&discount["coupon"], &discount["promotion_code"]) {
            (Value::String(id), _) => ("coupon", Source::Coupon(id.clone())),
            (_, Value::String(id)) => ("promotion_code", Source::PromotionCode(id.clone())),
            _ => return None,
        };
        let param = format!("discounts[{index}][{field}]");
        Some(Wanted { source, param })
    });
    wanted.collect()
}

/// Redeems the discounts, if they can be. Only ever undone: it tells what they take off.
fn redeem(tx: &Transaction<'_>, body: &Value, session: &Record) -> Result<Vec<String>, ApiError> {
    let target = Target {
        customer: body["customer"].as_str(),
        checkout_session: body["id"].as_str(),
        currency: body["currency"].as_str(),
        total: Some(full_price(tx, session)?),
        ..Target::default()
    };
    let wanted = wanted(body);
    wanted
        .iter()
        .map(|it| discounts::redeem(tx, it, target))
        .collect()
}

/// What the lines cost without trial and discounts.
fn full_price(tx: &Transaction<'_>, session: &Record) -> Result<i64, Error> {
    let currency = text(&session.body, "currency");
    let mut total = 0_i64;
    for line in lines(session) {
        if let Some(price) = prices::in_currency(tx, text(line, "price"), currency)? {
            let each = price["unit_amount"].as_i64().unwrap_or_default();
            let quantity = line["quantity"].as_i64().unwrap_or(1);
            total = total.saturating_add(each.saturating_mul(quantity));
        }
    }
    Ok(total)
}

/// The session's line items.
pub(super) fn lines(session: &Record) -> impl Iterator<Item = &Value> {
    session.private["line_items"]
        .as_array()
        .into_iter()
        .flatten()
}

/// Computes a session's amounts from its lines and its discounts. Nothing is stored.
pub(crate) fn add_up(tx: &Transaction<'_>, session: &mut Record) -> Result<(), ApiError> {
    if session.body["mode"] == "setup" {
        return Ok(());
    }
    let mut products = Vec::new();
    for line in lines(session) {
        let price = tx.get(Kind::Price, text(line, "price"))?;
        products.push(price.map(|it| text(&it.body, "product").to_owned()));
    }
    let amounts: Vec<discounts::Line<'_>> = lines(session)
        .zip(&products)
        .map(|(line, product)| discounts::Line {
            amount: line["amount_subtotal"].as_i64().unwrap_or_default(),
            product: product.as_deref(),
        })
        .collect();
    let off = tx.as_if(|| {
        let redeemed = redeem(tx, &session.body, session)?;
        let currency = text(&session.body, "currency");
        Ok::<_, ApiError>(discounts::lines_off(tx, &redeemed, &amounts, currency)?)
    })?;
    let (mut subtotal, mut discount) = (0_i64, 0_i64);
    let amounts: Vec<i64> = amounts.iter().map(|it| it.amount).collect();
    let lines = session.private["line_items"].as_array_mut();
    for ((line, off), amount) in lines.into_iter().flatten().zip(&off).zip(amounts) {
        let off: i64 = off.iter().map(|(_, amount)| amount).sum();
        line["amount_discount"] = json!(off);
        line["amount_total"] = json!(amount - off);
        subtotal = subtotal.saturating_add(amount);
        discount += off;
    }
    let least = *CHARGEABLE.start();
    if discount > 0 && (1..least).contains(&(subtotal - discount)) {
        let least = money::amount(least, text(&session.body, "currency"));
        return Err(ApiError::refused(format!(
            "The Checkout Session's total amount due must add up to at least {least}."
        ))
        .coded("amount_too_small"));
    }
    session.body["amount_subtotal"] = json!(subtotal);
    session.body["amount_total"] = json!(subtotal - discount);
    session.body["total_details"]["amount_discount"] = json!(discount);
    Ok(())
}

/// What a subscription costs after what is due today.
pub(crate) struct Renewals {
    /// Each renewal, in minor units.
    pub(crate) full: i64,
    /// Those with the discount, where it does not end before the first one.
    pub(crate) reduced: Option<i64>,
    /// When the reduced ones end, if they do.
    pub(crate) until: Option<i64>,
    /// When the first one is.
    pub(crate) first: i64,
}

/// What a subscription will cost after what is due today.
pub(crate) fn renewals(tx: &Transaction<'_>, session: &Record) -> Result<Renewals, ApiError> {
    let currency = text(&session.body, "currency");
    let mut recurring = Vec::new();
    for line in lines(session) {
        if let Some(price) = prices::in_currency(tx, text(line, "price"), currency)?
            && price["recurring"].is_object()
        {
            let each = price["unit_amount"].as_i64().unwrap_or_default();
            let amount = each.saturating_mul(line["quantity"].as_i64().unwrap_or(1));
            recurring.push((price, amount));
        }
    }
    let first = match (completion::trial_end(session, tx.now()), recurring.first()) {
        (Some(end), _) => end,
        (None, Some((price, _))) => {
            let (interval, count) = periods::of_price(price);
            periods::end(tx.now(), interval, count, 1)
        }
        (None, None) => tx.now(),
    };
    let full = recurring.iter().map(|(_, amount)| amount).sum();
    let renewals = Renewals {
        full,
        reduced: None,
        until: None,
        first,
    };
    let amounts: Vec<discounts::Line<'_>> = recurring
        .iter()
        .map(|(price, amount)| discounts::Line {
            amount: *amount,
            product: price["product"].as_str(),
        })
        .collect();
    tx.as_if(|| {
        let redeemed = redeem(tx, &session.body, session).unwrap_or_default();
        let Some(discount) = redeemed.first() else {
            return Ok(renewals);
        };
        let Some(record) = tx.get(Kind::Discount, discount)? else {
            return Ok(renewals);
        };
        let until = record.body["end"].as_i64();
        if record.private["coupon"]["duration"] == "once" || until.is_some_and(|it| it <= first) {
            return Ok(renewals);
        }
        let off = discounts::lines_off(tx, &redeemed, &amounts, currency)?;
        let off: i64 = off.iter().flatten().map(|(_, amount)| amount).sum();
        Ok(Renewals {
            reduced: (off > 0).then_some(full - off),
            until,
            ..renewals
        })
    })
}

/// Applies a promotion code that the buyer typed, or says why not.
pub(crate) fn apply_code(
    tx: &Transaction<'_>,
    session: &Record,
    code: &str,
) -> Result<Result<(), &'static str>, ApiError> {
    if session.body["status"] != "open" || session.body["allow_promotion_codes"] != true {
        return Ok(Err(INVALID));
    }
    let (customer, currency) = (
        session.body["customer"].as_str(),
        text(&session.body, "currency"),
    );
    let total = full_price(tx, session)?;
    let code = match discounts::by_code(tx, code, currency, total, customer)? {
        Ok(code) => code,
        Err(why) => return Ok(Err(why)),
    };
    let guest = customer.is_none() && !completion::makes_customer(&session.body);
    if guest && code["restrictions"]["first_time_transaction"] == true {
        return Ok(Err(INVALID));
    }
    let mut applied = session.clone();
    applied.body["discounts"] = json!([{ "coupon": null, "promotion_code": code["id"] }]);
    match add_up(tx, &mut applied) {
        Ok(()) => {}
        Err(error) if error.status.is_client_error() => return Ok(Err(INVALID)),
        Err(error) => return Err(error),
    }
    let nothing_off = applied.body["total_details"]["amount_discount"] == 0;
    if nothing_off && applied.body["amount_subtotal"] != 0 {
        return Ok(Err(TAKES_NOTHING_OFF));
    }
    store(tx, &applied)?;
    Ok(Ok(()))
}

/// Takes the discount off an open session.
pub(crate) fn remove_code(tx: &Transaction<'_>, session: &Record) -> Result<(), ApiError> {
    if session.body["status"] != "open" || !has_discount(&session.body) {
        return Ok(());
    }
    let mut without = session.clone();
    without.body["discounts"] = json!([]);
    add_up(tx, &mut without)?;
    store(tx, &without)?;
    Ok(())
}

fn store(tx: &Transaction<'_>, session: &Record) -> Result<(), Error> {
    intents::set_back(tx, session)?;
    tx.replace(&session.body)?;
    tx.replace_private(&session.id, &session.private)
}
