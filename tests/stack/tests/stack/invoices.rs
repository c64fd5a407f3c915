//! What a user has paid and owes.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::changes::{Subscriber, told};

impl Subscriber {
    async fn invoices(&self, query: &str) -> Result<Value> {
        let path = format!("/invoices{query}");
        let answer = self.get(&path, Some(&self.user)).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        Ok(answer.body)
    }

    /// A draft, of nothing.
    async fn draft(&self) -> Result<String> {
        let customer = [("customer", self.customer.as_str())];
        let draft = self.stripe(Method::POST, "/invoices", &customer).await?;
        Ok(draft["id"].as_str().unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn a_user_sees_what_they_paid_and_owe_and_who_never_bought_sees_nothing() -> Result<()> {
    let ann = Subscriber::start().await?;
    let bob = ann.sign_up("bob").await?;
    let nothing = ann.get("/invoices", Some(&bob)).await?;
    assert_eq!(nothing.body, json!({ "invoices": [], "more": false }));

    ann.fail_next_payment(&ann.customer).await?;
    ann.advance(&ann.customer, "month").await?;
    let told = ann.invoices("").await?;
    let path = format!("/invoices?customer={}", ann.customer);
    let of_stripe = ann.stripe_list(&path).await?;
    let expected: Vec<Value> = of_stripe
        .iter()
        .map(|it| {
            json!({
                "id": it["id"], "number": it["number"], "created": it["created"], "status": it["status"], "total": it["total"],
                "amount_due": it["amount_remaining"], "currency": it["currency"], "url": it["hosted_invoice_url"], "pdf": it["invoice_pdf"],
            })
        })
        .collect();
    assert_eq!(told, json!({ "invoices": expected, "more": false }));
    assert_eq!(told["invoices"][0]["status"], "open");
    assert_eq!(told["invoices"][0]["amount_due"], 900);
    assert_eq!(told["invoices"][1]["status"], "paid");
    assert_eq!(told["invoices"][1]["amount_due"], 0);
    Ok(())
}

#[tokio::test]
async fn twelve_at_a_time_without_drafts() -> Result<()> {
    let ann = Subscriber::start().await?;
    for _ in 0..12 {
        let draft = ann.draft().await?;
        let path = format!("/invoices/{draft}/finalize");
        ann.stripe(Method::POST, &path, &[]).await?;
    }
    ann.draft().await?;
    let first = ann.invoices("").await?;
    let page = first["invoices"].as_array().cloned().unwrap_or_default();
    assert_eq!((page.len(), &first["more"]), (12, &json!(true)), "{first}");
    assert!(page.iter().all(|it| it["status"] == "paid"), "{first}");
    let last = page[11]["id"].as_str().unwrap_or_default();
    let second = ann.invoices(&format!("?after={last}")).await?;
    assert_eq!(second["more"], false);
    let rest = second["invoices"].as_array().cloned().unwrap_or_default();
    assert_eq!(rest.len(), 1, "{second}");
    assert_eq!(rest[0]["total"], 900, "the first of all");
    Ok(())
}

#[tokio::test]
async fn an_invoice_that_is_not_ones_own_leads_to_none() -> Result<()> {
    let ann = Subscriber::start().await?;
    let bob = ann.sign_up("bob").await?;
    ann.subscribe(&bob, "starter-monthly").await?;
    let of_bob = ann.customer_of(&bob).await?;
    let of_bob = ann
        .stripe_id(&format!("/invoices?customer={of_bob}"))
        .await?;
    let others = ann
        .get(&format!("/invoices?after={of_bob}"), Some(&ann.user))
        .await?;
    let shown = others.body["invoices"].to_string();
    assert!(!shown.contains(&of_bob), "{others:?}");
    for after in ["in_none", "nonsense", "cus_1"] {
        let answer = ann
            .get(&format!("/invoices?after={after}"), Some(&ann.user))
            .await?;
        assert_eq!(
            told(&answer),
            (400, "invalid_request"),
            "{after} {answer:?}"
        );
    }
    Ok(())
}
