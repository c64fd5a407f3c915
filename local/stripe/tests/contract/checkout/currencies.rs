//! Checkout in another currency than the price's own.

use super::{GOOD, all, page, reread};
use crate::support::{Stripe, id};

/// A stand-in whose starter plan also costs 8 euros.
async fn with_euros() -> Stripe {
    let stripe = Stripe::start().await;
    let price = stripe.price("starter-monthly").await;
    let path = format!("/v1/prices/{price}");
    let form = "currency_options[eur][unit_amount]=800";
    stripe.post(&path, form).await.ok();
    stripe
}

#[tokio::test]
async fn the_page_and_the_invoice_have_the_sessions_currency() {
    let stripe = with_euros().await;
    let session = stripe.session("&currency=eur").await;
    assert_eq!(
        (&session["currency"], &session["amount_total"]),
        (&"eur".into(), &800.into())
    );
    let (_, shown) = page(&stripe, &format!("/c/pay/{}", id(&session))).await;
    assert!(shown.contains("€8.00"), "{shown}");
    assert!(!shown.contains("$9.00"), "{shown}");
    let path = format!("/v1/checkout/sessions/{}/line_items", id(&session));
    let line = stripe.get(&path).await.ok()["data"][0].clone();
    assert_eq!(
        (
            &line["currency"],
            &line["amount_total"],
            &line["price"]["currency"]
        ),
        (&"eur".into(), &800.into(), &"usd".into())
    );
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    let subscription = &all(&stripe, "subscriptions").await[0];
    assert_eq!(subscription["currency"], "eur");
    let invoice = &all(&stripe, "invoices").await[0];
    assert_eq!(
        (&invoice["currency"], &invoice["amount_paid"]),
        (&"eur".into(), &800.into())
    );
    let charge = &all(&stripe, "charges").await[0];
    assert_eq!(
        (&charge["currency"], &charge["amount"]),
        (&"eur".into(), &800.into())
    );
}

#[tokio::test]
async fn without_a_currency_it_is_the_customers_or_the_prices_own() {
    let stripe = with_euros().await;
    assert_eq!(stripe.session("").await["currency"], "usd");
    let paid = stripe.session("&currency=eur").await;
    stripe.pay(&paid, GOOD).await;
    let customer = reread(&stripe, &paid).await["customer"].clone();
    let of = format!("&customer={}", customer.as_str().unwrap());
    assert_eq!(stripe.session(&of).await["currency"], "eur");
}

#[tokio::test]
async fn a_session_in_a_currency_that_cannot_be_paid_is_refused() {
    let stripe = with_euros().await;
    let price = stripe.price("starter-monthly").await;
    let form = format!(
        "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=http://shop.test/"
    );
    let path = "/v1/checkout/sessions";
    let reply = stripe.post(path, &format!("{form}&currency=gbp")).await;
    reply.check_error(400, None, Some("currency"));

    // Two sessions in two currencies are open: the first one that is paid decides.
    let customer = id(&stripe.post("/v1/customers", "").await.ok());
    let of = format!("&customer={customer}");
    let dollars = stripe.session(&of).await;
    let euros = stripe.session(&format!("{of}&currency=eur")).await;
    assert_eq!(stripe.pay(&euros, GOOD).await.0, 303);
    let (status, _, shown) = stripe.pay(&dollars, GOOD).await;
    assert_eq!(status, 402);
    assert!(
        shown.contains("You already pay in another currency."),
        "{shown}"
    );
    assert_eq!(all(&stripe, "subscriptions").await.len(), 1);
    let reply = stripe.post(path, &format!("{form}{of}&currency=usd")).await;
    reply.check_error(400, None, None);
    let message = reply.json["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("You cannot combine currencies on a single customer."));
}
