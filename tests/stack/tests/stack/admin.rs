//! What administrators see and do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Answer, Event, LocalStack, STRIPE_SECRET, User, eventually, function};

use crate::changes::Subscriber;

/// A request by an administrator, as API Gateway hands it over.
pub(crate) fn by_an_admin(method: &str, path: &str) -> Event {
    let claims = json!({ "sub": "admin-1", "token_use": "access", "cognito:groups": "[admins]" });
    Event::new(method, path).claims(claims)
}

/// An administrator at a stack.
struct Admin<'a> {
    stack: &'a LocalStack,
    user: User,
}

impl<'a> Admin<'a> {
    async fn at(stack: &'a LocalStack) -> Result<Self> {
        let user = stack.admin().await?;
        Ok(Self { stack, user })
    }

    async fn get(&self, path: &str) -> Result<Answer> {
        let path = format!("/admin/users{path}");
        self.stack.get(&path, Some(&self.user)).await
    }

    /// What a success says.
    async fn told(&self, path: &str) -> Result<Value> {
        let answer = self.get(path).await?;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        Ok(answer.body)
    }

    async fn reread(&self, user: &str) -> Result<Answer> {
        let path = format!("/admin/users/{user}/sync");
        self.stack.post(&path, Some(&self.user), json!({})).await
    }

    /// The users whom a query finds.
    async fn find(&self, query: &str) -> Result<Vec<Value>> {
        let mut url = reqwest::Url::parse("http://localhost/")?;
        url.query_pairs_mut().append_pair("query", query);
        let path = format!("?{}", url.query().unwrap_or_default());
        let told = self.told(&path).await?;
        assert_eq!(told["next"], Value::Null);
        Ok(told["users"].as_array().context("no users")?.clone())
    }

    /// The users of all pages of the list.
    async fn pages(&self) -> Result<Vec<Vec<String>>> {
        let (mut pages, mut after) = (Vec::new(), String::new());
        loop {
            let (users, next) = self.page(&after).await?;
            pages.push(users);
            match next {
                Some(next) => after = next,
                None => return Ok(pages),
            }
        }
    }

