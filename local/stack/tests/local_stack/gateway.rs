use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_stack::gateway::Gateway;
use local_stack::guard::Guard;
use local_stack::lambda::{Function, FunctionConfig, discard};
use local_stack::site::Site;
use local_stack::template::{
    ApiSpec, AuthorizerSpec, ErrorPage, IdentitySource, JwtAuthorizerSpec, LambdaAuthorizerSpec,
    PageSpec, RouteSpec,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::tokens::Issuer;
use crate::{function, sorted};

/// A site whose API is one function behind an open route, one with a path parameter, one for which a token needs a
/// scope, and some behind another function.
pub struct Api {
    url: String,
    files: tempfile::TempDir,
    pub issuer: Issuer,
    client: reqwest::Client,
}

impl Api {
    pub async fn start() -> Self {
        Self::with(function(), Duration::from_secs(30)).await
    }

    /// With an authorizer that may take so long.
    pub async fn with_gate(limit: Duration) -> Self {
        Self::with_both(function(), Duration::from_secs(30), limit).await
    }

    async fn with(config: FunctionConfig, timeout: Duration) -> Self {
        Self::with_both(config, timeout, Duration::from_secs(30)).await
    }

    async fn with_both(config: FunctionConfig, timeout: Duration, limit: Duration) -> Self {
        let issuer = Issuer::start().await;
        let authorizer = AuthorizerSpec::Jwt(JwtAuthorizerSpec {
            issuer: issuer.url.clone(),
            audience: vec!["local-UserPoolClient".to_owned()],
        });
        let header = IdentitySource::Header("authorization".to_owned());
        let by_route = vec![header.clone(), IdentitySource::RouteKey];
        let gate = |id: &str, identity_sources: &[IdentitySource], ttl| {
            AuthorizerSpec::Lambda(LambdaAuthorizerSpec {
                id: id.to_owned(),
                function: "GateFunction".to_owned(),
                identity_sources: identity_sources.to_vec(),
                ttl,
            })
        };
        let asks = gate("Asks", std::slice::from_ref(&header), Duration::ZERO);
        let keeps = gate("Keeps", &by_route, Duration::from_secs(300));
        let keeps_shortly = gate("KeepsShortly", &[header], Duration::from_millis(50));
        let route =
            |route_key: &str, authorizer: Option<&AuthorizerSpec>, scopes: &[&str]| RouteSpec {
                route_key: route_key.to_owned(),
                function: "HelloFunction".to_owned(),
                timeout,
                authorizer: authorizer.cloned(),
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            };
        let routes = vec![
            route("ANY /api/open", None, &[]),
            route("GET /api/people/{name}", None, &[]),
            route("GET /api/token", Some(&authorizer), &[]),
            route(
                "GET /api/billing",
                Some(&authorizer),
                &["tollgate/admin", "tollgate/billing"],
            ),
            route("GET /api/gated/{name}", Some(&asks), &[]),
            route("GET /api/kept", Some(&keeps), &[]),
            route("GET /api/kept/other", Some(&keeps), &[]),
            route("GET /api/kept/shortly", Some(&keeps_shortly), &[]),
        ];
        let function = Function::new(config);
        let judge = FunctionConfig {
            name: "gate".to_owned(),
            ..FunctionConfig::new(env!("CARGO_BIN_EXE_test-function"))
        };
        let judge = judge.env("AUTHORIZER", "yes").timeout(limit);
        let functions = [
            ("HelloFunction".to_owned(), function.clone()),
            ("GateFunction".to_owned(), Function::new(judge)),
        ]
        .into();
        let stage_variables = [("colour".to_owned(), "blue".to_owned())].into();
        let gateway = Gateway::new(
            ApiSpec {
                stage_variables,
                routes,
            },
            functions,
            discard(),
        )
        .unwrap();
        let files = tempfile::tempdir().unwrap();
        let headers = vec![("x-frame-options".to_owned(), "DENY".to_owned())];
        let error_page = ErrorPage {
            path: "/members-only.html".to_owned(),
            status: 403,
        };
        let page = PageSpec {
            default_root_object: "index.html".to_owned(),
            site_headers: headers.clone(),
            api_headers: headers,
            // By a group without a key: nobody gets in.
            guards: vec![Guard::new("/members/*", BTreeMap::new())],
            error_pages: BTreeMap::from([(403, error_page)]),
        };
        let functions = [("hello".to_owned(), function)].into();
        let site = Site {
            files: PathBuf::from(files.path()),
            page,
            gateway,
            functions,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let service = site
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            url,
            files,
            issuer,
            client: reqwest::Client::new(),
        }
    }

    pub fn files(&self) -> &Path {
        self.files.path()
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.request("GET", path).send().await.unwrap()
    }

    pub async fn get_with_token(&self, path: &str, token: &str) -> reqwest::Response {
        self.request("GET", path)
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
    }

    /// The answer to a token with these claims: status, body, challenge.
    pub async fn judge(&self, path: &str, changes: Value) -> (u16, Value, String) {
        let token = self.issuer.sign(0, &self.issuer.claims(changes));
        summary(self.get_with_token(path, &token).await).await
    }
}

pub async fn summary(response: reqwest::Response) -> (u16, Value, String) {
    let status = response.status().as_u16();
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    (status, response.json().await.unwrap_or_default(), challenge)
}

/// The event that a request becomes, as the function saw it.
pub async fn event_of(request: reqwest::RequestBuilder) -> Value {
    request.send().await.unwrap().json::<Value>().await.unwrap()["event"].clone()
}

#[tokio::test]
async fn a_request_becomes_an_event_as_aws_documents_it() {
    let api = Api::start().await;
    let request = api
        .request("POST", "/api/open?name=a%20b&name=c&empty=")
        .header("host", "tollgate.example.com")
        .header("Header1", "value1")
        .header("Header1", "value2")
        .header("cookie", "cookie1=one; cookie2=two")
        .header("user-agent", "agent")
        .header("content-type", "application/json; charset=utf-8")
        .body(r#"{"wörld":1}"#);
    let mut event = event_of(request).await;
    for varies in ["requestId", "time", "timeEpoch"] {
        assert!(
            !event["requestContext"][varies].take().is_null(),
            "{varies}"
        );
    }
    sorted().bind(|| {
        insta::assert_json_snapshot!(event, @r#"
    {
      "body": "{\"wörld\":1}",
      "cookies": [
        "cookie1=one",
        "cookie2=two"
      ],
      "headers": {
        "accept": "*/*",
        "content-length": "12",
        "content-type": "application/json; charset=utf-8",
        "header1": "value1,value2",
        "host": "tollgate.example.com",
        "user-agent": "agent",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": "80",
        "x-forwarded-proto": "http"
      },
      "isBase64Encoded": false,
      "queryStringParameters": {
        "empty": "",
        "name": "a b,c"
      },
      "rawPath": "/api/open",
      "rawQueryString": "name=a%20b&name=c&empty=",
      "requestContext": {
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": "tollgate.example.com",
        "domainPrefix": "tollgate",
        "http": {
          "method": "POST",
          "path": "/api/open",
          "protocol": "HTTP/1.1",
          "sourceIp": "127.0.0.1",
          "userAgent": "agent"
        },
        "requestId": null,
        "routeKey": "ANY /api/open",
        "stage": "$default",
        "time": null,
        "timeEpoch": null
      },
      "routeKey": "ANY /api/open",
      "stageVariables": {
        "colour": "blue"
      },
      "version": "2.0"
    }
    "#)
    });
}

#[tokio::test]
async fn what_a_request_does_not_have_is_absent_from_the_event() {
    let api = Api::start().await;
    let event = event_of(
        api.request("GET", "/api/people/J%C3%B6rg")
            .header("user-agent", "agent"),
    )
    .await;
    let keys: Vec<_> = event.as_object().unwrap().keys().collect();
    let expected = [
        "headers",
        "isBase64Encoded",
        "pathParameters",
        "rawPath",
        "rawQueryString",
        "requestContext",
    ];
    assert_eq!(
        keys,
        [&expected[..], &["routeKey", "stageVariables", "version"]].concat()
    );
    assert_eq!(event["pathParameters"], json!({"name": "Jörg"}));
    let time = event["requestContext"]["time"].as_str().unwrap();
    assert!(
        time.len() == 26 && time.ends_with(" +0000"),
        "12/Mar/2020:19:03:58 +0000, not {time}"
    );
}

/// Which bodies come in base64.
#[tokio::test]
async fn only_text_types_come_as_text() {
    let api = Api::start().await;
    for (content_type, body, expected) in [
        ("text/plain", &b"abc"[..], Some("abc")),
        ("application/json", b"{}", Some("{}")),
        ("application/xml", b"<a/>", Some("<a/>")),
        ("application/javascript", b"1", Some("1")),
        ("application/x-www-form-urlencoded", b"a=1", None),
        ("application/octet-stream", b"abc", None),
        ("", b"abc", None),
        ("application/json", b"\xff\xfe", None),
    ] {
        let mut request = api.request("POST", "/api/open").body(body);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let event = event_of(request).await;
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, body);
        let expected = expected.map_or_else(
            || (json!(base64), json!(true)),
            |text| (json!(text), json!(false)),
        );
        assert_eq!(
            (event["body"].clone(), event["isBase64Encoded"].clone()),
            expected,
            "{content_type}"
        );
    }
}

/// What an answer of the function's becomes.
async fn reply(api: &Api, answer: Value) -> reqwest::Response {
    let request = api
        .request("POST", "/api/open?do=answer")
        .header("content-type", "application/json");
    request.body(answer.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn an_answer_with_a_status_code_describes_the_response() {
    let api = Api::start().await;
    let answer = json!({
        "statusCode": 201, "body": "aGk=", "isBase64Encoded": true, "cookies": ["a=1", "b=2"],
        "headers": {"content-type": "text/html", "x-number": 7, "x-many": "one"},
        "multiValueHeaders": {"x-many": ["one", "two"]},
    });
    let response = reply(&api, answer).await;
    let all = |name: &str| {
        response
            .headers()
            .get_all(name)
            .iter()
            .map(|it| it.to_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(response.status(), 201);
    assert_eq!(all("content-type"), ["text/html"]);
    assert_eq!(all("x-number"), ["7"]);
    assert_eq!(all("x-many"), ["one", "two"]);
    assert_eq!(all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(all("x-frame-options"), ["DENY"]);
    assert_eq!(all("apigw-requestid")[0].len(), 16);
    assert_eq!(response.text().await.unwrap(), "hi");
}

#[tokio::test]
async fn an_answer_without_a_status_code_is_the_body() {
    let api = Api::start().await;
    for (answer, expected) in [
        (json!({"a": 1}), r#"{"a":1}"#),
        (json!("text"), "text"),
        (json!([1]), "[1]"),
    ] {
        let response = reply(&api, answer).await;
        assert_eq!(
            (
                response.status().as_u16(),
                &response.headers()["content-type"]
            ),
            (200, &"application/json".parse().unwrap())
        );
        assert_eq!(response.text().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_a_500() {
    let api = Api::start().await;
    for answer in [
        json!({"statusCode": "x"}),
        json!({"statusCode": 200, "body": {}}),
        json!({"statusCode": 99}),
        json!({"statusCode": 200, "headers": {"a b": "c"}}),
    ] {
        let answer = summary(reply(&api, answer).await).await;
        assert_eq!(
            answer,
            (
                500,
                json!({"message": "Internal Server Error"}),
                String::new()
            )
        );
    }
}

#[tokio::test]
async fn no_route_is_404() {
    let api = Api::start().await;
    for (method, path) in [
        ("GET", "/api/nothing"),
        ("POST", "/api/token"),
        ("GET", "/api/open/"),
    ] {
        let response = api.request(method, path).send().await.unwrap();
        assert_eq!(
            summary(response).await,
            (404, json!({"message": "Not Found"}), String::new()),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_failing_or_crashing_function_is_500_and_works_again() {
    let api = Api::start().await;
    for action in ["fail", "crash"] {
        let answer = summary(api.get(&format!("/api/open?do={action}")).await).await;
        assert_eq!(
            answer,
            (
                500,
                json!({"message": "Internal Server Error"}),
                String::new()
            ),
            "{action}"
        );
        assert_eq!(api.get("/api/open").await.status(), 200);
    }
}

#[tokio::test]
async fn a_functions_own_timeout_is_500_and_the_integrations_is_503() {
    let api = Api::with(
        function().timeout(Duration::from_millis(500)),
        Duration::from_secs(30),
    )
    .await;
    let answer = summary(api.get("/api/open?do=hang").await).await;
    assert_eq!(
        answer,
        (
            500,
            json!({"message": "Internal Server Error"}),
            String::new()
        )
    );
    assert_eq!(api.get("/api/open").await.status(), 200);

    let api = Api::with(
        function().timeout(Duration::from_secs(30)),
        Duration::from_millis(500),
    )
    .await;
    let answer = summary(api.get("/api/open?do=hang").await).await;
    assert_eq!(
        answer,
        (
            503,
            json!({"message": "Service Unavailable"}),
            String::new()
        )
    );
}

#[tokio::test]
async fn a_body_that_lambda_cannot_take_is_413() {
    let api = Api::start().await;
    for megabytes in [7, 11] {
        let body = vec![b'x'; megabytes * 1024 * 1024];
        let response = api
            .request("POST", "/api/open")
            .header("content-type", "text/plain")
            .body(body)
            .send()
            .await;
        // The server may close while the client still writes: then there is no answer to read.
        let Ok(response) = response else { continue };
        assert_eq!(
            summary(response).await,
            (
                413,
                json!({"message": "Request Entity Too Large"}),
                String::new()
            )
        );
    }
}
