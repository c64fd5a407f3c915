//! Coupons and promotion codes on the Checkout page.

use serde_json::Value;

use super::{GOOD, all, page, reread};
use crate::billing::Customer;
use crate::support::{Stripe, id};

/// A promotion code `HALF` for half the price, with further parameters of the coupon.
async fn half(stripe: &Stripe, further: &str) -> String {
    let form = format!("percent_off=50{further}");
    let coupon = id(&stripe.post("/v1/coupons", &form).await.ok());
    let form = format!("promotion[type]=coupon&promotion[coupon]={coupon}&code=HALF");
    id(&stripe.post("/v1/promotion_codes", &form).await.ok())
}

/// Types a code into the page.
async fn apply(stripe: &Stripe, session: &Value, code: &str) -> (u16, Option<String>, String) {
    let path = format!("{}/promotion_code", id(session));
    stripe.submit(&path, &format!("promotionCode={code}")).await
}

#[tokio::test]
async fn a_code_that_is_typed_changes_what_is_due_and_is_redeemed_on_payment() {
    let customer = Customer::at("2031-05-01T00:00:00Z", "").await;
    let stripe = &customer.stripe;
    let code = half(stripe, "&duration=once").await;
    let further = format!("&customer={}&allow_promotion_codes=true", customer.id);
    let session = stripe.session(&further).await;
    let path = format!("/c/pay/{}", id(&session));
    assert!(page(stripe, &path).await.1.contains("Add promotion code"));
    assert_eq!(apply(stripe, &session, "half").await.0, 303);
    let (_, text) = page(stripe, &path).await;
    for shown in [
        "HALF",
        "50% off once",
        "-$4.50",
        "Then $9.00 per month",
        "Remove promotion code HALF",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let open = reread(stripe, &session).await;
    assert_eq!(
        (
            &open["amount_subtotal"],
            &open["amount_total"],
            &open["total_details"]["amount_discount"]
        ),
        (&900.into(), &450.into(), &450.into())
    );
    assert_eq!(open["discounts"][0]["promotion_code"], code.as_str());
    let path = format!("/v1/promotion_codes/{code}");
    assert_eq!(stripe.get(&path).await.ok()["times_redeemed"], 0);

    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    assert_eq!(stripe.get(&path).await.ok()["times_redeemed"], 1);
    let of_customer = format!("invoices?customer={}", customer.id);
    let invoice = &all(stripe, &of_customer).await[0];
    assert_eq!(
        (&invoice["subtotal"], &invoice["amount_paid"]),
        (&900.into(), &450.into())
    );
    let intents = format!("payment_intents?customer={}", customer.id);
    assert_eq!(all(stripe, &intents).await[0]["amount"], 450);

    // Once is once.
    customer
        .advance(crate::billing::time("2031-06-01T02:00:00Z"))
        .await;
    assert_eq!(all(stripe, &of_customer).await[0]["amount_paid"], 900);
}

#[tokio::test]
async fn a_code_can_be_removed_before_and_after_a_decline() {
    let stripe = Stripe::start().await;
    half(&stripe, "&duration=forever").await;
    let session = stripe.session("&allow_promotion_codes=true").await;
    apply(&stripe, &session, "HALF").await;
    assert_eq!(stripe.pay(&session, "4000000000000002").await.0, 402);
    let path = format!("{}/promotion_code/remove", id(&session));
    assert_eq!(stripe.submit(&path, "").await.0, 303);
    let open = reread(&stripe, &session).await;
    assert_eq!(
        (&open["amount_total"], &open["discounts"]),
        (&900.into(), &serde_json::json!([]))
    );
    stripe.pay(&session, GOOD).await;
    let intents = all(&stripe, "payment_intents").await;
    assert_eq!((intents.len(), &intents[0]["amount"]), (1, &900.into()));
    assert_eq!(all(&stripe, "invoices").await[0]["amount_paid"], 900);
}

#[tokio::test]
async fn a_code_ends_what_is_being_authenticated_for_another_amount() {
    let stripe = Stripe::start().await;
    half(&stripe, "&duration=once").await;
    let session = stripe.session("&allow_promotion_codes=true").await;
    let bank = stripe.pay(&session, "4000002760003184").await.1.unwrap();
    assert_eq!(apply(&stripe, &session, "HALF").await.0, 303);
    let request = stripe.request(reqwest::Method::POST, &bank, "passed=true");
    assert_eq!(request.send().await.unwrap().status(), 303);
    assert!(all(&stripe, "charges").await.is_empty());
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    let charges = all(&stripe, "charges").await;
    assert_eq!((charges.len(), &charges[0]["amount"]), (1, &450.into()));
}

#[tokio::test]
async fn a_code_that_cannot_be_redeemed_is_told_beside_its_field() {
    let stripe = Stripe::start().await;
    let session = stripe.session("&allow_promotion_codes=true").await;
    for code in ["NOTHING", ""] {
        let (status, _, text) = apply(&stripe, &session, code).await;
        assert_eq!(status, 422);
        assert!(text.contains("id=\"promotionCode-error\""), "{text}");
    }
    // Where codes are not asked for, none is taken.
    half(&stripe, "&duration=once").await;
    let session = stripe.session("").await;
    assert_eq!(apply(&stripe, &session, "HALF").await.0, 422);
    assert_eq!(reread(&stripe, &session).await["amount_total"], 900);
}

#[tokio::test]
async fn a_code_that_ran_out_meanwhile_is_taken_off_before_anything_is_charged() {
    let stripe = Stripe::start().await;
    half(&stripe, "&duration=once&max_redemptions=1").await;
    let (first, second) = (
        stripe.session("&allow_promotion_codes=true").await,
        stripe.session("&allow_promotion_codes=true").await,
    );
    for session in [&first, &second] {
        assert_eq!(apply(&stripe, session, "HALF").await.0, 303);
    }
    assert_eq!(stripe.pay(&first, GOOD).await.0, 303);
    let (status, _, text) = stripe.pay(&second, GOOD).await;
    assert_eq!(status, 402);
    assert!(
        text.contains("no longer valid") && text.contains("$9.00"),
        "{text}"
    );
    assert_eq!(all(&stripe, "charges").await.len(), 1);
    assert_eq!(reread(&stripe, &second).await["amount_total"], 900);
    assert_eq!(stripe.pay(&second, GOOD).await.0, 303);
}

#[tokio::test]
async fn a_coupon_that_leaves_nothing_to_pay_charges_nothing() {
    let stripe = Stripe::start().await;
    let coupon = stripe
        .post("/v1/coupons", "percent_off=100&duration=once")
        .await;
    let coupon = id(&coupon.ok());
    let session = stripe
        .session(&format!(
            "&discounts[0][coupon]={coupon}&payment_method_collection=if_required"
        ))
        .await;
    assert_eq!(
        (&session["amount_subtotal"], &session["amount_total"]),
        (&900.into(), &0.into())
    );
    assert_eq!(
        stripe
            .submit(&id(&session), "email=ada@example.com")
            .await
            .0,
        303
    );
    let done = reread(&stripe, &session).await;
    assert_eq!(done["payment_status"], "no_payment_required");
    assert_eq!(all(&stripe, "subscriptions").await[0]["status"], "active");
    assert!(all(&stripe, "payment_intents").await.is_empty());

    // The card is asked for, and kept, where the shop does not say otherwise.
    let session = stripe
        .session(&format!("&discounts[0][coupon]={coupon}"))
        .await;
    assert_eq!(
        stripe
            .submit(&id(&session), "email=ada@example.com")
            .await
            .0,
        422
    );
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    assert_eq!(all(&stripe, "subscriptions").await[0]["status"], "active");
    assert_eq!(
        all(&stripe, "setup_intents").await[0]["status"],
        "succeeded"
    );
    assert!(all(&stripe, "charges").await.is_empty());
}

#[tokio::test]
async fn the_code_of_a_payment_for_a_first_purchase_is_redeemed_once() {
    let stripe = Stripe::start().await;
    let coupon = id(&stripe
        .post("/v1/coupons", "amount_off=500&currency=usd")
        .await
        .ok());
    let form = format!(
        "promotion[type]=coupon&promotion[coupon]={coupon}&code=FIRST&restrictions[first_time_transaction]=true"
    );
    let code = id(&stripe.post("/v1/promotion_codes", &form).await.ok());
    let customer = id(&stripe.post("/v1/customers", "").await.ok());
    let form = format!(
        "mode=payment&customer={customer}&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=2000&line_items[0][price_data][product_data][name]=Book&line_items[0][quantity]=1&success_url=http://shop.test/done&allow_promotion_codes=true"
    );
    let session = stripe.post("/v1/checkout/sessions", &form).await.ok();
    assert_eq!(apply(&stripe, &session, "first").await.0, 303);
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    assert_eq!(all(&stripe, "charges").await[0]["amount"], 1500);
    let code = stripe
        .get(&format!("/v1/promotion_codes/{code}"))
        .await
        .ok();
    assert_eq!(code["times_redeemed"], 1);
    let session = stripe.post("/v1/checkout/sessions", &form).await.ok();
    let (status, _, text) = apply(&stripe, &session, "first").await;
    assert_eq!(status, 422);
    assert!(text.contains("first purchase"), "{text}");
}

#[tokio::test]
async fn a_discount_that_leaves_too_little_to_charge_is_refused() {
    let stripe = Stripe::start().await;
    let coupon = id(&stripe
        .post("/v1/coupons", "percent_off=95&duration=once")
        .await
        .ok());
    let price = stripe.price("starter-monthly").await;
    let form = format!(
        "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=http://shop.test/done&discounts[0][coupon]={coupon}"
    );
    let reply = stripe.post("/v1/checkout/sessions", &form).await;
    reply.check_error(400, Some("amount_too_small"), None);
}
