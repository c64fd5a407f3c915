//! The Checkout page, by posting its forms.

mod authentication;
mod currencies;
mod declines;
mod discounts;
mod modes;
mod payment_pages;
mod sessions;
mod tax;
mod trials;

use serde_json::Value;

use crate::support::{Endpoint, Stripe, id};

/// A session as it is now.
pub async fn reread(stripe: &Stripe, session: &Value) -> Value {
    let path = format!("/v1/checkout/sessions/{}", id(session));
    stripe.get(&path).await.ok()
}

/// All objects of a list, newest first.
pub async fn all(stripe: &Stripe, list: &str) -> Vec<Value> {
    let list = stripe.get(&format!("/v1/{list}")).await.ok();
    list["data"].as_array().unwrap().clone()
}

/// A session's page: its status and text.
pub async fn page(stripe: &Stripe, path: &str) -> (u16, String) {
    let request = stripe.http.get(format!("{}{path}", stripe.url));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

pub const GOOD: &str = "4242424242424242";

#[tokio::test]
async fn paying_makes_a_subscription_with_a_paid_invoice() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe
        .post("/v1/customers", "metadata[user_id]=u")
        .await
        .ok());
    let session = stripe
        .session(&format!(
            "&customer={customer}&subscription_data[metadata][user_id]=u&metadata[m]=1"
        ))
        .await;
    assert_eq!(
        (&session["status"], &session["payment_status"]),
        (&"open".into(), &"unpaid".into())
    );
    assert_eq!(
        session["url"],
        format!("{}/c/pay/{}", stripe.url, id(&session))
    );

    let (status, location, _) = stripe.pay(&session, GOOD).await;
    assert_eq!(status, 303);
    assert_eq!(
        location.unwrap(),
        format!("http://shop.test/done?s={}", id(&session))
    );

    let done = stripe
        .get(&format!(
            "/v1/checkout/sessions/{}?expand[]=invoice",
            id(&session)
        ))
        .await
        .ok();
    assert_eq!(
        (&done["status"], &done["payment_status"], &done["customer"]),
        (
            &"complete".into(),
            &"paid".into(),
            &customer.as_str().into()
        )
    );
    assert!(done["url"].is_null());
    assert_eq!(done["customer_details"]["email"], "ada@example.com");
    let invoice = &done["invoice"];
    assert_eq!(
        (&invoice["status"], &invoice["amount_paid"]),
        (&"paid".into(), &900.into())
    );
    assert!(
        invoice["status_transitions"]["finalized_at"].is_i64()
            && invoice["status_transitions"]["paid_at"].is_i64()
    );
    assert_eq!(
        invoice["parent"]["subscription_details"]["subscription"],
        done["subscription"]
    );

    let subscription = stripe
        .get(&format!(
            "/v1/subscriptions/{}",
            done["subscription"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(
        (&subscription["status"], &subscription["latest_invoice"]),
        (&"active".into(), &invoice["id"])
    );
    assert_eq!(subscription["metadata"]["user_id"], "u");
    assert_eq!(subscription["billing_mode"]["type"], "flexible");
    let item = &subscription["items"]["data"][0];
    assert_eq!(item["price"]["lookup_key"], "starter-monthly");
    let days = (item["current_period_end"].as_i64().unwrap()
        - item["current_period_start"].as_i64().unwrap())
        / 86_400;
    assert!((28..=31).contains(&days), "{days}");

    let customer = stripe.get(&format!("/v1/customers/{customer}")).await.ok();
    // The name of somebody who is known stays as it is, unless `customer_update[name]` says otherwise.
    assert_eq!(customer["email"], "ada@example.com");
    assert!(customer["name"].is_null());
    let method = subscription["default_payment_method"].as_str().unwrap();
    assert_eq!(
        stripe
            .get(&format!("/v1/payment_methods/{method}"))
            .await
            .ok()["card"]["last4"],
        "4242"
    );
}

#[tokio::test]
async fn the_events_of_a_purchase_come_in_order() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, GOOD).await;
    assert_eq!(
        stripe.event_types().await[4..],
        [
            "customer.created",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "payment_method.attached",
            "invoice.created",
            "customer.subscription.created",
            "invoice.finalized",
            "invoice.updated",
            "invoice_payment.paid",
            "invoice.paid",
            "invoice.payment_succeeded",
            "checkout.session.completed",
        ]
    );
}

