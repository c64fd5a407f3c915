use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::SET_COOKIE;
use serde_json::Value;

use crate::Answer;

/// The cookies with which a browser reads members' pages, in the order in which they came: names, values, and what else was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership(Vec<(String, String, String)>);

impl Membership {
    /// Those that an answer sets.
    ///
    /// # Errors
    /// Where one of them is no cookie.
    pub fn set_by(answer: &Answer) -> Result<Self> {
        let mut cookies = Vec::new();
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str()?;
            let (cookie, rest) = line.split_once("; ").context("a cookie alone")?;
            let (name, value) = cookie.split_once('=').context("no cookie")?;
            cookies.push((name.to_owned(), value.to_owned(), rest.to_owned()));
        }
        Ok(Self(cookies))
    }

    /// Their names, values and attributes.
    #[must_use]
    pub fn cookies(&self) -> &[(String, String, String)] {
        &self.0
    }

    /// The value of one.
    ///
    /// # Errors
    /// Where there is none.
    pub fn value(&self, name: &str) -> Result<&str> {
        let cookie = self.0.iter().find(|(it, ..)| it == name);
        let (_, value, _) = cookie.with_context(|| format!("no {name}"))?;
        Ok(value)
    }

    /// What is signed: where, and until when.
    ///
    /// # Errors
    /// Where the policy is not one as it should be.
    pub fn policy(&self) -> Result<(String, i64)> {
        let policy = decode(self.value("CloudFront-Policy")?)?;
        let policy: Value = serde_json::from_slice(&policy)?;
        let statement = &policy["Statement"][0];
        let resource = statement["Resource"].as_str().context("no resource")?;
        let until = statement["Condition"]["DateLessThan"]["AWS:EpochTime"].as_i64();
        ensure!(policy["Statement"].as_array().map(Vec::len) == Some(1));
        Ok((resource.to_owned(), until.context("no end")?))
    }

    /// The same with another value for one.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        for (it, old, _) in &mut changed.0 {
            if it == name {
                value.clone_into(old);
            }
        }
        changed
    }

    /// The same without one.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut fewer = self.clone();
        fewer.0.retain(|(it, ..)| it != name);
        fewer
    }

    /// As a browser sends them.
    #[must_use]
    pub fn header(&self) -> String {
        let cookies = self
            .0
            .iter()
            .map(|(name, value, _)| format!("{name}={value}"));
        cookies.collect::<Vec<_>>().join("; ")
    }
}

/// CloudFront's own base64.
fn decode(text: &str) -> Result<Vec<u8>> {
    let text = text.replace('-', "+").replace('_', "=").replace('~', "/");
    Ok(STANDARD.decode(text)?)
}
