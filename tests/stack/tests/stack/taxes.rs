//! Checkout with the deployment's settings about taxes, which a local stack has off.

use anyhow::{Context, Result};
use local_stack::lambda::Function;
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Event, LocalStack, User, function};

/// `create-checkout-session` on this stack's Stripe and table, with these settings.
fn checkout(stack: &LocalStack, automatic_tax: bool, tax_ids: bool) -> Result<Function> {
    function("create-checkout-session", |around| {
        around.set_stripe_key("sk_test_local");
        let addresses = &stack.addresses;
        for (key, value) in [
            ("SITE_URL", &*addresses.site),
            ("SIGN_IN_URL", &*addresses.sign_in),
            ("STRIPE_API_BASE", &*addresses.stripe),
            ("AWS_ENDPOINT_URL_DYNAMODB", &*stack.dynamodb),
            ("TABLE_NAME", &*local_stack::names::physical("Table")),
            ("AUTOMATIC_TAX", &*automatic_tax.to_string()),
            ("TAX_IDS", &*tax_ids.to_string()),
        ] {
            around.env.insert(key.to_owned(), value.to_owned());
        }
    })
}

/// A stack whose plan says whether tax is in its price, as Stripe Tax wants to know.
async fn stack() -> Result<LocalStack> {
    let stack = LocalStack::start().await?;
    let price = stack.stripe_id("/prices?lookup_keys[]=pro-monthly").await?;
    let path = format!("/prices/{price}");
    let on_top = [("tax_behavior", "exclusive")];
    stack.stripe(Method::POST, &path, &on_top).await?;
    Ok(stack)
}

/// The session that this user is sent to.
async fn session(stack: &LocalStack, function: &Function, user: &User) -> Result<Value> {
    let event = Event::new("POST", "/api/create-checkout-session")
        .claims(json!({ "sub": user.sub, "token_use": "access" }))
        .header("authorization", &format!("Bearer {}", user.access_token))
        .body(r#"{"plan":"pro-monthly"}"#);
    let answer = function.invoke(event.into_payload()).await?;
    let body = answer["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body)?;
    let url = body["url"].as_str().with_context(|| body.to_string())?;
    let customer = stack.customer_of(user).await?;
    let path = format!("/checkout/sessions?customer={customer}");
    let sessions = stack.stripe_list(&path).await?;
    let mut sessions = sessions.into_iter();
    let session = sessions.find(|session| session["url"] == url);
    session.context("no such session")
}

#[tokio::test]
async fn checkout_asks_about_taxes_as_the_deployment_says() -> Result<()> {
    let stack = stack().await?;
    for (automatic_tax, tax_ids) in [(false, false), (true, false), (false, true), (true, true)] {
        let ann = stack.sign_up("ann").await?;
        let function = checkout(&stack, automatic_tax, tax_ids)?;
        let session = session(&stack, &function, &ann).await?;
        assert_eq!(session["automatic_tax"]["enabled"], automatic_tax);
        let asks_ids = session["tax_id_collection"]["enabled"] == true;
        assert_eq!(asks_ids, tax_ids, "{}", session["tax_id_collection"]);
        let asks_address = session["billing_address_collection"] == "required";
        assert_eq!(asks_address, tax_ids);
    }
    Ok(())
}

#[tokio::test]
async fn an_open_session_without_taxes_is_replaced_once_they_are_on() -> Result<()> {
    let stack = stack().await?;
    let ann = stack.sign_up("ann").await?;
    let without = session(&stack, &checkout(&stack, false, false)?, &ann).await?;
    let function = checkout(&stack, true, false)?;
    let with = session(&stack, &function, &ann).await?;
    assert_ne!(with["id"], without["id"]);
    assert_eq!(session(&stack, &function, &ann).await?["id"], with["id"]);
    let id = without["id"].as_str().context("no id")?;
    let path = format!("/checkout/sessions/{id}");
    let before = stack.stripe(Method::GET, &path, &[]).await?;
    assert_eq!(before["status"], "expired");
    Ok(())
}
