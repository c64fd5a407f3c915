use anyhow::{Context, Result};
use serde_json::json;

use super::{ASKING_CARD, CARD, FAILING_CARD, Subscriber, told};

impl Subscriber {
    /// Lets the renewal fail.
    async fn past_due(&self) -> Result<()> {
        self.fail_next_payment(&self.customer).await?;
        self.advance(&self.customer, "month").await?;
        assert_eq!(self.in_stripe().await?["status"], "past_due");
        Ok(())
    }
}

#[tokio::test]
async fn a_new_card_pays_what_is_open_and_stays() -> Result<()> {
    let ann = Subscriber::start().await?;
    ann.past_due().await?;
    let card = ann.choose_card(CARD).await?;
    assert_ne!(
        ann.in_stripe().await?["default_payment_method"],
        card.as_str()
    );
    let (a, b) = tokio::try_join!(ann.change("pay"), ann.change("pay"))?;
    assert!(a.status == 200 || b.status == 200, "{a:?} {b:?}");
    for click in [&a, &b] {
        let done = click.status == 200 || told(click) == (409, "nothing_to_pay");
        assert!(done, "{click:?}");
    }
    let again = ann.change("pay").await?;
    assert_eq!(told(&again), (409, "nothing_to_pay"), "{again:?}");
    let subscription = ann.in_stripe().await?;
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["default_payment_method"], card.as_str());
    assert_eq!(ann.charged().await?, [900, 900]);
    let charges = format!("/charges?customer={}", ann.customer);
    assert_eq!(
        ann.stripe_list(&charges).await?[0]["payment_method"],
        card.as_str()
    );
    let told = ann.get("/subscription", Some(&ann.user)).await?;
    assert_eq!(told.body["access"]["reason"], "active", "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_new_card_stays_where_nothing_is_open() -> Result<()> {
    let ann = Subscriber::start().await?;
    let card = ann.choose_card(CARD).await?;
    let pay = ann.change("pay").await?;
    assert_eq!(told(&pay), (409, "nothing_to_pay"), "{pay:?}");
    assert_eq!(
        ann.in_stripe().await?["default_payment_method"],
        card.as_str()
    );
    ann.advance(&ann.customer, "month").await?;
    let charges = format!("/charges?customer={}", ann.customer);
    let charges = ann.stripe_list(&charges).await?;
    assert_eq!(charges.len(), 2);
    assert_eq!(charges[0]["payment_method"], card.as_str());
    Ok(())
}

#[tokio::test]
async fn a_payment_that_fails_says_where_it_can_be_made() -> Result<()> {
    for (card, code) in [
        (FAILING_CARD, "payment_declined"),
        (ASKING_CARD, "payment_action_required"),
    ] {
        let ann = Subscriber::start().await?;
        ann.past_due().await?;
        ann.choose_card(card).await?;
        let pay = ann.change("pay").await?;
        assert_eq!(told(&pay), (402, code), "{pay:?}");
        let url = pay.body["url"].as_str().context("no url")?;
        assert_eq!(reqwest::get(url).await?.status(), 200);
        let path = format!("/invoices?customer={}&status=open", ann.customer);
        let open = ann.stripe_list(&path).await?;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0]["hosted_invoice_url"], url);
        assert_eq!(ann.charged().await?, [900]);
        // Another card, and all is well.
        ann.choose_card(CARD).await?;
        let pay = ann.change("pay").await?;
        assert_eq!(pay.body["access"]["reason"], "active", "{pay:?}");
        assert_eq!(ann.charged().await?, [900, 900]);
    }
    Ok(())
}

#[tokio::test]
async fn a_reply_that_is_lost_after_stripe_collected_is_collected_once() -> Result<()> {
    for times in [1, 3] {
        let ann = Subscriber::start().await?;
        ann.past_due().await?;
        ann.choose_card(CARD).await?;
        let lost = json!({ "method": "POST", "path": "/v1/invoices/*", "kind": "lose_reply", "times": times });
        ann.fault(lost).await?;
        let pay = ann.change("pay").await?;
        if times == 3 {
            assert_eq!(told(&pay), (503, "stripe_unavailable"), "{pay:?}");
            let again = ann.change("pay").await?;
            assert_eq!(told(&again), (409, "nothing_to_pay"), "{again:?}");
        } else {
            assert_eq!(pay.status, 200, "{pay:?}");
        }
        assert_eq!(ann.charged().await?, [900, 900]);
    }
    Ok(())
}
