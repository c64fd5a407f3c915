//! The customer portal's pages, and that of an invoice, as a customer uses them.

use serde_json::Value;

use crate::support::{Stripe, id};

/// A customer with a subscription to the starter plan, and a configuration that allows everything.
struct Portal {
    stripe: Stripe,
    customer: String,
    subscription: String,
    starter: String,
    pro: String,
    configuration: String,
}

/// What a page answered.
struct Page {
    status: u16,
    location: String,
    html: String,
}

impl Page {
    #[track_caller]
    fn has(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.html.contains(text), "{text}: {}", self.html);
        }
    }

    #[track_caller]
    fn lacks(&self, text: &str) {
        assert!(!self.html.contains(text), "{text}: {}", self.html);
    }

    #[track_caller]
    fn leads_to(&self, end: &str) {
        assert_eq!(self.status, 303, "{}", self.html);
        assert!(self.location.ends_with(end), "{}", self.location);
    }
}

impl Portal {
    async fn start(card: &str, further: &str) -> Self {
        let stripe = Stripe::start().await;
        let customer = stripe
            .post("/v1/customers", "name=Ada&email=ada@example.com")
            .await
            .ok();
        let customer = id(&customer);
        let form = format!("customer={customer}");
        let path = format!("/v1/payment_methods/{card}/attach");
        let card = id(&stripe.post(&path, &form).await.ok());
        let form = format!("invoice_settings[default_payment_method]={card}");
        let path = format!("/v1/customers/{customer}");
        stripe.post(&path, &form).await.ok();
        let (starter, pro) = (
            stripe.price("starter-monthly").await,
            stripe.price("pro-monthly").await,
        );
        let form = format!("customer={customer}&items[0][price]={starter}");
        let subscription = id(&stripe.post("/v1/subscriptions", &form).await.ok());
        let update = "features[subscription_update]";
        let mut form = format!(
            "{update}[enabled]=true&{update}[default_allowed_updates][]=price&{update}[proration_behavior]=always_invoice&features[invoice_history][enabled]=true&features[payment_method_update][enabled]=true&features[customer_update][enabled]=true&features[customer_update][allowed_updates][]=email&features[subscription_cancel][enabled]=true{further}"
        );
        for (index, price) in [&starter, &pro].into_iter().enumerate() {
            let body = stripe.get(&format!("/v1/prices/{price}")).await.ok();
            let product = body["product"].as_str().unwrap();
            form.push_str(&format!(
                "&{update}[products][{index}][product]={product}&{update}[products][{index}][prices][]={price}"
            ));
        }
        let path = "/v1/billing_portal/configurations";
        let configuration = id(&stripe.post(path, &form).await.ok());
        Self {
            stripe,
            customer,
            subscription,
            starter,
            pro,
            configuration,
        }
    }

