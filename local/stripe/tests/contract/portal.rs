//! The customer portal.

use serde_json::Value;

use crate::support::{Stripe, id};

const CONFIGURATIONS: &str = "/v1/billing_portal/configurations";
const SESSIONS: &str = "/v1/billing_portal/sessions";

/// The parameters of a configuration that lets customers switch between the seeded plans.
async fn switching(stripe: &Stripe) -> String {
    let mut form = "features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][]=price&features[subscription_update][proration_behavior]=always_invoice".to_owned();
    for (index, plan) in ["starter-monthly", "pro-monthly"].iter().enumerate() {
        let price = stripe.price(plan).await;
        let product = stripe.get(&format!("/v1/prices/{price}")).await.ok()["product"].clone();
        let product = product.as_str().unwrap();
        let name = format!("features[subscription_update][products][{index}]");
        form.push_str(&format!(
            "&{name}[product]={product}&{name}[prices][]={price}"
        ));
    }
    form
}

/// A customer's paid subscription.
async fn subscription(stripe: &Stripe) -> Value {
    let session = stripe.session("").await;
    stripe.pay(&session, "4242424242424242").await;
    stripe.get("/v1/subscriptions").await.ok()["data"][0].clone()
}

#[tokio::test]
async fn a_configuration_is_made_changed_and_found() {
    let stripe = Stripe::start().await;
    let form = switching(&stripe).await;
    let made = stripe
        .post(
            CONFIGURATIONS,
            &format!("{form}&business_profile[headline]=Welcome&features[invoice_history][enabled]=true&expand[]=features.subscription_update.products"),
        )
        .await
        .ok();
    let update = &made["features"]["subscription_update"];
    assert_eq!(update["products"].as_array().unwrap().len(), 2);
    assert_eq!(update["products"][0]["adjustable_quantity"]["minimum"], 1);
    assert_eq!(made["business_profile"]["headline"], "Welcome");
    assert_eq!(made["is_default"], false);

    let path = format!("{CONFIGURATIONS}/{}", id(&made));
    let form = "features[subscription_cancel][enabled]=true&features[subscription_cancel][cancellation_reason][enabled]=true&features[subscription_cancel][cancellation_reason][options][]=unused&metadata[a]=b";
    let changed = stripe.post(&path, form).await.ok();
    let features = &changed["features"];
    assert_eq!(
        features["subscription_cancel"]["cancellation_reason"]["options"][0],
        "unused"
    );
    assert_eq!(features["invoice_history"]["enabled"], true, "as it was");
    assert!(
        features["subscription_update"].get("products").is_none(),
        "shown only when asked for"
    );
    stripe.post(&path, "active=false").await.ok();
    for (query, count) in [
        ("active=false", 1),
        ("is_default=true", 1),
        ("active=true&is_default=false", 0),
    ] {
        let list = stripe.get(&format!("{CONFIGURATIONS}?{query}")).await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{query}");
    }
    let types = stripe.event_types().await;
    let count = |kind: &str| types.iter().filter(|it| *it == kind).count();
    assert_eq!(count("billing_portal.configuration.created"), 2);
    assert_eq!(count("billing_portal.configuration.updated"), 2);
}

