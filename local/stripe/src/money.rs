//! Amounts and dates as a person reads them, in English as Stripe's test pages are.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Currencies without a minor unit.
const ZERO_DECIMAL: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
    "xaf", "xof", "xpf",
];

/// `$29.00` for 2900 and `usd`.
pub(crate) fn amount(amount: i64, currency: &str) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let amount = amount.unsigned_abs();
    let digits = if ZERO_DECIMAL.contains(&currency) {
        grouped(amount)
    } else {
        format!("{}.{:02}", grouped(amount / 100), amount % 100)
    };
    match currency {
        "usd" => format!("{sign}${digits}"),
        "eur" => format!("{sign}€{digits}"),
        "gbp" => format!("{sign}£{digits}"),
        "jpy" => format!("{sign}¥{digits}"),
        other => format!("{sign}{} {digits}", other.to_uppercase()),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `month` or `3 months`, for a price's `recurring`.
pub(crate) fn interval(recurring: &Value) -> String {
    let interval = recurring["interval"].as_str().unwrap_or_default();
    match recurring["interval_count"].as_i64() {
        Some(count) if count != 1 => format!("{count} {interval}s"),
        _ => interval.to_owned(),
    }
}

/// `November 23, 2026`, in UTC.
pub(crate) fn date(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(TimeZone::UTC)
        .strftime("%B %-d, %Y")
        .to_string()
}

/// `23 Nov 2026`, in UTC, as the lines of an invoice have it.
pub(crate) fn day(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(TimeZone::UTC)
        .strftime("%-d %b %Y")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(amount(2900, "usd"), "$29.00");
        assert_eq!(amount(123_456_789, "eur"), "€1,234,567.89");
        assert_eq!(amount(500, "jpy"), "¥500");
        assert_eq!(amount(5, "chf"), "CHF 0.05");
    }
}
