use crate::gateway::Api;

#[tokio::test]
async fn files_are_read_anew_and_come_with_the_templates_headers() {
    let api = Api::start().await;
    std::fs::write(api.files().join("index.html"), "<p>one").unwrap();
    let response = api.get("/").await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    assert_eq!(response.text().await.unwrap(), "<p>one");
    std::fs::write(api.files().join("index.html"), "<p>two").unwrap();
    assert_eq!(api.get("/index.html").await.text().await.unwrap(), "<p>two");
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let api = Api::start().await;
    let response = api.get("/nothing.html").await;
    assert_eq!(
        (
            response.status().as_u16(),
            response.text().await.unwrap().as_str()
        ),
        (404, "Not Found")
    );
    assert_eq!(api.get("/css").await.status(), 404);
}

#[tokio::test]
async fn what_is_guarded_is_reached_by_no_other_address_and_an_error_page_stands_in_its_place() {
    let api = Api::start().await;
    std::fs::create_dir(api.files().join("members")).unwrap();
    std::fs::write(api.files().join("members/index.html"), "secret").unwrap();
    std::fs::write(api.files().join("members.html"), "open").unwrap();
    let told = async |path: &str| {
        let answer = api.get(path).await;
        let kind = answer.headers().get("content-type").cloned();
        let kind = kind.map(|it| it.to_str().unwrap().to_owned());
        (
            answer.status().as_u16(),
            kind.unwrap_or_default(),
            answer.text().await.unwrap(),
        )
    };
    let bare = (
        403,
        "text/plain; charset=utf-8".to_owned(),
        "Forbidden".to_owned(),
    );
    assert_eq!(told("/members/index.html").await, bare);
    std::fs::write(api.files().join("members-only.html"), "<p>members").unwrap();
    let page = (
        403,
        "text/html; charset=utf-8".to_owned(),
        "<p>members".to_owned(),
    );
    for path in ["/members/index.html", "/members/", "/members/nothing"] {
        assert_eq!(told(path).await, page, "{path}");
    }
    for path in [
        "/members%2Findex.html",
        "/%6Dembers/index.html",
        "/Members/index.html",
        "//members/index.html",
        "/members",
    ] {
        assert_eq!(told(path).await.0, 404, "{path}");
    }
    assert_eq!(told("/members.html").await.2, "open");
    // An error of the API's stays what it is.
    let refused = api.get("/api/token").await;
    assert_eq!(refused.status(), 401);
}

#[tokio::test]
async fn functions_can_be_listed_and_killed() {
    let api = Api::start().await;
    let list = || async {
        api.get("/_local/functions")
            .await
            .json::<serde_json::Value>()
            .await
            .unwrap()
    };
    assert_eq!(list().await, serde_json::json!({"hello": []}));
    api.get("/api/open").await;
    assert_eq!(list().await["hello"][0]["busy"], false);
    let killed = api
        .request("POST", "/_local/functions/hello/kill")
        .send()
        .await
        .unwrap();
    assert_eq!(killed.status(), 204);
    assert_eq!(list().await, serde_json::json!({"hello": []}));
    let from_a_page = api
        .request("POST", "/_local/functions/hello/kill")
        .header("origin", "http://example.com")
        .send()
        .await
        .unwrap();
    assert_eq!(from_a_page.status(), 403);
    let unknown = api
        .request("POST", "/_local/functions/nobody/kill")
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn functions_can_be_invoked_as_by_lambdas_own_api_but_not_by_a_page() {
    let api = Api::start().await;
    let path = |function: &str| format!("/2015-03-31/functions/{function}/invocations");
    let invoke = async |function: &str, body: &str, origin: Option<&str>| {
        let mut request = api.request("POST", &path(function)).body(body.to_owned());
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let response = request.send().await.unwrap();
        let failed = response.headers().contains_key("x-amz-function-error");
        (response.status().as_u16(), failed)
    };
    let request = r#"{"version":"2.0","rawPath":"/api/open","requestContext":{"http":{"method":"GET","path":"/api/open"}}}"#;
    assert_eq!(invoke("hello", request, None).await, (200, false));
    assert_eq!(invoke("hello", "nonsense", None).await, (400, false));
    assert_eq!(invoke("nobody", "{}", None).await, (404, false));
    let page = Some("http://example.com");
    assert_eq!(invoke("hello", request, page).await, (403, false));
}
