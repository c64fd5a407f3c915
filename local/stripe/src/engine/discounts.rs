//! Redeeming coupons. What they take off is in [`amounts`].

use serde_json::{Value, json};

mod amounts;

use super::periods;
use crate::api::error::ApiError;
use crate::ids;
use crate::objects::{Kind, coupon, discount, promotion_code, text};
use crate::store::{Error, Query, Record, Transaction};
pub(crate) use amounts::{Line, lines_off};

/// A discount that a caller asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) source: Source,
    /// How the caller's parameter is called, for errors: `discounts[0][coupon]`.
    pub(crate) param: String,
}

/// Where it comes from, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Coupon(String),
    PromotionCode(String),
    /// One that was redeemed before: it goes on as it is.
    Discount(String),
}

/// What a discount is for. What is not known is not checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target<'a> {
    pub(crate) customer: Option<&'a str>,
    pub(crate) subscription: Option<&'a str>,
    pub(crate) subscription_item: Option<&'a str>,
    /// A session in payment mode; in subscription mode, the discount is the subscription's.
    pub(crate) checkout_session: Option<&'a str>,
    pub(crate) invoice: Option<&'a str>,
    pub(crate) invoice_item: Option<&'a str>,
    pub(crate) currency: Option<&'a str>,
    /// What is to be paid before discounts, in minor units.
    pub(crate) total: Option<i64>,
}

/// Why something cannot be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    CouponExpired,
    CodeInactive,
    OtherCustomer,
    NotFirst,
    BelowMinimum,
    OtherCurrency,
}

impl Refusal {
    fn to_buyer(self) -> &'static str {
        match self {
            Self::CouponExpired | Self::CodeInactive | Self::OtherCustomer => {
                "This code is invalid."
            }
            Self::NotFirst => "This code is only for a first purchase.",
            Self::BelowMinimum => "This order is below the minimum amount of this code.",
            Self::OtherCurrency => "This code is not for this currency.",
        }
    }

    fn to_caller(self, id: &str, param: &str) -> ApiError {
        let message = match self {
            Self::CouponExpired => format!("Coupon expired: {id}"),
            Self::CodeInactive => format!("This promotion code is not active: {id}"),
            Self::OtherCustomer => "This promotion code cannot be redeemed because it is restricted to another customer.".to_owned(),
            Self::NotFirst => "This promotion code cannot be redeemed because the associated customer has prior transactions.".to_owned(),
            Self::BelowMinimum => "This promotion code cannot be redeemed because its minimum amount is not reached.".to_owned(),
            Self::OtherCurrency => format!("The coupon {id} takes off an amount in another currency."),
        };
        let error = ApiError::refused(message).about(param);
        match self {
            Self::CouponExpired => error.coded("coupon_expired"),
            _ => error,
        }
    }
}

/// Redeems what is wanted: checks it, counts it, and stores a discount, whose id is given.
pub(crate) fn redeem(
    tx: &Transaction<'_>,
    wanted: &Wanted,
    to: Target<'_>,
) -> Result<String, ApiError> {
    let missing = |kind, id: &str| ApiError::no_such_referenced(kind, id, &wanted.param);
    match &wanted.source {
        Source::Discount(id) => {
            let record = tx
                .get(Kind::Discount, id)?
                .ok_or_else(|| missing(Kind::Discount, id))?;
            Ok(carry_on(tx, &record, to)?)
        }
        Source::Coupon(id) => {
            let coupon =
                existing(tx, Kind::Coupon, id)?.ok_or_else(|| missing(Kind::Coupon, id))?;
            if let Some(refusal) = coupon_refusal(tx, &coupon.body, to) {
                return Err(refusal.to_caller(id, &wanted.param));
            }
            Ok(store(tx, &coupon, None, to)?)
        }
        Source::PromotionCode(id) => {
            let code = existing(tx, Kind::PromotionCode, id)?
                .ok_or_else(|| missing(Kind::PromotionCode, id))?;
            let coupon =
                coupon_of(tx, &code.body)?.ok_or_else(|| missing(Kind::PromotionCode, id))?;
            if let Some(refusal) = code_refusal(tx, &code.body, &coupon.body, to)? {
                return Err(refusal.to_caller(id, &wanted.param));
            }
            Ok(store(tx, &coupon, Some(&code.body), to)?)
        }
    }
}

