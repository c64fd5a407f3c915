//! Payments through the API: cards, intents, refunds, disputes, and the page that authenticates.

use serde_json::{Value, json};

use crate::support::{Reply, Stripe, id};

async fn customer(stripe: &Stripe) -> String {
    id(&stripe
        .post("/v1/customers", "email=ada@example.com")
        .await
        .ok())
}

/// A card that belongs to the customer.
async fn attached(stripe: &Stripe, customer: &str, name: &str) -> String {
    let path = format!("/v1/payment_methods/{name}/attach");
    id(&stripe
        .post(&path, &format!("customer={customer}"))
        .await
        .ok())
}

/// Pays twenty dollars at once.
async fn pay(stripe: &Stripe, method: &str, further: &str) -> Reply {
    let form = format!(
        "amount=2000&currency=usd&confirm=true&payment_method={method}&payment_method_types[]=card{further}"
    );
    stripe.post("/v1/payment_intents", &form).await
}

/// Checks for a declined card; gives the error object.
#[track_caller]
fn check_declined(reply: Reply, code: &str, decline_code: &str) -> Value {
    assert_eq!(reply.status, 402, "{}", reply.json);
    let error = reply.json["error"].clone();
    assert_eq!(
        (&error["type"], &error["code"], &error["decline_code"]),
        (&json!("card_error"), &json!(code), &json!(decline_code))
    );
    error
}

/// Answers on the page that authenticates; gives the status and where it leads.
async fn authenticate(stripe: &Stripe, intent: &str, passed: bool) -> (u16, Option<String>) {
    let path = format!("/authenticate/{intent}");
    let form = format!("passed={passed}");
    let request = stripe.request(reqwest::Method::POST, &path, &form);
    let response = request.send().await.unwrap();
    let location = response.headers().get("location");
    let location = location.map(|it| it.to_str().unwrap().to_owned());
    (response.status().as_u16(), location)
}

/// The types of the events after the first `skip`.
async fn events(stripe: &Stripe, skip: usize) -> Vec<String> {
    stripe.event_types().await.split_off(skip)
}

#[tokio::test]
async fn a_good_card_pays_at_once() {
    let stripe = Stripe::start().await;
    let intent = pay(
        &stripe,
        "pm_card_visa",
        "&metadata[order]=7&description=Book",
    )
    .await
    .ok();
    assert_eq!(
        (&intent["status"], &intent["amount_received"]),
        (&json!("succeeded"), &json!(2000))
    );
    let charge = stripe
        .get(&format!("/v1/charges?payment_intent={}", id(&intent)))
        .await
        .ok()["data"][0]
        .clone();
    assert_eq!(charge["id"], intent["latest_charge"]);
    assert_eq!(
        (
            &charge["paid"],
            &charge["captured"],
            &charge["metadata"]["order"],
            &charge["description"]
        ),
        (&json!(true), &json!(true), &json!("7"), &json!("Book"))
    );
    assert_eq!(
        events(&stripe, 0).await,
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded"
        ]
    );
    let again = stripe
        .post(&format!("/v1/payment_intents/{}/confirm", id(&intent)), "")
        .await;
    again.check_error(400, Some("payment_intent_unexpected_state"), None);
}

