//! What a page's script and an authorizer find: CORS and discovery.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::server::Server;

const ORIGIN: &str = "http://localhost:4000";

#[tokio::test]
async fn the_clients_page_may_call_the_endpoints_and_no_other_page() {
    let server = Server::start().await;
    for (path, method, header) in [
        ("/oauth2/token", "POST", "content-type"),
        ("/oauth2/revoke", "POST", "content-type"),
        ("/oauth2/userInfo", "GET", "authorization"),
        ("/.well-known/jwks.json", "GET", "accept"),
        ("/.well-known/openid-configuration", "GET", "accept"),
    ] {
        let preflight = async |origin: &str| {
            let request = server
                .http
                .request(Method::OPTIONS, format!("{}{path}", server.url))
                .header("origin", origin);
            let asked = request.header("access-control-request-method", method);
            asked
                .header("access-control-request-headers", header)
                .send()
                .await
                .unwrap()
        };
        let reply = preflight(ORIGIN).await;
        assert!(reply.status().is_success(), "{path}");
        assert_eq!(
            reply.headers()["access-control-allow-origin"],
            ORIGIN,
            "{path}"
        );
        let allows =
            |name: &str, value: &str| reply.headers()[name].to_str().unwrap().contains(value);
        assert!(allows("access-control-allow-methods", method), "{path}");
        assert!(
            header == "accept" || allows("access-control-allow-headers", header),
            "{path}"
        );

        for stranger in ["http://localhost:4001", "https://evil.example", "null"] {
            let reply = preflight(stranger).await;
            assert_eq!(
                reply.headers().get("access-control-allow-origin"),
                None,
                "{path} {stranger}"
            );
        }
    }
    let reply = server
        .post("/oauth2/token")
        .header("origin", ORIGIN)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        reply.headers()["access-control-allow-origin"],
        ORIGIN,
        "errors can be read too"
    );
}

#[tokio::test]
async fn the_pages_have_no_cors() {
    let server = Server::start().await;
    let reply = server
        .get("/login")
        .header("origin", ORIGIN)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.headers().get("access-control-allow-origin"), None);
}

#[tokio::test]
async fn discovery_names_every_endpoint() {
    let server = Server::start().await;
    let reply = server
        .get("/.well-known/openid-configuration")
        .send()
        .await
        .unwrap();
    let document: Value = reply.json().await.unwrap();
    assert_eq!(document["issuer"], server.url);
    for (name, path) in [
        ("authorization_endpoint", "/oauth2/authorize"),
        ("token_endpoint", "/oauth2/token"),
        ("revocation_endpoint", "/oauth2/revoke"),
        ("userinfo_endpoint", "/oauth2/userInfo"),
        ("end_session_endpoint", "/logout"),
        ("jwks_uri", "/.well-known/jwks.json"),
    ] {
        assert_eq!(document[name], format!("{}{path}", server.url));
    }
}
