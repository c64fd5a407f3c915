//! Trials that begin on the Checkout page.

use super::{all, page, reread};
use crate::billing::Customer;
use crate::support::{Stripe, id};

#[tokio::test]
async fn a_trial_costs_nothing_today() {
    let stripe = Stripe::start().await;
    let session = stripe
        .session("&subscription_data[trial_period_days]=14")
        .await;
    assert_eq!(session["amount_total"], 0);
    // This card can be kept, though not charged.
    assert_eq!(stripe.pay(&session, "4000000000000341").await.0, 303);
    let subscription = stripe
        .get("/v1/subscriptions?expand[]=data.latest_invoice")
        .await
        .ok()["data"][0]
        .clone();
    assert_eq!(subscription["status"], "trialing");
    let length =
        subscription["trial_end"].as_i64().unwrap() - subscription["trial_start"].as_i64().unwrap();
    assert_eq!(length, 14 * 86_400);
    assert_eq!(
        subscription["items"]["data"][0]["current_period_end"],
        subscription["trial_end"]
    );
    assert_eq!(
        (
            &subscription["latest_invoice"]["status"],
            &subscription["latest_invoice"]["total"]
        ),
        (&"paid".into(), &0.into())
    );
    let done = reread(&stripe, &session).await;
    assert_eq!(done["payment_status"], "no_payment_required");
    assert!(done["setup_intent"].is_null());
    // The card is kept.
    let setup = &all(&stripe, "setup_intents").await[0];
    assert_eq!(setup["status"], "succeeded");
    assert_eq!(setup["customer"], done["customer"]);
    assert_eq!(
        setup["payment_method"],
        subscription["default_payment_method"]
    );
    let method = format!(
        "payment_methods?customer={}",
        done["customer"].as_str().unwrap()
    );
    assert_eq!(
        all(&stripe, &method).await[0]["id"],
        setup["payment_method"]
    );
    assert!(all(&stripe, "payment_intents").await.is_empty());
}

#[tokio::test]
async fn a_trial_can_begin_without_a_card() {
    let stripe = Stripe::start().await;
    let session = stripe
        .session("&subscription_data[trial_period_days]=7&subscription_data[trial_settings][end_behavior][missing_payment_method]=pause&payment_method_collection=if_required")
        .await;
    let (_, text) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(
        text.contains("7 days free") && !text.contains("Card number"),
        "{text}"
    );
    let (status, location, _) = stripe.submit(&id(&session), "email=ada@example.com").await;
    assert_eq!(status, 303);
    assert!(location.unwrap().starts_with("http://shop.test/done"));
    let subscription = &all(&stripe, "subscriptions").await[0];
    assert_eq!(subscription["status"], "trialing");
    assert!(subscription["default_payment_method"].is_null());
    assert_eq!(
        subscription["trial_settings"]["end_behavior"]["missing_payment_method"],
        "pause"
    );
    let done = reread(&stripe, &session).await;
    assert_eq!(done["payment_status"], "no_payment_required");
    assert_eq!(done["customer_details"]["email"], "ada@example.com");
}

#[tokio::test]
async fn a_trial_ends_in_the_time_of_its_customer() {
    let customer = Customer::at("2031-05-01T00:00:00Z", "").await;
    let stripe = &customer.stripe;
    let end = crate::billing::time("2031-05-11T00:00:00Z");
    let session = stripe
        .session(&format!(
            "&customer={}&subscription_data[trial_end]={end}",
            customer.id
        ))
        .await;
    let (_, text) = page(stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(
        text.contains("10 days free") && text.contains("May 11, 2031"),
        "{text}"
    );
    assert_eq!(stripe.pay(&session, super::GOOD).await.0, 303);
    let done = reread(stripe, &session).await;
    let path = format!(
        "/v1/subscriptions/{}",
        done["subscription"].as_str().unwrap()
    );
    assert_eq!(stripe.get(&path).await.ok()["trial_end"], end);
    customer.advance(end + 2 * 3600).await;
    let subscription = stripe.get(&path).await.ok();
    assert_eq!(subscription["status"], "active");
    let invoices = all(stripe, &format!("invoices?customer={}", customer.id)).await;
    assert_eq!(
        (&invoices[0]["status"], &invoices[0]["amount_paid"]),
        (&"paid".into(), &900.into())
    );
}
