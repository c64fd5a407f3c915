//! Tax ids of customers.

use serde_json::{Value, json};

/// The countries of the European Union, whose VAT numbers begin with their codes.
const EUROPEAN_UNION: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];
/// The kind of tax id that a buyer in another country has.
const ELSEWHERE: [(&str, &str); 14] = [
    ("AU", "au_abn"),
    ("BR", "br_cnpj"),
    ("CA", "ca_bn"),
    ("CH", "ch_vat"),
    ("GB", "gb_vat"),
    ("IN", "in_gst"),
    ("IS", "is_vat"),
    ("JP", "jp_trn"),
    ("LI", "li_uid"),
    ("MX", "mx_rfc"),
    ("NO", "no_vat"),
    ("NZ", "nz_gst"),
    ("SG", "sg_gst"),
    ("US", "us_ein"),
];
/// The longest value.
const LONGEST: usize = 30;

/// The kind of tax id that buyers in a country have, as far as this stand-in knows it.
pub(crate) fn kind_in(country: &str) -> Option<&'static str> {
    if EUROPEAN_UNION.contains(&country) {
        return Some("eu_vat");
    }
    let found = ELSEWHERE.iter().find(|(code, _)| *code == country);
    found.map(|(_, kind)| *kind)
}

/// Whether a kind of tax id is one that this stand-in knows.
pub(crate) fn is_known(kind: &str) -> bool {
    kind == "eu_vat" || ELSEWHERE.iter().any(|(_, known)| *known == kind)
}

/// Whether a value can be of a kind. Of those in the European Union the beginning is looked at, too.
pub(crate) fn is_valid(kind: &str, value: &str) -> bool {
    let marks = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b' ' | b'-' | b'.' | b'/');
    let plain = (4..=LONGEST).contains(&value.len())
        && value.bytes().all(marks)
        && value.bytes().any(|it| it.is_ascii_digit());
    plain && (kind != "eu_vat" || country_of(kind, value).is_some())
}

/// The country that a tax id is of.
fn country_of(kind: &str, value: &str) -> Option<String> {
    if kind != "eu_vat" {
        let found = ELSEWHERE.iter().find(|(_, known)| *known == kind);
        return found.map(|(country, _)| (*country).to_owned());
    }
    let prefix = value.get(..2)?.to_uppercase();
    // Greece's begin otherwise.
    let country = if prefix == "EL" { "GR" } else { &prefix };
    EUROPEAN_UNION
        .contains(&country)
        .then(|| country.to_owned())
}

/// A new one. It waits to be verified for good: nobody is asked.
pub(crate) fn new(id: &str, customer: &str, kind: &str, value: &str, created: i64) -> Value {
    let status = match kind {
        "au_abn" | "eu_vat" | "gb_vat" => "pending",
        _ => "unavailable",
    };
    json!({
        "id": id,
        "object": "tax_id",
        "country": country_of(kind, value),
        "created": created,
        "customer": customer,
        "customer_account": null,
        "livemode": false,
        "owner": { "customer": customer, "type": "customer" },
        "type": kind,
        "value": value,
        "verification": { "status": status, "verified_address": null, "verified_name": null },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, value: &str, valid: bool) {
        assert_eq!(is_valid(kind, value), valid, "{kind} {value}");
    }

    #[test]
    fn a_vat_number_begins_with_its_country() {
        check("eu_vat", "DE123456789", true);
        check("eu_vat", "EL123456789", true);
        check("eu_vat", "123456789", false);
        check("eu_vat", "US123456789", false);
        check("us_ein", "12-3456789", true);
        check("us_ein", "", false);
        check("us_ein", "<script>1", false);
        assert_eq!(country_of("eu_vat", "EL123456789").as_deref(), Some("GR"));
        assert_eq!(country_of("gb_vat", "GB123456789").as_deref(), Some("GB"));
    }

    #[test]
    fn each_country_has_its_kind() {
        assert_eq!(kind_in("DE"), Some("eu_vat"));
        assert_eq!(kind_in("US"), Some("us_ein"));
        assert_eq!(kind_in("AQ"), None);
        assert!(is_known("eu_vat") && is_known("us_ein") && !is_known("uz_vat"));
    }
}
