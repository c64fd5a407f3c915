//! `/v1/payment_methods`: cards. <https://docs.stripe.com/api/payment_methods>

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use super::{Context, existing, or_null, read_only, set_texts, valid_email};
use crate::engine::cards::{self, Card, Decline};
use crate::engine::methods;
use crate::ids;
use crate::objects::{Kind, payment, text};
use crate::store::{Query, Record};

/// Every type of payment method but cards.
const OTHER_TYPES: &str = "\
    acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum \
    blik boleto cashapp crypto custom customer_balance eps fpx giropay grabpay ideal interac_present kakao_pay \
    klarna konbini kr_card link mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco \
    paynow paypal payto pix promptpay radar_options revolut_pay samsung_pay satispay scalapay sepa_debit sofort \
    sunbit swish twint upi us_bank_account wechat_pay zip";
const FILTERS: &[(&str, &str)] = &[
    ("allow_redisplay", "$.allow_redisplay"),
    ("customer", "$.customer"),
    ("type", "$.type"),
];

/// Creates one, which belongs to nobody.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    // To copy one from another account, with Connect.
    params.refuse("customer payment_method")?;
    let body = of_data(context, &mut params)?;
    params.finish()?;
    Ok(body)
}

/// Makes one of its data: `type`, `card` and what else there is. Takes these.
fn of_data(context: &Context<'_>, params: &mut Params) -> Result<Value, ApiError> {
    params.refuse(OTHER_TYPES)?;
    match params.text("type")?.as_deref() {
        Some("card") => {}
        Some(other) => {
            return Err(ApiError::unsupported(
                &params.name("type"),
                &format!("The payment method type {other}."),
            ));
        }
        None => return Err(params.missing("type")),
    }
    let mut card = params
        .object("card")?
        .ok_or_else(|| params.missing("card"))?;
    card.refuse("networks")?;
    let mut body = match card.text("token")? {
        Some(token) => methods::ready_made(context.tx, &token)?.ok_or_else(|| {
            ApiError::invalid(
                "resource_missing",
                &card.name("token"),
                format!("No such token: '{token}'"),
            )
        })?,
        None => of_number(context, &mut card)?,
    };
    card.finish()?;
    body["allow_redisplay"] = json!(allow_redisplay(params)?.unwrap_or("unspecified".into()));
    change_billing_details(&mut body, params)?;
    body["metadata"] = Value::Object(Metadata::of_new(params.metadata()?)?);
    context.tx.replace(&body)?;
    Ok(body)
}

fn of_number(context: &Context<'_>, card: &mut Params) -> Result<Value, ApiError> {
    let number: String = card.required_text("number")?;
    let number: String = number
        .chars()
        .filter(|it| !it.is_whitespace() && *it != '-')
        .collect();
    let month = card.integer("exp_month")?;
    let month = month.ok_or_else(|| card.missing("exp_month"))?;
    let year = card.integer("exp_year")?;
    let year = year.ok_or_else(|| card.missing("exp_year"))?;
    let year = if year < 100 { 2000 + year } else { year };
    let cvc = card.text("cvc")?;
    let digits = number.bytes().all(|it| it.is_ascii_digit());
    if !digits || !(14..=19).contains(&number.len()) || !cards::check_digit_is_right(&number) {
        let message = "Your card number is incorrect.";
        return Err(ApiError::wrong_card("incorrect_number", "number", message));
    }
    check_date(context.tx.now(), month, year)?;
    if let Some(cvc) = cvc
        && (cvc.len() != cards::cvc_length(cards::brand(&number))
            || !cvc.bytes().all(|it| it.is_ascii_digit()))
    {
        let message = "Your card's security code is invalid.";
        return Err(ApiError::wrong_card("invalid_cvc", "cvc", message));
    }
    if let Card::Declined(decline @ (Decline::NotATestCard | Decline::Unsupported)) =
        cards::find(&number)
    {
        return Err(ApiError::card(decline));
    }
    let id = ids::for_kind(Kind::PaymentMethod);
    let details = payment::no_billing_details();
    Ok(methods::create(
        context.tx,
        &id,
        &number,
        (month, year),
        details,
    )?)
}

