//! Rotation, reuse and revocation.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{CLIENT, OTHER_CLIENT, Server, text};

fn refused() -> (StatusCode, Value) {
    (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }))
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_of_the_same_sign_in() {
    let server = Server::start().await;
    server.add_user().await;
    let first = server.tokens(json!({})).await;

    let (status, second) = server.refresh(&text(&first, "refresh_token")).await;

    assert_eq!(status, StatusCode::OK);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let before = server.claims(&text(&first, "access_token")).await;
    let after = server.claims(&text(&second, "access_token")).await;
    for claim in ["sub", "origin_jti", "auth_time", "scope"] {
        assert_eq!(before[claim], after[claim], "{claim}");
    }
    assert_ne!(before["jti"], after["jti"]);
    assert!(
        server
            .claims(&text(&second, "id_token"))
            .await
            .get("nonce")
            .is_none()
    );
    assert_eq!(
        server.refresh(&text(&second, "refresh_token")).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_refresh_token_used_twice_kills_the_chain() {
    let server = Server::start().await;
    server.add_user().await;
    let first = server.tokens(json!({})).await;
    let (_, second) = server.refresh(&text(&first, "refresh_token")).await;

    assert_eq!(
        server.refresh(&text(&first, "refresh_token")).await,
        refused()
    );

    assert_eq!(
        server.refresh(&text(&second, "refresh_token")).await,
        refused()
    );
    assert_eq!(
        server
            .user_info(&text(&second, "access_token"))
            .await
            .status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn within_the_grace_a_used_refresh_token_may_be_tried_again() {
    let server =
        Server::start_with(|options| options.refresh_grace = Duration::from_secs(60)).await;
    server.add_user().await;
    let first = server.tokens(json!({})).await;
    server.refresh(&text(&first, "refresh_token")).await;

    let (status, retried) = server.refresh(&text(&first, "refresh_token")).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        server.refresh(&text(&retried, "refresh_token")).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn another_clients_refresh_token_is_refused_and_left_alone() {
    let server = Server::start().await;
    server.add_user().await;
    let token = text(
        &server.tokens(json!({ "client_id": OTHER_CLIENT })).await,
        "refresh_token",
    );

    assert_eq!(server.refresh(&token).await, refused());

    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", OTHER_CLIENT),
        ("refresh_token", token.as_str()),
    ];
    assert_eq!(server.token(&form).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_chain_ends_with_its_life() {
    let server = Server::start_with(|options| options.refresh_token_life = Duration::ZERO).await;
    server.add_user().await;
    let tokens = server.tokens(json!({})).await;
    assert_eq!(
        server.refresh(&text(&tokens, "refresh_token")).await,
        refused()
    );
}

#[tokio::test]
async fn revoking_ends_the_chain_and_its_access_tokens() {
    let server = Server::start().await;
    server.add_user().await;
    let tokens = server.tokens(json!({})).await;
    let refresh_token = text(&tokens, "refresh_token");
    let revoke = async |client: &str, token: &str| {
        let form = [("client_id", client), ("token", token)];
        server
            .post("/oauth2/revoke")
            .form(&form)
            .send()
            .await
            .unwrap()
            .status()
    };

    assert_eq!(revoke(OTHER_CLIENT, &refresh_token).await, StatusCode::OK);
    assert_eq!(
        server
            .user_info(&text(&tokens, "access_token"))
            .await
            .status(),
        StatusCode::OK
    );

    assert_eq!(revoke(CLIENT, &refresh_token).await, StatusCode::OK);
    assert_eq!(
        server
            .user_info(&text(&tokens, "access_token"))
            .await
            .status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(server.refresh(&refresh_token).await, refused());

    assert_eq!(revoke(CLIENT, "made-up").await, StatusCode::OK);
    assert_eq!(revoke(CLIENT, "").await, StatusCode::BAD_REQUEST);
    assert_eq!(
        revoke("nobody", &refresh_token).await,
        StatusCode::BAD_REQUEST
    );
}
