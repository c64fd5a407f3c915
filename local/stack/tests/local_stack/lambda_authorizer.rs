use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::{Api, summary};
use crate::sorted;

/// What the authorizer says of a request with this token, where it is told to say this: status, and body, or of what got through
/// what the function behind it was told.
async fn told(api: &Api, path: &str, token: &str, say: &str) -> (u16, Value) {
    let request = api.request("GET", path).bearer_auth(token);
    let (status, body, challenge) =
        summary(request.header("x-say", say).send().await.unwrap()).await;
    assert_eq!(challenge, "");
    if status == 200 {
        let lambda = &body["event"]["requestContext"]["authorizer"]["lambda"];
        return (status, lambda.clone());
    }
    (status, body)
}

/// How often the authorizer had been asked when this request got through.
async fn asked(api: &Api, path: &str, token: &str) -> u64 {
    let (status, said) = told(api, path, token, "yes").await;
    assert_eq!(status, 200, "{said}");
    said["asked"].as_u64().unwrap()
}

#[tokio::test]
async fn a_function_is_asked_as_aws_documents_it_and_heard_by_the_function_behind_it() {
    let api = Api::start().await;
    let request = api.request("GET", "/api/gated/ann?a=1&a=2");
    let request = request
        .header("host", "tollgate.example.com")
        .header("user-agent", "agent")
        .header("cookie", "one=1")
        .bearer_auth("token");
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let mut said = answer["event"]["requestContext"]["authorizer"].clone();
    let question = &mut said["lambda"]["question"];
    for varies in ["requestId", "time", "timeEpoch"] {
        assert!(
            !question["requestContext"][varies].take().is_null(),
            "{varies}"
        );
    }
    sorted().bind(|| {
        insta::assert_json_snapshot!(said, @r#"
    {
      "lambda": {
        "asked": 1,
        "question": {
          "cookies": [
            "one=1"
          ],
          "headers": {
            "accept": "*/*",
            "authorization": "Bearer token",
            "host": "tollgate.example.com",
            "user-agent": "agent",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http"
          },
          "identitySource": [
            "Bearer token"
          ],
          "pathParameters": {
            "name": "ann"
          },
          "queryStringParameters": {
            "a": "1,2"
          },
          "rawPath": "/api/gated/ann",
          "rawQueryString": "a=1&a=2",
          "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "tollgate.example.com",
            "domainPrefix": "tollgate",
            "http": {
              "method": "GET",
              "path": "/api/gated/ann",
              "protocol": "HTTP/1.1",
              "sourceIp": "127.0.0.1",
              "userAgent": "agent"
            },
            "requestId": null,
            "routeKey": "GET /api/gated/{name}",
            "stage": "$default",
            "time": null,
            "timeEpoch": null
          },
          "routeArn": "arn:aws:execute-api:us-east-1:000000000000:local/$default/GET/api/gated/ann",
          "routeKey": "GET /api/gated/{name}",
          "stageVariables": {
            "colour": "blue"
          },
          "type": "REQUEST",
          "version": "2.0"
        }
      }
    }
    "#)
    });
}

#[tokio::test]
async fn who_lacks_what_identifies_them_is_401_and_the_function_is_not_asked() {
    let api = Api::start().await;
    let unauthorized = (401, json!({ "message": "Unauthorized" }), String::new());
    for path in ["/api/gated/ann", "/api/kept"] {
        assert_eq!(summary(api.get(path).await).await, unauthorized, "{path}");
        let empty = api.request("GET", path).header("authorization", "");
        let empty = summary(empty.send().await.unwrap()).await;
        assert_eq!(empty, unauthorized, "{path}");
    }
    assert_eq!(asked(&api, "/api/gated/ann", "token").await, 1);
}

#[tokio::test]
async fn a_no_is_403_and_whatever_is_no_answer_is_500() {
    let api = Api::with_gate(Duration::from_millis(500)).await;
    let forbidden = (403, json!({ "message": "Forbidden" }));
    let no = told(&api, "/api/gated/ann", "token", "no").await;
    assert_eq!(no, forbidden);
    let failed = (500, json!({ "message": "Internal Server Error" }));
    for say in [
        "fail",
        "crash",
        "hang",
        "null",
        "{}",
        "[true]",
        r#""yes""#,
        r#"{"isAuthorized": "true"}"#,
        r#"{"isAuthorized": 1}"#,
        r#"{"context": {"user_id": "user-1"}}"#,
        // What an authorizer of a REST API would say.
        r#"{"principalId": "user-1", "policyDocument": {"Statement": [{"Effect": "Allow"}]}}"#,
    ] {
        let told = told(&api, "/api/gated/ann", "token", say).await;
        assert_eq!(told, failed, "{say}");
    }
    let without_context = told(&api, "/api/gated/ann", "token", r#"{"isAuthorized": true}"#).await;
    assert_eq!(without_context, (200, Value::Null));
}

#[tokio::test]
async fn an_answer_is_kept_by_its_identity_sources_and_only_where_it_may_be() {
    let api = Api::start().await;
    for expected in 1..=3 {
        assert_eq!(asked(&api, "/api/gated/ann", "token").await, expected);
    }
    assert_eq!(asked(&api, "/api/kept", "token").await, 4);
    assert_eq!(asked(&api, "/api/kept", "token").await, 4);
    // Another route, as its key is among them; and another token.
    assert_eq!(asked(&api, "/api/kept/other", "token").await, 5);
    assert_eq!(asked(&api, "/api/kept", "other").await, 6);
    assert_eq!(asked(&api, "/api/kept", "token").await, 4);
    // A no is kept, too, and a failure is not.
    let third = async |say| told(&api, "/api/kept", "third", say).await.0;
    assert_eq!(third("fail").await, 500);
    assert_eq!(third("no").await, 403);
    assert_eq!(third("yes").await, 403);
}

#[tokio::test]
async fn an_answer_is_not_kept_for_longer() {
    let api = Api::start().await;
    let path = "/api/kept/shortly";
    let first = asked(&api, path, "token").await;
    let again = async {
        while asked(&api, path, "token").await == first {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), again).await;
    waited.expect("it is kept for ever");
}
