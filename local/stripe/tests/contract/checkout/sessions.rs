//! `/v1/checkout/sessions`: what it takes, and what it refuses.

use super::{GOOD, all, reread};
use crate::support::{Stripe, id};

#[tokio::test]
async fn what_does_not_fit_the_mode_is_refused_by_name() {
    let stripe = Stripe::start().await;
    let price = stripe.price("starter-monthly").await;
    let line = format!("line_items[0][price]={price}&line_items[0][quantity]=1");
    for (form, param) in [
        (format!("mode=payment&{line}"), "line_items[0][price]"),
        (format!("mode=setup&{line}"), "line_items"),
        (
            format!("mode=subscription&{line}&payment_intent_data[description]=x"),
            "payment_intent_data",
        ),
        (
            format!("mode=subscription&{line}&customer_creation=always"),
            "customer_creation",
        ),
        (
            format!("mode=payment&{line}&subscription_data[description]=x"),
            "subscription_data",
        ),
        (
            format!("mode=subscription&{line}&customer_update[name]=auto"),
            "customer_update",
        ),
        (
            format!(
                "mode=subscription&{line}&saved_payment_method_options[payment_method_save]=enabled"
            ),
            "saved_payment_method_options",
        ),
        (
            format!("mode=subscription&{line}&line_items[0][adjustable_quantity][enabled]=true"),
            "line_items[0][adjustable_quantity][enabled]",
        ),
        (
            format!("mode=subscription&{line}&discounts[0][coupon]=none"),
            "discounts[0][coupon]",
        ),
        (
            format!(
                "mode=subscription&{line}&discounts[0][coupon]=none&allow_promotion_codes=true"
            ),
            "discounts",
        ),
        (
            format!("mode=subscription&{line}&subscription_data[trial_end]=1"),
            "subscription_data[trial_end]",
        ),
        (
            format!("mode=subscription&{line}&ui_mode=embedded_page"),
            "ui_mode",
        ),
    ] {
        let form = format!("{form}&success_url=http://shop.test/done");
        let reply = stripe.post("/v1/checkout/sessions", &form).await;
        assert_eq!(
            (reply.status, reply.json["error"]["param"].as_str()),
            (400, Some(param)),
            "{form}: {}",
            reply.json
        );
    }
}

#[tokio::test]
async fn the_metadata_of_a_session_changes_and_nothing_else() {
    let stripe = Stripe::start().await;
    let session = stripe.session("&metadata[a]=1").await;
    let path = format!("/v1/checkout/sessions/{}", id(&session));
    let changed = stripe.post(&path, "metadata[b]=2").await.ok();
    assert_eq!(
        changed["metadata"],
        serde_json::json!({ "a": "1", "b": "2" })
    );
    stripe
        .post(&path, "collected_information[x]=1")
        .await
        .check_error(400, None, Some("collected_information"));
}

#[tokio::test]
async fn sessions_are_found_by_the_email_that_was_typed() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, GOOD).await;
    stripe.session("").await;
    let found = all(
        &stripe,
        "checkout/sessions?customer_details[email]=ada@example.com",
    )
    .await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], session["id"]);
}

#[tokio::test]
async fn a_name_is_kept_where_the_shop_asks_for_it() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe.post("/v1/customers", "name=Old").await.ok());
    let session = stripe
        .session(&format!("&customer={customer}&customer_update[name]=auto"))
        .await;
    stripe.pay(&session, GOOD).await;
    let customer = stripe.get(&format!("/v1/customers/{customer}")).await.ok();
    assert_eq!(customer["name"], "Ada Lovelace");
    assert_eq!(reread(&stripe, &session).await["status"], "complete");
}

#[tokio::test]
async fn what_subscription_data_says_is_on_the_subscription() {
    let stripe = Stripe::start().await;
    let session = stripe
        .session("&subscription_data[description]=Yours&subscription_data[billing_mode][type]=classic&subscription_data[proration_behavior]=none")
        .await;
    stripe.pay(&session, GOOD).await;
    let subscription = &all(&stripe, "subscriptions").await[0];
    assert_eq!(
        (
            &subscription["description"],
            &subscription["billing_mode"]["type"]
        ),
        (&"Yours".into(), &"classic".into())
    );
}
