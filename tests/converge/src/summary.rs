//! The report in words.

use std::fmt::Write as _;

use crate::counts::Counts;
use crate::proof::Report;

impl Report {
    /// All figures.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = &self.counts;
        let mut text = String::new();
        let mut line = |what: &str, count: u64| {
            let _ = writeln!(text, "  {what:<56}{count:>10}");
        };
        line("random schedules", counts.of("schedules"));
        line(
            "interleavings of small histories",
            counts.of("interleavings"),
        );
        line("changes in Stripe", counts.of("changes"));
        line("events", counts.of("events"));
        line("deliveries", counts.of("deliveries"));
        line("requests to Stripe and DynamoDB", counts.of("requests"));
        line("checkouts", counts.of("checkouts"));
        line("page syncs", counts.of("page syncs"));
        line(
            "reconcile: after events that never arrived",
            counts.of("reconciled"),
        );
        line("reconcile: runs", counts.of("reconcile runs"));
        for what in ["reordered", "duplicated", "dropped", "delayed"] {
            line(&format!("deliveries {what}"), counts.of(what));
        }
        line(
            "deliveries made again after a failure",
            counts.of("delivered again"),
        );
        line("handlers begun beside others", counts.of("concurrent"));
        for when in ["before", "after"] {
            let prefix = format!("crash {when} ");
            line(&format!("crashes {when} a request"), sum(counts, &prefix));
            for (what, count) in counts.beginning(&prefix) {
                line(&format!("  {what}"), count);
            }
        }
        for (what, count) in counts.beginning("fault ") {
            line(&format!("fault at {what}"), count);
        }
        let mut explored = self.explored.clone();
        explored.sort_by_key(|(name, deaths, _)| (*deaths, *name));
        let _ = writeln!(text, "\nEvery interleaving of");
        for (name, deaths, count) in explored {
            let name = match deaths {
                0 => name.to_owned(),
                _ => format!("{name}; one handler dies"),
            };
            let _ = writeln!(text, "  {name:<86}{count:>6}");
        }
        let kinds: Vec<String> = counts
            .beginning("change ")
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        let _ = writeln!(text, "\nChanges: {}", kinds.join(", "));
        text
    }
}

fn sum(counts: &Counts, prefix: &str) -> u64 {
    counts.beginning(prefix).map(|(_, count)| count).sum()
}
