//! Each shipped binary by itself, over the Lambda Runtime API.

use anyhow::Result;
use local_stack::lambda::InvokeError;
use serde_json::{Value, json};
use stack_tests::{Authority, Event, LocalStack, TlsFront, function};

const STRIPE: [&str; 5] = [
    "APP",
    "TABLE_NAME",
    "STRIPE_SECRET_ARN",
    "STRIPE_API_BASE",
    "STRIPE_PUBLISHABLE_KEY",
];

#[tokio::test]
async fn a_missing_or_malformed_variable_stops_the_start_and_is_named() -> Result<()> {
    for (name, variables) in [
        (
            "config",
            [
                "APP",
                "TABLE_NAME",
                "STRIPE_PUBLISHABLE_KEY",
                "SIGN_IN_URL",
                "SIGN_IN_CLIENT_ID",
            ],
        ),
        ("webhook", STRIPE),
        ("webhook", ["WEBHOOK_SECRET_ARN", "", "", "", ""]),
        (
            "subscription-status",
            [
                "ACCESS_GRACE_DAYS",
                "ACCESS_SLACK_HOURS",
                "STRIPE_SECRET_ARN",
                "",
                "",
            ],
        ),
        (
            "create-checkout-session",
            [
                "SITE_URL",
                "SIGN_IN_URL",
                "STRIPE_SECRET_ARN",
                "APP",
                "TABLE_NAME",
            ],
        ),
        ("change-subscription", STRIPE),
        (
            "change-subscription",
            [
                "SITE_URL",
                "ACCESS_GRACE_DAYS",
                "ACCESS_SLACK_HOURS",
                "",
                "",
            ],
        ),
        ("create-portal-session", STRIPE),
        (
            "create-portal-session",
            [
                "SITE_URL",
                "ACCESS_GRACE_DAYS",
                "ACCESS_SLACK_HOURS",
                "",
                "",
            ],
        ),
        ("invoices", STRIPE),
        (
            "create-checkout-session",
            ["AUTOMATIC_TAX", "TAX_IDS", "", "", ""],
        ),
        (
            "account",
            [
                "SIGN_IN_URL",
                "USER_POOL_ID",
                "STRIPE_SECRET_ARN",
                "APP",
                "TABLE_NAME",
            ],
        ),
        ("admin", STRIPE),
        (
            "admin",
            [
                "USER_POOL_ID",
                "ACCESS_GRACE_DAYS",
                "ACCESS_SLACK_HOURS",
                "",
                "",
            ],
        ),
        ("reconcile", ["USER_POOL_ID", "", "", "", ""]),
        (
            "subscriber-authorizer",
            [
                "APP",
                "TABLE_NAME",
                "SIGN_IN_ISSUER",
                "SIGN_IN_CLIENT_ID",
                "REQUIREMENTS",
            ],
        ),
        (
            "subscriber-authorizer",
            [
                "STRIPE_PUBLISHABLE_KEY",
                "ACCESS_GRACE_DAYS",
                "ACCESS_SLACK_HOURS",
                "",
                "",
            ],
        ),
        (
            "members-cookies",
            [
                "TABLE_NAME",
                "SITE_URL",
                "MEMBERS_KEYS_ARN",
                "MEMBERS_KEY",
                "MEMBERS_KEY_PAIR_ID",
            ],
        ),
        ("signing-key", ["MEMBERS_KEYS_ARN", "", "", "", ""]),
    ] {
        for variable in variables
            .into_iter()
            .filter(|variable| !variable.is_empty())
        {
            let function = function(name, |config| {
                config.env.remove(variable);
            })?;
            let Err(InvokeError::Init { stderr }) = function.invoke(json!({})).await else {
                panic!("{name} started without {variable}")
            };
            let expected = format!("the environment variable {variable} is missing");
            assert!(stderr.contains(&expected), "{name}: {stderr}");
        }
    }
    for (name, variable, wrong) in [
        ("config", "STRIPE_PUBLISHABLE_KEY", "sk_test_secret"),
        ("webhook", "STRIPE_PUBLISHABLE_KEY", "sk_test_secret"),
        ("subscription-status", "ACCESS_GRACE_DAYS", "soon-secret"),
        ("create-checkout-session", "SITE_URL", "secret/page"),
        ("create-checkout-session", "AUTOMATIC_TAX", "secret"),
        ("create-checkout-session", "TAX_IDS", "1-secret"),
        ("members-cookies", "MEMBERS_KEY", "secret"),
        ("members-cookies", "REQUIREMENT", "secret:pro"),
        ("members-cookies", "SITE_URL", "secret/page"),
        ("config", "SSL_CERT_FILE", "/secret.pem"),
        ("config", "SSL_CERT_FILE", "/dev/null"),
        ("subscriber-authorizer", "SIGN_IN_ISSUER", "secret/pool"),
        (
            "subscriber-authorizer",
            "REQUIREMENTS",
            r#"{"GET /api/members": "gold"}"#,
        ),
        (
            "subscriber-authorizer",
            "REQUIREMENTS",
            r#"{"/api/members": ""}"#,
        ),
    ] {
        let function = function(name, |config| {
            config.env.insert(variable.to_owned(), wrong.to_owned());
        })?;
        let Err(InvokeError::Init { stderr }) = function.invoke(json!({})).await else {
            panic!("{name} started with {variable}={wrong}")
        };
        assert!(
            stderr.contains(&format!("the environment variable {variable} is wrong")),
            "{stderr}"
        );
        assert!(!stderr.contains("secret\""), "the value is shown: {stderr}");
    }
    Ok(())
}

