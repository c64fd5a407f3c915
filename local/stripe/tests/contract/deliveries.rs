//! Faults of delivery, and what is sent by hand.

use serde_json::{Value, json};

use crate::support::{Endpoint, Received, Stripe, id};

const KNOB: &str = "/_local/deliveries";

/// A stand-in whose events go to an endpoint.
async fn start() -> (Stripe, Endpoint) {
    let (stripe, endpoint) = (Stripe::start().await, Endpoint::start().await);
    let ensured = stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x");
    ensured.await.unwrap();
    (stripe, endpoint)
}

async fn customer(stripe: &Stripe, name: &str) {
    let form = format!("name={name}");
    stripe.post("/v1/customers", &form).await.ok();
}

fn names(received: &[Received]) -> Vec<String> {
    let name = |it: &Received| {
        it.event()["data"]["object"]["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    received.iter().map(name).collect()
}

async fn undelivered(stripe: &Stripe, count: usize) -> Value {
    stripe
        .until("/v1/events?delivery_success=false", |list| {
            list["data"].as_array().unwrap().len() == count
        })
        .await
}

#[tokio::test]
async fn a_dropped_delivery_never_arrives_until_it_is_sent_by_hand() {
    let (stripe, endpoint) = start().await;
    stripe
        .knob(KNOB, json!({"kind": "drop", "type": "customer.*"}))
        .await;
    customer(&stripe, "a").await;
    customer(&stripe, "b").await;
    let received = endpoint.until(|received| received.len() == 1).await;
    assert_eq!(names(&received), ["b"]);
    let missing = undelivered(&stripe, 1).await;
    let event = id(&missing["data"][0]);
    assert_eq!(
        stripe.knob_state("/_local/webhooks").await["pending"],
        0,
        "it is not tried again"
    );
    let page = stripe.http.get(format!("{}/events/{event}", stripe.url));
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Never sent: dropped"), "{page}");

    let resent = stripe
        .post(&format!("/v1/events/{event}/retry"), "for_stripecli=true")
        .await
        .ok();
    assert_eq!(resent["id"], event.as_str());
    let received = endpoint.until(|received| received.len() == 2).await;
    assert_eq!(names(&received), ["b", "a"]);
    undelivered(&stripe, 0).await;
    let event = stripe.get(&format!("/v1/events/{event}")).await.ok();
    assert_eq!(event["pending_webhooks"], 0);
}

#[tokio::test]
async fn a_duplicate_arrives_twice() {
    let (stripe, endpoint) = start().await;
    stripe
        .knob(KNOB, json!({"kind": "duplicate", "times": 2}))
        .await;
    for name in ["a", "b", "c"] {
        customer(&stripe, name).await;
    }
    let received = endpoint.until(|received| received.len() == 5).await;
    let mut names = names(&received);
    names.sort();
    assert_eq!(names, ["a", "a", "b", "b", "c"]);
}

#[tokio::test]
async fn a_delayed_delivery_arrives_after_later_ones() {
    let (stripe, endpoint) = start().await;
    stripe.knob(KNOB, json!({"kind": "delay", "ms": 300})).await;
    customer(&stripe, "a").await;
    customer(&stripe, "b").await;
    let received = endpoint.until(|received| received.len() == 2).await;
    assert_eq!(names(&received), ["b", "a"]);
}

#[tokio::test]
async fn deliveries_are_reordered_last_first() {
    let (stripe, endpoint) = start().await;
    stripe
        .knob(
            KNOB,
            json!({"kind": "reorder", "type": "customer.created", "times": 3}),
        )
        .await;
    for name in ["a", "b"] {
        customer(&stripe, name).await;
    }
    stripe.post("/v1/products", "name=p").await.ok();
    let first = endpoint.until(|received| received.len() == 1).await;
    assert_eq!(names(&first), ["p"], "others are not held back");
    customer(&stripe, "c").await;
    let received = endpoint.until(|received| received.len() == 4).await;
    assert_eq!(names(&received), ["p", "c", "b", "a"]);
    assert_eq!(stripe.knob_state(KNOB).await, json!({"deliveries": []}));
}

#[tokio::test]
async fn what_is_held_back_goes_out_when_the_knob_is_cleared_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("stripe.sqlite3");
    let endpoint = Endpoint::start().await;
    let stripe = Stripe::start_on(Some(data.clone())).await;
    let ensured = stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x");
    ensured.await.unwrap();
    let held = async |stripe: &Stripe, name: &str| {
        stripe
            .knob(KNOB, json!({"kind": "reorder", "times": 2}))
            .await;
        customer(stripe, name).await;
        while stripe.knob_state(KNOB).await["deliveries"][0]
            != json!({"kind": "reorder", "type": "*", "times": 1, "held": 1})
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    held(&stripe, "a").await;
    stripe.clear_knob(KNOB).await;
    endpoint.until(|received| received.len() == 1).await;
    held(&stripe, "b").await;
    stripe.stop().await;
    let _stripe = Stripe::start_on(Some(data)).await;
    let received = endpoint.until(|received| received.len() == 2).await;
    assert_eq!(names(&received), ["a", "b"]);
}

#[tokio::test]
async fn a_fault_that_cannot_be_meant_so_is_refused() {
    let stripe = Stripe::start().await;
    for nonsense in [
        json!({"kind": "lose"}),
        json!({"kind": "drop", "times": 0}),
        json!({"kind": "delay"}),
        json!({"kind": "delay", "ms": 0}),
        json!({"kind": "reorder"}),
    ] {
        let url = format!("{}{KNOB}", stripe.url);
        let refused = stripe.http.post(url).json(&nonsense).send().await.unwrap();
        assert!(refused.status().is_client_error(), "{nonsense}");
    }
}

#[tokio::test]
async fn an_event_is_sent_again_to_one_endpoint() {
    let (stripe, everyone) = start().await;
    let one = Endpoint::start().await;
    let form = format!("url={}&enabled_events[]=product.created", one.url);
    let endpoint = id(&stripe.post("/v1/webhook_endpoints", &form).await.ok());
    customer(&stripe, "a").await;
    everyone.until(|received| received.len() == 1).await;
    let event = id(&stripe.get("/v1/events").await.ok()["data"][0]);
    let path = format!("/v1/events/{event}/retry");
    stripe
        .post(&path, "webhook_endpoint=we_none")
        .await
        .check_error(400, Some("resource_missing"), Some("webhook_endpoint"));
    stripe
        .post(&path, &format!("webhook_endpoint={endpoint}"))
        .await
        .ok();
    one.until(|received| received.len() == 1).await;
    assert_eq!(everyone.received().len(), 1);

    let path = format!("/v1/webhook_endpoints/{endpoint}");
    stripe.post(&path, "disabled=true").await.ok();
    stripe
        .post(
            &format!("/v1/events/{event}/retry"),
            &format!("webhook_endpoint={endpoint}"),
        )
        .await
        .check_error(400, None, Some("webhook_endpoint"));
}

#[tokio::test]
async fn a_disabled_endpoint_hears_nothing_more() {
    let (stripe, _) = start().await;
    let form = "url=http://127.0.0.1:9/&enabled_events[]=customer.created";
    let endpoint = id(&stripe.post("/v1/webhook_endpoints", form).await.ok());
    customer(&stripe, "a").await;
    undelivered(&stripe, 1).await;
    let path = format!("/v1/webhook_endpoints/{endpoint}");
    let disabled = stripe.post(&path, "disabled=true").await.ok();
    assert_eq!(disabled["status"], "disabled");
    customer(&stripe, "b").await;
    // Its next try gives up; the other event was never meant for it.
    let given_up = async {
        while stripe.knob_state("/_local/webhooks").await["pending"] != 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let longest = std::time::Duration::from_secs(20);
    tokio::time::timeout(longest, given_up).await.unwrap();
    undelivered(&stripe, 1).await;
}

#[tokio::test]
async fn an_endpoint_chooses_types_that_there_are_and_a_version() {
    let stripe = Stripe::start().await;
    let endpoint = Endpoint::start().await;
    for (further, param) in [
        ("enabled_events[]=customer.made", "enabled_events[0]"),
        (
            "enabled_events[]=customer.created&enabled_events[]=x",
            "enabled_events[1]",
        ),
        ("enabled_events[]=*&api_version=2020-08-27", "api_version"),
        ("enabled_events[]=*&connect=true", "connect"),
    ] {
        let form = format!("url={}&{further}", endpoint.url);
        let reply = stripe.post("/v1/webhook_endpoints", &form).await;
        reply.check_error(400, None, Some(param));
    }
    let form = format!(
        "url={}&enabled_events[]=customer.created&api_version=2026-03-25.dahlia",
        endpoint.url
    );
    let created = stripe.post("/v1/webhook_endpoints", &form).await.ok();
    assert_eq!(created["api_version"], "2026-03-25.dahlia");
    customer(&stripe, "a").await;
    let received = endpoint.until(|received| received.len() == 1).await;
    assert_eq!(received[0].event()["api_version"], "2026-03-25.dahlia");
}