#[tokio::test]
async fn a_configuration_cannot_hold_two_prices_of_a_product_and_interval() {
    let stripe = Stripe::start().await;
    let product = id(&stripe.post("/v1/products", "name=Pro").await.ok());
    let price = async |further: &str| {
        let form = format!("product={product}&currency=usd&unit_amount=900{further}");
        id(&stripe.post("/v1/prices", &form).await.ok())
    };
    let monthly = price("&recurring[interval]=month").await;
    let other = price("&recurring[interval]=month").await;
    let yearly = price("&recurring[interval]=year").await;
    let once = price("").await;
    let name = "features[subscription_update][products][0]";
    let form = |prices: [&str; 2]| {
        format!(
            "features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][]=price&{name}[product]={product}&{name}[prices][]={}&{name}[prices][]={}",
            prices[0], prices[1]
        )
    };
    stripe
        .post(CONFIGURATIONS, &form([&monthly, &yearly]))
        .await
        .ok();
    for second in [&other, &once] {
        let reply = stripe.post(CONFIGURATIONS, &form([&monthly, second])).await;
        reply.check_error(400, None, Some(&format!("{name}[prices][1]")));
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_meant_so_is_refused() {
    let stripe = Stripe::start().await;
    for (form, code, param) in [
        ("", Some("parameter_missing"), "features"),
        (
            "features[subscription_cancel][mode]=immediately",
            Some("parameter_missing"),
            "features[subscription_cancel][enabled]",
        ),
        (
            "features[customer_update][enabled]=true",
            Some("parameter_missing"),
            "features[customer_update][allowed_updates]",
        ),
        (
            "features[customer_update][enabled]=true&features[customer_update][allowed_updates][]=tax_id",
            None,
            "features[customer_update][allowed_updates][0]",
        ),
        (
            "features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][]=price",
            Some("parameter_missing"),
            "features[subscription_update][products]",
        ),
        (
            "features[subscription_update][enabled]=false&features[subscription_update][schedule_at_period_end][conditions][0][type]=shortening_interval",
            None,
            "features[subscription_update][schedule_at_period_end][conditions]",
        ),
        (
            "features[invoice_history][enabled]=true&login_page[enabled]=true",
            None,
            "login_page[enabled]",
        ),
        (
            "features[telepathy][enabled]=true",
            Some("parameter_unknown"),
            "features[telepathy]",
        ),
    ] {
        let reply = stripe.post(CONFIGURATIONS, form).await;
        reply.check_error(400, code, Some(param));
    }
}

#[tokio::test]
async fn a_session_belongs_to_a_customer_and_the_default_configuration() {
    let stripe = Stripe::start().await;
    stripe
        .post(SESSIONS, "")
        .await
        .check_error(400, Some("parameter_missing"), Some("customer"));
    stripe
        .post(SESSIONS, "customer=cus_none")
        .await
        .check_error(400, Some("resource_missing"), Some("customer"));
    let customer = id(&stripe.post("/v1/customers", "name=Ada").await.ok());
    let form =
        format!("customer={customer}&return_url=http://shop.test/account&expand[]=configuration");
    let session = stripe.post(SESSIONS, &form).await.ok();
    let url = session["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/p/session/test_", stripe.url)));
    assert_eq!(session["return_url"], "http://shop.test/account");
    assert_eq!(session["configuration"]["is_default"], true);
    assert!(session["flow"].is_null());
    assert_eq!(
        stripe.event_types().await,
        [
            "customer.created",
            "billing_portal.configuration.created",
            "billing_portal.session.created"
        ]
    );
}

#[tokio::test]
async fn a_flow_leads_to_a_step_that_the_configuration_allows() {
    let stripe = Stripe::start().await;
    let subscription = subscription(&stripe).await;
    let (sub, customer) = (
        id(&subscription),
        subscription["customer"].as_str().unwrap(),
    );
    let item = id(&subscription["items"]["data"][0]);
    let form = switching(&stripe).await;
    let configuration = id(&stripe.post(CONFIGURATIONS, &form).await.ok());
    let (starter, pro) = (
        stripe.price("starter-monthly").await,
        stripe.price("pro-monthly").await,
    );
    let create = async |form: &str| {
        let form = format!("customer={customer}&flow_data[type]={form}");
        stripe.post(SESSIONS, &form).await
    };
    let cancel = create(&format!(
        "subscription_cancel&flow_data[subscription_cancel][subscription]={sub}&flow_data[after_completion][type]=redirect&flow_data[after_completion][redirect][return_url]=http://shop.test/bye"
    ))
    .await
    .ok();
    assert_eq!(
        cancel["flow"]["subscription_cancel"]["subscription"],
        sub.as_str()
    );
    assert_eq!(
        cancel["flow"]["after_completion"]["redirect"]["return_url"],
        "http://shop.test/bye"
    );
    let card = create("payment_method_update").await.ok();
    assert_eq!(card["flow"]["after_completion"]["type"], "portal_homepage");

    let name = "flow_data[subscription_update_confirm]";
    let confirm = |price: &str| {
        format!(
            "subscription_update_confirm&configuration={configuration}&{name}[subscription]={sub}&{name}[items][0][id]={item}&{name}[items][0][price]={price}"
        )
    };
    let session = create(&confirm(&pro)).await.ok();
    let items = &session["flow"]["subscription_update_confirm"]["items"];
    assert_eq!(items[0]["price"], pro.as_str());
    create(&confirm(&starter))
        .await
        .check_error(400, None, Some(&format!("{name}[items]")));
    create(&confirm("price_none")).await.check_error(
        400,
        None,
        Some(&format!("{name}[items][0][price]")),
    );
    // The default configuration offers no plans to switch to.
    create(&format!(
        "subscription_update&flow_data[subscription_update][subscription]={sub}"
    ))
    .await
    .check_error(400, None, Some("flow_data[type]"));
    create("subscription_cancel").await.check_error(
        400,
        Some("parameter_missing"),
        Some("flow_data[subscription_cancel]"),
    );
    create("subscription_cancel&flow_data[subscription_cancel][subscription]=sub_none")
        .await
        .check_error(
            400,
            Some("resource_missing"),
            Some("flow_data[subscription_cancel][subscription]"),
        );
}
