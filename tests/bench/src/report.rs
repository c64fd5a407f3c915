//! The figures as people read them, and whether they are what we promise.

use std::fmt::Write;

use crate::compare::{Figures, Results, Row};
use crate::world::{GATE, HTTP};

/// A promise, and how it was kept.
pub struct Target {
    pub text: String,
    pub met: bool,
}

/// What a peer is in: rows of other names are for comparison only.
const PEERS: [&str; 2] = ["node", "python"];

/// All that `docs/PERFORMANCE.md` promises.
pub fn targets(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    for (function, row) in &results.rows {
        let (Some(ours), Some(floor)) = (row.get("ours"), row.get("floor")) else {
            continue;
        };
        let mut at_most = |what: &str, value: f64, limit: f64, unit: &str| {
            targets.push(Target {
                text: format!("{function}: {what} {value:.2}{unit}, at most {limit}{unit}"),
                met: value <= limit,
            });
        };
        at_most("init", ours.init_ms / floor.init_ms, 3.0, " × the floor's");
        at_most(
            "memory",
            ours.peak_mb / floor.peak_mb,
            4.0,
            " × the floor's",
        );
        at_most("binary", ours.bytes as f64 / 1e6, 5.0, " MB");
        if HTTP.contains(function) {
            at_most("first request", ours.first_cpu_ms, 5.0, " ms of CPU");
        }
        if let Some(bare) = row.get("get-item") {
            let ratio = ours.warm_p50_ms / bare.warm_p50_ms;
            at_most("warm", ratio, 1.2, " × a bare GetItem");
        }
        let ratios = [
            ("init", better(row, |it| it.init_ms) / ours.init_ms, 30.0),
            (
                "first request",
                better(row, |it| it.first_ms) / ours.first_ms,
                4.0,
            ),
            (
                "warm",
                better(row, |it| it.warm_p50_ms) / ours.warm_p50_ms,
                2.0,
            ),
            ("memory", better(row, |it| it.peak_mb) / ours.peak_mb, 8.0),
        ];
        if PEERS.iter().any(|peer| row.contains_key(peer)) {
            for (what, ratio, least) in ratios {
                targets.push(Target {
                    text: format!(
                        "{function}: {what} {ratio:.1} × better than the better peer, at least {least}"
                    ),
                    met: ratio >= least,
                });
            }
        }
    }
    for function in ["subscription-status", GATE] {
        if let Some(calls) = results.calls.get(function) {
            let asked = calls.request.join(", ");
            targets.push(Target {
                text: format!("{function}: asks for {asked}, and nothing else"),
                met: calls.request == ["GetItem"],
            });
        }
    }
    targets
}

/// The better peer's figure.
fn better(row: &Row, of: impl Fn(&Figures) -> f64) -> f64 {
    let peers = PEERS.iter().filter_map(|peer| row.get(peer));
    peers.map(of).fold(f64::INFINITY, f64::min)
}

/// For a terminal: the tables, and what was promised.
pub fn terminal(results: &Results) -> String {
    let mut text = String::from("\n");
    for (function, row) in &results.rows {
        let _ = writeln!(text, "{function}");
        let _ = writeln!(
            text,
            "  {:10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "",
            "MB",
            "init",
            "CPU",
            "first",
            "CPU",
            "cold",
            "p50",
            "p99",
            "CPU",
            "memory",
            "128 MB"
        );
        for (name, it) in row {
            let _ = writeln!(
                text,
                "  {:10}{:>9.2}{:>9.2}{:>9.2}{:>9.2}{:>9.2}{:>9.2}{:>9.3}{:>9.2}{:>9.3}{:>9.1}{:>9.1}",
                name,
                it.bytes as f64 / 1e6,
                it.init_ms,
                it.init_cpu_ms,
                it.first_ms,
                it.first_cpu_ms,
                it.cold_ms,
                it.warm_p50_ms,
                it.warm_p99_ms,
                it.warm_cpu_ms,
                it.peak_mb,
                it.small_first_ms.unwrap_or(f64::NAN),
            );
        }
        if let Some(calls) = results.calls.get(function) {
            let _ = writeln!(text, "  once: {}", list(&calls.once));
            let _ = writeln!(text, "  each request: {}\n", list(&calls.request));
        }
    }
    for target in targets(results) {
        let mark = if target.met { "✓" } else { "✗" };
        let _ = writeln!(text, "{mark} {}", target.text);
    }
    text
}

/// For `docs/PERFORMANCE.md`.
pub fn markdown(results: &Results) -> String {
    let mut text = String::new();
    for (function, row) in &results.rows {
        let _ = writeln!(text, "### {function}");
        if let Some(calls) = results.calls.get(function) {
            let _ = writeln!(
                text,
                "Asks once: {}. In each request: {}.\n",
                list(&calls.once),
                list(&calls.request)
            );
        }
        text.push_str("| | Deployed MB | Init ms (CPU) | First ms (CPU) | Both ms | Warm p50 ms | p99 ms | CPU ms | Memory MB | First, 128 MB | Warm, 128 MB |\n");
        text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        for (name, it) in row {
            let small =
                |value: Option<f64>| value.map_or("–".to_owned(), |it| format!("{it:.1}"));
            let _ = writeln!(
                text,
                "| {name} | {:.2} | {:.1} ({:.1}) | {:.1} ({:.1}) | {:.1} | {:.2} | {:.2} | {:.2} | {:.1} | {} | {} |",
                it.bytes as f64 / 1e6,
                it.init_ms,
                it.init_cpu_ms,
                it.first_ms,
                it.first_cpu_ms,
                it.cold_ms,
                it.warm_p50_ms,
                it.warm_p99_ms,
                it.warm_cpu_ms,
                it.peak_mb,
                small(it.small_first_ms),
                small(it.small_warm_p50_ms),
            );
        }
        text.push('\n');
    }
    text.push_str("### What is promised\n| | |\n|---|---|\n");
    for target in targets(results) {
        let mark = if target.met { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {} | {mark} |", target.text);
    }
    text
}

/// `GetItem, 2 × UpdateItem`; what is asked several times stands once.
fn list(calls: &[String]) -> String {
    if calls.is_empty() {
        return "nothing".to_owned();
    }
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for call in calls {
        match counted.last_mut() {
            Some((last, count)) if last == call => *count += 1,
            _ => counted.push((call, 1)),
        }
    }
    let words = counted.into_iter().map(|(call, count)| match count {
        1 => format!("`{call}`"),
        _ => format!("{count} × `{call}`"),
    });
    words.collect::<Vec<_>>().join(", ")
}