    /// The page of the list that begins here, and where the next one does.
    async fn page(&self, after: &str) -> Result<(Vec<String>, Option<String>)> {
        let query = if after.is_empty() { "" } else { "?after=" };
        let told = self.told(&format!("{query}{after}")).await?;
        let users = told["users"].as_array().context("no users")?;
        let users = users.iter().map(|it| text(&it["user"]).to_owned());
        Ok((users.collect(), told["next"].as_str().map(str::to_owned)))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

#[tokio::test]
async fn only_who_is_in_the_very_group_gets_in_and_only_while_they_are_here() -> Result<()> {
    let ann = Subscriber::start().await?;
    let stack = &ann.stack;
    let bob = stack.sign_up("bob").await?;
    let sub = &ann.user.sub;
    let routes = [
        (Method::GET, "/admin/users".to_owned()),
        (Method::GET, format!("/admin/users?query={sub}")),
        (Method::GET, format!("/admin/users/{sub}")),
        (Method::GET, format!("/admin/users/{sub}/events")),
        (Method::POST, format!("/admin/users/{sub}/sync")),
        (Method::GET, "/admin/users/a%20b".to_owned()),
    ];
    let refusals = async |user: &User| -> Result<BTreeSet<(u16, String)>> {
        let mut refusals = BTreeSet::new();
        for (method, path) in routes.clone() {
            let answer = stack.call(method, &path, Some(user), None).await?;
            assert!(!answer.body.to_string().contains(&ann.customer));
            refusals.insert((answer.status, answer.code().to_owned()));
        }
        Ok(refusals)
    };
    let not_an_admin = BTreeSet::from([(403, "not_an_admin".to_owned())]);
    for groups in [
        &[][..],
        &["not-admins"],
        &["admins2"],
        &["Admins"],
        &["admin", "s"],
        &["[admins]"],
        &["x,admins", "admins,x"],
    ] {
        let bob = stack.in_groups(&bob, groups).await?;
        assert_eq!(refusals(&bob).await?, not_an_admin, "{groups:?}");
    }
    let admin = stack.in_groups(&bob, &["a", "admins", "z"]).await?;
    for (method, path) in &routes[..5] {
        let answer = stack.call(method.clone(), path, Some(&admin), None).await?;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
    }
    // Whoever is deleted, or is being, keeps a token for an hour.
    let left = stack
        .call(Method::DELETE, "/account", Some(&admin), None)
        .await?;
    assert_eq!(left.status, 202);
    let gone = BTreeSet::from([(410, "account_deleted".to_owned())]);
    assert_eq!(refusals(&admin).await?, gone);
    Ok(())
}

#[tokio::test]
async fn a_customer_is_found_by_email_user_customer_and_subscription() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let other = ann.sign_up("other").await?;
    ann.subscribe(&other, "starter-monthly").await?;
    let listed = admin.told("").await?;
    let row = listed["users"].as_array().context("no users")?;
    let row = row.iter().find(|it| it["user"] == ann.user.sub.as_str());
    let row = row.context("ann is not listed")?.clone();
    assert_eq!(row["customer"], ann.customer.as_str());
    assert_eq!(row["access"]["granted"], true);
    assert_eq!(row["access"]["line"], "paid");
    assert_eq!(row["plan"]["key"], "starter-monthly");
    assert_eq!(row["plan"]["amount"], 900);
    assert!(row["listed_at"].is_i64(), "{row}");
    let upper = ann.user.email.to_uppercase();
    let spaced = format!(" {} ", ann.subscription);
    for query in [
        &ann.user.email,
        &upper,
        &ann.user.sub,
        &ann.customer,
        &ann.subscription,
        &spaced,
    ] {
        assert_eq!(
            admin.find(query).await?,
            std::slice::from_ref(&row),
            "{query}"
        );
    }
    assert!(!listed.to_string().contains('@'), "an email in {listed}");
    Ok(())
}

#[tokio::test]
async fn what_is_nobodys_or_not_understood_finds_nobody() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let email = &ann.user.email;
    for query in [
        "cus_nothing",
        "sub_nothing",
        "nobody",
        "nobody@example.com",
        // Nobody gets out of the quotation marks.
        "\" or email ^= \"@",
        &format!("x@example.com\" or email = \"{email}"),
        &format!("{email}\\"),
        "\\\"@\\",
        "%@%",
        &format!("{}%", &email[..email.len() - 1]),
    ] {
        assert_eq!(admin.find(query).await?, Vec::<Value>::new(), "{query}");
    }
    let long = format!("{}@example.com", "a".repeat(250));
    for query in [
        "",
        "%20",
        "a%20b",
        "cus_",
        "cus_a%23b",
        "sub_%2F..",
        "a%40%0Ab",
        &long,
    ] {
        let answer = admin.get(&format!("?query={query}")).await?;
        assert_eq!(refusal(&answer), (400, "invalid_request"), "{query}");
    }
    for after in ["x", "1", "1.", ".ann", "1.a%20b", "1.a%23b", "nan.ann"] {
        let answer = admin.get(&format!("?after={after}")).await?;
        assert_eq!(refusal(&answer), (400, "invalid_request"), "{after}");
        let path = format!("/{}/events?after={after}", ann.user.sub);
        let answer = admin.get(&path).await?;
        assert_eq!(refusal(&answer), (400, "invalid_request"), "{path}");
    }
    for user in ["nobody", "a%20b", &"a".repeat(201)] {
        for path in [format!("/{user}"), format!("/{user}/events")] {
            let answer = admin.get(&path).await?;
            assert_eq!(refusal(&answer), (404, "unknown_user"), "{path}");
        }
        let answer = admin.reread(user).await?;
        assert_eq!(refusal(&answer), (404, "unknown_user"), "{user}");
    }
    let path = format!("/admin/users/{}/sync", ann.user.sub);
    let order = json!({ "customer": "cus_1" });
    let answer = ann.post(&path, Some(&admin.user), order).await?;
    assert_eq!(refusal(&answer), (400, "invalid_request"));
    Ok(())
}

