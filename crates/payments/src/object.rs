//! Shapes that many of Stripe's objects share. Each names only the fields we use, so that a field that comes, goes or changes does not
//! turn a success into an error.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stripe_client_core::RequestBuilder;

use crate::{Stripe, StripeError};

/// A page of a list. See <https://docs.stripe.com/api/pagination>.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// What a list is made of.
pub(crate) trait Listed: DeserializeOwned {
    /// The id, by which the next page is asked for.
    fn id(&self) -> &str;
}

/// A page of a list that somebody goes through who may have to stop in between.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    /// What is on it.
    pub data: Vec<T>,
    /// How many objects more are on it that this code does not understand.
    pub unread: usize,
    /// Where the next page begins: the id of this one's last object. `None` at the end of the list.
    pub next: Option<String>,
}

impl<T> Listing<Option<T>> {
    /// Without what is understood, and is nothing to us.
    pub(crate) fn flatten(self) -> Listing<T> {
        Listing {
            data: self.data.into_iter().flatten().collect(),
            unread: self.unread,
            next: self.next,
        }
    }
}

impl Stripe {
    /// One page of a list. One object that is not understood does not take the others with it.
    pub(crate) async fn listing<T>(
        &self,
        request: RequestBuilder,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Listing<T>, StripeError> {
        let page: Page<Value> = self.send(request).await?;
        let last = page.data.last().and_then(|object| object["id"].as_str());
        let next = last.filter(|_| page.has_more).map(str::to_owned);
        let all = page.data.len();
        let data: Vec<T> = page.data.into_iter().filter_map(read).collect();
        Ok(Listing {
            unread: all - data.len(),
            data,
            next,
        })
    }

    /// All pages of a list; `after` asks for the page that follows an object.
    pub(crate) async fn all<T: Listed>(
        &self,
        list: &'static str,
        after: impl Fn(Option<&str>) -> RequestBuilder,
    ) -> Result<Vec<T>, StripeError> {
        let mut all: Vec<T> = Vec::new();
        for _ in 0..MAX_PAGES {
            let page: Page<T> = self.send(after(all.last().map(T::id))).await?;
            let more = page.has_more && !page.data.is_empty();
            all.extend(page.data);
            if !more {
                return Ok(all);
            }
        }
        Err(StripeError::EndlessList(list))
    }
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
