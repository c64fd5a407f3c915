//! Coupons and promotion codes.

use crate::support::{Stripe, id};

#[tokio::test]
async fn a_coupon_is_made_renamed_and_deleted_and_its_id_can_be_used_again() {
    let stripe = Stripe::start().await;
    let coupon = stripe
        .post(
            "/v1/coupons",
            "id=SPRING&percent_off=12.5&duration=repeating&duration_in_months=3&metadata[a]=b",
        )
        .await
        .ok();
    assert_eq!(coupon["percent_off"].to_string(), "12.5");
    assert_eq!(coupon["valid"], true);
    assert_eq!(coupon["duration_in_months"], 3);
    stripe
        .post("/v1/coupons", "id=SPRING&percent_off=5")
        .await
        .check_error(400, Some("resource_already_exists"), Some("id"));
    let renamed = stripe.post("/v1/coupons/SPRING", "name=Spring").await.ok();
    assert_eq!(renamed["name"], "Spring");
    let deleted = stripe.delete("/v1/coupons/SPRING").await.ok();
    assert_eq!(deleted["deleted"], true);
    stripe
        .get("/v1/coupons/SPRING")
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    let again = stripe
        .post("/v1/coupons", "id=SPRING&amount_off=500&currency=USD")
        .await
        .ok();
    assert_eq!(
        (&again["currency"], &again["duration"]),
        (&"usd".into(), &"once".into())
    );
    let coupons = stripe.get("/v1/coupons").await.ok();
    assert_eq!(coupons["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        stripe.event_types().await,
        [
            "coupon.created",
            "coupon.updated",
            "coupon.deleted",
            "coupon.created"
        ]
    );
}

#[tokio::test]
async fn a_coupon_that_cannot_be_meant_so_is_refused() {
    let stripe = Stripe::start().await;
    for (form, code, param) in [
        ("", Some("parameter_missing"), "percent_off"),
        ("percent_off=101", None, "percent_off"),
        ("percent_off=0", None, "percent_off"),
        (
            "percent_off=5&amount_off=5&currency=usd",
            None,
            "amount_off",
        ),
        ("amount_off=5", Some("parameter_missing"), "currency"),
        (
            "amount_off=0&currency=usd",
            Some("parameter_invalid_integer"),
            "amount_off",
        ),
        (
            "percent_off=5&duration=repeating",
            Some("parameter_missing"),
            "duration_in_months",
        ),
        (
            "percent_off=5&duration_in_months=2",
            None,
            "duration_in_months",
        ),
        ("percent_off=5&redeem_by=1", None, "redeem_by"),
        ("percent_off=5&id=a/b", None, "id"),
        (
            "percent_off=5&applies_to[products][0]=prod_x",
            Some("resource_missing"),
            "applies_to[products]",
        ),
        (
            "amount_off=5&currency=usd&currency_options[eur][amount_off]=4",
            None,
            "currency_options",
        ),
        (
            "percent_off=5&colour=red",
            Some("parameter_unknown"),
            "colour",
        ),
    ] {
        let reply = stripe.post("/v1/coupons", form).await;
        reply.check_error(400, code, Some(param));
    }
}

#[tokio::test]
async fn what_a_coupon_is_for_is_shown_when_asked_for() {
    let stripe = Stripe::start().await;
    let product = id(&stripe.post("/v1/products", "name=Pro").await.ok());
    let form = format!("id=pro&percent_off=10&applies_to[products][0]={product}");
    assert!(stripe.post("/v1/coupons", &form).await.ok()["applies_to"].is_null());
    let coupon = stripe.get("/v1/coupons/pro?expand[]=applies_to").await.ok();
    assert_eq!(coupon["applies_to"]["products"][0], product.as_str());
    stripe
        .post("/v1/coupons", "id=all&percent_off=10")
        .await
        .ok();
    let all = stripe.get("/v1/coupons/all?expand[]=applies_to").await.ok();
    assert!(all.get("applies_to").is_none());
}

#[tokio::test]
async fn a_code_is_unique_among_the_active_ones_whatever_its_case() {
    let stripe = Stripe::start().await;
    stripe.post("/v1/coupons", "id=c&percent_off=10").await.ok();
    let form = "promotion[type]=coupon&promotion[coupon]=c&code=Spring-26";
    let code = stripe
        .post(
            "/v1/promotion_codes",
            &format!("{form}&expand[]=promotion.coupon"),
        )
        .await
        .ok();
    assert_eq!(code["promotion"]["coupon"]["percent_off"], 10);
    let other = "promotion[type]=coupon&promotion[coupon]=c&code=SPRING-26";
    stripe
        .post("/v1/promotion_codes", other)
        .await
        .check_error(400, None, Some("code"));

    let path = format!("/v1/promotion_codes/{}", id(&code));
    let off = stripe.post(&path, "active=false").await.ok();
    assert_eq!(off["active"], false);
    stripe.post("/v1/promotion_codes", other).await.ok();
    stripe
        .post(&path, "active=true")
        .await
        .check_error(400, None, Some("code"));

    for (query, count) in [
        ("code=spring-26", 2),
        ("code=spring-26&active=true", 1),
        ("coupon=c", 2),
        ("coupon=d", 0),
    ] {
        let codes = stripe
            .get(&format!("/v1/promotion_codes?{query}"))
            .await
            .ok();
        assert_eq!(codes["data"].as_array().unwrap().len(), count, "{query}");
    }
    // Without its coupon, no code is active.
    stripe.delete("/v1/coupons/c").await.ok();
    let codes = stripe.get("/v1/promotion_codes?active=true").await.ok();
    assert_eq!(codes["data"].as_array().unwrap().len(), 0);
    let types = stripe.event_types().await;
    assert_eq!(
        types
            .iter()
            .filter(|it| *it == "promotion_code.created")
            .count(),
        2
    );
    assert_eq!(
        types
            .iter()
            .filter(|it| *it == "promotion_code.updated")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_code_that_cannot_be_meant_so_is_refused() {
    let stripe = Stripe::start().await;
    stripe
        .post("/v1/coupons", "id=c&percent_off=10&max_redemptions=2")
        .await
        .ok();
    for (form, code, param) in [
        ("", Some("parameter_missing"), "promotion"),
        (
            "promotion[type]=coupon",
            Some("parameter_missing"),
            "promotion[coupon]",
        ),
        (
            "promotion[type]=coupon&promotion[coupon]=x",
            Some("resource_missing"),
            "promotion[coupon]",
        ),
        (
            "promotion[type]=coupon&promotion[coupon]=c&code=a b",
            None,
            "code",
        ),
        (
            "promotion[type]=coupon&promotion[coupon]=c&customer=cus_x",
            Some("resource_missing"),
            "customer",
        ),
        (
            "promotion[type]=coupon&promotion[coupon]=c&max_redemptions=3",
            None,
            "max_redemptions",
        ),
        (
            "promotion[type]=coupon&promotion[coupon]=c&expires_at=5",
            None,
            "expires_at",
        ),
        (
            "promotion[type]=coupon&promotion[coupon]=c&restrictions[minimum_amount]=5",
            Some("parameter_missing"),
            "restrictions[minimum_amount_currency]",
        ),
        ("coupon=c", Some("parameter_missing"), "promotion"),
    ] {
        let reply = stripe.post("/v1/promotion_codes", form).await;
        reply.check_error(400, code, Some(param));
    }
}
