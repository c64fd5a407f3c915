//! Cards: made, attached, and kept for later.

use serde_json::{Value, json};

use super::{attached, authenticate, check_declined, customer, events, pay};
use crate::support::{Stripe, id};

#[tokio::test]
async fn a_card_is_made_of_its_number_or_refused() {
    let stripe = Stripe::start().await;
    let make = async |card: &str| {
        stripe
            .post("/v1/payment_methods", &format!("type=card&{card}"))
            .await
    };
    let good = make("card[number]=4242 4242 4242 4242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123&billing_details[name]=Ada").await.ok();
    assert_eq!(
        (
            &good["card"]["last4"],
            &good["customer"],
            &good["billing_details"]["name"]
        ),
        (&json!("4242"), &Value::Null, &json!("Ada"))
    );
    assert!(!good.to_string().contains("424242424242"));
    make("card[number]=4242424242424241&card[exp_month]=12&card[exp_year]=2040")
        .await
        .check_error(402, Some("incorrect_number"), Some("number"));
    make("card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=2040")
        .await
        .check_error(402, Some("invalid_expiry_month"), Some("exp_month"));
    make("card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2020")
        .await
        .check_error(402, Some("invalid_expiry_year"), Some("exp_year"));
    let live = make("card[number]=4111111111111111&card[exp_month]=12&card[exp_year]=2040").await;
    check_declined(live, "card_declined", "test_mode_live_card");
}

#[tokio::test]
async fn a_card_can_be_told_with_the_payment() {
    // Not recorded: Stripe takes this, and its spec does not tell.
    let stripe = Stripe::start_with(None, None).await;
    let paid = stripe
        .post("/v1/payment_intents", "amount=500&currency=eur&confirm=true&payment_method_data[type]=card&payment_method_data[card][token]=tok_visa")
        .await
        .ok();
    assert_eq!(paid["status"], "succeeded");
}

#[tokio::test]
async fn a_card_is_attached_changed_and_detached_for_good() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let card = attached(&stripe, &ada, "pm_card_mastercard").await;
    let other = attached(&stripe, &ada, "pm_card_mastercard").await;
    assert_ne!(card, other);
    let list = stripe
        .get(&format!("/v1/customers/{ada}/payment_methods?type=card"))
        .await
        .ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    stripe
        .post(
            &format!("/v1/payment_methods/{card}"),
            "metadata[a]=1&card[exp_year]=2041",
        )
        .await
        .ok();
    let bob = customer(&stripe).await;
    stripe
        .post(
            &format!("/v1/payment_methods/{card}/attach"),
            &format!("customer={bob}"),
        )
        .await
        .check_error(400, None, None);
    pay(&stripe, &card, &format!("&customer={bob}"))
        .await
        .check_error(400, None, Some("payment_method"));
    let gone = stripe
        .post(&format!("/v1/payment_methods/{card}/detach"), "")
        .await
        .ok();
    assert!(gone["customer"].is_null());
    for reply in [
        pay(&stripe, &card, &format!("&customer={ada}")).await,
        stripe
            .post(
                &format!("/v1/payment_methods/{card}/attach"),
                &format!("customer={ada}"),
            )
            .await,
    ] {
        assert_eq!(reply.status, 400, "{}", reply.json);
    }
    let events = stripe
        .get("/v1/events?type=payment_method.detached")
        .await
        .ok();
    assert_eq!(
        events["data"][0]["data"]["previous_attributes"],
        json!({ "customer": ada })
    );
}

#[tokio::test]
async fn a_card_that_is_declined_cannot_be_kept_but_the_one_that_fails_later_can() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let refused = stripe
        .post(
            "/v1/payment_methods/pm_card_chargeDeclinedInsufficientFunds/attach",
            &format!("customer={ada}"),
        )
        .await;
    check_declined(refused, "card_declined", "insufficient_funds");
    let form = "payment_method=pm_card_chargeDeclined";
    let refused = stripe.post("/v1/customers", form).await;
    check_declined(refused, "card_declined", "generic_decline");
    let card = attached(&stripe, &ada, "pm_card_chargeCustomerFail").await;
    let reply = pay(&stripe, &card, &format!("&customer={ada}&off_session=true")).await;
    check_declined(reply, "card_declined", "generic_decline");
}

#[tokio::test]
async fn a_card_used_once_without_a_customer_is_spent() {
    let stripe = Stripe::start().await;
    let card = id(&stripe
        .post("/v1/payment_methods", "type=card&card[token]=tok_visa")
        .await
        .ok());
    pay(&stripe, &card, "").await.ok();
    assert_eq!(pay(&stripe, &card, "").await.status, 400);
}

#[tokio::test]
async fn paying_for_later_keeps_the_card() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let form = format!("&customer={ada}&setup_future_usage=off_session");
    let intent = pay(&stripe, "pm_card_authenticationRequiredOnSetup", &form)
        .await
        .ok();
    authenticate(&stripe, &id(&intent), true).await;
    let cards = stripe
        .get(&format!("/v1/payment_methods?customer={ada}"))
        .await
        .ok();
    let card = id(&cards["data"][0]);
    let later = pay(&stripe, &card, &format!("&customer={ada}&off_session=true")).await;
    assert_eq!(later.ok()["status"], "succeeded");
}

#[tokio::test]
async fn a_setup_intent_keeps_a_card_or_says_why_not() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let done = stripe
        .post(
            "/v1/setup_intents",
            &format!("customer={ada}&payment_method=pm_card_visa&confirm=true"),
        )
        .await
        .ok();
    assert_eq!(done["status"], "succeeded");
    let method = done["payment_method"].as_str().unwrap();
    let kept = stripe
        .get(&format!("/v1/payment_methods/{method}"))
        .await
        .ok();
    assert_eq!(kept["customer"], ada.as_str());
    let seen = stripe.event_types().await.len();
    let failed = stripe
        .post(
            "/v1/setup_intents",
            "payment_method=pm_card_chargeDeclined&confirm=true",
        )
        .await;
    let error = check_declined(failed, "card_declined", "generic_decline");
    assert_eq!(error["setup_intent"]["status"], "requires_payment_method");
    assert_eq!(
        events(&stripe, seen).await,
        ["setup_intent.created", "setup_intent.setup_failed"]
    );
    let open = stripe
        .post("/v1/setup_intents", "usage=on_session")
        .await
        .ok();
    let path = format!("/v1/setup_intents/{}", id(&open));
    stripe
        .post(&format!("{path}/confirm"), "")
        .await
        .check_error(400, Some("setup_intent_unexpected_state"), None);
    let canceled = stripe
        .post(&format!("{path}/cancel"), "cancellation_reason=abandoned")
        .await
        .ok();
    assert_eq!(canceled["status"], "canceled");
}