#[tokio::test]
async fn a_form_that_is_wrong_says_so_beside_each_field_and_keeps_what_was_typed() {
    let stripe = Stripe::start().await;
    let session = id(&stripe.session("").await);
    let form =
        "email=ada@&cardNumber=4242424242424241&cardExpiry=01 / 20&cardCvc=1&billingName=<b>";
    let (status, _, page) = stripe.submit(&session, form).await;
    assert_eq!(status, 422);
    for id in ["email", "cardNumber", "cardExpiry", "cardCvc"] {
        assert!(page.contains(&format!("id=\"{id}-error\"")), "{id}: {page}");
    }
    assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"));
}

#[tokio::test]
async fn two_submits_pay_once() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let pay = || stripe.pay(&session, GOOD);
    let (first, second, third) = tokio::join!(pay(), pay(), pay());
    for (status, location, _) in [first, second, third] {
        assert_eq!(status, 303);
        assert!(location.unwrap().starts_with("http://shop.test/done"));
    }
    for list in ["subscriptions?status=all", "charges", "customers"] {
        assert_eq!(
            stripe.get(&format!("/v1/{list}")).await.ok()["data"]
                .as_array()
                .unwrap()
                .len(),
            1,
            "{list}"
        );
    }
}

#[tokio::test]
async fn the_email_of_a_known_customer_cannot_be_changed() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe
        .post("/v1/customers", "email=known@example.com")
        .await
        .ok());
    let session = stripe.session(&format!("&customer={customer}")).await;
    let page = stripe
        .http
        .get(session["url"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("known@example.com") && page.contains("readonly"));
    stripe.pay(&session, GOOD).await;
    assert_eq!(
        stripe.get(&format!("/v1/customers/{customer}")).await.ok()["email"],
        "known@example.com"
    );
}

#[tokio::test]
async fn a_session_that_is_over_says_so_and_takes_no_card() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let url = session["url"].as_str().unwrap().to_owned();
    stripe
        .post(
            &format!("/v1/checkout/sessions/{}/expire", id(&session)),
            "",
        )
        .await
        .ok();
    let page = stripe
        .http
        .get(&url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("has expired") && page.contains("shop.test"));
    assert_eq!(stripe.pay(&session, GOOD).await.0, 410);
    assert_eq!(
        stripe.get("/v1/subscriptions?status=all").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        0
    );

    let session = stripe.session("").await;
    stripe.pay(&session, GOOD).await;
    let page = stripe
        .http
        .get(session["url"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("paid for already"));
}

#[tokio::test]
async fn the_buyer_is_sent_on_once_the_shop_knows() {
    let stripe = Stripe::start().await;
    let endpoint = Endpoint::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x")
        .await
        .unwrap();
    let session = stripe.session("").await;
    stripe.pay(&session, GOOD).await;
    let known = |event: &Value| event["type"] == "checkout.session.completed";
    assert!(endpoint.received().iter().any(|it| known(&it.event())));
}

#[tokio::test]
async fn a_session_of_somebody_who_was_deleted_cannot_be_paid() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe.post("/v1/customers", "").await.ok());
    let session = stripe.session(&format!("&customer={customer}")).await;
    stripe
        .delete(&format!("/v1/customers/{customer}"))
        .await
        .ok();
    let (status, _, shown) = stripe.pay(&session, GOOD).await;
    assert_eq!(status, 402);
    assert!(
        shown.contains("The customer of this session was deleted."),
        "{shown}"
    );
    assert_eq!(all(&stripe, "charges").await, [] as [Value; 0]);
    assert_eq!(all(&stripe, "subscriptions").await, [] as [Value; 0]);
}
