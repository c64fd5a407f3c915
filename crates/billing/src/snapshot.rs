use serde::{Deserialize, Serialize};

use crate::{Catalogue, OtherAmounts, Price, Product, ProductId, Status, Subscription};

/// What we keep of a user's subscriptions: all that access is decided from, so that deciding reads one item and asks nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// All of them, ended ones too.
    pub subscriptions: Vec<Subscription>,
    /// Those of their products that are or were ours.
    pub products: Vec<Product>,
    /// What their prices cost in the currencies that they are paid in, where those are not the prices' own: Stripe's lists of subscriptions do not tell.
    #[serde(default, skip_serializing_if = "OtherAmounts::is_empty")]
    pub other_amounts: OtherAmounts,
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
        let mut other_amounts = OtherAmounts::new();
        for (price, currency) in paid_in_another_currency(&subscriptions) {
            if let Some(amount) = catalogue.other_amount(price, currency) {
                let amounts = other_amounts.entry(price.id.clone()).or_default();
                amounts.insert(currency.to_owned(), amount);
            }
        }
        Self {
            subscriptions,
            products,
            other_amounts,
        }
    }

    /// What a price of this subscription costs in the currency that the subscription is paid in, in its minor unit, and which that is. `None` for a price
    /// that has no whole amount in it.
    #[must_use]
    pub fn amount<'a>(
        &self,
        subscription: &'a Subscription,
        price: &'a Price,
    ) -> (Option<i64>, &'a str) {
        match currency_of(subscription) {
            Some(currency) if currency != price.currency => {
                let amounts = self.other_amounts.get(&price.id);
                let amount = amounts.and_then(|amounts| amounts.get(currency));
                (amount.copied(), currency)
            }
            _ => (price.amount, &price.currency),
        }
    }

    /// The product of this id, if it is or was ours.
    #[must_use]
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.products.iter().find(|product| product.id == *id)
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

/// The prices that are paid in another currency than their own, and in which.
pub(crate) fn paid_in_another_currency(
    subscriptions: &[Subscription],
) -> impl Iterator<Item = (&Price, &str)> {
    subscriptions.iter().flat_map(|subscription| {
        let currency = currency_of(subscription);
        let prices = subscription.items.iter().map(|item| &item.price);
        prices.filter_map(move |price| Some((price, currency.filter(|it| *it != price.currency)?)))
    })
}

/// `None` for one that an older version stored.
fn currency_of(subscription: &Subscription) -> Option<&str> {
    Some(subscription.currency.as_str()).filter(|currency| !currency.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::PriceId;

    /// A subscription to a price of nine dollars.
    fn subscription(id: &str, currency: &str) -> Subscription {
        serde_json::from_value(serde_json::json!({
            "id": id, "status": "active", "currency": currency,
            "items": [{
                "price": {
                    "id": "price_1", "product": "prod_1", "plan": "starter-monthly", "amount": 900, "currency": "usd",
                    "interval": "month", "interval_count": 1
                },
                "quantity": 1, "period_start": 0, "period_end": 2_592_000
            }],
            "cancel_at_period_end": false, "cancel_at": null, "trial_start": null, "trial_end": null, "has_payment_method": true,
            "latest_invoice": null, "past_due_since": null
        }))
        .unwrap()
    }

    #[test]
    fn a_price_costs_what_it_costs_in_the_currency_that_it_is_paid_in() {
        let amounts = BTreeMap::from([("eur".to_owned(), 850), ("gbp".to_owned(), 750)]);
        let price = PriceId::parse("price_1").unwrap();
        let catalogue =
            Catalogue::default().with_other_amounts(OtherAmounts::from([(price.clone(), amounts)]));
        let paid = ["usd", "eur", "jpy", ""];
        let subscriptions =
            paid.map(|currency| subscription(&format!("sub_{currency}x"), currency));
        let snapshot = Snapshot::new(subscriptions.to_vec(), &catalogue);
        let amounts = subscriptions.each_ref().map(|subscription| {
            let price = &subscription.items[0].price;
            snapshot.amount(subscription, price)
        });
        assert_eq!(
            amounts,
            [
                (Some(900), "usd"),
                (Some(850), "eur"),
                (None, "jpy"),
                (Some(900), "usd"),
            ]
        );
        // What nobody pays is not kept.
        let kept = BTreeMap::from([("eur".to_owned(), 850)]);
        assert_eq!(snapshot.other_amounts, OtherAmounts::from([(price, kept)]));
        let stored = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&stored).unwrap(), snapshot);
    }

    #[test]
    fn what_is_not_known_of_an_amount_is_told() {
        let subscriptions = [subscription("sub_1", "eur")];
        assert!(!Catalogue::default().knows_amounts(&subscriptions));
        assert!(Catalogue::default().knows_amounts(&[subscription("sub_1", "usd")]));
    }
}
