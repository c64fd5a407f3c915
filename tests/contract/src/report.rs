//! What is printed at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::checks::{Coverage, Violation};

/// Every violation once, with how often it came and one example; then what was covered.
pub fn show(coverage: &Coverage, violations: &[Violation], list: bool) -> String {
    let mut groups: BTreeMap<_, Vec<&Violation>> = BTreeMap::new();
    for violation in violations {
        let mistake = &violation.mistake;
        let key = (&violation.subject, &mistake.location, &mistake.message);
        groups.entry(key).or_default().push(violation);
    }
    let mut text = String::new();
    for ((subject, location, message), alike) in &groups {
        let at = if location.is_empty() { "" } else { ", at " };
        let _ = writeln!(text, "{subject}{at}{location}: {message}");
        let times = match alike.len() {
            1 => "once".to_owned(),
            number => format!("{} times, first", thousands(number)),
        };
        if let Some(first) = alike.first() {
            let _ = writeln!(
                text,
                "    {times} in {}: {}",
                first.place, first.mistake.value
            );
        }
    }
    if list {
        let (operations, events) = (coverage.operations.iter(), coverage.event_types.iter());
        for name in operations.chain(events) {
            let _ = writeln!(text, "{name}");
        }
    }
    let violations = match groups.len() {
        0 => "no violation".to_owned(),
        1 => "1 violation".to_owned(),
        number => format!("{number} violations"),
    };
    let _ = writeln!(
        text,
        "{} exchanges ({} by our functions), {} operations, {} events of {} types: {violations}",
        thousands(coverage.exchanges),
        thousands(coverage.by_our_functions),
        coverage.operations.len(),
        thousands(coverage.events),
        coverage.event_types.len(),
    );
    text
}

/// `1,234,567`
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(thousands(12), "12");
        assert_eq!(thousands(3412), "3,412");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
