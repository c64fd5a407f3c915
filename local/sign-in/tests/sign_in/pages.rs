//! The forms: their errors, and what protects them.

use reqwest::StatusCode;

use crate::browser::{Browser, code, query};
use crate::server::{EMAIL, PASSWORD, Server};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_email_look_the_same() {
    let server = Server::start().await;
    server.add_user().await;
    let browser = Browser::new(&server);
    let mut pages = Vec::new();
    for (email, password) in [(EMAIL, "Wrong horse 22"), ("bob@example.com", PASSWORD)] {
        let reply = browser.sign_in(email, password).await;
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
        let page = reply.text().await.unwrap();
        assert!(page.contains("Incorrect email or password."));
        assert!(!page.contains(password), "the password is not sent back");
        pages.push(page.replace(email, "EMAIL"));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn empty_fields_are_named() {
    let server = Server::start().await;
    let page = Browser::new(&server)
        .sign_in("", "")
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("Enter your email address.") && page.contains("Enter your password."));
    assert!(
        page.contains(r#"aria-describedby="email-problem""#)
            && page.contains(r#"id="email-problem""#)
    );
}

#[tokio::test]
async fn a_weak_password_is_refused_with_the_rules_it_breaks() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let reply = browser.sign_up(EMAIL, "onlylowercase").await;
    assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
    let page = reply.text().await.unwrap();
    assert_eq!(
        page.matches("not met").count(),
        2,
        "no upper-case letter, no digit"
    );
    assert_eq!(
        browser.sign_in(EMAIL, "onlylowercase").await.status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn an_email_can_sign_up_once() {
    let server = Server::start().await;
    server.add_user().await;
    let browser = Browser::new(&server);
    let reply = browser.sign_up("ADA@example.com", "Another horse 2").await;
    assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
    assert!(
        reply
            .text()
            .await
            .unwrap()
            .contains("An account with this email address exists.")
    );
    code(&browser.sign_in("ADA@example.com", PASSWORD).await);

    let page = browser
        .sign_up("no address", PASSWORD)
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("Enter an email address"));
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let server = Server::start().await;
    server.add_user().await;
    let browser = Browser::new(&server);
    let right = [("email", EMAIL), ("password", PASSWORD)];
    for path in ["/login", "/signup"] {
        let path = format!("{path}?{}", query(&[]));
        let cookieless = Browser::new(&server).post(&path, &right).await;
        assert_eq!(cookieless.status(), StatusCode::FORBIDDEN);
        browser.get(&path).await;
        assert_eq!(
            browser.post(&path, &right).await.status(),
            StatusCode::FORBIDDEN
        );
        let guessed = [("csrf", "guess"), right[0], right[1]];
        assert_eq!(
            browser.post(&path, &guessed).await.status(),
            StatusCode::FORBIDDEN
        );
    }
}

#[tokio::test]
async fn what_a_person_typed_or_a_link_carries_is_escaped() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let page = browser
        .sign_in("\"><script>alert(1)</script>", "x")
        .await
        .text()
        .await
        .unwrap();
    assert!(!page.contains("<script"));
    let link = format!("/login?{}&x=\"><script>", query(&[]));
    let page = browser.get(&link).await.text().await.unwrap();
    assert!(!page.contains("<script"));
}

#[tokio::test]
async fn the_policy_allows_nothing_inline_and_the_way_back_to_the_client() {
    let server = Server::start().await;
    let reply = Browser::new(&server)
        .get(&format!("/login?{}", query(&[])))
        .await;
    let policy = reply.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    assert!(
        policy.contains("form-action 'self' http://localhost:4000;"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = reply.text().await.unwrap();
    assert!(page.contains("Local stand-in for Cognito"));
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("<script"));
    for asset in ["/style.css", "/icon.svg"] {
        assert!(page.contains(asset));
        assert_eq!(
            server.get(asset).send().await.unwrap().status(),
            StatusCode::OK
        );
    }
}
