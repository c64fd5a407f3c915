//! `/oauth2/userInfo`, and when an access token stops being good.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{EMAIL, Server, text};

#[tokio::test]
async fn it_says_whose_access_token_it_is() {
    let server = Server::start().await;
    let sub = server.add_user().await;
    let tokens = server.tokens(json!({})).await;

    let reply = server.user_info(&text(&tokens, "access_token")).await;

    assert_eq!(reply.status(), StatusCode::OK);
    let expected = json!({ "sub": sub, "email": EMAIL, "email_verified": "true", "username": sub });
    assert_eq!(reply.json::<Value>().await.unwrap(), expected);
}

#[tokio::test]
async fn any_other_token_is_refused() {
    let server = Server::start().await;
    server.add_user().await;
    let good = server.tokens(json!({})).await;
    let access = text(&good, "access_token");
    let (signed, signature) = access.rsplit_once('.').unwrap();
    let elsewhere = Server::start().await;
    elsewhere.add_user().await;

    for token in [
        String::new(),
        "made-up".to_owned(),
        text(&good, "id_token"),
        text(&good, "refresh_token"),
        format!("{signed}.{}", signature.chars().rev().collect::<String>()),
        text(&elsewhere.tokens(json!({})).await, "access_token"),
        text(
            &server.tokens(json!({ "scope": "tollgate/billing" })).await,
            "access_token",
        ),
        text(
            &server.tokens(json!({ "expires_in": -1 })).await,
            "access_token",
        ),
        text(
            &server.tokens(json!({ "expires_in": 0 })).await,
            "access_token",
        ),
    ] {
        let reply = server.user_info(&token).await;
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "{token}");
        assert!(
            reply.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .contains("invalid_token")
        );
    }
    let bare = server.get("/oauth2/userInfo").send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_access_token_dies_when_its_life_is_over() {
    let server =
        Server::start_with(|options| options.access_token_life = Duration::from_secs(2)).await;
    server.add_user().await;
    let tokens = server.tokens(json!({})).await;
    assert_eq!(tokens["expires_in"], 2);
    let access = text(&tokens, "access_token");
    assert_eq!(server.user_info(&access).await.status(), StatusCode::OK);

    let died = async {
        while server.user_info(&access).await.status() == StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), died)
        .await
        .expect("dies in time");
}
