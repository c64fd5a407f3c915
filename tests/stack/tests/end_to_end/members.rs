//! Members' pages: files that only subscribers read, by signed cookies.

use anyhow::{Context, Result};
use reqwest::{Method, StatusCode};
use serde_json::json;
use stack_tests::{Membership, Stack, User, now};

use crate::page::{content_type, files};

const PAGE: &str = "/members/index.html";
const NAMES: [&str; 4] = [
    "CloudFront-Policy",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",
];

async fn subscriber(stack: &Stack) -> Result<User> {
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    Ok(ann)
}

/// That somebody with these cookies, or none, gets the page for who is no member, and nothing of any file of the members'.
async fn is_shut_out(
    stack: &Stack,
    path: &str,
    cookies: Option<&Membership>,
    who: &str,
) -> Result<()> {
    let answer = stack.visit(path, cookies).await?;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{who}: {path}");
    let page = stack.visit("/members-only.html", None).await?;
    assert_eq!(answer.text().await?, page.text().await?, "{who}: {path}");
    Ok(())
}

#[tokio::test]
async fn a_subscriber_reads_members_pages_and_nobody_else_does() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = subscriber(&stack).await?;
    let before = now();
    let answer = stack
        .post("/members/cookies", Some(&ann), json!({}))
        .await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let until = answer.body["expires_at"].as_i64().context("no end")?;
    assert!((before + 600..=now() + 600).contains(&until), "{until}");
    assert_eq!(answer.body["expires_in"], 600);
    let cookies = Membership::set_by(&answer)?;
    let names: Vec<&str> = cookies.cookies().iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, NAMES);
    for (name, _, rest) in cookies.cookies() {
        let expected = "Path=/members; Max-Age=600; HttpOnly; Secure; SameSite=Lax";
        assert_eq!(rest, expected, "{name}");
    }
    let (resource, signed_until) = cookies.policy()?;
    assert!(resource.ends_with("/members/*"), "{resource}");
    assert_eq!(signed_until, until);

    for (path, file) in files(true)? {
        let answer = stack.visit(&path, Some(&cookies)).await?;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], content_type(&path));
        assert!(answer.headers().contains_key("content-security-policy"));
        assert_eq!(answer.bytes().await?, std::fs::read(&file)?, "{path}");
        is_shut_out(&stack, &path, None, "nobody").await?;
    }
    let nothing = stack.visit("/members/nothing.html", Some(&cookies)).await?;
    assert_eq!(nothing.status(), 404);
    is_shut_out(&stack, "/members/nothing.html", None, "nobody").await?;

    let bob = stack.sign_up("bob").await?;
    let refused = stack
        .post("/members/cookies", Some(&bob), json!({}))
        .await?;
    assert_eq!((refused.status, refused.code()), (402, "not_subscribed"));
    assert_eq!(refused.body["reason"], "no_subscription");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(Membership::set_by(&refused)?.cookies().is_empty());
    Ok(())
}

#[tokio::test]
async fn no_way_of_writing_an_address_leads_round_the_cookies() -> Result<()> {
    let stack = Stack::start().await?;
    let page = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../static/members/index.html"
    ))?;
    for path in [
        "/members%2Findex.html",
        "/members%2findex.html",
        "/%6Dembers/index.html",
        "/%6dembers%2Findex.html",
        "/Members/index.html",
        "/MEMBERS/index.html",
        "//members/index.html",
        "/members//index.html",
        "/js/%2E%2E/members/index.html",
        "/members/?Policy=a&Signature=b&Key-Pair-Id=c",
    ] {
        let answer = stack.visit(path, None).await?;
        assert!(answer.status().is_client_error(), "{path}: {answer:?}");
        assert_ne!(answer.text().await?, page, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cookie_that_is_changed_or_missing_opens_nothing() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = subscriber(&stack).await?;
    let cookies = stack.membership(&ann).await?;
    assert_eq!(stack.visit(PAGE, Some(&cookies)).await?.status(), 200);
    for name in NAMES {
        is_shut_out(&stack, PAGE, Some(&cookies.without(name)), name).await?;
        let value = cookies.value(name)?;
        // Not the end: its bits may be padding.
        let (first, rest) = value.split_at(10.min(value.len() - 1));
        let other = if rest.starts_with('A') { "B" } else { "A" };
        let changed = cookies.with(name, &format!("{first}{other}{}", &rest[1..]));
        is_shut_out(&stack, PAGE, Some(&changed), name).await?;
        is_shut_out(&stack, PAGE, Some(&cookies.with(name, "")), name).await?;
    }
    // What another one signed, with the id of this one.
    let (resource, until) = cookies.policy()?;
    let forger = signed_cookies::SigningKey::generate().context("no key")?;
    let forger = signed_cookies::SigningKey::parse(&forger).context("no key")?;
    let id = cookies.value("CloudFront-Key-Pair-Id")?;
    let forged = forger.cookies(id, &resource, until).context("no cookies")?;
    let forged = forged
        .iter()
        .fold(cookies.clone(), |all, (name, value)| all.with(name, value));
    assert_ne!(forged, cookies);
    is_shut_out(&stack, PAGE, Some(&forged), "a forger").await?;
    Ok(())
}

#[tokio::test]
async fn who_signs_out_takes_the_cookies_along_with_or_without_a_token() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    for user in [None, Some(&ann), Some(&ann.with_token("not.a.token"))] {
        let answer = stack
            .call(Method::DELETE, "/members/cookies", user, None)
            .await?;
        assert_eq!(answer.status, 204, "{answer:?}");
        let cleared = Membership::set_by(&answer)?;
        let names: Vec<&str> = cleared.cookies().iter().map(|it| it.0.as_str()).collect();
        assert_eq!(names, NAMES);
        for (name, value, rest) in cleared.cookies() {
            assert_eq!(value, "", "{name}");
            // The same place, or the browser would take it for another one's.
            let expected = "Path=/members; Max-Age=0; HttpOnly; Secure; SameSite=Lax";
            assert_eq!(rest, expected, "{name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_is_not_signed_in_or_is_deleted_or_asks_for_something_else_gets_none() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = subscriber(&stack).await?;
    for (user, expected) in [
        (None, 401),
        (Some(ann.with_token("not.a.token")), 401),
        (Some(ann.with_token(&ann.id_token)), 403),
    ] {
        let answer = stack
            .post("/members/cookies", user.as_ref(), json!({}))
            .await?;
        assert_eq!(answer.status, expected, "{answer:?}");
        assert!(Membership::set_by(&answer)?.cookies().is_empty());
    }
    let wish = json!({ "expires_in": 31_536_000 });
    let answer = stack.post("/members/cookies", Some(&ann), wish).await?;
    assert_eq!((answer.status, answer.code()), (400, "invalid_request"));

    let deleted = stack
        .call(Method::DELETE, "/account", Some(&ann), None)
        .await?;
    assert_eq!(deleted.status, 202, "{deleted:?}");
    let answer = stack
        .post("/members/cookies", Some(&ann), json!({}))
        .await?;
    assert_eq!((answer.status, answer.code()), (410, "account_deleted"));
    assert!(Membership::set_by(&answer)?.cookies().is_empty());
    Ok(())
}
