//! 3-D Secure on the Checkout page.

use super::{GOOD, all, page, reread};
use crate::support::{Stripe, id};

const ASKS: &str = "4000002760003184";

/// Answers the bank's page, and follows to where it leads.
async fn answer(stripe: &Stripe, page: &str, passed: bool) -> String {
    let form = format!("passed={passed}");
    let request = stripe.request(reqwest::Method::POST, page, &form);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 303);
    let back = response.headers()["location"].to_str().unwrap().to_owned();
    let request = stripe.http.get(format!("{}{back}", stripe.url));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 303, "{back}");
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_buyer_who_authenticates_has_paid() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let (status, location, _) = stripe.pay(&session, ASKS).await;
    let bank = location.unwrap();
    assert_eq!(status, 303);
    assert!(bank.starts_with("/authenticate/pi_"), "{bank}");
    assert_eq!(page(&stripe, &bank).await.0, 200);
    let waiting = reread(&stripe, &session).await;
    assert_eq!(
        (&waiting["status"], &waiting["payment_status"]),
        (&"open".into(), &"unpaid".into())
    );
    assert!(waiting["customer"].is_null());
    assert!(all(&stripe, "customers").await.is_empty());

    let shop = answer(&stripe, &bank, true).await;
    assert_eq!(shop, format!("http://shop.test/done?s={}", id(&session)));
    let done = reread(&stripe, &session).await;
    assert_eq!(
        (&done["status"], &done["payment_status"]),
        (&"complete".into(), &"paid".into())
    );
    let subscription = &all(&stripe, "subscriptions").await[0];
    assert_eq!(subscription["status"], "active");
    let intent = &all(&stripe, "payment_intents").await[0];
    assert_eq!(
        (&intent["status"], &intent["customer"]),
        (&"succeeded".into(), &done["customer"])
    );
    assert_eq!(
        intent["payment_method"],
        subscription["default_payment_method"]
    );
    assert_eq!(
        all(&stripe, "charges").await[0]["customer"],
        done["customer"]
    );
    // Another press leads to the shop, too, and pays nothing.
    assert_eq!(answer(&stripe, &bank, true).await, shop);
    assert_eq!(all(&stripe, "charges").await.len(), 1);
}

#[tokio::test]
async fn a_buyer_who_does_not_can_try_again() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let bank = stripe.pay(&session, ASKS).await.1.unwrap();
    let back = answer(&stripe, &bank, false).await;
    assert_eq!(back, format!("/c/pay/{}?tried=1", id(&session)));
    let (status, text) = page(&stripe, &back).await;
    assert_eq!(status, 200);
    assert!(
        text.contains("unable to authenticate your payment method"),
        "{text}"
    );
    assert!(text.contains("ada@example.com") && text.contains("Ada Lovelace"));
    assert_eq!(reread(&stripe, &session).await["status"], "open");
    assert!(all(&stripe, "subscriptions?status=all").await.is_empty());

    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    assert_eq!(all(&stripe, "payment_intents").await.len(), 1);
    assert_eq!(all(&stripe, "subscriptions").await.len(), 1);
}

#[tokio::test]
async fn a_buyer_who_turns_back_and_pays_otherwise_pays_once() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let bank = stripe.pay(&session, ASKS).await.1.unwrap();
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    let shop = answer(&stripe, &bank, true).await;
    assert!(shop.starts_with("http://shop.test/done"), "{shop}");
    assert_eq!(all(&stripe, "charges").await.len(), 1);
    assert_eq!(all(&stripe, "subscriptions").await.len(), 1);
}

#[tokio::test]
async fn a_card_can_be_authenticated_and_declined_all_the_same() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let bank = stripe.pay(&session, "4000008260003178").await.1.unwrap();
    let back = answer(&stripe, &bank, true).await;
    assert!(page(&stripe, &back).await.1.contains("insufficient funds"));
    assert_eq!(reread(&stripe, &session).await["status"], "open");
}

#[tokio::test]
async fn an_expired_session_is_not_paid_by_authenticating() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let bank = stripe.pay(&session, ASKS).await.1.unwrap();
    let path = format!("/v1/checkout/sessions/{}/expire", id(&session));
    stripe.post(&path, "").await.ok();
    let back = answer(&stripe, &bank, true).await;
    assert!(page(&stripe, &back).await.1.contains("has expired"));
    assert!(all(&stripe, "charges").await.is_empty());
    assert!(all(&stripe, "subscriptions?status=all").await.is_empty());
}

#[tokio::test]
async fn a_trial_asks_the_bank_too_and_the_renewal_does_not() {
    let customer = crate::billing::Customer::at("2031-05-01T00:00:00Z", "").await;
    let stripe = &customer.stripe;
    let further = format!(
        "&customer={}&subscription_data[trial_period_days]=5",
        customer.id
    );
    let session = stripe.session(&further).await;
    let bank = stripe.pay(&session, "4000002500003155").await.1.unwrap();
    assert!(bank.starts_with("/authenticate/seti_"), "{bank}");
    let shop = answer(stripe, &bank, true).await;
    assert!(shop.starts_with("http://shop.test/done"), "{shop}");
    customer
        .advance(crate::billing::time("2031-05-06T02:00:00Z"))
        .await;
    let invoices = all(stripe, &format!("invoices?customer={}", customer.id)).await;
    assert_eq!(
        (&invoices[0]["status"], &invoices[0]["amount_paid"]),
        (&"paid".into(), &900.into())
    );
}

#[tokio::test]
async fn the_intent_of_a_session_cannot_be_confirmed_elsewhere() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, "4000000000000002").await;
    let intent = id(&all(&stripe, "payment_intents").await[0]);
    for (verb, form) in [("confirm", "payment_method=pm_card_visa"), ("cancel", "")] {
        let path = format!("/v1/payment_intents/{intent}/{verb}");
        assert_eq!(stripe.post(&path, form).await.status, 400, "{verb}");
    }
}

#[tokio::test]
async fn what_is_authenticated_is_what_is_asked_for_or_nothing_is() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe
        .post("/v1/customers", "email=ada@example.com")
        .await
        .ok());
    let session = stripe.session(&format!("&customer={customer}")).await;
    let (_, location, _) = stripe.pay(&session, "4000002760003184").await;
    let location = location.unwrap();
    // Meanwhile, something more is to come on the first invoice.
    let form = format!("customer={customer}&amount=5000&currency=usd");
    stripe.post("/v1/invoiceitems", &form).await.ok();
    let path = location[location.find("/authenticate/").unwrap()..].to_owned();
    let request = stripe.request(reqwest::Method::POST, &path, "passed=true");
    request.send().await.unwrap();
    let charges = stripe
        .get(&format!("/v1/charges?customer={customer}"))
        .await
        .ok();
    assert_eq!(charges["data"], serde_json::json!([]));
    let subscriptions = stripe
        .get(&format!("/v1/subscriptions?customer={customer}"))
        .await
        .ok();
    assert_eq!(subscriptions["data"], serde_json::json!([]));
}

#[tokio::test]
async fn an_address_to_return_to_has_no_white_space() {
    let stripe = Stripe::start().await;
    let price = stripe.price("starter-monthly").await;
    let form = format!(
        "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=http://shop.test/ok%0Ax"
    );
    let reply = stripe.post("/v1/checkout/sessions", &form).await;
    reply.check_error(400, Some("url_invalid"), Some("success_url"));
}