#[tokio::test]
async fn another_applications_or_modes_customer_is_nobodys_whoever_they_name() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let price = ann
        .stripe_id("/prices?lookup_keys[]=starter-monthly")
        .await?;
    let bob = ann.sign_up("bob").await?;
    for (app, mode, expected) in [
        ("other", "test", None),
        ("tollgate", "live", None),
        // Ours, and not mapped: its event is held back.
        ("tollgate", "test", Some(bob.sub.as_str())),
    ] {
        ann.pause_webhooks(true).await?;
        let made = [
            ("metadata[app]", app),
            ("metadata[mode]", mode),
            ("metadata[user_id]", bob.sub.as_str()),
            ("payment_method", "pm_card_visa"),
            ("invoice_settings[default_payment_method]", "pm_card_visa"),
        ];
        let customer = ann.stripe(Method::POST, "/customers", &made).await?;
        let customer = text(&customer["id"]);
        let bought = [("customer", customer), ("items[0][price]", &price)];
        let bought = ann.stripe(Method::POST, "/subscriptions", &bought).await?;
        for query in [customer, text(&bought["id"])] {
            let found = admin.find(query).await?;
            let found: Vec<&str> = found.iter().map(|it| text(&it["user"])).collect();
            assert_eq!(found, Vec::from_iter(expected), "{app} {mode} {query}");
        }
    }
    // To look is not to change.
    let seen = admin.told(&format!("/{}", bob.sub)).await?;
    assert_eq!(seen["customer"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn who_never_bought_anything_is_found_and_has_no_customer_yet() -> Result<()> {
    let stack = LocalStack::start().await?;
    let admin = Admin::at(&stack).await?;
    let bob = stack.sign_up_as("bob+x@example.com").await?;
    for query in [&bob.email, &bob.sub] {
        let found = admin.find(query).await?;
        let [row] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(row["user"], bob.sub.as_str());
        assert_eq!(
            (&row["customer"], &row["plan"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(row["access"]["line"], "no_subscription");
    }
    let seen = admin.told(&format!("/{}", bob.sub)).await?;
    let expected = json!({
        "user": bob.sub,
        "sign_in": { "state": "known", "email": bob.email },
        "deleting": null,
        "deleted_at": null,
        "customer": null,
        "decision": {
            "granted": false, "until": null, "reason": "no_subscription", "line": "no_subscription",
            "sentence": "There never was a subscription.", "subscription": null, "features": []
        },
        "policy": { "slack_seconds": 86_400, "grace_seconds": 604_800 },
        "subscriptions": [],
        "charges": [],
        "trial_used": false,
        "synced_at": null,
        "listed_at": null,
    });
    assert_eq!(seen, expected);
    let events = admin.told(&format!("/{}/events", bob.sub)).await?;
    assert_eq!(events, json!({ "events": [], "next": null }));
    let answer = admin.reread(&bob.sub).await?;
    assert_eq!(refusal(&answer), (409, "no_customer"));
    assert_eq!(admin.pages().await?, [Vec::<String>::new()]);
    Ok(())
}

#[tokio::test]
async fn an_administrator_sees_the_line_that_decides_and_what_it_rests_on() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let path = format!("/{}", ann.user.sub);
    let seen = admin.told(&path).await?;
    assert_eq!(seen["sign_in"]["email"], ann.user.email.as_str());
    let stripe = &ann.addresses.stripe;
    let link = |kind: &str, id: &str| format!("{stripe}/{kind}/{id}");
    let customer = link("customers", &ann.customer);
    assert_eq!(
        seen["customer"],
        json!({ "id": ann.customer, "url": customer })
    );
    let subscription = &seen["subscriptions"][0];
    assert_eq!(subscription["id"], ann.subscription.as_str());
    assert_eq!(
        text(&subscription["url"]),
        link("subscriptions", &ann.subscription)
    );
    for url in [&seen["customer"]["url"], &subscription["url"]] {
        let page = reqwest::get(text(url)).await?;
        assert_eq!(page.status(), 200, "{url}");
    }
    let own = ann.get("/subscription", Some(&ann.user)).await?.body;
    let item = &subscription["items"][0];
    let end = item["period_end"].as_i64().context("no end")?;
    let decision = json!({
        "granted": true, "until": end + 86_400, "reason": "active", "line": "paid",
        "sentence": "Active, and the latest invoice is paid, or the merchant took it back.",
        "subscription": ann.subscription, "features": own["access"]["features"],
    });
    assert_eq!(seen["decision"], decision);
    assert_eq!(subscription["decision"], decision);
    for part in ["granted", "until", "reason"] {
        assert_eq!(
            own["access"][part], decision[part],
            "the user reads another"
        );
    }
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["latest_invoice"]["status"], "paid");
    assert_eq!(
        (&item["name"], &item["amount"]),
        (&json!("Starter"), &json!(900))
    );
    assert_eq!(seen["synced_at"], own["synced_at"]);

    // The money goes back: the decision is by another line, and the charge says why.
    let charges = format!("/charges?customer={}", ann.customer);
    let charge = ann.stripe_id(&charges).await?;
    let refund = [("charge", charge.as_str())];
    ann.stripe(Method::POST, "/refunds", &refund).await?;
    ann.until(&ann.user, "refunded").await;
    let seen = admin.told(&path).await?;
    assert_eq!(seen["decision"]["line"], "charge_refunded");
    assert_eq!(seen["decision"]["granted"], false);
    assert_eq!(seen["charges"][0]["id"], charge.as_str());
    assert_eq!(seen["charges"][0]["amount_refunded"], 900);
    assert_eq!(
        admin.find(&ann.customer).await?[0]["access"]["line"],
        "charge_refunded"
    );
    Ok(())
}

#[tokio::test]
async fn each_of_several_subscriptions_names_its_own_line() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let price = ann.stripe_id("/prices?lookup_keys[]=pro-monthly").await?;
    let path = format!("/subscriptions/{}", ann.subscription);
    let first = ann.stripe(Method::GET, &path, &[]).await?;
    let second = [
        ("customer", ann.customer.as_str()),
        ("items[0][price]", &price),
        (
            "default_payment_method",
            text(&first["default_payment_method"]),
        ),
        ("cancel_at_period_end", "true"),
    ];
    let second = ann.stripe(Method::POST, "/subscriptions", &second).await?;
    let second = text(&second["id"]);
    let seen = eventually("both are known", async || {
        let seen = admin.told(&format!("/{}", ann.user.sub)).await.ok()?;
        let both = seen["subscriptions"].as_array()?.len() == 2;
        both.then_some(seen)
    })
    .await;
    assert_eq!(seen["decision"]["subscription"], ann.subscription.as_str());
    let lines = seen["subscriptions"].as_array().context("none")?.iter();
    let lines: BTreeSet<(&str, &str)> = lines
        .map(|it| (text(&it["id"]), text(&it["decision"]["line"])))
        .collect();
    let expected = [(ann.subscription.as_str(), "paid"), (second, "paid_ending")];
    assert_eq!(lines, expected.into());
    Ok(())
}

#[tokio::test]
async fn reading_anew_brings_what_no_event_has_told() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let path = format!("/{}", ann.user.sub);
    ann.delivered().await;
    ann.pause_webhooks(true).await?;
    let ended = format!("/subscriptions/{}", ann.subscription);
    ann.stripe(Method::DELETE, &ended, &[]).await?;
    assert_eq!(admin.told(&path).await?["decision"]["line"], "paid");
    // However often: no wait of three seconds.
    for _ in 0..2 {
        let answer = admin.reread(&ann.user.sub).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["decision"]["line"], "canceled");
        assert_eq!(admin.told(&path).await?, answer.body);
    }
    let own = ann.get("/subscription", Some(&ann.user)).await?;
    assert_eq!(own.body["access"]["reason"], "canceled");

    let down = json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "error", "status": 500, "times": 99 });
    ann.fault(down).await?;
    let answer = admin.reread(&ann.user.sub).await?;
    assert_eq!(refusal(&answer), (503, "stripe_unavailable"));
    ann.heal().await?;

    // A customer who is deleted in Stripe is forgotten, and the answer says so.
    let customer = format!("/customers/{}", ann.customer);
    ann.stripe(Method::DELETE, &customer, &[]).await?;
    let answer = admin.reread(&ann.user.sub).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["customer"], Value::Null);
    assert_eq!(answer.body["decision"]["line"], "no_subscription");
    assert_eq!(admin.pages().await?, [Vec::<String>::new()]);
    Ok(())
}