fn check_date(now: i64, month: i64, year: i64) -> Result<(), ApiError> {
    if !(1..=12).contains(&month) {
        let message = "Your card's expiration month is invalid.";
        return Err(ApiError::wrong_card(
            "invalid_expiry_month",
            "exp_month",
            message,
        ));
    }
    let today = Timestamp::from_second(now)
        .map(|it| it.to_zoned(TimeZone::UTC))
        .map_or((0, 0), |it| (i64::from(it.year()), i64::from(it.month())));
    if (year, month) < today || year > today.0 + 50 {
        let message = "Your card's expiration year is invalid.";
        return Err(ApiError::wrong_card(
            "invalid_expiry_year",
            "exp_year",
            message,
        ));
    }
    Ok(())
}

fn allow_redisplay(params: &mut Params) -> Result<Option<String>, ApiError> {
    params.one_of("allow_redisplay", &["always", "limited", "unspecified"])
}

fn change_billing_details(body: &mut Value, params: &mut Params) -> Result<(), ApiError> {
    let Some(mut details) = params.object("billing_details")? else {
        return Ok(());
    };
    if let Some(email) = details.text_or_unset("email")? {
        if !email.is_empty() {
            valid_email(&email, &details.name("email"))?;
        }
        body["billing_details"]["email"] = or_null(&email);
    }
    set_texts(
        &mut body["billing_details"],
        &mut details,
        &["name", "phone", "tax_id"],
    )?;
    if let Some(mut address) = details.object("address")? {
        set_texts(
            &mut body["billing_details"]["address"],
            &mut address,
            &["city", "country", "line1", "line2", "postal_code", "state"],
        )?;
        address.finish()?;
    }
    details.finish()
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::PaymentMethod, id)?;
    params.refuse("payto us_bank_account")?;
    let mut body = record.body.clone();
    if let Some(allow) = allow_redisplay(&mut params)? {
        body["allow_redisplay"] = json!(allow);
    }
    change_billing_details(&mut body, &mut params)?;
    if let Some(mut card) = params.object("card")? {
        card.refuse("networks")?;
        for field in ["exp_month", "exp_year"] {
            if let Some(value) = card.integer(field)? {
                body["card"][field] = json!(value);
            }
        }
        card.finish()?;
        let date = |field: &str| body["card"][field].as_i64().unwrap_or_default();
        check_date(context.tx.now(), date("exp_month"), date("exp_year"))?;
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    if body["customer"].is_null() {
        return Err(ApiError::refused(
            "You must save this PaymentMethod to a customer before you can update it.",
        ));
    }
    context
        .tx
        .update(&record.body, &body, "payment_method.updated")?;
    Ok(body)
}

/// Gives one to a customer; `pm_card_visa` and the like are made for them.
pub(super) fn attach(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse("customer_account")?;
    let customer = params.required_text("customer")?;
    params.finish()?;
    known_customer(context, Some(&customer))?;
    let method = match methods::ready_made(context.tx, id)? {
        Some(body) => existing(context, Kind::PaymentMethod, text(&body, "id"))?,
        None => existing(context, Kind::PaymentMethod, id)?,
    };
    attach_to(context, &method, &customer)
}

/// Gives one to a customer, unless the card is declined or somebody else's.
pub(super) fn attach_to(
    context: &Context<'_>,
    method: &Record,
    customer: &str,
) -> Result<Value, ApiError> {
    match method.body["customer"].as_str() {
        Some(owner) if owner == customer => return Ok(method.body.clone()),
        Some(_) => {
            return Err(ApiError::refused(
                "The payment method you provided has already been attached to a customer.",
            ));
        }
        None => refuse_spent(method)?,
    }
    if let Some(decline) = Card::of(&method.private).refuses_to_be_kept() {
        return Err(ApiError::card(decline));
    }
    Ok(methods::attach(context.tx, &method.body, customer)?)
}

