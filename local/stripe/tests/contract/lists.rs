//! Cursors.

use serde_json::Value;

use crate::support::Stripe;

fn names(list: &Value) -> Vec<&str> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect()
}

async fn with_customers(count: usize) -> Stripe {
    let stripe = Stripe::start().await;
    for index in 1..=count {
        stripe
            .post("/v1/customers", &format!("name=c{index}"))
            .await
            .ok();
    }
    stripe
}

#[tokio::test]
async fn pages_go_from_new_to_old_and_back() {
    let stripe = with_customers(5).await;
    let first = stripe.get("/v1/customers?limit=2").await.ok();
    assert_eq!(
        (names(&first), &first["has_more"]),
        (vec!["c5", "c4"], &true.into())
    );
    assert_eq!(
        (&first["object"], &first["url"]),
        (&"list".into(), &"/v1/customers".into())
    );
    let after = |list: &Value| {
        format!(
            "/v1/customers?limit=2&starting_after={}",
            list["data"][1]["id"].as_str().unwrap()
        )
    };
    let second = stripe.get(&after(&first)).await.ok();
    assert_eq!(names(&second), ["c3", "c2"]);
    let last = stripe.get(&after(&second)).await.ok();
    assert_eq!(
        (names(&last), &last["has_more"]),
        (vec!["c1"], &false.into())
    );

    let before = format!(
        "/v1/customers?limit=2&ending_before={}",
        last["data"][0]["id"].as_str().unwrap()
    );
    let back = stripe.get(&before).await.ok();
    assert_eq!(
        (names(&back), &back["has_more"]),
        (vec!["c3", "c2"], &true.into())
    );
}

#[tokio::test]
async fn a_cursor_or_limit_that_cannot_be_is_refused() {
    let stripe = with_customers(1).await;
    let unknown = stripe.get("/v1/customers?starting_after=cus_no").await;
    unknown.check_error(400, Some("resource_missing"), Some("starting_after"));
    stripe.get("/v1/customers?limit=0").await.check_error(
        400,
        Some("parameter_invalid_integer"),
        Some("limit"),
    );
    stripe.get("/v1/customers?limit=101").await.check_error(
        400,
        Some("parameter_invalid_integer"),
        Some("limit"),
    );
    let both = stripe
        .get("/v1/customers?starting_after=a&ending_before=b")
        .await;
    both.check_error(400, None, Some("ending_before"));
}

#[tokio::test]
async fn filters_narrow_a_list() {
    let stripe = with_customers(2).await;
    stripe
        .post("/v1/customers", "name=c3&email=c3@example.com")
        .await
        .ok();
    assert_eq!(
        names(&stripe.get("/v1/customers?email=c3@example.com").await.ok()),
        ["c3"]
    );
    assert_eq!(
        names(
            &stripe
                .get("/v1/customers?created[gte]=1&created[lt]=2")
                .await
                .ok()
        ),
        [""; 0]
    );
    assert_eq!(
        names(&stripe.get("/v1/customers?created[gt]=1").await.ok()).len(),
        3
    );
    stripe
        .get("/v1/customers?created[since]=1")
        .await
        .check_error(400, Some("parameter_unknown"), Some("created[since]"));
}

#[tokio::test]
async fn sessions_are_listed_by_customer_and_status() {
    let stripe = Stripe::start().await;
    let customer = crate::support::id(&stripe.post("/v1/customers", "").await.ok());
    let session = crate::support::id(&stripe.session(&format!("&customer={customer}")).await);
    stripe.session("").await;
    let open = stripe
        .get(&format!(
            "/v1/checkout/sessions?customer={customer}&status=open"
        ))
        .await
        .ok();
    assert_eq!(open["data"].as_array().unwrap().len(), 1);
    assert_eq!(open["data"][0]["id"], session.as_str());
    stripe
        .post(&format!("/v1/checkout/sessions/{session}/expire"), "")
        .await
        .ok();
    let open = stripe
        .get(&format!(
            "/v1/checkout/sessions?customer={customer}&status=open"
        ))
        .await
        .ok();
    assert_eq!(open["data"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn all_that_purchases_make_is_listed_and_retrieved() {
    let stripe = Stripe::start().await;
    let endpoint = "url=http://127.0.0.1:9/&enabled_events[]=*";
    stripe.post("/v1/webhook_endpoints", endpoint).await.ok();
    for further in [
        "",
        "&subscription_data[trial_period_days]=7",
        "&customer_email=a@example.com",
    ] {
        let session = stripe.session(further).await;
        stripe.pay(&session, "4242424242424242").await;
    }
    stripe.session("").await;
    make_catalogue_and_portal(&stripe).await;
    for (path, query) in [
        (
            "billing_portal/configurations",
            "?expand[]=data.features.subscription_update.products",
        ),
        ("charges", ""),
        ("checkout/sessions", "?expand[]=data.line_items"),
        ("coupons", "?expand[]=data.applies_to"),
        ("customers", ""),
        ("events", "?limit=100"),
        ("invoice_payments", ""),
        ("invoices", "?expand[]=data.payments"),
        ("payment_intents", ""),
        ("payment_methods", ""),
        ("prices", ""),
        ("products", ""),
        ("promotion_codes", "?expand[]=data.promotion.coupon"),
        ("subscriptions", ""),
        ("webhook_endpoints", ""),
    ] {
        let list = stripe.get(&format!("/v1/{path}{query}")).await.ok();
        let objects = list["data"].as_array().unwrap();
        assert!(!objects.is_empty(), "{path}");
        for object in objects {
            let id = crate::support::id(object);
            let retrieved = stripe.get(&format!("/v1/{path}/{id}")).await.ok();
            assert_eq!(retrieved["id"], id.as_str());
            assert_eq!(retrieved["object"], object["object"]);
        }
        let lines = match path {
            "checkout/sessions" => "line_items",
            "invoices" => "lines",
            _ => continue,
        };
        let id = crate::support::id(&objects[0]);
        let lines = stripe.get(&format!("/v1/{path}/{id}/{lines}")).await.ok();
        assert_eq!(lines["data"].as_array().unwrap().len(), 1);
    }
}

/// Makes what a purchase does not.
async fn make_catalogue_and_portal(stripe: &Stripe) {
    let first = async |list: &str| stripe.get(&format!("/v1/{list}")).await.ok()["data"][0].clone();
    let product = crate::support::id(&first("products").await);
    let subscription = first("subscriptions").await;
    let flow = format!(
        "customer={}&return_url=http://shop.test/&flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]={}",
        subscription["customer"].as_str().unwrap(),
        crate::support::id(&subscription)
    );
    for (path, form) in [
        (
            "coupons",
            format!("id=C&percent_off=12.5&applies_to[products][]={product}"),
        ),
        ("coupons/C", "name=Coupon".into()),
        ("coupons", "amount_off=5&currency=usd".into()),
        (
            "promotion_codes",
            "promotion[type]=coupon&promotion[coupon]=C&code=CODE".into(),
        ),
        ("billing_portal/sessions", flow),
    ] {
        stripe.post(&format!("/v1/{path}"), &form).await.ok();
    }
}