/// Redeems what was shown to a buyer, who paid accordingly: [`redeem`] without its checks, which were made before.
pub(crate) fn redeem_as_agreed(
    tx: &Transaction<'_>,
    wanted: &Wanted,
    to: Target<'_>,
) -> Result<String, ApiError> {
    let missing = |kind, id: &str| ApiError::no_such_referenced(kind, id, &wanted.param);
    match &wanted.source {
        Source::Discount(_) => redeem(tx, wanted, to),
        Source::Coupon(id) => {
            let coupon =
                existing(tx, Kind::Coupon, id)?.ok_or_else(|| missing(Kind::Coupon, id))?;
            Ok(store(tx, &coupon, None, to)?)
        }
        Source::PromotionCode(id) => {
            let code = existing(tx, Kind::PromotionCode, id)?
                .ok_or_else(|| missing(Kind::PromotionCode, id))?;
            let coupon =
                coupon_of(tx, &code.body)?.ok_or_else(|| missing(Kind::PromotionCode, id))?;
            Ok(store(tx, &coupon, Some(&code.body), to)?)
        }
    }
}

/// The active promotion code that a buyer typed, or why there is none, in words for the buyer.
pub(crate) fn by_code(
    tx: &Transaction<'_>,
    code: &str,
    currency: &str,
    total: i64,
    customer: Option<&str>,
) -> Result<Result<Value, &'static str>, Error> {
    let to = Target {
        customer,
        currency: Some(currency),
        total: Some(total),
        ..Target::default()
    };
    let mut refused = Refusal::CodeInactive;
    let mut codes = tx.all(&Query::of(Kind::PromotionCode).with_any_case("$.code", code.trim()))?;
    // One for this customer alone comes before one for all.
    codes.sort_by_key(|it| it.body["customer"].is_null());
    for code in codes {
        let Some(coupon) = coupon_of(tx, &code.body)? else {
            continue;
        };
        match code_refusal(tx, &code.body, &coupon.body, to)? {
            None => return Ok(Ok(tx.show(&code.body)?)),
            // The same text may have belonged to a code that is over.
            Some(Refusal::CodeInactive | Refusal::OtherCustomer) => {}
            Some(refusal) => refused = refusal,
        }
    }
    Ok(Err(refused.to_buyer()))
}

/// Those that a subscription's next invoice has too, after one was made with `discounts`: a coupon for `once` has done its
/// work, and one that has ended is gone. Tells of each that goes.
pub(crate) fn after_invoice(
    tx: &Transaction<'_>,
    discounts: &[String],
) -> Result<Vec<String>, Error> {
    let mut staying = Vec::new();
    for id in discounts {
        let Some(record) = tx.get(Kind::Discount, id)? else {
            continue;
        };
        if record.private["coupon"]["duration"] == "once" || discount::ended(&record.body, tx.now())
        {
            removed(tx, &record.body)?;
        } else {
            staying.push(id.clone());
        }
    }
    Ok(staying)
}

/// Tells that those of `before` that `after` does not have were taken from their customer or subscription.
pub(crate) fn replaced(
    tx: &Transaction<'_>,
    before: &[String],
    after: &[String],
) -> Result<(), Error> {
    for id in before.iter().filter(|id| !after.contains(id)) {
        if let Some(record) = tx.get(Kind::Discount, id)? {
            removed(tx, &record.body)?;
        }
    }
    Ok(())
}

fn removed(tx: &Transaction<'_>, discount: &Value) -> Result<(), Error> {
    if is_told_of(discount) {
        tx.emit("customer.discount.deleted", discount, None)?;
    }
    Ok(())
}

/// Stripe tells of a customer's and a subscription's discounts only.
fn is_told_of(discount: &Value) -> bool {
    let elsewhere = ["checkout_session", "invoice", "invoice_item"];
    discount["customer"].is_string() && elsewhere.iter().all(|it| discount[*it].is_null())
}

/// A new discount from a coupon.
fn store(
    tx: &Transaction<'_>,
    coupon: &Record,
    code: Option<&Value>,
    to: Target<'_>,
) -> Result<String, Error> {
    let now = tx.now();
    let months = coupon.body["duration_in_months"].as_i64();
    let end = months.map(|months| periods::end(now, "month", months, 1));
    let mut body = discount::new(&ids::for_kind(Kind::Discount), &coupon.id, now, end);
    if let Some(code) = code {
        body["promotion_code"] = code["id"].clone();
        count(tx, code)?;
    }
    count(tx, &coupon.body)?;
    // The terms are kept: who has the discount keeps it when the coupon is deleted.
    let private = json!({ "coupon": coupon.body, "products": coupon.private["products"] });
    insert(tx, body, &private, to)
}

