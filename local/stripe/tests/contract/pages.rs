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

/// Presses a button of the dashboard.
async fn press(stripe: &Stripe, path: &str, form: &str) {
    let request = stripe.request(reqwest::Method::POST, path, form);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 303, "{path}");
}

#[tokio::test]
async fn a_customers_clock_brings_the_renewal_and_lets_it_fail() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, "4242424242424242").await;
    let subscription = stripe.get("/v1/subscriptions").await.ok()["data"][0].clone();
    let end = |it: &serde_json::Value| it["items"]["data"][0]["current_period_end"].as_i64();
    let customer = format!("/customers/{}", subscription["customer"].as_str().unwrap());
    assert!(page(&stripe, &customer).await.contains("Real time"));

    press(&stripe, &format!("{customer}/clock"), "by=month").await;
    let shown = page(&stripe, &customer).await;
    for text in ["days ahead", "Renewal", "First invoice", "invoice.paid"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    // The API shows no test clock, and still lists them.
    let renewed = stripe.get("/v1/subscriptions").await.ok()["data"][0].clone();
    assert!(renewed["test_clock"].is_null());
    assert!(end(&renewed) > end(&subscription));
    let clocks = stripe.get("/v1/test_helpers/test_clocks").await.ok();
    assert_eq!(clocks["data"], serde_json::json!([]));

    press(&stripe, &format!("{customer}/fail-next"), "fail=yes").await;
    assert!(
        page(&stripe, &customer)
            .await
            .contains("The next payment will fail")
    );
    press(&stripe, &format!("{customer}/clock"), "by=month").await;
    let late = stripe.get("/v1/subscriptions").await.ok()["data"][0].clone();
    assert_eq!(late["status"], "past_due");
    assert!(
        !page(&stripe, &customer)
            .await
            .contains("The next payment will fail")
    );
    // The retry two days later is charged.
    press(&stripe, &format!("{customer}/clock"), "by=week").await;
    let recovered = stripe.get("/v1/subscriptions").await.ok()["data"][0].clone();
    assert_eq!(recovered["status"], "active");
}

#[tokio::test]
async fn a_payment_is_refunded_and_disputed_from_its_customers_page() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, "4242424242424242").await;
    let charge = async || stripe.get("/v1/charges").await.ok()["data"][0].clone();
    let dispute = async || stripe.get("/v1/disputes").await.ok()["data"][0].clone();
    let first = charge().await;
    let customer = format!("/customers/{}", first["customer"].as_str().unwrap());
    let of = |what: &str, id: &str, act: &str| format!("/{what}/{id}/{act}");
    let id = first["id"].as_str().unwrap();

    press(&stripe, &of("charges", id, "refund"), "part=half").await;
    assert_eq!(charge().await["amount_refunded"], 450);
    assert!(page(&stripe, &customer).await.contains("$4.50 refunded"));

    press(&stripe, &of("charges", id, "dispute"), "complaint=inquiry").await;
    let inquiry = dispute().await;
    assert_eq!(inquiry["status"], "warning_needs_response");
    let decide = of("disputes", inquiry["id"].as_str().unwrap(), "decide");
    press(&stripe, &decide, "decision=escalated").await;
    let escalated = dispute().await;
    assert_eq!(
        (&escalated["status"], &escalated["is_charge_refundable"]),
        (&"needs_response".into(), &false.into())
    );
    assert_eq!(
        escalated["balance_transactions"].as_array().unwrap().len(),
        1
    );
    // What the bank has taken back is not given back, too.
    assert!(!page(&stripe, &customer).await.contains("Refund half"));
    press(&stripe, &of("charges", id, "refund"), "part=all").await;
    assert_eq!(charge().await["amount_refunded"], 450);

    press(&stripe, &decide, "decision=won").await;
    assert_eq!(dispute().await["status"], "won");
    // It is decided once.
    press(&stripe, &decide, "decision=lost").await;
    press(
        &stripe,
        &of("charges", id, "dispute"),
        "complaint=fraudulent",
    )
    .await;
    assert_eq!(dispute().await["status"], "won");
    assert_eq!(
        stripe.get("/v1/disputes").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    press(&stripe, &of("charges", id, "refund"), "part=all").await;
    assert_eq!(charge().await["refunded"], true);

    let types = stripe.event_types().await;
    let shown = page(&stripe, &customer).await;
    for kind in [
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ] {
        assert!(types.contains(&kind.to_owned()), "{kind}");
        assert!(shown.contains(kind), "{kind}: {shown}");
    }
}

#[tokio::test]
async fn a_dispute_is_lost_and_an_inquiry_closed_by_hand() {
    for (complaint, decision, status) in [
        ("fraudulent", "lost", "lost"),
        ("inquiry", "won", "warning_closed"),
    ] {
        let stripe = Stripe::start().await;
        let session = stripe.session("").await;
        stripe.pay(&session, "4242424242424242").await;
        let charge = stripe.get("/v1/charges").await.ok()["data"][0]["id"].clone();
        let path = format!("/charges/{}/dispute", charge.as_str().unwrap());
        press(&stripe, &path, &format!("complaint={complaint}")).await;
        let dispute = stripe.get("/v1/disputes").await.ok()["data"][0]["id"].clone();
        let path = format!("/disputes/{}/decide", dispute.as_str().unwrap());
        press(&stripe, &path, &format!("decision={decision}")).await;
        let dispute = stripe.get("/v1/disputes").await.ok()["data"][0].clone();
        assert_eq!(dispute["status"], status);
    }
}
