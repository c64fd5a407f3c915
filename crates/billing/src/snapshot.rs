use serde::{Deserialize, Serialize};

use crate::{Catalogue, Product, Subscription};

/// What we keep of a user's subscriptions: all that access is decided from, so that deciding reads one item and asks nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// All of them, ended ones too.
    pub subscriptions: Vec<Subscription>,
    /// Those of their products that are or were ours.
    pub products: Vec<Product>,
}

impl Snapshot {
    /// Joins what Stripe says with what we sell.
    #[must_use]
    pub fn new(mut subscriptions: Vec<Subscription>, catalogue: &Catalogue) -> Self {
        subscriptions.sort_by(|a, b| a.id.cmp(&b.id));
        let products = catalogue
            .products
            .iter()
            .filter(|product| {
                subscriptions
                    .iter()
                    .flat_map(|subscription| &subscription.items)
                    .any(|item| item.price.product == product.id)
            })
            .cloned()
            .collect();
        Self {
            subscriptions,
            products,
        }
    }

    /// Whether a subscription stands in the way of another.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        self.subscriptions
            .iter()
            .any(|subscription| !subscription.status.is_terminal())
    }

    /// Whether the user ever had a free trial.
    #[must_use]
    pub fn had_trial(&self) -> bool {
        self.subscriptions
            .iter()
            .any(|subscription| subscription.trial_start.is_some())
    }
}