/// A discount that was redeemed goes on: as it is where it was, and as a copy elsewhere.
fn carry_on(tx: &Transaction<'_>, record: &Record, to: Target<'_>) -> Result<String, Error> {
    let fields = [
        "subscription",
        "subscription_item",
        "checkout_session",
        "invoice",
        "invoice_item",
    ];
    let mut body = record.body.clone();
    aim(&mut body, to);
    if fields
        .iter()
        .all(|field| body[*field] == record.body[*field])
    {
        return Ok(record.id.clone());
    }
    body["id"] = json!(ids::for_kind(Kind::Discount));
    insert(tx, body, &record.private, to)
}

fn insert(
    tx: &Transaction<'_>,
    mut body: Value,
    private: &Value,
    to: Target<'_>,
) -> Result<String, Error> {
    aim(&mut body, to);
    tx.insert(Kind::Discount, &body, private)?;
    if is_told_of(&body) {
        tx.emit("customer.discount.created", &body, None)?;
    }
    Ok(text(&body, "id").to_owned())
}

fn aim(body: &mut Value, to: Target<'_>) {
    body["customer"] = json!(to.customer);
    body["subscription"] = json!(to.subscription);
    body["subscription_item"] = json!(to.subscription_item);
    body["checkout_session"] = json!(to.checkout_session);
    body["invoice"] = json!(to.invoice);
    body["invoice_item"] = json!(to.invoice_item);
}

fn count(tx: &Transaction<'_>, body: &Value) -> Result<(), Error> {
    let mut body = body.clone();
    body["times_redeemed"] = json!(body["times_redeemed"].as_i64().unwrap_or_default() + 1);
    tx.replace(&body)
}

fn coupon_refusal(tx: &Transaction<'_>, coupon: &Value, to: Target<'_>) -> Option<Refusal> {
    if !coupon::valid(coupon, tx.now()) {
        return Some(Refusal::CouponExpired);
    }
    match (coupon["currency"].as_str(), to.currency) {
        (Some(its), Some(currency)) if its != currency => Some(Refusal::OtherCurrency),
        _ => None,
    }
}

fn code_refusal(
    tx: &Transaction<'_>,
    code: &Value,
    coupon: &Value,
    to: Target<'_>,
) -> Result<Option<Refusal>, Error> {
    if !promotion_code::active(code, coupon, tx.now()) {
        return Ok(Some(Refusal::CodeInactive));
    }
    if code["customer"].is_string() && code["customer"].as_str() != to.customer {
        return Ok(Some(Refusal::OtherCustomer));
    }
    let restrictions = &code["restrictions"];
    if restrictions["first_time_transaction"] == true
        && let Some(customer) = to.customer
        && has_bought(tx, customer)?
    {
        return Ok(Some(Refusal::NotFirst));
    }
    if let (Some(minimum), Some(total)) = (restrictions["minimum_amount"].as_i64(), to.total)
        && (total < minimum || restrictions["minimum_amount_currency"].as_str() != to.currency)
    {
        return Ok(Some(Refusal::BelowMinimum));
    }
    Ok(coupon_refusal(tx, coupon, to))
}

/// Whether a customer has a successful payment or an invoice that stands.
fn has_bought(tx: &Transaction<'_>, customer: &str) -> Result<bool, Error> {
    let of = |kind| Query::of(kind).with("$.customer", customer);
    let charges = of(Kind::Charge).with("$.status", "succeeded");
    let invoices = of(Kind::Invoice).one_of(
        "$.status",
        &["open".into(), "paid".into(), "uncollectible".into()],
    );
    Ok(!tx.all(&charges)?.is_empty() || !tx.all(&invoices)?.is_empty())
}

fn existing(tx: &Transaction<'_>, kind: Kind, id: &str) -> Result<Option<Record>, Error> {
    Ok(tx.get(kind, id)?.filter(|it| !it.deleted))
}