#[tokio::test]
async fn the_events_are_told_with_what_each_did_and_in_pages() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    ann.delivered().await;
    let path = format!("/{}/events", ann.user.sub);
    let told = admin.told(&path).await?;
    let events = told["events"].as_array().context("no events")?;
    let seen: Vec<(String, String)> = events
        .iter()
        .map(|it| {
            (
                text(&it["type"]).to_owned(),
                text(&it["outcome"]).to_owned(),
            )
        })
        .collect();
    let mut expected = ann.audit_trail(&ann.customer).await?;
    expected.reverse();
    assert_eq!(seen, expected);
    assert!(seen.contains(&("invoice.paid".to_owned(), "synced".to_owned())));
    let page = reqwest::get(text(&events[0]["url"])).await?;
    assert_eq!(page.status(), 200);

    for number in 0..60 {
        let id = format!("evt_{number:03}");
        let entry = json!({
            "pk": { "S": format!("test#customer#{}", ann.customer) },
            "sk": { "S": format!("event#{:010}#{id}", 1_000 + number / 2) },
            "type": { "S": "invoice.paid" }, "outcome": { "S": "synced" }, "received_at": { "N": "1005" }
        });
        ann.put_item(&entry).await?;
    }
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.told(&format!("{path}{after}")).await?;
        let events = page["events"].as_array().context("no events")?;
        assert!((1..=25).contains(&events.len()), "{}", events.len());
        all.extend(events.iter().map(|it| text(&it["id"]).to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("?after={next}"),
            None => break,
        }
    }
    assert_eq!(all.len(), expected.len() + 60);
    let added: Vec<String> = (0..60).rev().map(|it| format!("evt_{it:03}")).collect();
    assert_eq!(all[expected.len()..], added);
    Ok(())
}

