//! Resources and expansion.

use crate::support::{Stripe, id};

#[tokio::test]
async fn a_customer_is_created_changed_found_and_deleted() {
    let stripe = Stripe::start().await;
    let form = "email=ada@example.com&name=Ada&metadata[app]=x&metadata[user_id]=it's";
    let customer = stripe.post("/v1/customers", form).await.ok();
    let path = format!("/v1/customers/{}", id(&customer));
    assert!(id(&customer).starts_with("cus_"));
    assert_eq!(customer["livemode"], false);

    let changed = stripe
        .post(&path, "name=&metadata[more]=1&metadata[app]=")
        .await
        .ok();
    assert!(changed["name"].is_null());
    assert_eq!(
        changed["metadata"],
        serde_json::json!({"more": "1", "user_id": "it's"})
    );
    assert_eq!(stripe.get(&path).await.ok(), changed);

    let query = "metadata['user_id']:'it\\'s' AND metadata['more']:\"1\"";
    let request = stripe
        .http
        .get(format!("{}/v1/customers/search", stripe.url))
        .query(&[("query", query)]);
    let found = stripe.send(request).await.unwrap().ok();
    assert_eq!(found["object"], "search_result");
    assert_eq!(found["data"][0], changed);

    assert_eq!(stripe.delete(&path).await.ok()["deleted"], true);
    assert_eq!(stripe.get(&path).await.ok()["deleted"], true);
    stripe
        .post(&path, "name=B")
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    assert_eq!(
        stripe.get("/v1/customers").await.ok()["data"],
        serde_json::json!([])
    );
    assert_eq!(
        stripe.event_types().await,
        ["customer.created", "customer.updated", "customer.deleted"]
    );
}

#[tokio::test]
async fn an_update_tells_what_changed() {
    let stripe = Stripe::start().await;
    let customer = stripe
        .post("/v1/customers", "name=Ada&metadata[a]=1")
        .await
        .ok();
    stripe
        .post(
            &format!("/v1/customers/{}", id(&customer)),
            "name=Grace&metadata[a]=2",
        )
        .await
        .ok();
    let events = stripe.get("/v1/events?type=customer.updated").await.ok();
    let data = &events["data"][0]["data"];
    assert_eq!(
        data["previous_attributes"],
        serde_json::json!({"metadata": {"a": "1"}, "name": "Ada"})
    );
    assert_eq!(data["object"]["name"], "Grace");
    assert!(
        events["data"][0]["request"]["id"]
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
}

#[tokio::test]
async fn plans_are_seeded_once_and_found_by_lookup_key() {
    let stripe = Stripe::start().await;
    stripe.handle.seed_plans("tests").await.unwrap();
    stripe.handle.seed_plans("tests").await.unwrap();
    let prices = stripe
        .get("/v1/prices?active=true&type=recurring&expand[]=data.product")
        .await
        .ok();
    let plans: Vec<_> = prices["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|price| {
            (
                price["lookup_key"].as_str().unwrap(),
                price["unit_amount"].as_i64().unwrap(),
                &price["product"]["name"],
            )
        })
        .collect();
    assert_eq!(
        plans,
        [
            ("pro-monthly", 2900, &"Pro".into()),
            ("starter-monthly", 900, &"Starter".into())
        ]
    );
    assert_eq!(prices["data"][0]["product"]["metadata"]["app"], "tests");
    let types = stripe.event_types().await;
    assert_eq!(
        types,
        [
            "product.created",
            "price.created",
            "product.created",
            "price.created"
        ]
    );
}

