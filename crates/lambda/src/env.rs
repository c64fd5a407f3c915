use std::collections::HashMap;
use std::fmt::Display;

/// A variable without which a function does not start. The value is not shown: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEnv {
    /// Not set, or empty.
    #[error("the environment variable {0} is missing")]
    Missing(&'static str),
    /// Set to something else than it must be.
    #[error("the environment variable {name} is wrong: {problem}")]
    Wrong {
        /// Which.
        name: &'static str,
        /// What it must be.
        problem: String,
    },
}

/// The environment, read once, at start.
#[derive(Debug)]
pub struct Env(HashMap<String, String>);

impl Env {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |value: std::ffi::OsString| value.into_string().ok();
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
                .collect(),
        )
    }

    /// The value of a variable that must be there.
    ///
    /// # Errors
    /// [`InvalidEnv::Missing`]
    pub fn text(&self, name: &'static str) -> Result<&str, InvalidEnv> {
        self.optional(name).ok_or(InvalidEnv::Missing(name))
    }

    /// The value of a variable that may be missing; an empty one counts as missing.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The value of a variable that must be there and be well formed.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn parse<T, E: Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, InvalidEnv> {
        parse(self.text(name)?).map_err(|problem| InvalidEnv::Wrong {
            name,
            problem: problem.to_string(),
        })
    }

    /// A setting that is on or off: `true` or `false`.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn flag(&self, name: &'static str) -> Result<bool, InvalidEnv> {
        self.parse(name, |value| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// An origin, `https://…` or `http://…`, without its trailing slash.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn origin(&self, name: &'static str) -> Result<String, InvalidEnv> {
        self.parse(name, |value| {
            let value = value.trim_end_matches('/');
            let is_origin = value.parse::<http::Uri>().is_ok_and(|uri| {
                uri.scheme().is_some() && uri.host().is_some() && uri.path() == "/"
            });
            if is_origin {
                Ok(value.to_owned())
            } else {
                Err("must be an origin, such as https://example.com")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(value: &str) -> Env {
        Env(HashMap::from([("SITE_URL".to_owned(), value.to_owned())]))
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        for value in ["", "  "] {
            assert_eq!(
                env(value).text("SITE_URL").unwrap_err().to_string(),
                "the environment variable SITE_URL is missing"
            );
        }
    }

    #[test]
    fn a_flag_is_true_or_false() {
        assert!(env("true").flag("SITE_URL").unwrap());
        assert!(!env("false").flag("SITE_URL").unwrap());
        for value in ["", "yes", "TRUE", "1"] {
            let error = env(value).flag("SITE_URL").unwrap_err();
            assert!(error.to_string().contains("SITE_URL"), "{error}");
        }
    }

    #[test]
    fn an_origin_loses_its_slash_and_nothing_but_an_origin_passes() {
        for (value, expected) in [
            ("https://example.com", Some("https://example.com")),
            ("https://example.com/", Some("https://example.com")),
            ("http://localhost:8787", Some("http://localhost:8787")),
            ("https://example.com/page", None),
            ("example.com", None),
            ("/", None),
        ] {
            assert_eq!(
                env(value).origin("SITE_URL").ok().as_deref(),
                expected,
                "{value}"
            );
        }
    }
}
