//! What was done, for the report.

use std::collections::BTreeMap;

/// How often each thing happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// It happened once more.
    pub fn add(&mut self, what: &str) {
        self.add_many(what, 1);
    }

    /// It happened so many times more.
    pub fn add_many(&mut self, what: &str, times: usize) {
        let times = u64::try_from(times).unwrap_or_default();
        match self.0.get_mut(what) {
            Some(count) => *count += times,
            None => {
                self.0.insert(what.to_owned(), times);
            }
        }
    }

    /// All that another run has done, too.
    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }

    /// How often it happened.
    #[must_use]
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// What begins so, less that beginning, in alphabetical order.
    pub fn beginning<'a>(&'a self, with: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        self.0
            .iter()
            .filter_map(move |(what, count)| Some((what.strip_prefix(with)?, *count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_runs() {
        let mut all = Counts::default();
        all.add("crash before GetItem");
        let mut more = Counts::default();
        more.add_many("crash before GetItem", 2);
        more.add("events");
        all.merge(&more);
        assert_eq!(all.of("crash before GetItem"), 3);
        let crashes: Vec<_> = all.beginning("crash before ").collect();
        assert_eq!(crashes, [("GetItem", 3)]);
    }
}
