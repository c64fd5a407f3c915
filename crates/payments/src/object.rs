//! Shapes that many of Stripe's objects share. Each names only the fields we use, so that a field that comes, goes or changes does not
//! turn a success into an error.

use serde::Deserialize;

/// A page of a list. See <https://docs.stripe.com/api/pagination>.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// A reference to another object: its id, or the object itself where it was expanded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reference {
    Id(String),
    Object { id: String },
}

impl Reference {
    pub fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

/// The metadata that we write on customers, sessions and subscriptions.
pub(crate) const APP: &str = "app";
pub(crate) const MODE: &str = "mode";
pub(crate) const USER_ID: &str = "user_id";

/// How many pages of 100 a list may have before we take it for endless.
pub(crate) const MAX_PAGES: usize = 1_000;