fn refuse_spent(method: &Record) -> Result<(), ApiError> {
    if method.private["spent"] != true {
        return Ok(());
    }
    Err(ApiError::refused(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
    ))
}

/// Takes one from its customer.
pub(super) fn detach(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    // Of `pm_card_visa` and the like, the one that was attached last.
    let method = if cards::ready_made(id).is_some() {
        let all = context.tx.all(&Query::of(Kind::PaymentMethod))?;
        all.into_iter()
            .find(|it| it.private["ready_made"] == id && it.body["customer"].is_string())
            .ok_or_else(|| ApiError::no_such(Kind::PaymentMethod, id))?
    } else {
        existing(context, Kind::PaymentMethod, id)?
    };
    if method.body["customer"].is_null() {
        return Err(ApiError::refused(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    }
    Ok(methods::detach(context.tx, &method)?)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account")?;
    read_only::list(context, Kind::PaymentMethod, FILTERS, params)
}

/// Lists a customer's.
pub(super) fn list_of(
    context: &Context<'_>,
    customer: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    existing(context, Kind::Customer, customer)?;
    let paging = super::list::Paging::take(&mut params)?;
    let mut query = Query::of(Kind::PaymentMethod).with("$.customer", customer);
    for (field, path) in [("allow_redisplay", "$.allow_redisplay"), ("type", "$.type")] {
        if let Some(value) = params.text(field)? {
            query = query.with(path, &value);
        }
    }
    params.finish()?;
    let url = format!("{}/{customer}/payment_methods", Kind::Customer.path());
    paging.page(context.tx, Kind::PaymentMethod, &query, &url)
}

/// Shows one of a customer's.
pub(super) fn retrieve_of(
    context: &Context<'_>,
    customer: &str,
    id: &str,
    params: Params,
) -> Result<Value, ApiError> {
    params.finish()?;
    existing(context, Kind::Customer, customer)?;
    let method = existing(context, Kind::PaymentMethod, id)?;
    if method.body["customer"] != customer {
        return Err(ApiError::no_such(Kind::PaymentMethod, id));
    }
    Ok(method.body)
}

/// Checks that a customer who is named exists.
pub(super) fn known_customer(
    context: &Context<'_>,
    customer: Option<&str>,
) -> Result<(), ApiError> {
    let Some(id) = customer else { return Ok(()) };
    match context.tx.get(Kind::Customer, id)? {
        Some(record) if !record.deleted => Ok(()),
        _ => Err(ApiError::no_such_referenced(Kind::Customer, id, "customer")),
    }
}

/// The payment method that the parameters name (`payment_method`) or describe (`payment_method_data`), for a payment of
/// this customer. Takes these.
pub(super) fn given(
    context: &Context<'_>,
    params: &mut Params,
    customer: Option<&str>,
) -> Result<Option<Value>, ApiError> {
    if let Some(mut data) = params.object("payment_method_data")? {
        let body = of_data(context, &mut data)?;
        data.finish()?;
        return Ok(Some(body));
    }
    match params.text("payment_method")? {
        Some(id) => named(context, &id, customer).map(Some),
        None => Ok(None),
    }
}

/// The payment method of this name, which may be ready made, for a payment of this customer.
pub(super) fn named(
    context: &Context<'_>,
    id: &str,
    customer: Option<&str>,
) -> Result<Value, ApiError> {
    if let Some(body) = methods::ready_made(context.tx, id)? {
        return Ok(body);
    }
    let method = context
        .tx
        .get(Kind::PaymentMethod, id)?
        .ok_or_else(|| ApiError::no_such_referenced(Kind::PaymentMethod, id, "payment_method"))?;
    match method.body["customer"].as_str() {
        None => refuse_spent(&method)?,
        owner if owner == customer => {}
        Some(owner) => {
            let message = format!(
                "The provided PaymentMethod ({id}) belongs to the Customer {owner}, and cannot be used for another one, or for none. Pass it as `customer`."
            );
            return Err(ApiError::refused(message).about("payment_method"));
        }
    }
    Ok(method.body)
}
