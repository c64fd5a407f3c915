//! Refusals, in Stripe's shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{KEY, Stripe, id};

#[tokio::test]
async fn only_the_secret_key_opens_the_api() {
    let stripe = Stripe::start().await;
    let url = format!("{}/v1/customers", stripe.url);
    let basic = format!("Basic {}", STANDARD.encode(format!("{KEY}:")));
    for (authorization, status) in [
        (Some(format!("Bearer {KEY}")), 200),
        (Some(basic), 200),
        (Some("Bearer sk_test_other".to_owned()), 401),
        (Some("Bearer pk_test_local".to_owned()), 401),
        (None, 401),
    ] {
        let mut request = stripe.http.get(&url);
        if let Some(value) = &authorization {
            request = request.header("authorization", value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{authorization:?}");
        assert!(response.headers().contains_key("request-id"));
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(
            body["error"]["type"].as_str(),
            (status == 401).then_some("invalid_request_error")
        );
    }
}

#[tokio::test]
async fn the_version_is_echoed_and_one_of_another_shape_is_refused() {
    let stripe = Stripe::start().await;
    let url = format!("{}/v1/customers", stripe.url);
    let with = |version: &'static str| {
        stripe.send(stripe.http.get(&url).header("stripe-version", version))
    };
    let reply = with("2026-08-26.dahlia").await.unwrap();
    assert_eq!(reply.header("stripe-version"), Some("2026-08-26.dahlia"));
    assert_eq!(
        stripe.get("/v1/customers").await.header("stripe-version"),
        Some(local_stripe::API_VERSION)
    );
    with("2024-06-20")
        .await
        .unwrap()
        .check_error(400, None, None);
    with("é").await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_parameter_is_said_with_its_name() {
    let stripe = Stripe::start().await;
    for (path, form, code, param) in [
        (
            "/v1/customers",
            "nonsense=1",
            Some("parameter_unknown"),
            "nonsense",
        ),
        (
            "/v1/customers",
            "email=nobody",
            Some("email_invalid"),
            "email",
        ),
        ("/v1/customers", "tax_exempt=none", None, "tax_exempt"),
        ("/v1/customers", "metadata[a][b]=1", None, "metadata[a]"),
        (
            "/v1/products",
            "active=true",
            Some("parameter_missing"),
            "name",
        ),
        (
            "/v1/products",
            "name=",
            Some("parameter_invalid_empty"),
            "name",
        ),
        (
            "/v1/prices",
            "currency=usd&unit_amount=ten&product=p",
            Some("parameter_invalid_integer"),
            "unit_amount",
        ),
        (
            "/v1/prices",
            "currency=usd&unit_amount=1&product=prod_no",
            Some("resource_missing"),
            "product",
        ),
        (
            "/v1/prices",
            "currency=usd&unit_amount=1&product=p&recurring[interval]=moon",
            None,
            "recurring[interval]",
        ),
        (
            "/v1/checkout/sessions",
            "success_url=http://x.test",
            Some("parameter_missing"),
            "mode",
        ),
        (
            "/v1/checkout/sessions",
            "mode=paying&success_url=http://x.test",
            None,
            "mode",
        ),
        (
            "/v1/checkout/sessions",
            "mode=subscription",
            Some("parameter_missing"),
            "success_url",
        ),
        (
            "/v1/checkout/sessions",
            "mode=subscription&success_url=nowhere",
            Some("url_invalid"),
            "success_url",
        ),
        (
            "/v1/webhook_endpoints",
            "url=https://x.test&enabled_events[]=*",
            None,
            "url",
        ),
        (
            "/v1/webhook_endpoints",
            "url=http://x.test",
            Some("parameter_missing"),
            "enabled_events",
        ),
        (
            "/v1/subscriptions",
            "customer=cus_no&collection_method=send_invoice",
            None,
            "collection_method",
        ),
    ] {
        let reply = stripe.post(path, form).await;
        reply.check_error(400, code, Some(param));
        assert_eq!(reply.json["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_session_names_the_part_of_its_line_items_that_is_wrong() {
    let stripe = Stripe::start().await;
    let price = stripe.price("starter-monthly").await;
    let pro = stripe.price("pro-monthly").await;
    stripe
        .post(&format!("/v1/prices/{pro}"), "active=false")
        .await
        .ok();
    let base = "mode=subscription&success_url=http://x.test";
    let item = format!("line_items[0][price]={price}");
    for (form, code, param) in [
        (base.to_owned(), Some("parameter_missing"), "line_items"),
        (
            format!("{base}&{item}"),
            Some("parameter_missing"),
            "line_items[0][quantity]",
        ),
        (
            format!("{base}&{item}&line_items[0][quantity]=0"),
            Some("parameter_invalid_integer"),
            "line_items[0][quantity]",
        ),
        (
            format!("{base}&{item}&line_items[0][quantity]=1&line_items[0][qty]=1"),
            Some("parameter_unknown"),
            "line_items[0][qty]",
        ),
        (
            format!("{base}&line_items[0][price]=price_no&line_items[0][quantity]=1"),
            Some("resource_missing"),
            "line_items[0][price]",
        ),
        (
            format!("{base}&line_items[0][price]={pro}&line_items[0][quantity]=1"),
            None,
            "line_items[0][price]",
        ),
        (
            format!("{base}&{item}&line_items[0][quantity]=1&customer=cus_no"),
            Some("resource_missing"),
            "customer",
        ),
        (
            format!(
                "{base}&{item}&line_items[0][quantity]=1&subscription_data[trial_period_days]=0"
            ),
            Some("parameter_invalid_integer"),
            "subscription_data[trial_period_days]",
        ),
        (
            format!("{base}&{item}&line_items[0][quantity]=1&automatic_tax[enabled]=true"),
            None,
            "automatic_tax[enabled]",
        ),
        (
            format!(
                "{base}&{item}&line_items[0][quantity]=1&client_reference_id={}",
                "x".repeat(201)
            ),
            None,
            "client_reference_id",
        ),
    ] {
        stripe
            .post("/v1/checkout/sessions", &form)
            .await
            .check_error(400, code, Some(param));
    }
    assert_eq!(
        stripe.get("/v1/checkout/sessions").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn what_does_not_exist_is_a_404() {
    let stripe = Stripe::start().await;
    stripe
        .get("/v1/customers/cus_no")
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    stripe
        .get("/v1/invoices/in_no")
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    for path in [
        "/v1/quotes",
        "/v1",
        "/v1/",
        "/v1/checkout",
        "/v1/customers/x/y/z",
        "/v1/subscriptions/search?query=x",
        "/v2/core/events",
    ] {
        stripe.get(path).await.check_error(404, None, None);
    }
    stripe
        .post("/v1/subscription_schedules", "customer=c")
        .await
        .check_error(404, None, None);
}

#[tokio::test]
async fn a_json_body_is_refused() {
    let stripe = Stripe::start().await;
    let request = stripe
        .http
        .post(format!("{}/v1/customers", stripe.url))
        .json(&serde_json::json!({"name": "Ada"}));
    stripe
        .send(request)
        .await
        .unwrap()
        .check_error(400, None, None);
}

#[tokio::test]
async fn only_an_open_session_can_be_expired() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let path = format!("/v1/checkout/sessions/{}/expire", id(&session));
    let expired = stripe.post(&path, "").await.ok();
    assert_eq!(expired["status"], "expired");
    assert!(expired["url"].is_null());
    let again = stripe.post(&path, "").await;
    again.check_error(400, None, None);
    assert!(
        again.json["error"]["message"]
            .as_str()
            .unwrap()
            .contains("status of \"expired\"")
    );
}
