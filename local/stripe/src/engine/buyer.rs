//! What a buyer types on the Checkout page.

mod billing;

pub(crate) use billing::{Address, Business, COUNTRIES};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cards::{self, Decline};
use super::methods;
use crate::ids;
use crate::objects::{Kind, payment};
use crate::store::{Error, Transaction};

/// The form, as it was sent.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Form {
    pub(crate) email: String,
    #[serde(rename = "cardNumber")]
    pub(crate) number: String,
    #[serde(rename = "cardExpiry")]
    pub(crate) expiry: String,
    #[serde(rename = "cardCvc")]
    pub(crate) cvc: String,
    #[serde(rename = "billingName")]
    pub(crate) name: String,
    #[serde(rename = "billingCountry")]
    pub(crate) country: String,
    #[serde(rename = "billingAddressLine1")]
    pub(crate) line1: String,
    #[serde(rename = "billingLocality")]
    pub(crate) city: String,
    #[serde(rename = "billingAdministrativeArea")]
    pub(crate) state: String,
    #[serde(rename = "billingPostalCode")]
    pub(crate) postal_code: String,
    #[serde(rename = "businessName")]
    pub(crate) business_name: String,
    #[serde(rename = "taxId")]
    pub(crate) tax_id: String,
}

/// What the page asks for, beside the email.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Asks {
    pub(crate) card: bool,
    /// Of the address.
    pub(crate) address: Address,
    pub(crate) tax_id: bool,
}

/// What is wrong with the form, next to the field it is about.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct FieldErrors {
    pub(crate) email: Option<&'static str>,
    pub(crate) number: Option<&'static str>,
    pub(crate) expiry: Option<&'static str>,
    pub(crate) cvc: Option<&'static str>,
    pub(crate) name: Option<&'static str>,
    pub(crate) country: Option<&'static str>,
    pub(crate) line1: Option<&'static str>,
    pub(crate) city: Option<&'static str>,
    pub(crate) postal_code: Option<&'static str>,
    pub(crate) business_name: Option<&'static str>,
    pub(crate) tax_id: Option<&'static str>,
}

impl FieldErrors {
    /// Something is wrong with the card as a whole.
    pub(crate) fn card(message: &'static str) -> Self {
        Self {
            number: Some(message),
            ..Self::default()
        }
    }

    /// The card was declined.
    pub(crate) fn declined(decline: Decline) -> Self {
        let message = Some(decline.message());
        match decline {
            Decline::ExpiredCard => Self {
                expiry: message,
                ..Self::default()
            },
            Decline::IncorrectCvc => Self {
                cvc: message,
                ..Self::default()
            },
            _ => Self::card(decline.message()),
        }
    }

    fn any(&self) -> bool {
        let all = [
            self.email,
            self.number,
            self.expiry,
            self.cvc,
            self.name,
            self.country,
            self.line1,
            self.city,
            self.postal_code,
            self.business_name,
            self.tax_id,
        ];
        all.iter().any(Option::is_some)
    }
}

/// A form with nothing wrong.
#[derive(Debug)]
pub(crate) struct Buyer {
    pub(crate) email: String,
    /// Where one is asked for.
    pub(crate) card: Option<CardGiven>,
    /// What is asked for of it, as Stripe shows addresses.
    pub(crate) address: Option<Value>,
    pub(crate) business: Option<Business>,
}

impl Buyer {
    /// Checks the form as Stripe's page does. `now` is the year and the month.
    pub(crate) fn check(
        form: &Form,
        asks: Asks,
        now: (i64, i64),
    ) -> Result<Self, Box<FieldErrors>> {
        let card = asks.card.then(|| CardGiven::check(form, now));
        let (mut card, mut errors) = match card.transpose() {
            Ok(card) => (card, Box::default()),
            Err(errors) => (None, errors),
        };
        errors.email = email_error(&form.email);
        let address = form.address(asks.address, &mut errors);
        let business = match asks.tax_id {
            true => form.business(&mut errors),
            false => None,
        };
        if errors.any() {
            return Err(errors);
        }
        if let (Some(card), Some(address)) = (&mut card, &address) {
            card.address = Some(address.clone());
        }
        Ok(Self {
            email: form.email.trim().to_owned(),
            card,
            address,
            business,
        })
    }
}

/// A card that may be one.
#[derive(Debug)]
pub(crate) struct CardGiven {
    pub(crate) number: String,
    /// Month and year.
    pub(crate) expiry: (i64, i64),
    /// The name on it.
    pub(crate) name: String,
    /// The address that it is billed to, where that is asked for.
    pub(crate) address: Option<Value>,
}

impl CardGiven {
    /// Checks the fields of a card.
    pub(crate) fn check(form: &Form, now: (i64, i64)) -> Result<Self, Box<FieldErrors>> {
        let number: String = form
            .number
            .chars()
            .filter(|it| !it.is_whitespace() && *it != '-')
            .collect();
        let mut errors = Box::new(FieldErrors {
            number: number_error(&number),
            ..FieldErrors::default()
        });
        let (year, month) = expiry(&form.expiry, now)
            .map_err(|error| errors.expiry = Some(error))
            .unwrap_or_default();
        let cvc = form.cvc.trim();
        if cvc.len() != cards::cvc_length(cards::brand(&number))
            || !cvc.bytes().all(|it| it.is_ascii_digit())
        {
            errors.cvc = Some("Your card's security code is incomplete.");
        }
        if form.name.trim().is_empty() {
            errors.name = Some("Enter the name on the card.");
        }
        if errors.any() {
            return Err(errors);
        }
        Ok(Self {
            number,
            expiry: (month, year),
            name: form.name.trim().to_owned(),
            address: None,
        })
    }

