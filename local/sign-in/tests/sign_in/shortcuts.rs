//! `/_local/…`, which other packages' tests build on.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{CLIENT, EMAIL, PASSWORD, Server, answer, text};

#[tokio::test]
async fn groups_are_in_the_tokens_issued_from_then_on() {
    let server = Server::start().await;
    let sub = server.add_user().await;
    let set = async |sub: &str, groups: Value| {
        let body = json!({ "groups": groups });
        server
            .post(&format!("/_local/users/{sub}/groups"))
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
    };

    assert_eq!(
        set(&sub, json!(["support", "admins"])).await,
        StatusCode::NO_CONTENT
    );
    let tokens = server.tokens(json!({})).await;
    for token in ["access_token", "id_token"] {
        assert_eq!(
            server.claims(&text(&tokens, token)).await["cognito:groups"],
            json!(["admins", "support"])
        );
    }

    assert_eq!(set(&sub, json!([])).await, StatusCode::NO_CONTENT);
    let (_, tokens) = server.refresh(&text(&tokens, "refresh_token")).await;
    assert_eq!(
        server
            .claims(&text(&tokens, "access_token"))
            .await
            .get("cognito:groups"),
        None
    );
    assert_eq!(set("nobody", json!([])).await, StatusCode::NOT_FOUND);
    assert_eq!(set(&sub, json!("admins")).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_life_can_be_chosen_for_one_token() {
    let server = Server::start().await;
    server.add_user().await;
    let tokens = server.tokens(json!({ "expires_in": 7 })).await;
    let claims = server.claims(&text(&tokens, "access_token")).await;
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        7
    );
}

#[tokio::test]
async fn bad_requests_are_refused_with_a_reason() {
    let server = Server::start().await;
    server.add_user().await;
    let ask = async |path: &str, body: Value| {
        let (status, body) = answer(server.post(path).json(&body).send().await.unwrap()).await;
        assert!(body["error"].is_string());
        status
    };
    let upper = EMAIL.to_uppercase();
    assert_eq!(
        ask(
            "/_local/users",
            json!({ "email": upper, "password": PASSWORD })
        )
        .await,
        StatusCode::CONFLICT
    );
    assert_eq!(
        ask(
            "/_local/users",
            json!({ "email": "b@example.com", "password": "x" })
        )
        .await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        ask(
            "/_local/users",
            json!({ "email": "b", "password": PASSWORD })
        )
        .await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        ask("/_local/users", json!({ "email": "b@example.com" })).await,
        StatusCode::BAD_REQUEST
    );
    let nobody = json!({ "email": "b@example.com", "client_id": CLIENT });
    assert_eq!(ask("/_local/tokens", nobody).await, StatusCode::NOT_FOUND);
    assert_eq!(
        ask(
            "/_local/tokens",
            json!({ "email": EMAIL, "client_id": "x" })
        )
        .await,
        StatusCode::BAD_REQUEST
    );
    let scope = json!({ "email": EMAIL, "client_id": CLIENT, "scope": "other/x" });
    assert_eq!(ask("/_local/tokens", scope).await, StatusCode::BAD_REQUEST);
}
