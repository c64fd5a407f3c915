use serde_json::{Value, json};

use crate::gateway::{Api, event_of, summary};
use crate::sorted;

#[tokio::test]
async fn a_valid_token_reaches_the_function_as_text_claims() {
    let api = Api::start().await;
    let claims = api.issuer.claims(json!({"cognito:groups": ["admins", "x"], "iat": 1, "exp": 9_999_999_999_u64, "flag": true}));
    let response = api
        .get_with_token("/api/billing", &api.issuer.sign(0, &claims))
        .await;
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    let mut authorizer = answer["event"]["requestContext"]["authorizer"].clone();
    assert_eq!(
        authorizer["jwt"]["claims"]["iss"].take(),
        json!(api.issuer.url)
    );
    sorted().bind(|| {
        insta::assert_json_snapshot!(authorizer, @r#"
    {
      "jwt": {
        "claims": {
          "client_id": "local-UserPoolClient",
          "cognito:groups": "[admins x]",
          "exp": "9999999999",
          "flag": "true",
          "iat": "1",
          "iss": null,
          "scope": "openid tollgate/billing",
          "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
          "token_use": "access"
        },
        "scopes": [
          "tollgate/billing"
        ]
      }
    }
    "#)
    });
    // The prefix may be left out, and a route without scopes has none.
    let token = api.issuer.sign(0, &claims);
    let answer = event_of(
        api.request("GET", "/api/token")
            .header("authorization", token),
    )
    .await;
    assert_eq!(
        answer["requestContext"]["authorizer"]["jwt"]["scopes"],
        Value::Null
    );
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_401() {
    let api = Api::start().await;
    let unauthorized = |why: &str| {
        let challenge =
            format!(r#"Bearer scope="" error="invalid_token" error_description="{why}""#);
        (401, json!({"message": "Unauthorized"}), challenge)
    };
    for (changes, why) in [
        (
            json!({"iss": "http://elsewhere"}),
            "the token was not issued by a valid issuer",
        ),
        (json!({"exp": 1}), "the token has expired"),
        (json!({"exp": null}), "the token has no expiry"),
        (
            json!({"nbf": 9_999_999_999_u64}),
            "the token is not valid yet",
        ),
        (
            json!({"iat": 9_999_999_999_u64}),
            "the token was issued in the future",
        ),
        (
            json!({"client_id": "another"}),
            "the token does not have a valid audience",
        ),
        (
            json!({"client_id": null}),
            "the token does not have a valid audience",
        ),
        // `client_id` counts only where there is no `aud`.
        (
            json!({"aud": "another"}),
            "the token does not have a valid audience",
        ),
    ] {
        assert_eq!(
            api.judge("/api/billing", changes.clone()).await,
            unauthorized(why),
            "{changes}"
        );
    }
    let good = api.issuer.sign(0, &api.issuer.claims(json!({})));
    let (content, signature) = good.rsplit_once('.').unwrap();
    let other_key = api.issuer.sign(1, &api.issuer.claims(json!({})));
    for (token, why) in [
        ("nonsense".to_owned(), "the token is malformed"),
        (
            format!(
                "{content}.{}{signature}",
                if signature.starts_with('A') { "B" } else { "A" }
            ),
            "the signature is invalid",
        ),
        (format!("{content}."), "the signature is invalid"),
        (
            unsigned(&api.issuer.claims(json!({}))),
            "the token is malformed",
        ),
        (
            shared_secret(&api.issuer.claims(json!({}))),
            "the token is not signed with RS256",
        ),
        (other_key, "the signing key is unknown"),
    ] {
        let response = api.get_with_token("/api/billing", &token).await;
        assert_eq!(summary(response).await, unauthorized(why), "{token}");
    }
    let missing = summary(api.get("/api/billing").await).await;
    assert_eq!(
        missing,
        (401, json!({"message": "Unauthorized"}), "Bearer".to_owned())
    );
}

fn unsigned(claims: &Value) -> String {
    use base64::Engine;
    let part =
        |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.",
        part(&json!({"alg": "none", "kid": "key-0"})),
        part(claims)
    )
}

fn shared_secret(claims: &Value) -> String {
    let header = jsonwebtoken::Header {
        kid: Some("key-0".to_owned()),
        ..jsonwebtoken::Header::default()
    };
    jsonwebtoken::encode(
        &header,
        claims,
        &jsonwebtoken::EncodingKey::from_secret(b"x"),
    )
    .unwrap()
}

#[tokio::test]
async fn a_token_without_a_scope_of_the_route_is_403() {
    let api = Api::start().await;
    let challenge = r#"Bearer scope="tollgate/admin tollgate/billing" error="insufficient_scope" error_description="the token does not have the required scopes""#;
    let forbidden = (403, json!({"message": "Forbidden"}), challenge.to_owned());
    for changes in [
        json!({"scope": "openid tollgate/billings"}),
        // As an ID token of Cognito's.
        json!({"scope": null, "client_id": null, "aud": "local-UserPoolClient", "token_use": "id"}),
    ] {
        assert_eq!(
            api.judge("/api/billing", changes.clone()).await,
            forbidden,
            "{changes}"
        );
    }
    assert_eq!(
        api.judge(
            "/api/billing",
            json!({"scope": null, "scp": ["tollgate/billing"]})
        )
        .await
        .0,
        200
    );
    assert_eq!(
        api.judge(
            "/api/billing",
            json!({"aud": ["x", "local-UserPoolClient"]})
        )
        .await
        .0,
        200
    );
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_fetched() {
    let api = Api::start().await;
    assert_eq!(api.judge("/api/billing", json!({})).await.0, 200);
    let token = api.issuer.sign(1, &api.issuer.claims(json!({})));
    assert_eq!(
        api.get_with_token("/api/billing", &token).await.status(),
        401
    );
    api.issuer.rotate();
    assert_eq!(
        api.get_with_token("/api/billing", &token).await.status(),
        200
    );
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_is_401() {
    let api = Api::start().await;
    api.issuer.stop().await;
    let challenge = r#"Bearer scope="" error="invalid_token" error_description="OIDC discovery endpoint communication error""#;
    let expected = (
        401,
        json!({"message": "Unauthorized"}),
        challenge.to_owned(),
    );
    assert_eq!(api.judge("/api/billing", json!({})).await, expected);
}
