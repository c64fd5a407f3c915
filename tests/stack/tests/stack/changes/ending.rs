use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::LocalStack;

use super::{CARD, Subscriber, TRIAL, offer, told};

impl Subscriber {
    /// Cancels, twice, and takes it back, twice.
    async fn cancels_and_resumes(&self, end: &Value) -> Result<()> {
        let canceled = self.change("cancel").await?;
        assert_eq!(canceled.status, 200, "{canceled:?}");
        assert_eq!(canceled.body["access"]["reason"], "ending");
        assert_eq!(canceled.body["access"]["granted"], true);
        assert_eq!(canceled.body["subscription"]["cancel_at"], *end);
        let again = self.change("cancel").await?;
        assert_eq!(told(&again), (409, "already_ending"), "{again:?}");
        let resumed = self.change("resume").await?;
        assert_eq!(resumed.status, 200, "{resumed:?}");
        assert_eq!(resumed.body["subscription"]["cancel_at"], json!(null));
        let again = self.change("resume").await?;
        assert_eq!(told(&again), (409, "not_ending"), "{again:?}");
        Ok(())
    }

    /// Another subscription of the customer's, instead of the one that they have.
    async fn instead(&mut self, form: &[(&str, &str)]) -> Result<()> {
        let path = format!("/subscriptions/{}", self.subscription);
        self.stripe(Method::DELETE, &path, &[]).await?;
        let starter = self
            .stripe_id("/prices?lookup_keys[]=starter-monthly")
            .await?;
        let customer = self.customer.clone();
        let mut all = vec![
            ("customer", customer.as_str()),
            ("items[0][price]", &starter),
        ];
        all.extend_from_slice(form);
        let made = self.stripe(Method::POST, "/subscriptions", &all).await?;
        self.subscription = made["id"].as_str().unwrap_or_default().to_owned();
        Ok(())
    }
}

#[tokio::test]
async fn an_end_comes_with_the_period_and_can_be_taken_back_in_both_billing_modes() -> Result<()> {
    let mut ann = Subscriber::start().await?;
    let card = ann.choose_card(CARD).await?;
    for mode in ["flexible", "classic"] {
        ann.instead(&[
            ("billing_mode[type]", mode),
            ("default_payment_method", &card),
        ])
        .await?;
        let end = ann.in_stripe().await?["items"]["data"][0]["current_period_end"].clone();
        ann.cancels_and_resumes(&end).await?;
        // However it was set to end.
        ann.update(&[("cancel_at", &end.to_string())]).await?;
        let resumed = ann.change("resume").await?;
        assert_eq!(
            resumed.body["access"]["reason"], "active",
            "{mode} {resumed:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_trial_that_is_canceled_ends_with_the_trial() -> Result<()> {
    let stack = LocalStack::start().await?;
    offer(&stack, "starter-trial", &TRIAL).await?;
    let user = stack.sign_up("ann").await?;
    let ann = Subscriber::subscribe(stack, user, "starter-trial").await?;
    let end = ann.in_stripe().await?["trial_end"].clone();
    ann.cancels_and_resumes(&end).await?;
    assert!(ann.charged().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn clicks_at_once_and_a_lost_reply_end_it_once() -> Result<()> {
    let ann = Subscriber::start().await?;
    for (what, refusal) in [("cancel", "already_ending"), ("resume", "not_ending")] {
        let path = format!("/v1/subscriptions/{}", ann.subscription);
        let lost = json!({ "method": "POST", "path": path, "kind": "lose_reply", "times": 1 });
        ann.fault(lost).await?;
        let (a, b) = tokio::try_join!(ann.change(what), ann.change(what))?;
        assert!(a.status == 200 || b.status == 200, "{a:?} {b:?}");
        for click in [a, b] {
            assert!(
                click.status == 200 || told(&click) == (409, refusal),
                "{click:?}"
            );
        }
        ann.heal().await?;
    }
    assert_eq!(ann.in_stripe().await?["cancel_at"], json!(null));
    Ok(())
}

#[tokio::test]
async fn a_paused_one_goes_on_once_there_is_a_card_or_ends_at_once() -> Result<()> {
    for what in ["resume", "cancel"] {
        let mut ann = Subscriber::start().await?;
        let methods = format!("/customers/{}/payment_methods", ann.customer);
        let paused_without_card = [
            ("trial_period_days", "1"),
            (
                "trial_settings[end_behavior][missing_payment_method]",
                "pause",
            ),
        ];
        ann.instead(&paused_without_card).await?;
        for method in ann.stripe_list(&methods).await? {
            let id = method["id"].as_str().unwrap_or_default();
            let path = format!("/payment_methods/{id}/detach");
            ann.stripe(Method::POST, &path, &[]).await?;
        }
        ann.advance(&ann.customer, "week").await?;
        assert_eq!(ann.in_stripe().await?["status"], "paused");
        if what == "cancel" {
            let canceled = ann.change("cancel").await?;
            assert_eq!(
                canceled.body["access"]["reason"], "canceled",
                "{canceled:?}"
            );
            assert_eq!(ann.in_stripe().await?["status"], "canceled");
            continue;
        }
        let pay = ann.change("pay").await?;
        assert_eq!(told(&pay), (409, "nothing_to_pay"), "{pay:?}");
        let preview = ann.preview("pro-monthly").await?;
        assert_eq!(told(&preview), (409, "not_switchable"), "{preview:?}");
        let without = ann.change("resume").await?;
        assert_eq!(
            told(&without),
            (409, "payment_method_needed"),
            "{without:?}"
        );
        ann.choose_card(CARD).await?;
        let (a, b) = tokio::try_join!(ann.change("resume"), ann.change("resume"))?;
        for click in [&a, &b] {
            assert!(
                click.status == 200 || told(click) == (409, "not_ending"),
                "{click:?}"
            );
        }
        assert_eq!(ann.in_stripe().await?["status"], "active");
        assert_eq!(ann.charged().await?, [900, 900], "{a:?} {b:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_first_payment_that_was_never_made_ends_at_once() -> Result<()> {
    let mut ann = Subscriber::start().await?;
    let card = ann.choose_card(super::FAILING_CARD).await?;
    ann.instead(&[("default_payment_method", &card)]).await?;
    assert_eq!(ann.in_stripe().await?["status"], "incomplete");
    let canceled = ann.change("cancel").await?;
    assert_eq!(canceled.status, 200, "{canceled:?}");
    let status = ann.in_stripe().await?["status"].clone();
    assert!(
        status == "canceled" || status == "incomplete_expired",
        "{status}"
    );
    Ok(())
}