    /// Stores it, for nobody yet.
    pub(crate) fn store(&self, tx: &Transaction<'_>, email: Option<&str>) -> Result<Value, Error> {
        let mut details = payment::no_billing_details();
        details["email"] = json!(email);
        details["name"] = json!(self.name);
        if let Some(address) = &self.address {
            details["address"] = address.clone();
        }
        let id = ids::for_kind(Kind::PaymentMethod);
        methods::create(tx, &id, &self.number, self.expiry, details)
    }
}

/// Whether it can be an email address.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let dotted = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    !local.is_empty()
        && dotted
        && text.len() <= 254
        && !text.contains(|it: char| it.is_whitespace() || it.is_control())
}

fn email_error(text: &str) -> Option<&'static str> {
    match text.trim() {
        "" => Some("Enter your email."),
        email if !is_email(email) => Some("Your email is invalid."),
        _ => None,
    }
}

fn number_error(number: &str) -> Option<&'static str> {
    if number.len() < 14 && number.bytes().all(|it| it.is_ascii_digit()) {
        return Some("Your card number is incomplete.");
    }
    let valid = number.len() <= 19
        && number.bytes().all(|it| it.is_ascii_digit())
        && cards::check_digit_is_right(number);
    (!valid).then_some("Your card number is invalid.")
}

/// Reads `MM / YY` or `MM / YYYY`, with or without the slash; gives the year and the month.
fn expiry(text: &str, now: (i64, i64)) -> Result<(i64, i64), &'static str> {
    const INCOMPLETE: &str = "Your card's expiration date is incomplete.";
    let text: String = text.chars().filter(|it| !it.is_whitespace()).collect();
    let (month, year) = match text.split_once('/') {
        Some(parts) => parts,
        None if matches!(text.len(), 4 | 6) && text.is_ascii() => text.split_at(2),
        None => return Err(INCOMPLETE),
    };
    let digits = month
        .bytes()
        .chain(year.bytes())
        .all(|it| it.is_ascii_digit());
    let (Ok(month), Ok(parsed)) = (month.parse::<i64>(), year.parse::<i64>()) else {
        return Err(INCOMPLETE);
    };
    if !digits || !(1..=12).contains(&month) {
        return Err("Your card's expiration date is invalid.");
    }
    let year = match year.len() {
        2 => 2000 + parsed,
        4 => parsed,
        _ => return Err(INCOMPLETE),
    };
    if year < now.0 {
        return Err("Your card's expiration year is in the past.");
    }
    if (year, month) < now {
        return Err("Your card's expiration date is in the past.");
    }
    if year > now.0 + 50 {
        return Err("Your card's expiration year is invalid.");
    }
    Ok((year, month))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: (i64, i64) = (2026, 11);
    const CARD: Asks = Asks {
        card: true,
        address: Address::Nothing,
        tax_id: false,
    };

    fn form() -> Form {
        Form {
            email: "ada@example.com".into(),
            number: "4242 4242 4242 4242".into(),
            expiry: "12 / 34".into(),
            cvc: "123".into(),
            name: "Ada".into(),
            ..Form::default()
        }
    }

    fn check_expiry(text: &str, expected: Result<(i64, i64), &'static str>) {
        assert_eq!(expiry(text, NOW), expected, "{text}");
    }

    #[test]
    fn an_expiration_is_read_however_it_is_written() {
        for text in ["12 / 34", "12/34", "1234", "12/2034", "122034"] {
            check_expiry(text, Ok((2034, 12)));
        }
        check_expiry("11/26", Ok((2026, 11)));
        check_expiry("10/26", Err("Your card's expiration date is in the past."));
        check_expiry("12/25", Err("Your card's expiration year is in the past."));
        check_expiry("13/30", Err("Your card's expiration date is invalid."));
        check_expiry("1", Err("Your card's expiration date is incomplete."));
        check_expiry("é1é2", Err("Your card's expiration date is incomplete."));
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let errors = Buyer::check(&Form::default(), CARD, NOW).unwrap_err();
        assert_eq!(errors.email, Some("Enter your email."));
        assert_eq!(errors.number, Some("Your card number is incomplete."));
        assert_eq!(
            errors.expiry,
            Some("Your card's expiration date is incomplete.")
        );
        assert_eq!(errors.cvc, Some("Your card's security code is incomplete."));
        assert_eq!(errors.name, Some("Enter the name on the card."));
        let errors = Buyer::check(
            &Form {
                number: "4242424242424241".into(),
                ..form()
            },
            CARD,
            NOW,
        )
        .unwrap_err();
        assert_eq!(errors.number, Some("Your card number is invalid."));
        let errors = Buyer::check(
            &Form {
                number: "4242".into(),
                ..form()
            },
            CARD,
            NOW,
        )
        .unwrap_err();
        assert_eq!(errors.number, Some("Your card number is incomplete."));
        let errors = Buyer::check(
            &Form {
                cvc: "12".into(),
                ..form()
            },
            CARD,
            NOW,
        )
        .unwrap_err();
        assert_eq!(errors.cvc, Some("Your card's security code is incomplete."));
    }

    #[test]
    fn without_a_card_only_the_email_is_asked_for() {
        let form = Form {
            email: " ada@example.com ".into(),
            ..Form::default()
        };
        let buyer = Buyer::check(&form, Asks::default(), NOW).unwrap();
        assert_eq!(buyer.email, "ada@example.com");
        assert!(buyer.card.is_none());
    }
}
