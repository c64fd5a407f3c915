//! Billing periods, counted from the anchor.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::Value;

/// The end of the `number`th period (from 1) after `anchor`, in seconds since the epoch.
///
/// Always counted from the anchor, never from the period before: a subscription that starts on 31 January renews on
/// 28 or 29 February and then on 31 March. <https://docs.stripe.com/billing/subscriptions/billing-cycle>
pub(crate) fn end(anchor: i64, interval: &str, interval_count: i64, number: i64) -> i64 {
    let count = interval_count.saturating_mul(number);
    let span = match interval {
        "day" => Span::new().try_days(count),
        "week" => Span::new().try_weeks(count),
        "year" => Span::new().try_years(count),
        _ => Span::new().try_months(count),
    };
    let start = Timestamp::from_second(anchor).map(|it| it.to_zoned(TimeZone::UTC));
    match (start, span) {
        (Ok(start), Ok(span)) => start
            .checked_add(span)
            .map_or(i64::MAX, |end| end.timestamp().as_second()),
        _ => i64::MAX,
    }
}

/// The first end of a period after `time`, counted from `anchor`.
pub(crate) fn next_end(anchor: i64, interval: &str, interval_count: i64, time: i64) -> i64 {
    if time < anchor {
        return anchor;
    }
    // A first guess that cannot be too late, since no period is longer than this.
    let longest = match interval {
        "day" => 86_400,
        "week" => 7 * 86_400,
        "year" => 366 * 86_400,
        _ => 31 * 86_400,
    };
    let mut number = ((time - anchor) / (longest * interval_count.max(1))).max(1);
    while end(anchor, interval, interval_count, number) <= time {
        number += 1;
    }
    end(anchor, interval, interval_count, number)
}

/// Whether a period counted from `anchor` ends at `time`.
pub(crate) fn ends_at(anchor: i64, interval: &str, interval_count: i64, time: i64) -> bool {
    time > anchor && next_end(anchor, interval, interval_count, time - 1) == time
}

/// How often a price recurs: the interval, and how many of them.
pub(crate) fn of_price(price: &Value) -> (&str, i64) {
    let recurring = &price["recurring"];
    (
        recurring["interval"].as_str().unwrap_or("month"),
        recurring["interval_count"].as_i64().unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(anchor: &str, interval: &str, count: i64, number: i64, expected: &str) {
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        assert_eq!(
            end(second(anchor), interval, count, number),
            second(expected)
        );
    }

    #[test]
    fn the_last_of_january_renews_on_the_last_of_each_month() {
        check(
            "2027-01-31T10:00:00Z",
            "month",
            1,
            1,
            "2027-02-28T10:00:00Z",
        );
        check(
            "2028-01-31T10:00:00Z",
            "month",
            1,
            1,
            "2028-02-29T10:00:00Z",
        );
        check(
            "2027-01-31T10:00:00Z",
            "month",
            1,
            2,
            "2027-03-31T10:00:00Z",
        );
        check(
            "2027-01-31T10:00:00Z",
            "month",
            1,
            3,
            "2027-04-30T10:00:00Z",
        );
        check("2028-02-29T10:00:00Z", "year", 1, 1, "2029-02-28T10:00:00Z");
        check("2027-01-31T10:00:00Z", "week", 2, 1, "2027-02-14T10:00:00Z");
    }

    #[test]
    fn twelve_renewals_from_the_last_of_january_count_from_the_anchor() {
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let anchor = second("2027-01-31T10:00:00Z");
        let days = [
            "2027-02-28",
            "2027-03-31",
            "2027-04-30",
            "2027-05-31",
            "2027-06-30",
            "2027-07-31",
            "2027-08-31",
            "2027-09-30",
            "2027-10-31",
            "2027-11-30",
            "2027-12-31",
            "2028-01-31",
            "2028-02-29",
            "2028-03-31",
        ];
        let mut at = anchor;
        for day in days {
            at = next_end(anchor, "month", 1, at);
            assert_eq!(at, second(&format!("{day}T10:00:00Z")), "{day}");
        }
    }

    #[test]
    fn the_next_end_is_never_skipped() {
        for interval in ["day", "week", "month", "year"] {
            for count in [1, 3] {
                let anchor = 1_800_000_000;
                for number in 1..40 {
                    let at = end(anchor, interval, count, number);
                    assert_eq!(next_end(anchor, interval, count, at - 1), at);
                }
            }
        }
    }
}
