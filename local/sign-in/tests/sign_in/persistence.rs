//! What outlives the process.

use local_sign_in::{Options, Person, serve};
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use crate::browser::{Browser, code};
use crate::server::{EMAIL, PASSWORD, Server, text};

#[tokio::test]
async fn users_the_key_and_refresh_tokens_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new folder").join("sign-in.sqlite");
    let before = Server::start_on(data.clone()).await;
    let sub = before.add_user().await;
    let tokens = before.tokens(json!({})).await;
    let url = before.url.clone();
    before.kill().await;

    let after = Server::start_with(|options| {
        options.data = Some(data);
        // The ports differ; the issuer must not.
        options.url = url;
    })
    .await;

    code(&Browser::new(&after).sign_in(EMAIL, PASSWORD).await);
    let access = text(&tokens, "access_token");
    assert_eq!(after.user_info(&access).await.status(), StatusCode::OK);
    let (status, tokens) = after.refresh(&text(&tokens, "refresh_token")).await;
    assert_eq!(status, StatusCode::OK);
    let reply = after.user_info(&text(&tokens, "access_token")).await;
    assert_eq!(reply.json::<serde_json::Value>().await.unwrap()["sub"], sub);
}

#[tokio::test]
async fn a_browser_stays_signed_in_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("sign-in.sqlite");
    let before = Server::start_on(data.clone()).await;
    before.add_user().await;
    let back = Browser::new(&before).sign_in(EMAIL, PASSWORD).await;
    let cookie = back.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    before.stop().await;

    let after = Server::start_on(data).await;
    let cookie = cookie.split(';').next().unwrap();
    code(&Browser::new(&after).authorize_with_cookie(cookie).await);
}

#[tokio::test]
async fn who_is_there_from_the_start_is_made_once_and_keeps_what_has_become_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("sign-in.sqlite");
    let start = async || {
        let person = Person {
            email: EMAIL.to_owned(),
            password: PASSWORD.to_owned(),
            groups: vec!["admins".to_owned()],
        };
        let people = vec![person];
        Server::start_with(|options| {
            (options.people, options.data) = (people, Some(data.clone()));
        })
        .await
    };
    let claims = async |server: &Server| {
        let access = text(&server.tokens(json!({})).await, "access_token");
        server.claims(&access).await
    };
    let before = start().await;
    code(&Browser::new(&before).sign_in(EMAIL, PASSWORD).await);
    let first = claims(&before).await;
    assert_eq!(first["cognito:groups"], json!(["admins"]));
    let path = format!("/_local/users/{}/groups", text(&first, "sub"));
    let none = before.post(&path).json(&json!({ "groups": [] }));
    assert_eq!(none.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    before.stop().await;

    let after = start().await;
    let again = claims(&after).await;
    assert_eq!(again["sub"], first["sub"]);
    assert!(again["cognito:groups"].is_null(), "{again}");
}

#[tokio::test]
async fn no_secret_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_on(folder.path().join("sign-in.sqlite")).await;
    server.add_user().await;
    let refresh_token = text(&server.tokens(json!({})).await, "refresh_token");
    let code = code(&Browser::new(&server).sign_in(EMAIL, PASSWORD).await);
    server.stop().await;

    let files = std::fs::read_dir(folder.path()).unwrap();
    let bytes: Vec<u8> = files
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    let contains = |secret: &str| {
        bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    };
    assert!(contains(EMAIL), "the search works");
    for secret in [PASSWORD, refresh_token.as_str(), code.as_str()] {
        assert!(!contains(secret));
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("sign-in.sqlite");
    std::fs::write(
        &data,
        "not a database, but long enough to look at".repeat(100),
    )
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::new(listener, "http://localhost:1", Vec::new());
    options.data = Some(data);

    let error = serve(options, std::future::pending()).await.unwrap_err();

    assert!(error.to_string().contains("sign-in.sqlite"), "{error:#}");
}
