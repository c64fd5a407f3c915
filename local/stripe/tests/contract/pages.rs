//! The developer's pages.

use crate::support::{Endpoint, Stripe, id};

async fn page(stripe: &Stripe, path: &str) -> String {
    let response = stripe
        .http
        .get(format!("{}{path}", stripe.url))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{path}");
    assert!(
        response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'self'")
    );
    response.text().await.unwrap()
}

#[tokio::test]
async fn events_are_shown_with_what_the_endpoint_replied() {
    let stripe = Stripe::start().await;
    assert!(
        page(&stripe, "/")
            .await
            .contains("Nothing has happened yet")
    );
    let endpoint = Endpoint::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x")
        .await
        .unwrap();
    let customer = stripe.post("/v1/customers", "name=<script>").await.ok();
    stripe
        .until("/v1/events?delivery_success=true", |list| {
            list["data"].as_array().unwrap().len() == 1
        })
        .await;
    let events = page(&stripe, "/").await;
    for text in [
        "customer.created",
        &id(&customer),
        "Delivered",
        "what the endpoint &lt;said&gt;",
        "Resend",
    ] {
        assert!(events.contains(text), "{text}: {events}");
    }
    let event = id(&stripe.get("/v1/events").await.ok()["data"][0]);
    let event = page(&stripe, &format!("/events/{event}")).await;
    assert!(event.contains("&lt;script&gt;") && !event.contains("<script>"));
    assert!(!event.contains("whsec_x"));
    assert!(
        page(&stripe, &format!("/objects/{}", id(&customer)))
            .await
            .contains("customer.created")
    );
}

#[tokio::test]
async fn a_subscription_is_canceled_from_its_page() {
    let stripe = Stripe::start().await;
    assert!(
        page(&stripe, "/subscriptions")
            .await
            .contains("No subscriptions yet")
    );
    let session = stripe.session("").await;
    stripe.pay(&session, "4242424242424242").await;
    let shown = page(&stripe, "/subscriptions").await;
    assert!(
        shown.contains("Starter · $9.00") && shown.contains("ada@example.com"),
        "{shown}"
    );
    assert!(page(&stripe, "/customers").await.contains("1 subscription"));
    let subscription = id(&stripe.get("/v1/subscriptions").await.ok()["data"][0]);
    stripe
        .http
        .post(format!(
            "{}/subscriptions/{subscription}/cancel",
            stripe.url
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(
        stripe
            .get(&format!("/v1/subscriptions/{subscription}"))
            .await
            .ok()["status"],
        "canceled"
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_404_page() {
    let stripe = Stripe::start().await;
    for path in [
        "/nothing",
        "/events/evt_no",
        "/objects/x",
        "/c/pay/cs_test_no",
    ] {
        let response = stripe
            .http
            .get(format!("{}{path}", stripe.url))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert!(response.text().await.unwrap().contains("The link is wrong"));
    }
}
