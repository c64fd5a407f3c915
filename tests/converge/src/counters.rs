//! The counters never go back, whatever happens: checked after each write.

use std::collections::BTreeMap;

use serde_json::Value;

/// The counters of each item, as they were last seen.
#[derive(Debug, Default)]
pub struct Counters(BTreeMap<String, [u64; 3]>);

const NAMES: [&str; 3] = ["generation", "ticket", "applied"];

impl Counters {
    /// What is wrong with the items as they are now.
    pub fn check(&mut self, items: &[Value]) -> Vec<String> {
        let mut broken = Vec::new();
        for item in items {
            let pk = item["pk"]["S"].as_str().unwrap_or_default();
            let now = NAMES.map(|name| number(&item[name]["N"]));
            if now == [0; 3] {
                continue;
            }
            let [_, ticket, applied] = now;
            if applied > ticket {
                broken.push(format!(
                    "{pk}: applied is {applied}, but the last ticket was {ticket}"
                ));
            }
            let before = self.0.insert(pk.to_owned(), now).unwrap_or_default();
            for ((name, before), now) in NAMES.iter().zip(before).zip(now) {
                if now < before {
                    broken.push(format!("{pk}: {name} went back from {before} to {now}"));
                }
            }
        }
        broken
    }
}

fn number(value: &Value) -> u64 {
    let digits = value.as_str().unwrap_or("0");
    digits.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_counter_that_goes_back_or_gets_ahead_is_seen() {
        let item = |ticket: &str, applied: &str| {
            [json!({"pk": {"S": "u"}, "ticket": {"N": ticket}, "applied": {"N": applied}})]
        };
        let mut counters = Counters::default();
        assert_eq!(counters.check(&item("2", "1")), [""; 0]);
        assert_eq!(counters.check(&item("2", "2")), [""; 0]);
        assert_eq!(
            counters.check(&item("1", "1")),
            [
                "u: ticket went back from 2 to 1",
                "u: applied went back from 2 to 1"
            ]
        );
        assert_eq!(
            counters.check(&item("1", "3")),
            ["u: applied is 3, but the last ticket was 1"]
        );
    }
}
