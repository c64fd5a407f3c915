//! Which period an invoice is for.

use billing::Period;
use serde::Deserialize;
use stripe_billing::invoice_line_item::ListInvoiceInvoiceLineItem;

use crate::object::{Listed, Page};
use crate::{Stripe, StripeError};

impl Stripe {
    /// The period that an invoice is for: the longest of what its subscription costs for a whole one. `None` where it is about less, as the
    /// difference of an upgrade is, or about nothing that costs. No call, or one for each hundred lines where it has more than the first
    /// ten: changes come first. See <https://docs.stripe.com/api/invoice-line-item/retrieve>.
    pub(crate) async fn period_of(
        &self,
        invoice: &str,
        lines: Option<&Page<WireLine>>,
    ) -> Result<Option<Period>, StripeError> {
        match lines {
            Some(first) if first.has_more => {
                let list = ListInvoiceInvoiceLineItem::new(invoice);
                Ok(longest(&self.all("lines of an invoice", list).await?))
            }
            Some(all) => Ok(longest(&all.data)),
            None => Ok(None),
        }
    }
}

fn longest(lines: &[WireLine]) -> Option<Period> {
    lines
        .iter()
        .filter(|line| line.amount > 0 && line.is_whole())
        .filter_map(|line| line.period)
        .max_by_key(|period| (period.end - period.start, period.end))
}

/// A line of an invoice.
#[derive(Deserialize)]
pub(crate) struct WireLine {
    id: String,
    #[serde(default)]
    amount: i64,
    period: Option<Period>,
    parent: Option<WireParent>,
}

impl WireLine {
    /// What is billed for a subscription's item, and for all of its period.
    fn is_whole(&self) -> bool {
        let details = self.parent.as_ref();
        let details = details.and_then(|it| it.subscription_item_details.as_ref());
        details.is_some_and(|it| !it.proration)
    }
}

impl Listed for WireLine {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Deserialize)]
struct WireParent {
    subscription_item_details: Option<WireSubscriptionItemDetails>,
}

#[derive(Deserialize)]
struct WireSubscriptionItemDetails {
    #[serde(default)]
    proration: bool,
}

#[cfg(test)]
mod tests {
    use https_client::HttpsClient;
    use serde_json::{Value, json};

    use super::*;
    use crate::SecretKey;
    use crate::server::answering;

    fn line(amount: i64, proration: bool, (start, end): (i64, i64)) -> Value {
        json!({
            "id": "il_1",
            "amount": amount,
            "period": { "start": start, "end": end },
            "parent": { "type": "subscription_item_details", "subscription_item_details": { "proration": proration } }
        })
    }

    fn check(lines: Value, expected: Option<(i64, i64)>) {
        let lines: Vec<WireLine> = serde_json::from_value(lines).unwrap();
        let expected = expected.map(|(start, end)| Period { start, end });
        assert_eq!(longest(&lines), expected);
    }

    #[test]
    fn an_invoice_is_for_the_longest_whole_period_that_costs() {
        check(json!([line(900, false, (0, 30))]), Some((0, 30)));
        // The switch to a yearly plan: what was unused of the month, and the year.
        let switch = json!([line(-400, true, (10, 30)), line(29_000, false, (10, 375))]);
        check(switch, Some((10, 375)));
        let two = json!([line(900, false, (0, 30)), line(9_000, false, (0, 365))]);
        check(two, Some((0, 365)));
    }

    #[test]
    fn what_is_about_less_is_for_no_period() {
        check(json!([]), None);
        let upgrade = json!([line(-400, true, (10, 30)), line(1_200, true, (10, 30))]);
        check(upgrade, None);
        check(json!([line(0, false, (0, 14))]), None);
        let by_hand = json!({ "id": "il_1", "amount": 500, "period": { "start": 0, "end": 365 }, "parent": { "subscription_item_details": null } });
        check(json!([by_hand]), None);
        check(
            json!([{ "id": "il_1", "amount": 500, "period": { "start": 0, "end": 365 } }]),
            None,
        );
    }

    #[tokio::test]
    async fn an_invoice_of_more_than_ten_lines_is_read_to_its_end() {
        let change = line(-10, true, (10, 30));
        let first: Page<WireLine> =
            serde_json::from_value(json!({ "data": [change], "has_more": true })).unwrap();
        let pages = vec![
            json!({ "data": [change], "has_more": true }),
            json!({ "data": [line(900, false, (0, 30))], "has_more": false }),
        ];
        let mut pages = pages.into_iter();
        let (url, asked) = answering(move |_| pages.next().unwrap().to_string());
        let key = SecretKey::parse("sk_test_1").unwrap();
        let stripe = Stripe::new(HttpsClient::new(), &url, key);
        let period = stripe.period_of("in_1", Some(&first)).await.unwrap();
        assert_eq!(period, Some(Period { start: 0, end: 30 }));
        assert_eq!(
            asked.try_iter().collect::<Vec<_>>(),
            [
                "/v1/invoices/in_1/lines?limit=100",
                "/v1/invoices/in_1/lines?limit=100&starting_after=il_1"
            ]
        );
    }
}
