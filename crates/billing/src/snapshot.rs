use serde::{Deserialize, Serialize};

use crate::{Catalogue, Product, Status, Subscription};

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

    /// Whether all that stands in the way is a first payment that has not been made: the session it began in may still be open.
    #[must_use]
    pub fn awaits_first_payment(&self) -> bool {
        self.subscriptions
            .iter()
            .filter(|subscription| !subscription.status.is_terminal())
            .all(|subscription| subscription.status == Status::Incomplete)
    }

    /// The subscription of this id.
    #[must_use]
    pub fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .find(|subscription| subscription.id.as_str() == id)
    }

    /// Whether the user ever had a free trial.
    #[must_use]
    pub fn had_trial(&self) -> bool {
        self.subscriptions
            .iter()
            .any(|subscription| subscription.trial_start.is_some())
    }
}