/// Somebody who has a customer, straight in the table.
async fn list(stack: &LocalStack, user: &str, listed_at: i64) -> Result<()> {
    let item = json!({
        "pk": { "S": format!("test#user#{user}") }, "sk": { "S": "customer" },
        "customer": { "S": format!("cus_{user}") },
        "listed": { "S": "test#customers" }, "listed_at": { "N": listed_at.to_string() }
    });
    stack.put_item(&item).await
}

#[tokio::test]
async fn the_list_goes_on_page_by_page_while_customers_come_and_go() -> Result<()> {
    let stack = LocalStack::start().await?;
    let admin = Admin::at(&stack).await?;
    let name = |number: i64| format!("user{number:02}");
    for number in 0..60 {
        // Each time twice.
        list(&stack, &name(number), 1_000 + number / 2).await?;
    }
    let pages = admin.pages().await?;
    let lengths: Vec<usize> = pages.iter().map(Vec::len).collect();
    assert_eq!(lengths, [25, 25, 10]);
    let all: BTreeSet<&String> = pages.iter().flatten().collect();
    assert_eq!(all.len(), 60, "somebody is there twice");

    // While somebody looks at the first page: who stood last on it goes, one on the next page does, and another one comes.
    let (first, next) = admin.page("").await?;
    assert_eq!(first, pages[0]);
    let gone = |user: &str| json!({ "pk": { "S": format!("test#user#{user}") }, "sk": { "S": "customer" }, "generation": { "N": "1" } });
    stack.put_item(&gone(&first[24])).await?;
    stack.put_item(&gone(&pages[1][3])).await?;
    list(&stack, "newcomer", 9_000).await?;
    let (second, next) = admin.page(&next.context("no more")?).await?;
    let mut expected = pages[1].clone();
    expected.remove(3);
    expected.push(pages[2][0].clone());
    assert_eq!(second, expected);
    let (third, next) = admin.page(&next.context("no more")?).await?;
    assert_eq!((third, next), (pages[2][1..].to_vec(), None));
    assert_eq!(admin.page("").await?.0[0], "newcomer");

    // An item that is not understood takes nobody with it.
    let broken = json!({
        "pk": { "S": "test#user#broken" }, "sk": { "S": "customer" }, "customer": { "S": "cus_broken" }, "snapshot": { "S": "{" },
        "listed": { "S": "test#customers" }, "listed_at": { "N": "9001" }
    });
    stack.put_item(&broken).await?;
    let told = admin.told("").await?;
    assert_eq!(told["users"][0]["user"], "broken");
    assert_eq!(told["users"][0]["access"], Value::Null);
    assert_eq!(told["users"][1]["access"]["line"], "no_subscription");
    assert_eq!(
        refusal(&admin.get("/broken").await?),
        (500, "internal_error")
    );
    Ok(())
}

