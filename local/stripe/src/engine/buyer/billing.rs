//! Where a buyer is, and whether they buy as a business.

use serde::Serialize;
use serde_json::{Value, json};

use super::{FieldErrors, Form};
use crate::engine::tax;
use crate::objects::tax_id;

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

/// A business that buys.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Business {
    pub(crate) name: String,
    /// Stripe's name for this kind of tax id.
    pub(crate) kind: &'static str,
    pub(crate) tax_id: String,
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
    pub(super) fn address(&self, asked: Address, errors: &mut FieldErrors) -> Option<Value> {
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
    pub(super) fn business(&self, errors: &mut FieldErrors) -> Option<Business> {
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
            // Which country it is, is asked for first.
            None if errors.country.is_some() => {}
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

#[cfg(test)]
mod tests {
    use super::super::{Asks, Buyer};
    use super::*;

    const NOW: (i64, i64) = (2026, 11);

    fn form() -> Form {
        Form {
            email: "ada@example.com".into(),
            ..Form::default()
        }
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
