//! Shapes that many of Stripe's objects share. Each names only the fields we use, so that a field that comes, goes or changes does not
//! turn a success into an error.

use std::convert::Infallible;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::list::List;
use crate::{Stripe, StripeError};

/// How many objects to ask for on a page: as many as Stripe gives; fewer where so many are too large to be read.
const LIMITS: [i64; 3] = [100, 10, 1];

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
    /// The page of a list that follows an object, or the first one. One object that is not understood does not take the others with it, and a
    /// page that is too large is asked for in smaller parts.
    pub(crate) async fn listing<T>(
        &self,
        list: impl List,
        after: Option<&str>,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Listing<T>, StripeError> {
        let mut limits = LIMITS.into_iter();
        let page: Page<Value> = loop {
            let limit = limits.next().unwrap_or(1);
            let page = self.send(list.page(limit, after)).await;
            let is_too_large = matches!(
                page,
                Err(StripeError::Unreachable(https_client::Error::TooLarge(_)))
            );
            if !is_too_large || limits.as_slice().is_empty() {
                break page?;
            }
        };
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

    /// All pages of a list, which goes by this name in the error.
    pub(crate) async fn all<T: Listed>(
        &self,
        name: &'static str,
        list: impl List,
    ) -> Result<Vec<T>, StripeError> {
        let mut all: Vec<T> = Vec::new();
        for _ in 0..MAX_PAGES {
            let after = all.last().map(T::id);
            let page: Page<T> = self.send(list.page(100, after)).await?;
            let more = page.has_more && !page.data.is_empty();
            all.extend(page.data);
            if !more {
                return Ok(all);
            }
        }
        Err(StripeError::EndlessList(name))
    }
}

/// A reference to another object: its id, or the object itself where it was expanded.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reference {
    Id(String),
    Object { id: String },
}

impl Reference {
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }

    pub fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

/// One of a set of words that Stripe may add to, which any text can be.
pub(crate) fn parsed<T: FromStr<Err = Infallible>>(text: &str) -> T {
    T::from_str(text).unwrap_or_else(|never| match never {})
}

/// The metadata that we write on customers, sessions and subscriptions.
pub(crate) const APP: &str = "app";
pub(crate) const MODE: &str = "mode";
pub(crate) const USER_ID: &str = "user_id";

/// How many pages of 100 a list may have before we take it for endless.
pub(crate) const MAX_PAGES: usize = 1_000;

#[cfg(test)]
mod tests {
    use https_client::HttpsClient;
    use stripe_core::customer::ListCustomer;

    use super::*;
    use crate::SecretKey;
    use crate::server::answering;

    /// Answers with a list of one object of this size; smaller where fewer are asked for.
    fn serve(size: impl Fn(&str) -> usize + Send + 'static) -> String {
        let (url, _) = answering(move |request| {
            let name = "x".repeat(size(request));
            format!(r#"{{"data":[{{"id":"cus_1","name":"{name}"}}]}}"#)
        });
        url
    }

    async fn list(url: &str) -> Result<Listing<Value>, StripeError> {
        let key = SecretKey::parse("sk_test_1").unwrap();
        let stripe = Stripe::new(HttpsClient::new(), url, key);
        let listing = stripe.listing(ListCustomer::new(), None, Some).await;
        assert!(stripe.requests() <= 3, "{}", stripe.requests());
        listing
    }

    #[tokio::test]
    async fn a_page_that_is_too_large_is_asked_for_in_smaller_parts() {
        let too_large = 8 * 1024 * 1024;
        let url = serve(move |request| match request.ends_with("limit=10") {
            true => 10,
            false => too_large,
        });
        assert_eq!(list(&url).await.unwrap().data.len(), 1);

        let url = serve(move |_| too_large);
        let error = list(&url).await.unwrap_err();
        let StripeError::Unreachable(error) = error else {
            panic!("{error}");
        };
        assert_eq!(error.to_string(), "the answer is larger than 8 MiB");
    }
}