fn coupon_of(tx: &Transaction<'_>, code: &Value) -> Result<Option<Record>, Error> {
    tx.get(Kind::Coupon, text(&code["promotion"], "coupon"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `work` on a new database with the coupons `half` (50 % for two months, redeemed at most twice) and `five` ($5,
    /// once, for the product `prod_a`), and the promotion code `HALF` for a first purchase of at least $10.
    fn with_coupons(work: impl FnOnce(&Transaction<'_>)) {
        let store = crate::store::Store::open(None, "").unwrap();
        let done = store.transaction(crate::store::Cause::default(), |tx| {
            let mut half = coupon::new("half", tx.now());
            half["percent_off"] = json!(50);
            half["duration"] = json!("repeating");
            half["duration_in_months"] = json!(2);
            half["max_redemptions"] = json!(2);
            tx.insert(Kind::Coupon, &half, &json!({ "products": null }))?;
            let mut five = coupon::new("five", tx.now());
            five["amount_off"] = json!(500);
            five["currency"] = json!("usd");
            tx.insert(Kind::Coupon, &five, &json!({ "products": ["prod_a"] }))?;
            let mut code = promotion_code::new("promo_1", "HALF", "half", tx.now());
            code["restrictions"] = json!({
                "first_time_transaction": true,
                "minimum_amount": 1000,
                "minimum_amount_currency": "usd",
            });
            tx.insert(Kind::PromotionCode, &code, &Value::Null)?;
            work(tx);
            Ok::<_, Error>(())
        });
        done.unwrap();
    }

    fn coupon_named(id: &str) -> Wanted {
        Wanted {
            source: Source::Coupon(id.into()),
            param: "discounts[0][coupon]".into(),
        }
    }

    const SUBSCRIPTION: Target<'_> = Target {
        customer: Some("cus_1"),
        subscription: Some("sub_1"),
        subscription_item: None,
        checkout_session: None,
        invoice: None,
        invoice_item: None,
        currency: Some("usd"),
        total: Some(2900),
    };

    #[test]
    fn discounts_stack_until_they_end() {
        with_coupons(|tx| {
            let half = redeem(tx, &coupon_named("half"), SUBSCRIPTION).unwrap();
            let five = redeem(tx, &coupon_named("five"), SUBSCRIPTION).unwrap();
            let both = [half.clone(), five.clone()];
            let lines = ["prod_a", "prod_b"].map(|product| Line {
                amount: 2000,
                product: Some(product),
            });
            assert_eq!(
                lines_off(tx, &both, &lines, "usd").unwrap(),
                [
                    vec![(half.clone(), 1000), (five, 500)],
                    vec![(half.clone(), 1000)]
                ]
            );
            // After the first invoice, what was for once is over; after two months, the rest.
            assert_eq!(
                after_invoice(tx, &both).unwrap(),
                std::slice::from_ref(&half)
            );
            tx.set_now(periods::end(tx.now(), "month", 2, 1));
            assert_eq!(
                lines_off(tx, &both[..1], &lines[..1], "usd").unwrap(),
                [vec![]]
            );
            assert_eq!(after_invoice(tx, &[half]).unwrap(), Vec::<String>::new());
        });
    }

    #[test]
    fn a_coupon_is_redeemed_as_often_as_it_may_be_and_a_discount_can_be_carried_on() {
        with_coupons(|tx| {
            let first = redeem(tx, &coupon_named("half"), SUBSCRIPTION).unwrap();
            let again = Wanted {
                source: Source::Discount(first.clone()),
                param: "discounts[0][discount]".into(),
            };
            assert_eq!(redeem(tx, &again, SUBSCRIPTION).unwrap(), first);
            let other = Target {
                subscription: Some("sub_2"),
                ..SUBSCRIPTION
            };
            assert_ne!(redeem(tx, &again, other).unwrap(), first);
            redeem(tx, &coupon_named("half"), SUBSCRIPTION).unwrap();
            let error = redeem(tx, &coupon_named("half"), SUBSCRIPTION).unwrap_err();
            assert_eq!(error.body()["error"]["code"], "coupon_expired");
            let coupon = tx.get(Kind::Coupon, "half").unwrap().unwrap();
            assert_eq!(coupon.body["times_redeemed"], 2);
            assert_eq!(
                by_code(tx, "half", "usd", 2900, None).unwrap(),
                Err("This code is invalid.")
            );
        });
    }

    #[test]
    fn a_buyer_is_told_why_a_code_is_not_for_them() {
        with_coupons(|tx| {
            let check = |code: &str, total, customer| {
                by_code(tx, code, "usd", total, customer)
                    .unwrap()
                    .map(|code| text(&code, "id").to_owned())
            };
            assert_eq!(check(" half ", 2900, None), Ok("promo_1".into()));
            assert_eq!(check("third", 2900, None), Err("This code is invalid."));
            assert_eq!(
                check("half", 900, None),
                Err("This order is below the minimum amount of this code.")
            );
            let charge = json!({ "id": "ch_1", "object": "charge", "customer": "cus_1", "status": "succeeded" });
            tx.insert(Kind::Charge, &charge, &Value::Null).unwrap();
            assert_eq!(
                check("half", 2900, Some("cus_1")),
                Err("This code is only for a first purchase.")
            );
        });
    }
}
