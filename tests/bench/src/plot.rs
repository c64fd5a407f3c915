//! The cold starts as a picture: bars, in light and dark.

use std::fmt::Write;

use anyhow::{Context, Result};

use crate::compare::Results;
use crate::world::HTTP;

const WIDTH: f64 = 820.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 64.0;
const BAR: f64 = 16.0;
const GAP: f64 = 5.0;
const TITLE: f64 = 26.0;
const BETWEEN: f64 = 16.0;

const CONTENDERS: [(&str, &str); 3] =
    [("ours", "Tollgate"), ("node", "Node"), ("python", "Python")];

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#0f1020}.small{font-size:12px;fill:#55566d}.title{font-size:17px;font-weight:700}\
.function{font-weight:600}.ours{fill:#4f46e5}.peer{fill:#a5a6c2}.init{opacity:.55}.ground{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#f4f4fb}.small{fill:#a9aac4}.ours{fill:#8b85ff}.peer{fill:#5d5e7c}.ground{fill:#12121c}}";

/// From the start of a process to its first answer: init in a lighter shade, then the first request.
pub fn draw(results: &Results) -> Result<String> {
    let group = TITLE + CONTENDERS.len() as f64 * (BAR + GAP) + BETWEEN;
    let height = TOP + HTTP.len() as f64 * group;
    let mut longest: f64 = 0.0;
    for function in HTTP {
        let row = results.rows.get(function).context("a row is missing")?;
        longest = row.values().map(|it| it.cold_ms).fold(longest, f64::max);
    }
    let scale = (WIDTH - LEFT - RIGHT) / longest;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Cold starts of Tollgate, Node and Python\"><style>{STYLE}</style>\
<rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"12\"/>\
<text class=\"title\" x=\"20\" y=\"30\">Cold start, over TLS: from the start of the process to the first answer</text>\
<text class=\"small\" x=\"20\" y=\"50\">Milliseconds, medians of {} starts; the lighter part is init</text>",
        results.starts
    );
    let mut y = TOP;
    for function in HTTP {
        let row = results.rows.get(function).context("a row is missing")?;
        let _ = write!(
            svg,
            "<text class=\"function\" x=\"20\" y=\"{}\">{function}</text>",
            y + 17.0
        );
        y += TITLE;
        for (name, label) in CONTENDERS {
            let figures = row.get(name).context("a contender is missing")?;
            let class = if name == "ours" { "ours" } else { "peer" };
            let (init, first) = (figures.init_ms * scale, figures.first_ms * scale);
            let _ = write!(
                svg,
                "<text class=\"small\" x=\"20\" y=\"{baseline}\">{label}</text>\
<rect class=\"{class} init\" x=\"{LEFT}\" y=\"{y}\" width=\"{init:.1}\" height=\"{BAR}\"/>\
<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{first:.1}\" height=\"{BAR}\"/>\
<text class=\"small\" x=\"{end:.1}\" y=\"{baseline}\">{total:.1}</text>",
                baseline = y + 12.5,
                x = LEFT + init,
                end = LEFT + init + first + 8.0,
                total = figures.cold_ms,
            );
            y += BAR + GAP;
        }
        y += BETWEEN;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}
