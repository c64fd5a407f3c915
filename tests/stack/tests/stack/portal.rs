//! The way into Stripe's customer portal.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stack_tests::Answer;

use crate::changes::{Subscriber, told};

impl Subscriber {
    async fn open_portal(&self, wish: Value) -> Result<Answer> {
        self.post("/create-portal-session", Some(&self.user), wish)
            .await
    }

    /// The session that Stripe made last.
    async fn last_visit(&self) -> Result<Value> {
        let sessions = self
            .stripe_list("/events?type=billing_portal.session.created")
            .await?;
        let last = sessions.first().context("no session")?;
        Ok(last["data"]["object"].clone())
    }
}

#[tokio::test]
async fn each_flow_leads_to_its_page_and_back_to_ours() -> Result<()> {
    let ann = Subscriber::start().await?;
    let site = &ann.addresses.site;
    let ours = ann.stripe_list("/billing_portal/configurations").await?;
    let ours = ours
        .iter()
        .find(|it| it["metadata"]["app"] == "tollgate")
        .context("no configuration of ours")?;
    for (flow, kind, back) in [
        (None, None, None),
        (
            Some("payment_method"),
            Some("payment_method_update"),
            Some("/?pay"),
        ),
        (Some("cancel"), Some("subscription_cancel"), Some("/")),
        (Some("switch"), Some("subscription_update"), Some("/")),
    ] {
        let wish = flow.map_or(json!({}), |flow| json!({ "flow": flow }));
        let url = ann.open_portal(wish).await?.url()?;
        assert_eq!(reqwest::get(&url).await?.status(), 200, "{flow:?}");
        let visit = ann.last_visit().await?;
        assert_eq!(visit["customer"], ann.customer.as_str());
        assert_eq!(visit["configuration"], ours["id"]);
        assert_eq!(visit["return_url"], format!("{site}/"));
        assert_eq!(visit["flow"]["type"].as_str(), kind);
        let redirect = &visit["flow"]["after_completion"]["redirect"]["return_url"];
        let expected = back.map(|back| format!("{site}{back}"));
        assert_eq!(redirect.as_str(), expected.as_deref());
    }
    Ok(())
}

#[tokio::test]
async fn a_switch_in_the_portal_is_charged_at_once_as_ours_is() -> Result<()> {
    let ann = Subscriber::start().await?;
    let all = ann.stripe_list("/billing_portal/configurations").await?;
    let ours = all.iter().find(|it| it["metadata"]["app"] == "tollgate");
    let update = &ours.context("none of ours")?["features"]["subscription_update"];
    assert_eq!(update["proration_behavior"], "always_invoice");
    assert_eq!(update["trial_update_behavior"], "continue_trial");
    Ok(())
}

#[tokio::test]
async fn what_the_portal_has_no_page_for_is_refused() -> Result<()> {
    let ann = Subscriber::start().await?;
    let bob = ann.sign_up("bob").await?;
    for flow in [None, Some("payment_method"), Some("cancel"), Some("switch")] {
        let wish = flow.map_or(json!({}), |flow| json!({ "flow": flow }));
        let answer = ann.post("/create-portal-session", Some(&bob), wish).await?;
        assert_eq!(told(&answer), (409, "no_customer"), "{flow:?} {answer:?}");
    }
    for wish in [
        json!({ "flow": "other" }),
        json!({ "customer": "cus_1" }),
        json!([]),
    ] {
        let answer = ann.open_portal(wish.clone()).await?;
        assert_eq!(told(&answer), (400, "invalid_request"), "{wish}");
    }
    assert_eq!(ann.change("cancel").await?.status, 200);
    let ending = ann.open_portal(json!({ "flow": "cancel" })).await?;
    assert_eq!(told(&ending), (409, "already_ending"), "{ending:?}");
    let path = format!("/subscriptions/{}", ann.subscription);
    ann.stripe(reqwest::Method::DELETE, &path, &[]).await?;
    for flow in ["cancel", "switch"] {
        let answer = ann.open_portal(json!({ "flow": flow })).await?;
        assert_eq!(told(&answer), (409, "no_subscription"), "{flow} {answer:?}");
    }
    ann.open_portal(json!({})).await?.url()?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_customer_is_none_and_another_configuration_is_found() -> Result<()> {
    let ann = Subscriber::start().await?;
    ann.open_portal(json!({})).await?.url()?;
    // The one that the function has kept is switched off, and another one is ours.
    let first = ann.last_visit().await?["configuration"].clone();
    let path = format!(
        "/billing_portal/configurations/{}",
        first.as_str().unwrap_or_default()
    );
    let off = [("active", "false"), ("metadata[app]", "")];
    ann.stripe(reqwest::Method::POST, &path, &off).await?;
    let other = [
        ("features[invoice_history][enabled]", "true"),
        ("metadata[app]", "tollgate"),
    ];
    let other = ann
        .stripe(
            reqwest::Method::POST,
            "/billing_portal/configurations",
            &other,
        )
        .await?;
    ann.open_portal(json!({})).await?.url()?;
    assert_eq!(ann.last_visit().await?["configuration"], other["id"]);

    ann.pause_webhooks(true).await?;
    let path = format!("/customers/{}", ann.customer);
    ann.stripe(reqwest::Method::DELETE, &path, &[]).await?;
    let answer = ann.open_portal(json!({})).await?;
    assert_eq!(told(&answer), (409, "no_customer"), "{answer:?}");
    Ok(())
}