#[tokio::test]
async fn a_deleted_user_is_told_to_be_and_is_in_the_list_no_more() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let path = format!("/{}", ann.user.sub);
    let left = ann
        .call(Method::DELETE, "/account", Some(&ann.user), None)
        .await?;
    assert_eq!(left.status, 202);
    let seen = eventually("the account is deleted", async || {
        let seen = admin.told(&path).await.ok()?;
        (!seen["deleted_at"].is_null()).then_some(seen)
    })
    .await;
    assert!(seen["deleting"].is_i64(), "{seen}");
    assert_eq!(
        seen["sign_in"],
        json!({ "state": "unknown", "email": null })
    );
    assert_eq!(seen["customer"], Value::Null);
    assert_eq!(seen["decision"]["line"], "no_subscription");
    assert_eq!(admin.pages().await?, [Vec::<String>::new()]);
    for query in [&ann.user.email, &ann.customer, &ann.subscription] {
        assert_eq!(admin.find(query).await?, Vec::<Value>::new(), "{query}");
    }
    let found = admin.find(&ann.user.sub).await?;
    assert_eq!(found[0]["deleting"], true, "{found:?}");
    Ok(())
}

/// The function by itself: the table and Stripe are a stack's, and the sign-in is not there.
fn beside(
    stack: &LocalStack,
    logs: impl Fn(&str) + Send + Sync + 'static,
) -> Result<local_stack::lambda::Function> {
    function("admin", |around| {
        for (name, value) in [
            ("TABLE_NAME", local_stack::names::physical("Table")),
            ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb.clone()),
            ("STRIPE_API_BASE", stack.addresses.stripe.clone()),
        ] {
            around.env.insert(name.to_owned(), value);
        }
        let key = json!({ "secret_key": "sk_test_local" });
        around.secrets.set(STRIPE_SECRET, &key.to_string());
        around.logs = Arc::new(move |_, line| logs(line));
    })
}