#[tokio::test]
async fn each_declined_card_says_why() {
    let stripe = Stripe::start().await;
    for (name, code, decline_code) in [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        (
            "pm_card_visa_chargeDeclined",
            "card_declined",
            "generic_decline",
        ),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        (
            "pm_card_chargeDeclinedLostCard",
            "card_declined",
            "lost_card",
        ),
        (
            "pm_card_chargeDeclinedStolenCard",
            "card_declined",
            "stolen_card",
        ),
        (
            "pm_card_chargeDeclinedExpiredCard",
            "expired_card",
            "expired_card",
        ),
        (
            "pm_card_chargeDeclinedIncorrectCvc",
            "incorrect_cvc",
            "incorrect_cvc",
        ),
        (
            "pm_card_chargeDeclinedProcessingError",
            "processing_error",
            "processing_error",
        ),
        (
            "pm_card_chargeDeclinedFraudulent",
            "card_declined",
            "fraudulent",
        ),
        (
            "pm_card_chargeCustomerFail",
            "card_declined",
            "generic_decline",
        ),
    ] {
        let error = check_declined(pay(&stripe, name, "").await, code, decline_code);
        assert_eq!(
            error["payment_intent"]["status"], "requires_payment_method",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_declined_payment_leaves_its_failed_charge_and_can_be_tried_again() {
    let stripe = Stripe::start().await;
    let error = check_declined(
        pay(&stripe, "pm_card_chargeDeclined", "").await,
        "card_declined",
        "generic_decline",
    );
    let intent = id(&error["payment_intent"]);
    assert_eq!(
        events(&stripe, 0).await,
        [
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed"
        ]
    );
    let shown = stripe
        .get(&format!("/v1/payment_intents/{intent}"))
        .await
        .ok();
    assert_eq!(shown, error["payment_intent"]);
    assert_eq!(
        (
            &shown["payment_method"],
            &shown["last_payment_error"]["charge"]
        ),
        (&Value::Null, &shown["latest_charge"])
    );
    let charge = stripe
        .get(&format!(
            "/v1/charges/{}",
            error["charge"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(
        (&charge["status"], &charge["paid"], &charge["failure_code"]),
        (&json!("failed"), &json!(false), &json!("card_declined"))
    );
    let paid = stripe
        .post(
            &format!("/v1/payment_intents/{intent}/confirm"),
            "payment_method=pm_card_visa",
        )
        .await
        .ok();
    assert_eq!(
        (&paid["status"], &paid["last_payment_error"]),
        (&json!("succeeded"), &Value::Null)
    );
}

#[tokio::test]
async fn a_declined_payment_is_replayed_under_its_key_and_charges_once() {
    let stripe = Stripe::start().await;
    let form = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined";
    let first = stripe.post_with_key("/v1/payment_intents", form, "k").await;
    let second = stripe.post_with_key("/v1/payment_intents", form, "k").await;
    assert_eq!((first.status, second.status), (402, 402));
    assert_eq!(first.json, second.json);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let charges = stripe.get("/v1/charges").await.ok();
    assert_eq!(charges["data"].as_array().unwrap().len(), 1);
}

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
async fn authentication_on_the_page_pays_and_leads_back_to_the_shop() {
    let stripe = Stripe::start().await;
    let intent = pay(
        &stripe,
        "pm_card_authenticationRequired",
        "&return_url=http://shop.test/back?x=1",
    )
    .await
    .ok();
    assert_eq!(intent["status"], "requires_action");
    let url = intent["next_action"]["redirect_to_url"]["url"]
        .as_str()
        .unwrap();
    assert_eq!(url, format!("{}/authenticate/{}", stripe.url, id(&intent)));
    let page = stripe
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for text in ["Complete", "Fail", "$20.00", "3184", "Local stand-in"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let charges = stripe.get("/v1/charges").await.ok();
    assert_eq!(charges["data"], json!([]), "nothing is charged before");

    let (status, location) = authenticate(&stripe, &id(&intent), true).await;
    assert_eq!(status, 303);
    let secret = intent["client_secret"].as_str().unwrap();
    let back = format!(
        "http://shop.test/back?x=1&payment_intent={}&payment_intent_client_secret={secret}&redirect_status=succeeded",
        id(&intent)
    );
    assert_eq!(location.as_deref(), Some(back.as_str()));
    // A second press of the button pays nothing more.
    assert_eq!(
        authenticate(&stripe, &id(&intent), false)
            .await
            .1
            .as_deref(),
        Some(back.as_str())
    );
    let charges = stripe.get("/v1/charges").await.ok();
    assert_eq!(charges["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        charges["data"][0]["payment_method_details"]["card"]["three_d_secure"]["result"],
        "authenticated"
    );
    assert_eq!(
        events(&stripe, 0).await,
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "charge.succeeded",
            "payment_intent.succeeded"
        ]
    );
}

#[tokio::test]
async fn failed_authentication_asks_for_another_card() {
    let stripe = Stripe::start().await;
    let intent = pay(&stripe, "pm_card_threeDSecure2Required", "").await.ok();
    assert_eq!(intent["next_action"]["type"], "use_stripe_sdk");
    assert_eq!(authenticate(&stripe, &id(&intent), false).await.0, 200);
    let intent = stripe
        .get(&format!("/v1/payment_intents/{}", id(&intent)))
        .await
        .ok();
    assert_eq!(
        (
            &intent["status"],
            &intent["last_payment_error"]["code"],
            &intent["next_action"]
        ),
        (
            &json!("requires_payment_method"),
            &json!("payment_intent_authentication_failure"),
            &Value::Null
        )
    );
    assert_eq!(stripe.get("/v1/charges").await.ok()["data"], json!([]));
    let missing = stripe
        .http
        .get(format!("{}/authenticate/pi_none", stripe.url))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn without_the_buyer_authentication_is_a_decline_unless_the_card_was_set_up() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let off_session = format!("&customer={ada}&off_session=true");
    let card = attached(&stripe, &ada, "pm_card_authenticationRequiredOnSetup").await;
    let error = check_declined(
        pay(&stripe, &card, &off_session).await,
        "authentication_required",
        "authentication_required",
    );
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");

    let setup = stripe
        .post(
            "/v1/setup_intents",
            &format!(
                "customer={ada}&payment_method={card}&confirm=true&return_url=http://shop.test/"
            ),
        )
        .await
        .ok();
    assert_eq!(setup["status"], "requires_action");
    let (_, location) = authenticate(&stripe, &id(&setup), true).await;
    assert!(location.unwrap().contains("setup_intent_client_secret="));
    assert_eq!(
        pay(&stripe, &card, &off_session).await.ok()["status"],
        "succeeded"
    );

    // This one asks every time.
    let card = attached(&stripe, &ada, "pm_card_authenticationRequired").await;
    let form = format!("customer={ada}&payment_method={card}&confirm=true");
    let setup = stripe.post("/v1/setup_intents", &form).await.ok();
    authenticate(&stripe, &id(&setup), true).await;
    check_declined(
        pay(&stripe, &card, &off_session).await,
        "authentication_required",
        "authentication_required",
    );
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

#[tokio::test]
async fn money_can_be_authorized_first_and_captured_or_let_go_later() {
    let stripe = Stripe::start().await;
    let hold = async || {
        pay(&stripe, "pm_card_visa", "&capture_method=manual")
            .await
            .ok()
    };
    let held = hold().await;
    assert_eq!(
        (
            &held["status"],
            &held["amount_capturable"],
            &held["amount_received"]
        ),
        (&json!("requires_capture"), &json!(2000), &json!(0))
    );
    let path = format!("/v1/payment_intents/{}", id(&held));
    stripe
        .post(&format!("{path}/capture"), "amount_to_capture=2001")
        .await
        .check_error(400, None, Some("amount_to_capture"));
    let taken = stripe
        .post(&format!("{path}/capture"), "amount_to_capture=1500")
        .await
        .ok();
    assert_eq!(
        (&taken["status"], &taken["amount_received"]),
        (&json!("succeeded"), &json!(1500))
    );
    let held = hold().await;
    let path = format!("/v1/payment_intents/{}", id(&held));
    let gone = stripe
        .post(&format!("{path}/cancel"), "cancellation_reason=duplicate")
        .await
        .ok();
    assert_eq!(
        (&gone["status"], &gone["cancellation_reason"]),
        (&json!("canceled"), &json!("duplicate"))
    );
    stripe
        .post(&format!("{path}/capture"), "")
        .await
        .check_error(400, Some("payment_intent_unexpected_state"), None);
}

#[tokio::test]
async fn a_charge_is_refunded_in_parts_and_never_twice() {
    let stripe = Stripe::start().await;
    let intent = pay(&stripe, "pm_card_visa", "").await.ok();
    let seen = stripe.event_types().await.len();
    let by_intent = format!("payment_intent={}", id(&intent));
    let part = stripe
        .post(
            "/v1/refunds",
            &format!("{by_intent}&amount=500&reason=duplicate"),
        )
        .await
        .ok();
    assert_eq!(
        (&part["amount"], &part["status"], &part["charge"]),
        (&json!(500), &json!("succeeded"), &intent["latest_charge"])
    );
    stripe
        .post("/v1/refunds", &format!("{by_intent}&amount=1501"))
        .await
        .check_error(400, None, Some("amount"));
    let charge = intent["latest_charge"].as_str().unwrap();
    let rest = stripe
        .post("/v1/refunds", &format!("charge={charge}"))
        .await
        .ok();
    assert_eq!(rest["amount"], 1500);
    stripe
        .post("/v1/refunds", &format!("charge={charge}"))
        .await
        .check_error(400, Some("charge_already_refunded"), None);
    let shown = stripe
        .get(&format!("/v1/charges/{charge}?expand[]=refunds"))
        .await
        .ok();
    assert_eq!(
        (
            &shown["refunded"],
            &shown["amount_refunded"],
            &shown["refunds"]["data"][0]["id"]
        ),
        (&json!(true), &json!(2000), &rest["id"])
    );
    stripe
        .post(&format!("/v1/refunds/{}", id(&rest)), "metadata[a]=1")
        .await
        .ok();
    let reply = stripe
        .post(&format!("/v1/refunds/{}/cancel", id(&rest)), "")
        .await;
    reply.check_error(400, None, None);
    assert_eq!(
        events(&stripe, seen).await,
        [
            "refund.created",
            "charge.refunded",
            "refund.created",
            "charge.refunded",
            "refund.updated",
            "charge.refund.updated"
        ]
    );
    let refunded = stripe.get("/v1/events?type=charge.refunded").await.ok();
    assert_eq!(
        refunded["data"][0]["data"]["previous_attributes"],
        json!({ "amount_refunded": 500, "refunded": false })
    );
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_winning_it_brings_it_back() {
    let stripe = Stripe::start().await;
    let intent = pay(&stripe, "pm_card_createDispute", "").await.ok();
    let path = format!("/v1/disputes?payment_intent={}", id(&intent));
    let dispute = stripe.get(&path).await.ok()["data"][0].clone();
    assert_eq!(
        (&dispute["status"], &dispute["reason"], &dispute["charge"]),
        (
            &json!("needs_response"),
            &json!("fraudulent"),
            &intent["latest_charge"]
        )
    );
    assert_eq!(dispute["balance_transactions"][0]["amount"], -2000);
    let charge = intent["latest_charge"].as_str().unwrap();
    assert_eq!(
        stripe.get(&format!("/v1/charges/{charge}")).await.ok()["disputed"],
        true
    );
    stripe
        .post("/v1/refunds", &format!("charge={charge}"))
        .await
        .check_error(400, Some("charge_disputed"), None);
    let path = format!("/v1/disputes/{}", id(&dispute));
    let staged = stripe
        .post(&path, "evidence[customer_name]=Ada&submit=false")
        .await
        .ok();
    assert_eq!(staged["status"], "needs_response");
    let won = stripe
        .post(&path, "evidence[uncategorized_text]=winning_evidence")
        .await
        .ok();
    assert_eq!(won["status"], "won");
    assert_eq!(
        events(&stripe, 3).await,
        [
            "charge.dispute.created",
            "charge.updated",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.updated",
            "charge.dispute.updated",
            "charge.dispute.closed",
            "charge.dispute.funds_reinstated",
        ]
    );
    assert_eq!(stripe.post(&format!("{path}/close"), "").await.status, 400);
}

#[tokio::test]
async fn a_dispute_is_lost_by_evidence_or_by_giving_in_and_an_inquiry_takes_no_money() {
    let stripe = Stripe::start().await;
    let dispute = async |card: &str| {
        pay(&stripe, card, "").await.ok();
        stripe.get("/v1/disputes?limit=1").await.ok()["data"][0].clone()
    };
    let lost = dispute("pm_card_createDisputeProductNotReceived").await;
    assert_eq!(lost["reason"], "product_not_received");
    let path = format!("/v1/disputes/{}", id(&lost));
    let form = "evidence[uncategorized_text]=losing_evidence&submit=true";
    assert_eq!(stripe.post(&path, form).await.ok()["status"], "lost");
    let given_in = dispute("pm_card_createDispute").await;
    let path = format!("/v1/disputes/{}/close", id(&given_in));
    assert_eq!(stripe.post(&path, "").await.ok()["status"], "lost");
    let inquiry = dispute("pm_card_createDisputeInquiry").await;
    assert_eq!(
        (&inquiry["status"], &inquiry["balance_transactions"]),
        (&json!("warning_needs_response"), &json!([]))
    );
    let refund = format!("charge={}", inquiry["charge"].as_str().unwrap());
    stripe.post("/v1/refunds", &refund).await.ok();
}

#[tokio::test]
async fn a_token_is_charged_without_an_intent() {
    let stripe = Stripe::start().await;
    let charge = stripe
        .post(
            "/v1/charges",
            "amount=100&currency=usd&source=tok_visa&description=x",
        )
        .await
        .ok();
    assert_eq!(
        (&charge["status"], &charge["payment_intent"]),
        (&json!("succeeded"), &Value::Null)
    );
    let declined = stripe
        .post(
            "/v1/charges",
            "amount=100&currency=usd&source=tok_chargeDeclined",
        )
        .await;
    check_declined(declined, "card_declined", "generic_decline");
    assert_eq!(
        events(&stripe, 0).await,
        ["charge.succeeded", "charge.failed"]
    );
}

#[tokio::test]
async fn the_next_payment_fails_when_a_test_asks_for_it_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = Some(folder.path().join("stripe.sqlite3"));
    let stripe = Stripe::start_on(data.clone()).await;
    let ada = customer(&stripe).await;
    let knob = json!({ "fail_next": 1, "customer": ada, "decline_code": "insufficient_funds" });
    stripe.knob("/_local/payments", knob.clone()).await;
    stripe.stop().await;
    let stripe = Stripe::start_on(data).await;
    let state = async || -> Value {
        let path = format!("{}/_local/payments", stripe.url);
        stripe
            .http
            .get(path)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(state().await, knob);
    pay(&stripe, "pm_card_visa", "").await.ok();
    let hers = format!("&customer={ada}");
    check_declined(
        pay(&stripe, "pm_card_visa", &hers).await,
        "card_declined",
        "insufficient_funds",
    );
    assert_eq!(state().await["fail_next"], 0);
    pay(&stripe, "pm_card_visa", &hers).await.ok();
    let wrong = stripe
        .http
        .post(format!("{}/_local/payments", stripe.url))
        .json(&json!({ "fail_next": 1, "decline_code": "tired" }))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn what_an_intent_cannot_be_is_named() {
    let stripe = Stripe::start().await;
    for (form, code, param) in [
        ("currency=usd", Some("parameter_missing"), "amount"),
        ("amount=2000", Some("parameter_missing"), "currency"),
        ("amount=49&currency=usd", Some("amount_too_small"), "amount"),
        (
            "amount=2000&currency=usd&nope=1",
            Some("parameter_unknown"),
            "nope",
        ),
        (
            "amount=2000&currency=usd&transfer_group=x",
            None,
            "transfer_group",
        ),
        (
            "amount=2000&currency=usd&payment_method_types[]=klarna",
            None,
            "payment_method_types",
        ),
        (
            "amount=2000&currency=usd&customer=cus_none",
            Some("resource_missing"),
            "customer",
        ),
        (
            "amount=2000&currency=usd&payment_method=pm_none",
            Some("resource_missing"),
            "payment_method",
        ),
        (
            "amount=2000&currency=usd&off_session=true",
            None,
            "off_session",
        ),
    ] {
        let reply = stripe.post("/v1/payment_intents", form).await;
        reply.check_error(400, code, Some(param));
    }
    let open = stripe
        .post("/v1/payment_intents", "amount=2000&currency=usd")
        .await
        .ok();
    assert_eq!(open["status"], "requires_payment_method");
    let path = format!("/v1/payment_intents/{}", id(&open));
    stripe
        .post(&format!("{path}/confirm"), "")
        .await
        .check_error(400, Some("payment_intent_unexpected_state"), None);
    let changed = stripe
        .post(
            &path,
            "amount=3000&payment_method=pm_card_visa&metadata[a]=1",
        )
        .await
        .ok();
    assert_eq!(
        (&changed["status"], &changed["amount"]),
        (&json!("requires_confirmation"), &json!(3000))
    );
    let paid = stripe.post(&format!("{path}/confirm"), "").await.ok();
    assert_eq!(paid["amount_received"], 3000);
    assert_eq!(stripe.post(&path, "amount=1").await.status, 400);
    assert_eq!(stripe.get("/v1/account").await.ok()["object"], "account");
}

#[tokio::test]
async fn authenticating_an_invoices_payment_starts_its_subscription() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let card = attached(&stripe, &ada, "pm_card_authenticationRequired").await;
    let price = stripe.price("starter-monthly").await;
    let form = format!(
        "customer={ada}&items[0][price]={price}&default_payment_method={card}&payment_behavior=allow_incomplete"
    );
    let subscription = stripe.post("/v1/subscriptions", &form).await.ok();
    assert_eq!(subscription["status"], "incomplete");
    let intents = stripe
        .get(&format!("/v1/payment_intents?customer={ada}"))
        .await
        .ok();
    let intent = &intents["data"][0];
    assert_eq!(intent["status"], "requires_action");
    // There is no shop to lead back to: a small page says that it is done.
    assert_eq!(authenticate(&stripe, &id(intent), true).await, (200, None));
    let path = format!(
        "/v1/subscriptions/{}?expand[]=latest_invoice",
        id(&subscription)
    );
    let subscription = stripe.get(&path).await.ok();
    assert_eq!(
        (
            &subscription["status"],
            &subscription["latest_invoice"]["status"]
        ),
        (&json!("active"), &json!("paid"))
    );
}

/// Every shape that `cargo xtask contract` is to see.
#[tokio::test]
async fn all_that_payments_make_is_listed() {
    let stripe = Stripe::start().await;
    for card in [
        "pm_card_visa",
        "pm_card_chargeDeclined",
        "pm_card_chargeDeclinedFraudulent",
        "pm_card_authenticationRequired",
        "pm_card_createDispute",
        "pm_card_createDisputeInquiry",
    ] {
        for further in [
            "",
            "&return_url=http://shop.test/",
            "&capture_method=manual",
        ] {
            let form = format!(
                "amount=2000&currency=usd&confirm=true&payment_method={card}&shipping[name]=A&shipping[address][city]=B{further}"
            );
            stripe.post("/v1/payment_intents", &form).await;
        }
        let form = format!("payment_method={card}&confirm=true");
        stripe.post("/v1/setup_intents", &form).await;
    }
    for list in ["payment_intents", "setup_intents"] {
        let open = stripe.get(&format!("/v1/{list}?limit=100")).await.ok();
        for (index, intent) in open["data"].as_array().unwrap().iter().enumerate() {
            let path = format!("/authenticate/{}", intent["id"].as_str().unwrap());
            let form = format!("passed={}", index % 2 == 0);
            let request = stripe.request(reqwest::Method::POST, &path, &form);
            request.send().await.unwrap();
        }
    }
    let charge = stripe
        .post("/v1/charges", "amount=100&currency=usd&source=tok_visa")
        .await;
    let refund = format!("charge={}", charge.ok()["id"].as_str().unwrap());
    stripe.post("/v1/refunds", &refund).await.ok();
    let disputes = stripe.get("/v1/disputes").await.ok();
    for dispute in disputes["data"].as_array().unwrap() {
        let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
        let form = "evidence[uncategorized_text]=winning_evidence";
        stripe.post(&path, form).await.ok();
    }
    stripe.get("/v1/account").await.ok();
    for list in [
        "payment_intents",
        "setup_intents",
        "charges?expand[]=data.refunds",
        "payment_methods",
        "refunds",
        "disputes",
        "events",
    ] {
        let separator = if list.contains('?') { '&' } else { '?' };
        let list = stripe
            .get(&format!("/v1/{list}{separator}limit=100"))
            .await
            .ok();
        assert!(!list["data"].as_array().unwrap().is_empty());
    }
}
