//! What a function asks the user pool, and what is left of a user afterwards; and addresses that change.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{EMAIL, Server, answer, text};

const POOL: &str = "local-UserPool";
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20261126/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0";

async fn ask(server: &Server, operation: &str, authorization: &str, body: Value) -> (u16, Value) {
    let target = format!("AWSCognitoIdentityProviderService.{operation}");
    let request = server
        .post("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .header("authorization", authorization)
        .body(body.to_string());
    let reply = request.send().await.unwrap();
    let status = reply.status().as_u16();
    let body = reply.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or_default())
}

async fn delete(server: &Server, sub: &str) -> (u16, Value) {
    let body = json!({ "UserPoolId": POOL, "Username": sub });
    ask(server, "AdminDeleteUser", SIGNED, body).await
}

#[tokio::test]
async fn a_deleted_user_has_no_tokens_left_and_comes_back_as_somebody_else() {
    let server = Server::start().await;
    let sub = server.add_user().await;
    let tokens = server.tokens(json!({})).await;
    let access = text(&tokens, "access_token");
    let (status, body) = delete(&server, &sub).await;
    assert_eq!((status, body), (200, Value::Null));

    let info = server.user_info(&access).await;
    assert_eq!(info.status(), StatusCode::UNAUTHORIZED);
    let (status, body) = server.refresh(&text(&tokens, "refresh_token")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["error"], "invalid_grant");
    // API Gateway goes on to accept it.
    assert_eq!(server.claims(&access).await["sub"], sub.as_str());

    let (status, body) = delete(&server, &sub).await;
    assert_eq!(status, 400);
    assert_eq!(body["__type"], "UserNotFoundException");
    assert_ne!(server.add_user().await, sub);
}

#[tokio::test]
async fn only_who_has_signed_may_ask_and_only_for_what_there_is() {
    let server = Server::start().await;
    let sub = server.add_user().await;
    let user = json!({ "UserPoolId": POOL, "Username": sub });
    let elsewhere = json!({ "UserPoolId": "another", "Username": sub });
    for (operation, authorization, body, expected) in [
        (
            "AdminDeleteUser",
            "Bearer x",
            user.clone(),
            "MissingAuthenticationTokenException",
        ),
        (
            "AdminDeleteUser",
            &SIGNED.replace("cognito-idp", "dynamodb"),
            user.clone(),
            "MissingAuthenticationTokenException",
        ),
        ("AdminGetUser", SIGNED, user, "UnknownOperationException"),
        (
            "ListUsers",
            "Bearer x",
            json!({ "UserPoolId": POOL, "Filter": "sub = \"1\"" }),
            "MissingAuthenticationTokenException",
        ),
        (
            "ListUsers",
            SIGNED,
            json!({ "UserPoolId": "another", "Filter": "sub = \"1\"" }),
            "ResourceNotFoundException",
        ),
        (
            "ListUsers",
            SIGNED,
            json!({ "UserPoolId": POOL }),
            "InvalidParameterException",
        ),
        (
            "ListUsers",
            SIGNED,
            json!({ "UserPoolId": POOL, "Filter": "email ^= \"ann\"" }),
            "InvalidParameterException",
        ),
        (
            "AdminDeleteUser",
            SIGNED,
            elsewhere,
            "ResourceNotFoundException",
        ),
        (
            "AdminDeleteUser",
            SIGNED,
            json!({ "UserPoolId": POOL }),
            "SerializationException",
        ),
    ] {
        let (status, body) = ask(&server, operation, authorization, body).await;
        assert_eq!((status, &body["__type"]), (400, &json!(expected)), "{body}");
    }
    server.tokens(json!({})).await;
}

#[tokio::test]
async fn a_user_is_found_by_their_whole_address_or_sub() {
    let server = Server::start().await;
    let sub = server.add_user().await;
    let find = async |filter: String| {
        let body = json!({ "UserPoolId": POOL, "Filter": filter });
        let (status, body) = ask(&server, "ListUsers", SIGNED, body).await;
        assert_eq!(status, 200, "{body}");
        body["Users"].clone()
    };
    let user = json!({
        "Username": sub,
        "Attributes": [
            { "Name": "email", "Value": EMAIL },
            { "Name": "email_verified", "Value": "true" },
            { "Name": "sub", "Value": sub },
        ],
        "Enabled": true,
        "UserStatus": "CONFIRMED",
    });
    assert_eq!(find(format!("email = \"{EMAIL}\"")).await, json!([user]));
    assert_eq!(find(format!("sub = \"{sub}\"")).await, json!([user]));
    for nobody in ["email = \"\"", "email = \"%\"", "sub = \"1\""] {
        assert_eq!(find(nobody.to_owned()).await, json!([]), "{nobody}");
    }
    delete(&server, &sub).await;
    assert_eq!(find(format!("sub = \"{sub}\"")).await, json!([]));
}

#[tokio::test]
async fn another_address_is_told_from_then_on_verified_or_not() {
    let server = Server::start().await;
    let sub = server.add_user().await;
    let access = text(&server.tokens(json!({})).await, "access_token");
    let set = async |sub: &str, body: Value| {
        let path = format!("/_local/users/{sub}/email");
        let reply = server.post(&path).json(&body).send().await.unwrap();
        reply.status()
    };
    let told = async || {
        let (_, info) = answer(server.user_info(&access).await).await;
        (text(&info, "email"), text(&info, "email_verified"))
    };
    assert_eq!(told().await, (EMAIL.to_owned(), "true".to_owned()));
    let other = |email: &str| json!({ "email": email });
    assert_eq!(set(&sub, other("new@example.com")).await, 204);
    assert_eq!(
        told().await,
        ("new@example.com".to_owned(), "true".to_owned())
    );
    let unverified = json!({ "email": "typo@example.com", "verified": false });
    assert_eq!(set(&sub, unverified).await, 204);
    assert_eq!(
        told().await,
        ("typo@example.com".to_owned(), "false".to_owned())
    );
    let somebody = server.add_user().await;
    assert_eq!(set(&somebody, other("typo@example.com")).await, 409);
    assert_eq!(set("nobody", other("new@example.com")).await, 404);
    assert_eq!(set(&sub, other("new")).await, 400);
}
