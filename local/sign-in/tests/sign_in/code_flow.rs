//! `/oauth2/authorize` and the code grant.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::browser::{Browser, VERIFIER, code, location, parameter, query};
use crate::server::{CALLBACK, CLIENT, EMAIL, OTHER_CLIENT, PASSWORD, SCOPE, Server, text};

async fn trade(server: &Server, code: &str, change: &[(&str, &str)]) -> (StatusCode, Value) {
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    let form: Vec<(&str, &str)> = good
        .into_iter()
        .map(|(name, value)| {
            (
                name,
                change
                    .iter()
                    .find(|(changed, _)| *changed == name)
                    .map_or(value, |(_, to)| to),
            )
        })
        .filter(|(_, value)| !value.is_empty())
        .collect();
    server.token(&form).await
}

#[tokio::test]
async fn a_person_signs_up_and_the_page_gets_tokens() {
    let server = Server::start().await;
    let browser = Browser::new(&server);

    let to_login = location(&browser.authorize(&[]).await);
    assert_eq!(to_login, format!("/login?{}", query(&[])));
    let back = browser.sign_up("  Ada@Example.com ", PASSWORD).await;
    assert_eq!(parameter(&back, "state").as_deref(), Some("st&te"));

    let (status, tokens) = trade(&server, &code(&back), &[]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert!(tokens["refresh_token"].is_string());

    let access = server.claims(&text(&tokens, "access_token")).await;
    assert_eq!(access["iss"], server.url);
    assert_eq!(access["client_id"], CLIENT);
    assert_eq!(access["token_use"], "access");
    assert_eq!(access["scope"], SCOPE);
    assert_eq!(access["username"], access["sub"]);
    assert_eq!(
        access["exp"].as_i64().unwrap(),
        access["iat"].as_i64().unwrap() + 3600
    );
    assert_eq!(access.get("aud"), None);
    assert_eq!(access.get("cognito:groups"), None);
    for claim in ["sub", "origin_jti", "event_id", "jti"] {
        assert_eq!(text(&access, claim).len(), 36, "{claim} is a UUID");
    }

    let id = server.claims(&text(&tokens, "id_token")).await;
    assert_eq!(id["aud"], CLIENT);
    assert_eq!(id["token_use"], "id");
    assert_eq!(id["nonce"], "n0nce");
    assert_eq!(id["email"], EMAIL);
    assert_eq!(id["email_verified"], json!(true));
    assert_eq!(id["cognito:username"], access["sub"]);
    for claim in ["sub", "auth_time", "origin_jti", "event_id"] {
        assert_eq!(id[claim], access[claim], "{claim}");
    }
    assert_eq!(id.get("scope"), None);
}

#[tokio::test]
async fn a_signed_in_browser_goes_straight_on() {
    let server = Server::start().await;
    let sub = server.add_user().await;
    let browser = Browser::new(&server);
    code(&browser.sign_in(EMAIL, PASSWORD).await);

    let back = browser.authorize(&[]).await;

    let (_, tokens) = trade(&server, &code(&back), &[]).await;
    assert_eq!(
        server.claims(&text(&tokens, "access_token")).await["sub"],
        sub
    );
}

#[tokio::test]
async fn signing_out_ends_the_browser_session() {
    let server = Server::start().await;
    server.add_user().await;
    let browser = Browser::new(&server);
    let back = browser.sign_in(EMAIL, PASSWORD).await;
    let cookie = back.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();

    let other = browser
        .get(&format!(
            "/logout?client_id={CLIENT}&logout_uri=http://localhost:4000/"
        ))
        .await;
    assert_eq!(other.status(), StatusCode::BAD_REQUEST);
    assert_eq!(other.headers().get("location"), None);
    let unknown = browser
        .get("/logout?client_id=nobody&logout_uri=http://localhost:4000/?signed-out=1")
        .await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    code(&browser.authorize(&[]).await);

    let out = browser
        .get(&format!(
            "/logout?client_id={CLIENT}&logout_uri=http://localhost:4000/?signed-out=1"
        ))
        .await;
    assert_eq!(location(&out), "http://localhost:4000/?signed-out=1");
    assert!(location(&browser.authorize(&[]).await).starts_with("/login?"));
    let kept = browser.authorize_with_cookie(&cookie).await;
    assert!(
        location(&kept).starts_with("/login?"),
        "a kept cookie is worth nothing"
    );
}

#[tokio::test]
async fn an_unknown_client_or_redirect_is_never_redirected_to() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    for change in [
        [("client_id", "nobody")],
        [("client_id", "")],
        [("client_id", OTHER_CLIENT)],
        [("redirect_uri", "")],
        [("redirect_uri", "http://localhost:4000")],
        [("redirect_uri", "http://localhost:4000/x")],
        [("redirect_uri", "https://evil.example/")],
    ] {
        for path in ["/oauth2/authorize", "/login", "/signup"] {
            let reply = browser.get(&format!("{path}?{}", query(&change))).await;
            assert_eq!(reply.status(), StatusCode::BAD_REQUEST, "{path} {change:?}");
            assert_eq!(reply.headers().get("location"), None, "{path} {change:?}");
            assert!(reply.text().await.unwrap().contains("<h1>"));
        }
    }
    let twice = browser
        .get(&format!(
            "/oauth2/authorize?{}&redirect_uri=https://evil.example/",
            query(&[])
        ))
        .await;
    assert_eq!(twice.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_client_hears_of_any_other_fault_in_the_request() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("scope", "openid other/billing"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
    ] {
        let reply = browser.authorize(&[change]).await;
        assert_eq!(
            parameter(&reply, "error").as_deref(),
            Some(error),
            "{change:?}"
        );
        assert_eq!(parameter(&reply, "state").as_deref(), Some("st&te"));
        assert_eq!(parameter(&reply, "code"), None);
    }
}

#[tokio::test]
async fn a_code_is_refused_to_whoever_did_not_ask_for_it() {
    let server = Server::start().await;
    server.add_user().await;
    let browser = Browser::new(&server);
    code(&browser.sign_in(EMAIL, PASSWORD).await);
    for (change, error) in [
        (
            (
                "code_verifier",
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX",
            ),
            "invalid_grant",
        ),
        (("client_id", OTHER_CLIENT), "invalid_grant"),
        (("redirect_uri", "http://localhost:5000/"), "invalid_grant"),
        (("code", "made-up"), "invalid_grant"),
        (("client_id", "nobody"), "invalid_client"),
        (("code_verifier", ""), "invalid_request"),
        (("redirect_uri", ""), "invalid_request"),
        (("code", ""), "invalid_request"),
        (("client_id", ""), "invalid_request"),
        (("grant_type", ""), "invalid_request"),
        (("grant_type", "password"), "unsupported_grant_type"),
    ] {
        let fresh = code(&browser.authorize(&[]).await);
        let answer = trade(&server, &fresh, &[change]).await;
        assert_eq!(
            answer,
            (StatusCode::BAD_REQUEST, json!({ "error": error })),
            "{change:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_try_spends_the_code() {
    let server = Server::start().await;
    server.add_user().await;
    let code = code(&Browser::new(&server).sign_in(EMAIL, PASSWORD).await);
    trade(&server, &code, &[("code_verifier", "wrong")]).await;
    assert_eq!(trade(&server, &code, &[]).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_code_used_twice_is_refused_and_revokes_what_it_gave() {
    let server = Server::start().await;
    server.add_user().await;
    let code = code(&Browser::new(&server).sign_in(EMAIL, PASSWORD).await);
    let (_, tokens) = trade(&server, &code, &[]).await;

    let again = trade(&server, &code, &[]).await;

    assert_eq!(
        again,
        (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }))
    );
    assert_eq!(
        server.refresh(&text(&tokens, "refresh_token")).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        server
            .user_info(&text(&tokens, "access_token"))
            .await
            .status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn without_the_scope_openid_there_is_no_id_token() {
    let server = Server::start().await;
    server.add_user().await;
    let tokens = server.tokens(json!({ "scope": "tollgate/billing" })).await;
    assert_eq!(tokens.get("id_token"), None);
    assert_eq!(
        server.claims(&text(&tokens, "access_token")).await["scope"],
        "tollgate/billing"
    );
}
