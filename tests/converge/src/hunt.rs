//! Plays schedule after schedule until one ends wrong, and makes that one small.

use anyhow::Result;

use crate::play::{Played, play};
use crate::random::Random;
use crate::shrink::shrink;
use crate::stage::Worker;
use crate::step::{Step, schedule};
use crate::variant::Variant;

/// So many tries to make a schedule smaller.
const TRIES: usize = 600;

/// A schedule that ended wrong, made small.
#[derive(Debug)]
pub struct Caught {
    /// Which of the seed's schedules it was.
    pub index: u64,
    /// How long it was.
    pub length: usize,
    /// What is left of it.
    pub steps: Vec<Step>,
    /// What happens in it, and what differs at its end.
    pub played: Played,
}

/// Plays a seed's schedules, up to so many.
///
/// # Errors
/// The proof itself failed.
pub async fn hunt(
    worker: &mut Worker,
    variant: Variant,
    seed: u64,
    schedules: u64,
) -> Result<Option<Caught>> {
    for index in 0..schedules {
        let steps = schedule(Random::seed_of(seed, index));
        let played = play(worker, variant, &steps, false).await?;
        if !played.mismatches.is_empty() {
            return Ok(Some(minimal(worker, variant, index, steps).await?));
        }
    }
    Ok(None)
}

/// Makes a schedule that ends wrong as small as it goes.
///
/// # Errors
/// The proof itself failed.
pub async fn minimal(
    worker: &mut Worker,
    variant: Variant,
    index: u64,
    steps: Vec<Step>,
) -> Result<Caught> {
    let smallest = shrink(&steps, TRIES, async |steps: &[Step]| {
        let played = play(worker, variant, steps, false).await?;
        Ok::<_, anyhow::Error>(!played.mismatches.is_empty())
    });
    let smallest = smallest.await?;
    let played = play(worker, variant, &smallest, true).await?;
    Ok(Caught {
        index,
        length: steps.len(),
        steps: smallest,
        played,
    })
}

impl Caught {
    /// The minimal reproduction, to be read.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self {
            index,
            length,
            steps,
            played,
        } = self;
        let list = |lines: &[String]| {
            let lines = lines.iter().map(|line| format!("  {line}"));
            lines.collect::<Vec<_>>().join("\n")
        };
        let shown: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
        format!(
            "Schedule {index}, of whose {length} steps {} are needed:\n{}\nWhat happens:\n{}\nWhat is wrong at the end:\n{}",
            steps.len(),
            list(&shown),
            list(&in_short(&played.log)),
            list(&played.mismatches),
        )
    }
}

/// The same with a handler that nobody disturbs in one line.
fn in_short(log: &[String]) -> Vec<String> {
    let who = |line: &str| line.split_once(": ").map(|(who, _)| who.to_owned());
    let mut short: Vec<String> = Vec::new();
    for stretch in log.chunk_by(|a, b| who(a).is_some() && who(a) == who(b)) {
        match stretch {
            [first, .., last] if first.ends_with(": begins") && last.contains(": answers ") => {
                short.push(format!("{last}, undisturbed"));
            }
            _ => short.extend_from_slice(stretch),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_disturbed_takes_one_line() {
        let log = [
            "a: begins",
            "a: reads",
            "a: answers 200",
            "b: begins",
            "a: begins",
            "b: answers 200",
        ];
        assert_eq!(
            in_short(&log.map(str::to_owned)),
            [
                "a: answers 200, undisturbed",
                "b: begins",
                "a: begins",
                "b: answers 200"
            ]
        );
    }
}
