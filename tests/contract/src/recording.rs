//! What the stand-in wrote down: see `local/stripe/src/record.rs`.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

/// One line.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    Exchange(Exchange),
    Event(Value),
}

#[derive(Deserialize)]
pub struct Exchange {
    pub request: Request,
    pub response: Response,
}

#[derive(Deserialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// As it was sent, like the body.
    pub query: String,
    pub body: String,
    pub user_agent: Option<String>,
}

#[derive(Deserialize)]
pub struct Response {
    pub status: u16,
    pub body: Value,
}

/// Where a line is.
#[derive(Clone)]
pub struct Place {
    pub file: String,
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A line that was written at least once.
pub struct Recorded {
    pub entry: Entry,
    /// The first of them.
    pub place: Place,
    pub times: usize,
}

/// Reads every recording in the folder. Equal lines become one.
pub fn read(folder: &Path) -> Result<Vec<Recorded>> {
    let listing = folder
        .read_dir()
        .with_context(|| format!("cannot read the recordings in {}", folder.display()))?;
    let mut files: Vec<_> = listing
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|it| it == "jsonl"));
    files.sort();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut recorded: Vec<Recorded> = Vec::new();
    for file in files {
        let bytes =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // A stand-in that was killed may have left half a line.
        let lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        for (index, line) in lines.enumerate() {
            if let Some(known) = known.get(line) {
                recorded[*known].times += 1;
                continue;
            }
            known.insert(line.to_owned(), recorded.len());
            let place = Place {
                file: name.clone().into_owned(),
                line: index + 1,
            };
            let entry = serde_json::from_str(line)
                .with_context(|| format!("{place} is not a line of a recording"))?;
            recorded.push(Recorded {
                entry,
                place,
                times: 1,
            });
        }
    }
    if recorded.is_empty() {
        bail!("there is no recording in {}", folder.display());
    }
    Ok(recorded)
}