#[tokio::test]
async fn an_archived_price_is_listed_unless_active_ones_are_asked_for() {
    let stripe = Stripe::start().await;
    let price = stripe.price("pro-monthly").await;
    stripe
        .post(&format!("/v1/prices/{price}"), "active=false")
        .await
        .ok();
    assert_eq!(
        stripe.get("/v1/prices").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        stripe.get("/v1/prices?active=true").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(
        stripe
            .event_types()
            .await
            .contains(&"price.updated".to_owned())
    );
}

#[tokio::test]
async fn a_lookup_key_belongs_to_one_price_until_it_is_transferred() {
    let stripe = Stripe::start().await;
    let old = stripe.price("pro-monthly").await;
    let form = "currency=usd&unit_amount=3900&recurring[interval]=month&product_data[name]=Pro 2&lookup_key=pro-monthly";
    stripe
        .post("/v1/prices", form)
        .await
        .check_error(400, None, Some("lookup_key"));
    let new = stripe
        .post("/v1/prices", &format!("{form}&transfer_lookup_key=true"))
        .await
        .ok();
    assert_eq!(new["lookup_key"], "pro-monthly");
    assert!(stripe.get(&format!("/v1/prices/{old}")).await.ok()["lookup_key"].is_null());
}

#[tokio::test]
async fn objects_are_expanded_four_levels_deep_and_no_deeper() {
    let stripe = Stripe::start().await;
    let session = stripe
        .session("&expand[]=line_items.data.price.product")
        .await;
    assert_eq!(
        session["line_items"]["data"][0]["price"]["product"]["name"],
        "Starter"
    );
    stripe.pay(&session, "4242424242424242").await;

    let path = format!("/v1/checkout/sessions/{}", id(&session));
    let plain = stripe.get(&path).await.ok();
    assert!(plain["subscription"].is_string() && plain.get("line_items").is_none());
    let expanded = stripe
        .get(&format!(
            "{path}?expand[]=subscription.latest_invoice&expand[]=customer"
        ))
        .await
        .ok();
    assert_eq!(expanded["subscription"]["latest_invoice"]["status"], "paid");
    assert_eq!(expanded["customer"]["email"], "ada@example.com");

    let list = stripe
        .get("/v1/subscriptions?expand[]=data.latest_invoice&expand[]=data.customer")
        .await
        .ok();
    assert_eq!(list["data"][0]["latest_invoice"]["object"], "invoice");
    let refused = stripe
        .get("/v1/subscriptions?expand[]=data.items.data.price.product")
        .await;
    refused.check_error(400, None, Some("expand"));
    stripe
        .get(&format!("{path}?expand[]=status"))
        .await
        .check_error(400, None, Some("expand"));
    stripe
        .get(&format!("{path}?expand[]=nonsense"))
        .await
        .check_error(400, None, Some("expand"));
}

#[tokio::test]
async fn a_subscription_is_set_to_end_kept_and_canceled() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, "4242424242424242").await;
    let subscription = stripe.get("/v1/subscriptions").await.ok()["data"][0].clone();
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let period_end = &subscription["items"]["data"][0]["current_period_end"];

    let ending = stripe
        .post(&path, "cancel_at_period_end=true&metadata[why]=moving")
        .await
        .ok();
    assert_eq!(
        (&ending["cancel_at"], &ending["cancel_at_period_end"]),
        (period_end, &false.into())
    );
    assert_eq!(
        ending["cancellation_details"]["reason"],
        "cancellation_requested"
    );
    let kept = stripe.post(&path, "cancel_at_period_end=false").await.ok();
    assert!(kept["cancel_at"].is_null() && kept["canceled_at"].is_null());

    let canceled = stripe.delete(&path).await.ok();
    assert_eq!(canceled["status"], "canceled");
    stripe
        .delete(&path)
        .await
        .check_error(404, Some("resource_missing"), Some("id"));
    assert_eq!(
        stripe.get("/v1/subscriptions").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let customer = canceled["customer"].as_str().unwrap();
    let all = stripe
        .get(&format!("/v1/subscriptions?customer={customer}&status=all"))
        .await
        .ok();
    assert_eq!(all["data"][0], canceled);
}

#[tokio::test]
async fn deleting_a_customer_cancels_their_subscriptions() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, "4242424242424242").await;
    let customer = id(&stripe.get("/v1/customers").await.ok()["data"][0]);
    stripe
        .delete(&format!("/v1/customers/{customer}"))
        .await
        .ok();
    let types = stripe.event_types().await;
    assert_eq!(
        types[types.len() - 2..],
        ["customer.subscription.deleted", "customer.deleted"]
    );
    // Only the list of those that are canceled has what was a deleted customer's.
    for (status, count) in [("all", 0), ("canceled", 1)] {
        let list = stripe
            .get(&format!("/v1/subscriptions?status={status}"))
            .await
            .ok();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{status}");
    }
}

#[tokio::test]
async fn a_product_says_what_it_is_praised_for_and_taxed_as() {
    let stripe = Stripe::start().await;
    let form = "name=Pro&marketing_features[0][name]=Everything&marketing_features[1][name]=More&tax_code=txcd_10103001";
    let product = stripe.post("/v1/products", form).await.ok();
    let features = serde_json::json!([{ "name": "Everything" }, { "name": "More" }]);
    assert_eq!(
        (&product["marketing_features"], &product["tax_code"]),
        (&features, &"txcd_10103001".into())
    );
    let path = format!("/v1/products/{}", id(&product));
    let changed = stripe.post(&path, "marketing_features[0][name]=Less").await;
    assert_eq!(
        changed.ok()["marketing_features"],
        serde_json::json!([{ "name": "Less" }])
    );
    let emptied = stripe
        .post(&path, "marketing_features=&tax_code=")
        .await
        .ok();
    assert_eq!(
        (&emptied["marketing_features"], &emptied["tax_code"]),
        (&serde_json::json!([]), &serde_json::Value::Null)
    );
    assert_eq!(stripe.get(&path).await.ok(), emptied);
    let long = "x".repeat(81);
    let many: String = (0..16)
        .map(|it| format!("&marketing_features[{it}][name]=x"))
        .collect();
    for (form, param) in [
        (
            format!("marketing_features[0][name]={long}"),
            "marketing_features[0][name]",
        ),
        (many, "marketing_features"),
        (
            "marketing_features[0][title]=x".to_owned(),
            "marketing_features[0][name]",
        ),
        ("tax_code=general".to_owned(), "tax_code"),
    ] {
        let reply = stripe.post(&path, &form).await;
        assert_eq!(
            (reply.status, reply.json["error"]["param"].as_str()),
            (400, Some(param)),
            "{form}"
        );
    }
}
