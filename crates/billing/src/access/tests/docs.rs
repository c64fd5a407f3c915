//! docs/ACCESS.md says what the code does.

use super::*;
use crate::access::line::Until;

const DOCUMENT: &str = include_str!("../../../../../docs/ACCESS.md");
/// What administrators read.
const PAGE: &str = include_str!("../../../../../static/admin/lines.html");

fn until_in_words(line: Line) -> &'static str {
    match line.until() {
        Until::Never => "no access",
        Until::TrialEnd => "trial end",
        Until::TrialEndAndSlack => "trial end + slack",
        Until::PeriodEnd => "period end",
        Until::PeriodEndAndSlack => "period end + slack",
        Until::Grace => "due since + grace",
    }
}

/// A word of Stripe's or ours, as JSON has it.
fn word(reason: Reason) -> String {
    let word = serde_json::to_value(reason).unwrap();
    assert_eq!(word, reason.as_str());
    reason.as_str().to_owned()
}

fn lines() -> String {
    let mut table = "| Line | When | Access until | Reason |\n|---|---|---|---|\n".to_owned();
    for line in Line::ALL {
        let (sentence, until) = (line.sentence(), until_in_words(*line));
        let reason = word(line.reason());
        table += &format!("| `{line}` | {sentence} | {until} | `{reason}` |\n");
    }
    table
}

fn money_back() -> String {
    let cases = [
        ("Refunded in part", vec![refunded(400)]),
        ("Refunded in full", vec![refunded(900)]),
        (
            "Inquiry: `warning_needs_response`, `warning_under_review`, `warning_closed`",
            [
                "warning_needs_response",
                "warning_under_review",
                "warning_closed",
            ]
            .map(disputed)
            .to_vec(),
        ),
        (
            "Dispute that is open: `needs_response`, `under_review`, a status that is not known here",
            ["needs_response", "under_review", "status_of_2030"]
                .map(disputed)
                .to_vec(),
        ),
        ("Dispute that was won: `won`", vec![disputed("won")]),
        ("Dispute that was lost: `lost`", vec![disputed("lost")]),
        (
            "Dispute that was prevented: `prevented`",
            vec![disputed("prevented")],
        ),
    ];
    let mut table = "| What became of the charge | Line | Reason |\n|---|---|---|\n".to_owned();
    for (case, charges) in cases {
        let mut outcomes: Vec<Option<Line>> = charges.iter().map(returned::went_back).collect();
        outcomes.dedup();
        let [outcome] = outcomes[..] else {
            panic!("{case}: {outcomes:?}");
        };
        let outcome = outcome.map_or("as without | as without".to_owned(), |line| {
            format!("`{line}` | `{}`", word(line.reason()))
        });
        table += &format!("| {case} | {outcome} |\n");
    }
    table
}

/// What stands between a mark and the next empty line.
fn written(mark: &str) -> String {
    let mark = format!("<!-- {mark} -->\n");
    let (_, after) = DOCUMENT.split_once(&mark).unwrap();
    let table = after.split("\n\n").next().unwrap();
    format!("{}\n", table.trim_end())
}

#[test]
fn the_document_lists_exactly_these_lines() {
    let lines = lines();
    assert_eq!(written("lines"), lines, "write this:\n{lines}");
}

#[test]
fn the_document_says_what_refunds_and_disputes_do() {
    let money_back = money_back();
    assert_eq!(
        written("money-back"),
        money_back,
        "write this:\n{money_back}"
    );
}

#[test]
fn the_page_for_administrators_lists_exactly_these_lines() {
    let row = |line: &Line| {
        let (sentence, until) = (line.sentence(), until_in_words(*line));
        let reason = word(line.reason());
        format!(
            r#"        <tr id="{line}"><th scope="row"><code>{line}</code></th><td>{sentence}</td><td>{until}</td><td><code>{reason}</code></td></tr>"#
        )
    };
    let rows: Vec<String> = Line::ALL.iter().map(row).collect();
    let written = PAGE.lines().filter(|it| it.contains("<tr id="));
    let written: Vec<&str> = written.collect();
    assert_eq!(written, rows, "write this:\n{}", rows.join("\n"));
}

#[test]
fn a_line_has_a_stable_name_of_its_own_and_a_sentence() {
    let mut names: Vec<&str> = Line::ALL.iter().map(|line| line.as_str()).collect();
    for line in Line::ALL {
        assert_eq!(serde_json::to_value(line).unwrap(), line.as_str());
        assert!(line.sentence().ends_with('.'), "{line}");
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(line.as_str().chars().all(is_name), "{line}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Line::ALL.len());
}