#[tokio::test]
async fn while_the_sign_in_is_down_the_decision_is_shown_all_the_same() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = beside(&ann, |_| {})?;
    let ask = async |event: Event| -> Result<(i64, Value)> {
        let reply = admin.invoke(event.into_payload()).await?;
        let status = reply["statusCode"].as_i64().context("no status")?;
        Ok((status, serde_json::from_str(text(&reply["body"]))?))
    };
    let path = format!("/api/admin/users/{}", ann.user.sub);
    let (status, seen) = ask(by_an_admin("GET", &path)).await?;
    assert_eq!((status, &seen["decision"]["line"]), (200, &json!("paid")));
    assert_eq!(seen["sign_in"], json!({ "state": "silent", "email": null }));
    for event in [
        by_an_admin("GET", "/api/admin/users").query("query", "ann%40example.com"),
        by_an_admin("GET", "/api/admin/users/who-knows"),
    ] {
        let (status, body) = ask(event).await?;
        let told = (status, &body["code"]);
        assert_eq!(told, (503, &json!("sign_in_unavailable")), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn each_action_is_logged_with_who_did_it_also_a_refused_one() -> Result<()> {
    let ann = Subscriber::start().await?;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let admin = beside(&ann, move |line| {
        written.lock().unwrap().push(line.to_owned());
    })?;
    let user = &ann.user.sub;
    let path = |rest: &str| format!("/api/admin/users{rest}");
    let of = |rest: &str| path(&format!("/{user}{rest}"));
    let outsider = json!({ "sub": "bob", "token_use": "access", "cognito:groups": "[not-admins]" });
    let refused = Event::new("POST", &of("/sync")).claims(outsider);
    let by_email = ann.user.email.replace('@', "%40");
    for event in [
        by_an_admin("GET", &path("")),
        by_an_admin("GET", &path("")).query("query", &ann.customer),
        by_an_admin("GET", &path("")).query("query", &by_email),
        by_an_admin("GET", &of("")),
        by_an_admin("GET", &of("/events")),
        by_an_admin("POST", &of("/sync")),
        refused,
    ] {
        admin.invoke(event.into_payload()).await?;
    }
    let read = eventually("all is logged", async || {
        let lines = lines.lock().unwrap().clone();
        let read = |line: &String| serde_json::from_str::<Value>(line).ok();
        let read: Vec<Value> = lines.iter().filter_map(read).collect();
        let requests = read.iter().filter(|it| it["message"] == "request");
        (requests.count() == 7).then_some(read)
    })
    .await;
    let is_action = |it: &&Value| text(&it["message"]).starts_with("admin action");
    let actions: Vec<[&str; 5]> = read
        .iter()
        .filter(is_action)
        .map(|it| ["level", "admin.id", "user.id", "action", "code"].map(|name| text(&it[name])))
        .collect();
    assert_eq!(
        actions,
        [
            ["INFO", "admin-1", "", "list", ""],
            ["INFO", "admin-1", "", "search", ""],
            ["INFO", "admin-1", "", "search", ""],
            ["INFO", "admin-1", user, "read", ""],
            ["INFO", "admin-1", user, "read_events", ""],
            ["INFO", "admin-1", user, "sync", ""],
            ["WARN", "bob", user, "sync", "not_an_admin"],
        ]
    );
    let requests: Vec<(&str, u64)> = read
        .iter()
        .filter(|it| it["message"] == "request")
        .map(|it| {
            let about = text(&it["span"]["user.id"]);
            (about, it["status"].as_u64().unwrap_or_default())
        })
        .collect();
    // The sign-in is not there, so nobody is found by an email.
    let expected = [
        ("", 200),
        (user, 200),
        ("", 503),
        (user, 200),
        (user, 200),
        (user, 200),
        (user, 403),
    ];
    assert_eq!(requests, expected);
    let counted = read.iter().filter(|it| it["_aws"].is_object());
    assert!(counted.clone().any(|it| it["Outcome"] == "not_an_admin"));
    assert_eq!(counted.count(), 7);
    let all = json!(read).to_string();
    for secret in [ann.user.email.as_str(), &by_email, "sk_test_local"] {
        assert!(!all.contains(secret), "it logs {secret}");
    }
    Ok(())
}
