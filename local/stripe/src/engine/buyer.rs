//! What a buyer types on the Checkout page.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cards::{self, Decline};
use super::{methods, tax};
use crate::ids;
use crate::objects::{Kind, payment, tax_id};
use crate::store::{Error, Transaction};

/// The countries that a buyer can choose from, by their codes: fewer than Stripe's.
pub(crate) const COUNTRIES: [(&str, &str); 44] = [
    ("AU", "Australia"),
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("BR", "Brazil"),
    ("BG", "Bulgaria"),
    ("CA", "Canada"),
    ("HR", "Croatia"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GR", "Greece"),
    ("HK", "Hong Kong"),
    ("HU", "Hungary"),
    ("IS", "Iceland"),
    ("IN", "India"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("LV", "Latvia"),
    ("LI", "Liechtenstein"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("MT", "Malta"),
    ("MX", "Mexico"),
    ("NL", "Netherlands"),
    ("NZ", "New Zealand"),
    ("NO", "Norway"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("RO", "Romania"),
    ("SG", "Singapore"),
    ("SK", "Slovakia"),
    ("SI", "Slovenia"),
    ("ZA", "South Africa"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("AE", "United Arab Emirates"),
    ("GB", "United Kingdom"),
    ("US", "United States"),
];

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

/// How much of an address is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Address {
    #[default]
    Nothing,
    /// The country, and the postal code where that is needed: what tax is computed by.
    Region,
    Whole,
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

/// A business that buys.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Business {
    pub(crate) name: String,
    /// Stripe's name for this kind of tax id.
    pub(crate) kind: &'static str,
    pub(crate) tax_id: String,
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

impl Form {
    /// Fills in what a payer told before, but for the card.
    pub(crate) fn refill(&mut self, payer: &Value) {
        let (address, business) = (&payer["address"], &payer["business"]);
        for (field, told) in [
            (&mut self.country, &address["country"]),
            (&mut self.line1, &address["line1"]),
            (&mut self.city, &address["city"]),
            (&mut self.state, &address["state"]),
            (&mut self.postal_code, &address["postal_code"]),
            (&mut self.business_name, &business["name"]),
            (&mut self.tax_id, &business["tax_id"]),
        ] {
            told.as_str().unwrap_or_default().clone_into(field);
        }
    }

    /// The address, as far as it is asked for.
    fn address(&self, asked: Address, errors: &mut FieldErrors) -> Option<Value> {
        if asked == Address::Nothing {
            return None;
        }
        let country = self.country.trim();
        if !COUNTRIES.iter().any(|(code, _)| *code == country) {
            errors.country = Some("Select a country.");
        }
        let whole = asked == Address::Whole;
        let missing =
            |text: &str, asked: bool, message| (asked && text.trim().is_empty()).then_some(message);
        let needs_code = tax::NEED_POSTAL_CODE.contains(&country) || whole;
        errors.postal_code = missing(&self.postal_code, needs_code, "Enter your postal code.");
        errors.line1 = missing(&self.line1, whole, "Enter your address.");
        errors.city = missing(&self.city, whole, "Enter your city.");
        let given = |text: &str| match text.trim() {
            "" => Value::Null,
            text => json!(text),
        };
        let only_whole = |text: &str| if whole { given(text) } else { Value::Null };
        Some(json!({
            "city": only_whole(&self.city),
            "country": country,
            "line1": only_whole(&self.line1),
            "line2": null,
            "postal_code": given(&self.postal_code),
            "state": only_whole(&self.state),
        }))
    }

    /// The business, where a tax id is given.
    fn business(&self, errors: &mut FieldErrors) -> Option<Business> {
        let (name, id) = (self.business_name.trim(), self.tax_id.trim());
        if id.is_empty() {
            errors.tax_id = (!name.is_empty()).then_some("Enter the tax ID of the business.");
            return None;
        }
        if name.is_empty() {
            errors.business_name = Some("Enter the name of the business.");
        }
        let kind = tax_id::kind_in(self.country.trim());
        match kind {
            None => errors.tax_id = Some("Tax IDs of this country cannot be given here."),
            Some(kind) if !tax_id::is_valid(kind, id) => {
                errors.tax_id = Some("Your tax ID is invalid.");
            }
            Some(_) => {}
        }
        Some(Business {
            name: name.to_owned(),
            kind: kind?,
            tax_id: id.to_owned(),
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

    fn check_address(asked: Address, form: Form, expected: Result<Value, [Option<&str>; 2]>) {
        let asks = Asks {
            address: asked,
            ..Asks::default()
        };
        let buyer = Buyer::check(&form, asks, NOW);
        let given = buyer.map(|it| it.address.unwrap_or_default());
        assert_eq!(given.map_err(|it| [it.country, it.postal_code]), expected);
    }

    #[test]
    fn as_much_of_an_address_is_asked_for_as_tax_needs() {
        let code = Some("Enter your postal code.");
        let in_country = |country: &str| Form {
            country: country.into(),
            ..form()
        };
        check_address(Address::Nothing, form(), Ok(Value::Null));
        let germany = json!({
            "city": null, "country": "DE", "line1": null, "line2": null, "postal_code": null, "state": null,
        });
        check_address(Address::Region, in_country("DE"), Ok(germany));
        check_address(Address::Region, in_country("US"), Err([None, code]));
        check_address(Address::Whole, in_country("DE"), Err([None, code]));
        check_address(
            Address::Region,
            in_country("XX"),
            Err([Some("Select a country."), None]),
        );
    }

    fn check_business(name: &str, id: &str, expected: Result<Option<&str>, [Option<&str>; 2]>) {
        let form = Form {
            country: "DE".into(),
            business_name: name.into(),
            tax_id: id.into(),
            ..form()
        };
        let asks = Asks {
            address: Address::Region,
            tax_id: true,
            ..Asks::default()
        };
        let buyer = Buyer::check(&form, asks, NOW);
        let kind = buyer.map(|it| it.business.map(|it| it.kind));
        assert_eq!(
            kind.map_err(|it| [it.business_name, it.tax_id]),
            expected,
            "{name} {id}"
        );
    }

    #[test]
    fn a_tax_id_is_of_a_business_with_a_name() {
        check_business("", "", Ok(None));
        check_business("Engines Ltd", "DE123456789", Ok(Some("eu_vat")));
        let nameless = Some("Enter the name of the business.");
        check_business("", "DE123456789", Err([nameless, None]));
        let invalid = Some("Your tax ID is invalid.");
        check_business("Engines Ltd", "123456789", Err([None, invalid]));
        let missing = Some("Enter the tax ID of the business.");
        check_business("Engines Ltd", "", Err([None, missing]));
    }

    #[test]
    fn countries_are_in_order_of_their_names() {
        assert!(COUNTRIES.is_sorted_by_key(|(_, name)| *name));
    }
}
