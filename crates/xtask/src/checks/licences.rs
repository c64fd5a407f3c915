//! Whether everything we build on may be shipped under MIT OR Apache-2.0, with attribution at most.

use super::graph::Graph;

/// Licences that ask for no more than attribution.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Every package whose licence is missing, or cannot be met from the allowed ones.
pub fn check(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for package in &graph.packages {
        match &package.licence {
            None => broken.push(format!("{} names no licence", package.name)),
            Some(licence) if !allows(licence) => {
                broken.push(format!("{} is under {licence}", package.name))
            }
            Some(_) => {}
        }
    }
    broken
}

/// Evaluates an SPDX expression; AND binds tighter than OR. What cannot be read is not allowed.
fn allows(expression: &str) -> bool {
    // Before SPDX, a slash meant OR.
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    any_of(&mut rest).unwrap_or(false) && rest.is_empty()
}

fn any_of(words: &mut &[&str]) -> Option<bool> {
    let mut allowed = all_of(words)?;
    while take(words, "OR") {
        allowed |= all_of(words)?;
    }
    Some(allowed)
}

fn all_of(words: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(words)?;
    while take(words, "AND") {
        allowed &= one(words)?;
    }
    Some(allowed)
}

fn one(words: &mut &[&str]) -> Option<bool> {
    if take(words, "(") {
        let allowed = any_of(words)?;
        return take(words, ")").then_some(allowed);
    }
    let (name, rest) = words.split_first()?;
    *words = rest;
    if take(words, "WITH") {
        let (exception, rest) = words.split_first()?;
        *words = rest;
        return Some(ALLOWED.contains(&format!("{name} WITH {exception}").as_str()));
    }
    Some(ALLOWED.contains(name))
}

fn take(words: &mut &[&str], word: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == word => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_choice_is_enough() {
        assert!(allows("MIT"));
        assert!(allows("GPL-3.0 OR MIT"));
        assert!(allows("MIT/Apache-2.0"));
        assert!(allows("Apache-2.0 WITH LLVM-exception OR GPL-2.0"));
    }

    #[test]
    fn all_of_a_conjunction_must_be_allowed() {
        assert!(allows("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allows("MIT AND GPL-3.0"));
        assert!(allows("MIT OR Apache-2.0 AND GPL-3.0"), "AND binds tighter");
        assert!(!allows("(MIT OR Apache-2.0) AND GPL-3.0"));
    }

    #[test]
    fn what_is_unknown_or_unreadable_is_not_allowed() {
        for expression in [
            "",
            "GPL-3.0",
            "AGPL-3.0 WITH LLVM-exception",
            "(MIT",
            "MIT MIT",
            "MIT OR",
            "WITH",
        ] {
            assert!(!allows(expression), "{expression}");
        }
    }

    #[test]
    fn each_offender_is_named() {
        let mut graph = Graph::default();
        graph.add("fine", &[]);
        graph.add("copyleft", &[]).licence = Some("GPL-3.0".to_owned());
        graph.add("silent", &[]).licence = None;
        assert_eq!(
            check(&graph),
            ["copyleft is under GPL-3.0", "silent names no licence"]
        );
    }
}
