//! Invoices by hand.

use serde_json::json;

use super::Customer;
use crate::support::id;

const START: &str = "2027-03-10T00:00:00Z";

async fn draft(ada: &Customer) -> String {
    let form = format!(
        "customer={}&amount=2000&currency=usd&description=Setup",
        ada.id
    );
    ada.stripe.post("/v1/invoiceitems", &form).await.ok();
    let form = format!("customer={}&pending_invoice_items_behavior=include", ada.id);
    let draft = ada.stripe.post("/v1/invoices", &form).await.ok();
    assert_eq!(
        (&draft["status"], &draft["total"]),
        (&json!("draft"), &json!(2000))
    );
    format!("/v1/invoices/{}", id(&draft))
}

#[tokio::test]
async fn a_draft_is_finalized_and_paid() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let path = draft(&ada).await;
    let open = ada.stripe.post(&format!("{path}/finalize"), "").await.ok();
    assert_eq!(open["status"], "open");
    assert!(open["number"].as_str().unwrap().ends_with("-0001"));
    let paid = ada.stripe.post(&format!("{path}/pay"), "").await.ok();
    assert_eq!(
        (&paid["status"], &paid["amount_paid"]),
        (&json!("paid"), &json!(2000))
    );
    let payments = ada
        .stripe
        .get(&format!("/v1/invoice_payments?invoice={}", id(&paid)))
        .await
        .ok();
    assert_eq!(payments["data"][0]["status"], "paid");
    for action in ["finalize", "pay", "void"] {
        ada.stripe
            .post(&format!("{path}/{action}"), "")
            .await
            .check_error(400, None, None);
    }
}

#[tokio::test]
async fn a_draft_can_be_deleted_and_an_open_one_voided_or_written_off() {
    let ada = Customer::at(START, "pm_card_visa").await;
    let path = draft(&ada).await;
    assert_eq!(ada.stripe.delete(&path).await.ok()["deleted"], true);
    let pending = ada
        .stripe
        .get(&format!(
            "/v1/invoiceitems?customer={}&pending=true",
            ada.id
        ))
        .await
        .ok();
    assert_eq!(
        pending["data"].as_array().unwrap().len(),
        1,
        "what was on it waits again"
    );
    ada.stripe
        .delete(&format!("/v1/invoiceitems/{}", id(&pending["data"][0])))
        .await
        .ok();
    for (action, status) in [("void", "void"), ("mark_uncollectible", "uncollectible")] {
        let path = draft(&ada).await;
        ada.stripe.delete(&format!("{path}x")).await.check_error(
            404,
            Some("resource_missing"),
            Some("id"),
        );
        ada.stripe.post(&format!("{path}/finalize"), "").await.ok();
        let ended = ada.stripe.post(&format!("{path}/{action}"), "").await.ok();
        assert_eq!(ended["status"], status);
    }
}

#[tokio::test]
async fn an_invoice_that_is_sent_has_a_due_date() {
    let ada = Customer::at(START, "").await;
    let path = draft(&ada).await;
    let reply = ada
        .stripe
        .post(&path, "collection_method=send_invoice")
        .await;
    reply.check_error(400, None, Some("days_until_due"));
    let sent = ada
        .stripe
        .post(&path, "collection_method=send_invoice&days_until_due=7")
        .await
        .ok();
    assert_eq!(sent["due_date"], super::time(START) + 7 * super::DAY);
    let sent = ada.stripe.post(&format!("{path}/send"), "").await.ok();
    assert_eq!(sent["status"], "open");
    assert!(
        sent["hosted_invoice_url"]
            .as_str()
            .unwrap()
            .starts_with(&ada.stripe.url)
    );
}