    /// The path of a new session.
    async fn session(&self, further: &str) -> String {
        let form = format!(
            "customer={}&configuration={}&return_url=http://shop.test/account{further}",
            self.customer, self.configuration
        );
        let session = self
            .stripe
            .post("/v1/billing_portal/sessions", &form)
            .await
            .ok();
        let url = session["url"].as_str().unwrap();
        url.strip_prefix(&self.stripe.url).unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Page {
        let url = format!("{}{path}", self.stripe.url);
        read(self.stripe.http.get(url)).await
    }

    async fn post(&self, path: &str, form: &str) -> Page {
        read(self.stripe.request(reqwest::Method::POST, path, form)).await
    }

    async fn current(&self) -> Value {
        let path = format!("/v1/subscriptions/{}", self.subscription);
        self.stripe.get(&path).await.ok()
    }

    /// The path of a page about the subscription.
    fn about(&self, session: &str, page: &str) -> String {
        format!("{session}/subscriptions/{}/{page}", self.subscription)
    }
}

async fn read(request: reqwest::RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let location = response.headers().get("location");
    Page {
        status: response.status().as_u16(),
        location: location.map_or_else(String::new, |it| it.to_str().unwrap().to_owned()),
        html: response.text().await.unwrap().replace("&#x2f;", "/"),
    }
}

fn card(number: &str) -> String {
    format!("cardNumber={number}&cardExpiry=12 / 40&cardCvc=123&billingName=Ada")
}

#[tokio::test]
async fn a_customer_sees_plan_card_and_invoices() {
    let portal = Portal::start("pm_card_visa", "").await;
    let session = portal.session("").await;
    let page = portal.get(&session).await;
    page.has(&[
        "Local stand-in for Stripe",
        "Starter",
        "$9.00 per month",
        "Renews on",
        "Visa •••• 4242",
        "ada@example.com",
        "http://shop.test/account",
        "Invoice history",
    ]);
    assert_eq!(portal.get("/p/session/test_none").await.status, 410);
}

#[tokio::test]
async fn a_customer_switches_after_seeing_what_it_costs() {
    let portal = Portal::start("pm_card_visa", "").await;
    let session = portal.session("").await;
    let plans = portal.get(&portal.about(&session, "plans")).await;
    plans.has(&["Current plan", "$29.00 per month"]);
    let confirm = portal.about(&session, "confirm");
    let choice = format!("price={}", portal.pro);
    let page = portal.get(&format!("{confirm}?{choice}")).await;
    page.has(&["Amount due today", "$20.00", "$29.00 on"]);
    assert_eq!(
        portal.current().await["latest_invoice"],
        portal.stripe.get("/v1/invoices").await.ok()["data"][0]["id"],
        "looking costs nothing"
    );
    let done = portal.post(&confirm, &choice).await;
    done.leads_to("?done=switched");
    let current = portal.current().await;
    assert_eq!(
        current["items"]["data"][0]["price"]["id"],
        portal.pro.as_str()
    );
    portal
        .get(&done.location)
        .await
        .has(&["Your subscription was updated.", "Pro"]);
    // The second of two submits.
    portal.post(&confirm, &choice).await.leads_to(&session);
    for price in ["price_none", &portal.pro] {
        let page = portal.get(&format!("{confirm}?price={price}")).await;
        assert_eq!(page.status, 404);
    }
}

#[tokio::test]
async fn a_switch_that_cannot_be_paid_changes_nothing() {
    let portal = Portal::start("pm_card_visa", "").await;
    let session = portal.session("").await;
    let path = format!("{session}/card");
    portal
        .post(&path, &card("4000000000000341"))
        .await
        .leads_to("?done=card");
    let confirm = portal.about(&session, "confirm");
    let choice = format!("price={}", portal.pro);
    let page = portal.post(&confirm, &choice).await;
    assert_eq!(page.status, 402);
    page.has(&["Your card was declined.", "Use another card"]);
    let current = portal.current().await;
    assert_eq!(
        (
            &current["status"],
            &current["items"]["data"][0]["price"]["id"]
        ),
        (&"active".into(), &portal.starter.as_str().into())
    );
}

#[tokio::test]
async fn a_customer_cancels_with_a_reason_and_changes_their_mind() {
    let reason = "features[subscription_cancel][cancellation_reason]";
    let portal = Portal::start(
        "pm_card_visa",
        &format!("&{reason}[enabled]=true&{reason}[options][]=unused"),
    )
    .await;
    let session = portal.session("").await;
    let cancel = portal.about(&session, "cancel");
    let page = portal.get(&cancel).await;
    page.has(&["I don’t use it enough", "stays as it is until"]);
    page.lacks("too expensive");
    portal
        .post(&cancel, "feedback=unused&comment=Too quiet")
        .await
        .leads_to("?done=ending");
    let current = portal.current().await;
    assert_eq!(
        current["cancel_at"],
        current["items"]["data"][0]["current_period_end"]
    );
    let details = &current["cancellation_details"];
    assert_eq!(
        (
            &details["feedback"],
            &details["comment"],
            &details["reason"]
        ),
        (
            &"unused".into(),
            &"Too quiet".into(),
            &"cancellation_requested".into()
        )
    );
    let page = portal.get(&session).await;
    page.has(&["Cancels on", "Don’t cancel"]);
    page.lacks("Update subscription");
    portal
        .post(&portal.about(&session, "keep"), "")
        .await
        .leads_to("?done=kept");
    let current = portal.current().await;
    assert!(current["cancel_at"].is_null());
    assert!(current["cancellation_details"]["feedback"].is_null());
}

#[tokio::test]
async fn canceling_at_once_ends_the_subscription() {
    let portal = Portal::start(
        "pm_card_visa",
        "&features[subscription_cancel][mode]=immediately",
    )
    .await;
    let session = portal.session("").await;
    let cancel = portal.about(&session, "cancel");
    portal.post(&cancel, "").await.leads_to("?done=canceled");
    assert_eq!(portal.current().await["status"], "canceled");
    portal
        .get(&session)
        .await
        .has(&["You have no subscription."]);
}

#[tokio::test]
async fn a_new_card_pays_once_the_bank_agrees() {
    let portal = Portal::start("pm_card_visa", "").await;
    let session = portal.session("").await;
    let path = format!("{session}/card");
    let default = async || {
        let path = format!(
            "/v1/customers/{}?expand[]=invoice_settings.default_payment_method",
            portal.customer
        );
        let customer = portal.stripe.get(&path).await.ok();
        customer["invoice_settings"]["default_payment_method"]["card"]["last4"].clone()
    };
    let page = portal.post(&path, "cardNumber=1").await;
    assert_eq!(page.status, 422);
    page.has(&["Your card number is incomplete.", "aria-invalid"]);
    let page = portal.post(&path, &card("4000000000000002")).await;
    assert_eq!(page.status, 402);
    page.has(&["Your card was declined."]);

    for (answer, end) in [("passed=false", "failed"), ("passed=true", "succeeded")] {
        let page = portal.post(&path, &card("4000002500003155")).await;
        assert!(page.location.starts_with("/authenticate/seti_"));
        let answered = portal.post(&page.location, answer).await;
        answered.leads_to(&format!("redirect_status={end}"));
        let back = answered.location.strip_prefix(&portal.stripe.url).unwrap();
        let page = portal.get(back).await;
        if end == "failed" {
            page.has(&["Your bank could not confirm"]);
            assert_eq!(default().await, "4242");
        } else {
            page.leads_to("?done=card");
            assert_eq!(default().await, "3155");
        }
    }
    portal
        .get(&session)
        .await
        .has(&["Paid with Visa •••• 3155"]);
}

#[tokio::test]
async fn a_customer_pays_what_failed_on_the_page_of_the_invoice() {
    let portal = Portal::start("pm_card_chargeCustomerFail", "").await;
    assert_eq!(portal.current().await["status"], "incomplete");
    let session = portal.session("").await;
    let invoice = format!(
        "/i/{}",
        portal.current().await["latest_invoice"].as_str().unwrap()
    );
    portal
        .get(&session)
        .await
        .has(&["$9.00 is due.", &format!("href=\"{invoice}\"")]);
    portal
        .get(&invoice)
        .await
        .has(&["Payment failed", "Pay $9.00"]);
    let page = portal.post(&invoice, "").await;
    assert_eq!(page.status, 402);
    page.has(&["Your card was declined."]);

    let pay = format!("{invoice}/card");
    let page = portal.post(&pay, &card("4000002760003184")).await;
    assert!(page.location.starts_with("/authenticate/pi_"));
    let answered = portal.post(&page.location, "passed=true").await;
    assert!(answered.location.contains(&invoice));
    portal.get(&invoice).await.has(&["Amount paid"]);
    assert_eq!(portal.current().await["status"], "active");
}

#[tokio::test]
async fn a_customer_changes_what_may_be_changed() {
    let portal = Portal::start("pm_card_visa", "").await;
    let path = format!("{}/details", portal.session("").await);
    portal.get(&path).await.lacks("name=\"phone\"");
    let page = portal.post(&path, "email=nowhere").await;
    assert_eq!(page.status, 422);
    let form = "email=ada@example.org&phone=123&name=Eve";
    portal.post(&path, form).await.leads_to("?done=details");
    let path = format!("/v1/customers/{}", portal.customer);
    let customer = portal.stripe.get(&path).await.ok();
    assert_eq!(
        (&customer["email"], &customer["name"], &customer["phone"]),
        (&"ada@example.org".into(), &"Ada".into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_flow_leads_to_its_step_and_then_where_it_was_told() {
    let portal = Portal::start("pm_card_visa", "").await;
    let item = id(&portal.current().await["items"]["data"][0]);
    let data = "&flow_data[subscription_update_confirm]";
    let form = format!(
        "&flow_data[type]=subscription_update_confirm{data}[subscription]={}{data}[items][0][id]={item}{data}[items][0][price]={}&flow_data[after_completion][type]=redirect&flow_data[after_completion][redirect][return_url]=http://shop.test/thanks",
        portal.subscription, portal.pro
    );
    let session = portal.session(&form).await;
    let step = portal.get(&session).await;
    assert_eq!(step.status, 303);
    let page = portal.get(&step.location).await;
    page.has(&["Confirm your updates"]);
    page.lacks("Go back");
    let confirm = portal.about(&session, "confirm");
    let choice = format!("price={}&quantity=1", portal.pro);
    for _ in 0..2 {
        let done = portal.post(&confirm, &choice).await;
        done.leads_to("http://shop.test/thanks");
    }
    assert_eq!(portal.get(&session).await.status, 200, "the flow is done");

    let session = portal
        .session("&flow_data[type]=payment_method_update&flow_data[after_completion][type]=hosted_confirmation&flow_data[after_completion][hosted_confirmation][custom_message]=All good")
        .await;
    let step = portal.get(&session).await;
    let done = portal.post(&step.location, &card("4242424242424242")).await;
    portal.get(&done.location).await.has(&["All good"]);
}

#[tokio::test]
async fn a_new_card_is_the_customers_and_not_yet_the_subscriptions_own() {
    let portal = Portal::start("pm_card_visa", "").await;
    let subscription = format!("/v1/subscriptions/{}", portal.subscription);
    let customer = format!("/v1/customers/{}", portal.customer);
    let stripe = &portal.stripe;
    let own =
        stripe.get(&customer).await.ok()["invoice_settings"]["default_payment_method"].clone();
    let form = format!("default_payment_method={}", own.as_str().unwrap());
    stripe.post(&subscription, &form).await.ok();
    // The customer's own time is ahead, as on the dashboard.
    stripe
        .handle
        .move_clock(&portal.customer, 86_400)
        .await
        .unwrap();

    let session = portal
        .session("&flow_data[type]=payment_method_update&flow_data[after_completion][type]=redirect&flow_data[after_completion][redirect][return_url]=http://shop.test/?pay")
        .await;
    let step = portal.get(&session).await;
    let done = portal.post(&step.location, &card("5555555555554444")).await;
    done.leads_to("http://shop.test/?pay");
    let new =
        stripe.get(&customer).await.ok()["invoice_settings"]["default_payment_method"].clone();
    assert_ne!(new, own);
    assert_eq!(portal.current().await["default_payment_method"], own);

    // On the portal's first page the subscription is given the new one.
    let session = portal.session("").await;
    portal
        .get(&session)
        .await
        .has(&["Paid with Visa •••• 4242", "Pay with •••• 4444"]);
    let pay = portal.about(&session, "card");
    portal.post(&pay, "").await.leads_to("?done=card");
    assert_eq!(portal.current().await["default_payment_method"], new);
    portal.get(&session).await.lacks("Pay with");
}

#[tokio::test]
async fn each_flow_works_for_a_customer_whose_clock_is_ahead() {
    let portal = Portal::start("pm_card_visa", "").await;
    let moved = portal
        .stripe
        .handle
        .move_clock(&portal.customer, 45 * 86_400);
    moved.await.unwrap();
    let about = |kind: &str| {
        format!(
            "&flow_data[type]={kind}&flow_data[{kind}][subscription]={}",
            portal.subscription
        )
    };
    let session = portal.session(&about("subscription_update")).await;
    let plans = portal.get(&portal.get(&session).await.location).await;
    plans.has(&["Continue with Pro"]);
    let choice = format!("price={}&quantity=1", portal.pro);
    let confirm = portal.about(&session, "confirm");
    portal
        .post(&confirm, &choice)
        .await
        .leads_to("?done=switched");
    let changed = portal.current().await;
    assert_eq!(
        changed["items"]["data"][0]["price"]["id"],
        portal.pro.as_str()
    );

    let session = portal.session(&about("subscription_cancel")).await;
    let step = portal.get(&session).await;
    portal
        .get(&step.location)
        .await
        .has(&["Cancel subscription"]);
    portal
        .post(&step.location, "")
        .await
        .leads_to("?done=ending");
    let ending = portal.current().await;
    assert_eq!(
        ending["cancel_at"],
        ending["items"]["data"][0]["current_period_end"]
    );
}
