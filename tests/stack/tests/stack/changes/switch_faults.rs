//! Whatever happens to the requests of a switch, it is charged once, and at the price that was shown.

use anyhow::Result;
use serde_json::{Value, json};
use stack_tests::{Answer, eventually};

use super::{Subscriber, told};

impl Subscriber {
    async fn break_switch(&self, kind: &str, times: u32, more: Value) -> Result<()> {
        let path = format!("/v1/subscriptions/{}", self.subscription);
        let mut fault = json!({ "method": "POST", "path": path, "kind": kind, "times": times });
        if let (Some(fault), Some(more)) = (fault.as_object_mut(), more.as_object()) {
            fault.extend(more.clone());
        }
        self.fault(fault).await
    }

    /// That the switch is done, and was charged once.
    async fn ends_well(&self, last: &Answer) -> Result<()> {
        assert_eq!(last.status, 200, "{last:?}");
        assert_eq!(last.body["subscription"]["plan"]["key"], "pro-monthly");
        assert_eq!(self.invoices_of_switches().await?.len(), 1);
        assert_eq!(self.charged().await?.len(), 2);
        // Not by another click either.
        let again = self.switch("pro-monthly", "any").await?;
        assert_eq!(told(&again), (400, "same_plan"));
        assert_eq!(self.charged().await?.len(), 2);
        Ok(())
    }
}

#[tokio::test]
async fn a_reply_that_is_lost_after_stripe_switched_is_charged_once() -> Result<()> {
    for times in [1, 3] {
        let ann = Subscriber::start().await?;
        let shown = ann.shown("pro-monthly").await?;
        ann.break_switch("lose_reply", times, json!({})).await?;
        let mut click = ann.switch("pro-monthly", &shown).await?;
        if times == 3 {
            assert_eq!(told(&click), (503, "stripe_unavailable"), "{click:?}");
            assert!(click.headers.contains_key("retry-after"));
            assert_eq!(ann.invoices_of_switches().await?.len(), 1);
            click = ann.switch("pro-monthly", &shown).await?;
        }
        ann.ends_well(&click).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_500_that_stripe_keeps_under_the_key_locks_nobody_out() -> Result<()> {
    let ann = Subscriber::start().await?;
    let shown = ann.shown("pro-monthly").await?;
    ann.break_switch("error", 1, json!({ "status": 500 }))
        .await?;
    let click = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&click), (503, "stripe_unavailable"), "{click:?}");
    assert_eq!(ann.charged().await?, [900]);
    let again = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&again), (409, "preview_expired"), "{again:?}");
    let shown = ann.shown("pro-monthly").await?;
    let click = ann.switch("pro-monthly", &shown).await?;
    ann.ends_well(&click).await
}

#[tokio::test]
async fn a_crash_between_stripes_reply_and_our_write_is_charged_once() -> Result<()> {
    let ann = Subscriber::start().await?;
    let shown = ann.shown("pro-monthly").await?;
    ann.break_switch("delay", 1, json!({ "ms": 20_000, "when": "after" }))
        .await?;
    let crash = async {
        eventually("Stripe has switched", async || {
            let switched = ann.invoices_of_switches().await.ok()?;
            (switched.len() == 1).then_some(())
        })
        .await;
        ann.kill_function("change-subscription").await
    };
    let (click, crash) = tokio::join!(ann.switch("pro-monthly", &shown), crash);
    crash?;
    assert_eq!(click?.status, 500, "API Gateway's answer to a crash");
    ann.heal().await?;
    let again = ann.switch("pro-monthly", &shown).await?;
    ann.ends_well(&again).await
}

#[tokio::test]
async fn while_a_switch_is_under_way_no_other_price_is_shown() -> Result<()> {
    let ann = Subscriber::start().await?;
    let shown = ann.shown("pro-monthly").await?;
    ann.break_switch("lose_reply", 3, json!({})).await?;
    let click = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(click.status, 503, "{click:?}");
    ann.heal().await?;
    // Back to the old plan, past us: what was confirmed may still be on its way for all we know.
    let item = ann.in_stripe().await?["items"]["data"][0]["id"].clone();
    let starter = ann
        .stripe_id("/prices?lookup_keys[]=starter-monthly")
        .await?;
    let back = [
        ("items[0][id]", item.as_str().unwrap_or_default()),
        ("items[0][price]", &starter),
        ("proration_behavior", "none"),
    ];
    ann.update(&back).await?;
    let other = ann.preview("pro-monthly").await?;
    assert_eq!(told(&other), (503, "store_unavailable"), "{other:?}");
    // The stored answer of the first click is not taken for a switch.
    let again = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&again), (409, "preview_expired"), "{again:?}");
    assert_eq!(ann.charged().await?.len(), 2);
    // Now it is known how the first one ended.
    ann.shown("pro-monthly").await?;
    Ok(())
}

#[tokio::test]
async fn while_stripe_is_down_a_change_says_when_to_come_back() -> Result<()> {
    let ann = Subscriber::start().await?;
    let shown = ann.shown("pro-monthly").await?;
    let down =
        json!({ "method": "GET", "path": "/v1/*", "kind": "error", "status": 503, "times": 99 });
    ann.fault(down).await?;
    for answer in [
        ann.preview("pro-monthly").await?,
        ann.switch("pro-monthly", &shown).await?,
        ann.change("cancel").await?,
        ann.change("resume").await?,
        ann.change("pay").await?,
    ] {
        assert_eq!(told(&answer), (503, "stripe_unavailable"), "{answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    ann.heal().await?;
    let click = ann.switch("pro-monthly", &shown).await?;
    ann.ends_well(&click).await
}
