//! Billing periods, counted from the anchor.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

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
}
