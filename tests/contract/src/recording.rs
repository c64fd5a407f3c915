//! What the stand-in wrote down: see `local/stripe/src/record.rs`.

use std::collections::HashSet;
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

/// Reads every recording in the folder. Equal lines count once.
pub fn read(folder: &Path) -> Result<Vec<(Entry, Place)>> {
    let listing = folder
        .read_dir()
        .with_context(|| format!("cannot read the recordings in {}", folder.display()))?;
    let mut files: Vec<_> = listing
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    files.sort();
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            // A stand-in that was killed may have left half a line.
            if !line.ends_with('\n') || !seen.insert(line.to_owned()) {
                continue;
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let place = Place {
                file: name.into_owned(),
                line: index + 1,
            };
            let entry = serde_json::from_str(line)
                .with_context(|| format!("{place} is not a line of a recording"))?;
            entries.push((entry, place));
        }
    }
    if entries.is_empty() {
        bail!("there is no recording in {}", folder.display());
    }
    Ok(entries)
}