async fn answer(name: &str, event: Event) -> Result<(u64, Value, Value)> {
    let answer = function(name, |_| ())?.invoke(event.into_payload()).await?;
    let body = answer["body"].as_str().unwrap_or_default();
    Ok((
        answer["statusCode"].as_u64().unwrap_or_default(),
        answer["headers"].clone(),
        serde_json::from_str(body).unwrap_or(Value::Null),
    ))
}

#[tokio::test]
async fn without_dynamodb_every_function_answers_503_and_when_to_come_back() -> Result<()> {
    let order = Event::new("POST", "/api/create-checkout-session")
        .signed_in()
        .body("{\"plan\":\"a\"}");
    for (name, event) in [
        ("config", Event::new("GET", "/api/config")),
        (
            "subscription-status",
            Event::new("GET", "/api/subscription").signed_in(),
        ),
        (
            "subscription-status",
            Event::new("POST", "/api/subscription/sync").signed_in(),
        ),
        ("create-checkout-session", order),
        (
            "change-subscription",
            Event::new("POST", "/api/subscription/cancel").signed_in(),
        ),
        (
            "create-portal-session",
            Event::new("POST", "/api/create-portal-session").signed_in(),
        ),
        ("invoices", Event::new("GET", "/api/invoices").signed_in()),
        (
            "account",
            Event::new("POST", "/api/account/email").signed_in(),
        ),
        ("account", Event::new("DELETE", "/api/account").signed_in()),
        (
            "admin",
            super::admin::by_an_admin("GET", "/api/admin/users"),
        ),
        (
            "members-cookies",
            Event::new("POST", "/api/members/cookies").signed_in(),
        ),
        ("webhook", super::webhook::signed_event()),
    ] {
        let (status, headers, body) = answer(name, event).await?;
        assert_eq!(
            (status, &body["code"]),
            (503, &json!("store_unavailable")),
            "{name} {body}"
        );
        assert_eq!(headers["retry-after"], "2", "{name}");
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn over_tls_only_who_can_be_trusted_is_spoken_to() -> Result<()> {
    let stack = LocalStack::start().await?;
    let authority = Authority::new()?;
    let front = TlsFront::before(&stack.dynamodb, &authority).await?;
    for (trusted, expected) in [(true, 200), (false, 503)] {
        let config = function("config", |config| {
            let table = local_stack::names::physical("Table");
            config.env.insert("TABLE_NAME".to_owned(), table);
            let url = front.url.clone();
            config
                .env
                .insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url);
            if trusted {
                let file = authority.file().to_string_lossy().into_owned();
                config.env.insert("SSL_CERT_FILE".to_owned(), file);
            }
        })?;
        let event = Event::new("GET", "/api/config").into_payload();
        let reply = config.invoke(event).await?;
        assert_eq!(reply["statusCode"], expected, "trusted: {trusted}: {reply}");
        config.shutdown().await;
    }
    Ok(())
}

#[tokio::test]
async fn with_an_origin_secret_only_the_webhook_is_reached_past_cloudfront() -> Result<()> {
    let get = || Event::new("GET", "/api/config");
    let order = Event::new("POST", "/api/create-checkout-session")
        .signed_in()
        .body("{\"plan\":\"a\"}");
    let status = Event::new("GET", "/api/subscription").signed_in();
    let leave = Event::new("DELETE", "/api/account").signed_in();
    for (name, event, expected) in [
        ("config", get(), (403, "forbidden")),
        (
            "config",
            get().header("x-origin-secret", "wrong"),
            (403, "forbidden"),
        ),
        (
            "config",
            get().header("x-origin-secret", "right"),
            (503, "store_unavailable"),
        ),
        ("create-checkout-session", order, (403, "forbidden")),
        ("subscription-status", status, (403, "forbidden")),
        (
            "change-subscription",
            Event::new("POST", "/api/subscription/cancel").signed_in(),
            (403, "forbidden"),
        ),
        (
            "create-portal-session",
            Event::new("POST", "/api/create-portal-session").signed_in(),
            (403, "forbidden"),
        ),
        (
            "invoices",
            Event::new("GET", "/api/invoices").signed_in(),
            (403, "forbidden"),
        ),
        ("account", leave, (403, "forbidden")),
        (
            "members",
            Event::new("GET", "/api/members").admitted("user-1", stack_tests::now() + 60),
            (403, "forbidden"),
        ),
        (
            "admin",
            super::admin::by_an_admin("GET", "/api/admin/users"),
            (403, "forbidden"),
        ),
        (
            "members-cookies",
            Event::new("POST", "/api/members/cookies").signed_in(),
            (403, "forbidden"),
        ),
        (
            "members-cookies",
            Event::new("DELETE", "/api/members/cookies"),
            (403, "forbidden"),
        ),
        (
            "webhook",
            super::webhook::signed_event(),
            (503, "store_unavailable"),
        ),
    ] {
        let function = function(name, |around| {
            let (key, value) = ("ORIGIN_SECRET".to_owned(), "right".to_owned());
            around.env.insert(key, value);
        })?;
        let answer = function.invoke(event.into_payload()).await?;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        let told = (
            answer["statusCode"].as_u64().unwrap_or_default(),
            body["code"].as_str().unwrap_or_default(),
        );
        assert_eq!(told, expected, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_but_a_verified_access_token_names_the_user() -> Result<()> {
    let get = || Event::new("GET", "/api/subscription");
    for event in [
        get(),
        get().header("authorization", "Bearer forged"),
        get().claims(json!({ "sub": "user-1", "token_use": "id" })),
        get().claims(json!({ "sub": "user-1" })),
        get().claims(json!({ "token_use": "access" })),
        get().claims(json!({ "sub": "a#b", "token_use": "access" })),
    ] {
        let (status, _, body) = answer("subscription-status", event).await?;
        assert_eq!(
            (status, &body["code"]),
            (401, &json!("invalid_token")),
            "{body}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_problem_carries_the_id_under_which_the_log_has_its_cause() -> Result<()> {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
    let sink = lines.clone();
    let function = function("config", |config| {
        config.logs = std::sync::Arc::new(move |_: &str, line: &str| {
            sink.lock().unwrap().push(line.to_owned());
        });
    })?;
    let answer = function
        .invoke(Event::new("GET", "/api/config").into_payload())
        .await?;
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
    let line = stack_tests::eventually("the request is logged", async || {
        let lines = lines.lock().unwrap();
        let parsed = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed.into_iter().find(|line| line["message"] == "request")
    })
    .await;
    assert_eq!(line["span"]["request_id"], body["request_id"]);
    assert_eq!(line["status"], 503);
    assert!(
        line["error"]
            .as_str()
            .unwrap_or_default()
            .contains("DynamoDB"),
        "{line}"
    );
    Ok(())
}
