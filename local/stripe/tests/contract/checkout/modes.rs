//! Checkout for one payment, and for keeping a card.

use super::{GOOD, all, page, reread};
use crate::support::{Stripe, id};

const BOOK: &str = "line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=1500&line_items[0][price_data][product_data][name]=Book&line_items[0][quantity]=2&success_url=http://shop.test/done";

#[tokio::test]
async fn a_payment_of_a_guest_makes_no_customer() {
    let stripe = Stripe::start().await;
    let form = format!(
        "mode=payment&{BOOK}&payment_intent_data[metadata][order]=7&payment_intent_data[description]=Books"
    );
    let session = stripe.post("/v1/checkout/sessions", &form).await.ok();
    assert_eq!(
        (
            &session["amount_total"],
            &session["customer_creation"],
            &session["payment_intent"]
        ),
        (
            &3000.into(),
            &"if_required".into(),
            &serde_json::Value::Null
        )
    );
    let (_, text) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(
        text.contains("Pay for Book") && text.contains("$30.00"),
        "{text}"
    );
    assert_eq!(stripe.pay(&session, "4000000000000002").await.0, 402);
    let intent = reread(&stripe, &session).await["payment_intent"].clone();
    assert!(intent.is_string());
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    let done = reread(&stripe, &session).await;
    assert_eq!(
        (
            &done["status"],
            &done["payment_status"],
            &done["payment_intent"]
        ),
        (&"complete".into(), &"paid".into(), &intent)
    );
    assert!(
        done["customer"].is_null() && done["invoice"].is_null() && done["subscription"].is_null()
    );
    assert_eq!(done["customer_details"]["name"], "Ada Lovelace");
    assert!(all(&stripe, "customers").await.is_empty());
    let intent = &all(&stripe, "payment_intents").await[0];
    assert_eq!(
        (&intent["amount_received"], &intent["metadata"]["order"]),
        (&3000.into(), &"7".into())
    );
    assert_eq!(intent["description"], "Books");
    let found = format!("checkout/sessions?payment_intent={}", id(intent));
    assert_eq!(all(&stripe, &found).await.len(), 1);
}

#[tokio::test]
async fn a_payment_can_make_a_customer_and_keep_the_card() {
    let stripe = Stripe::start().await;
    let form = format!(
        "mode=payment&{BOOK}&customer_creation=always&payment_intent_data[setup_future_usage]=off_session"
    );
    let session = stripe.post("/v1/checkout/sessions", &form).await.ok();
    stripe.pay(&session, GOOD).await;
    let done = reread(&stripe, &session).await;
    let customer = &all(&stripe, "customers").await[0];
    assert_eq!(
        (&customer["id"], &customer["email"]),
        (&done["customer"], &"ada@example.com".into())
    );
    let methods = format!("payment_methods?customer={}", id(customer));
    assert_eq!(all(&stripe, &methods).await.len(), 1);
    assert_eq!(
        all(&stripe, "charges").await[0]["customer"],
        done["customer"]
    );
}

#[tokio::test]
async fn a_card_is_kept_in_setup_mode() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe
        .post("/v1/customers", "email=ada@example.com")
        .await
        .ok());
    let form = format!(
        "mode=setup&currency=usd&customer={customer}&setup_intent_data[metadata][m]=1&success_url=http://shop.test/done"
    );
    let session = stripe.post("/v1/checkout/sessions", &form).await.ok();
    assert_eq!(session["payment_status"], "no_payment_required");
    assert!(session["amount_total"].is_null());
    let (_, text) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(
        text.contains("Save a card") && text.contains("Nothing is charged"),
        "{text}"
    );
    assert_eq!(stripe.pay(&session, "4000000000000002").await.0, 402);
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    let done = reread(&stripe, &session).await;
    assert_eq!(
        (&done["status"], &done["payment_status"]),
        (&"complete".into(), &"no_payment_required".into())
    );
    let setups = all(&stripe, "setup_intents").await;
    assert_eq!((setups.len(), &setups[0]["id"]), (1, &done["setup_intent"]));
    assert_eq!(
        (&setups[0]["status"], &setups[0]["metadata"]["m"]),
        (&"succeeded".into(), &"1".into())
    );
    let methods = format!("payment_methods?customer={customer}");
    assert_eq!(
        all(&stripe, &methods).await[0]["id"],
        setups[0]["payment_method"]
    );
    assert!(all(&stripe, "charges").await.is_empty());
    assert!(
        stripe
            .event_types()
            .await
            .contains(&"setup_intent.setup_failed".to_owned())
    );
}

#[tokio::test]
async fn what_is_paid_once_is_on_the_first_invoice_of_a_subscription() {
    let stripe = Stripe::start().await;
    let further = "&line_items[1][price_data][currency]=usd&line_items[1][price_data][unit_amount]=2500&line_items[1][price_data][product_data][name]=Setup&line_items[1][quantity]=1";
    let session = stripe.session(further).await;
    assert_eq!(session["amount_total"], 3400);
    let (_, text) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(
        text.contains("$34.00") && text.contains("Then $9.00 per month"),
        "{text}"
    );
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    let invoice = &all(&stripe, "invoices").await[0];
    assert_eq!(
        (&invoice["amount_paid"], &invoice["billing_reason"]),
        (&3400.into(), &"subscription_create".into())
    );
    assert_eq!(invoice["lines"]["data"].as_array().unwrap().len(), 2);
    let subscription = &all(&stripe, "subscriptions").await[0];
    assert_eq!(subscription["items"]["data"].as_array().unwrap().len(), 1);
    assert_eq!(all(&stripe, "payment_intents").await[0]["amount"], 3400);
}

#[tokio::test]
async fn what_the_customer_has_to_good_is_taken_off() {
    let stripe = Stripe::start().await;
    let customer = id(&stripe.post("/v1/customers", "balance=-400").await.ok());
    let session = stripe.session(&format!("&customer={customer}")).await;
    let (_, text) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(text.contains("$5.00") && text.contains("-$4.00"), "{text}");
    stripe.pay(&session, GOOD).await;
    assert_eq!(all(&stripe, "charges").await[0]["amount"], 500);
    let invoice = &all(&stripe, "invoices").await[0];
    assert_eq!(
        (&invoice["total"], &invoice["amount_paid"]),
        (&900.into(), &500.into())
    );
}
