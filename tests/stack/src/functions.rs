use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::time::Duration;

use anyhow::Result;
use local_stack::lambda::{Function, FunctionConfig, LogSink};
use local_stack::secrets::Secrets;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::binaries;

/// Where the functions alone have Stripe's key.
pub const STRIPE_SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:stripe";
/// Where they have the signing secrets.
pub const WEBHOOK_SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:webhook";
/// Where they have the keys of members' cookies: nothing is in it.
pub const MEMBERS_KEYS_SECRET: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:members-keys";

/// What a function finds where it is alone.
pub struct Surroundings {
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Takes each line that it writes.
    pub logs: LogSink,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Secrets Manager.
    pub secrets: Secrets,
}

impl Surroundings {
    /// Gives Stripe's key another value.
    pub fn set_stripe_key(&self, key: &str) {
        let value = json!({ "secret_key": key }).to_string();
        self.secrets.set(STRIPE_SECRET, &value);
    }

    /// Gives the signing secrets other values: the current one, and the one before it.
    pub fn set_signing_secrets(&self, current: &str, previous: Option<&str>) {
        let signing = |secret| json!({ "endpoint": "we_1", "secret": secret });
        let value = json!({ "current": signing(current), "previous": previous.map(signing) });
        self.secrets.set(WEBHOOK_SECRET, &value.to_string());
    }
}

/// One shipped function by itself, over the Lambda Runtime API, in an environment that is complete but leads nowhere but to its secrets: nothing
/// listens at port 9.
///
/// # Errors
/// Where the binaries' folder cannot be told, or there is no port left.
pub fn function(name: &str, change: impl FnOnce(&mut Surroundings)) -> Result<Function> {
    let mut config = FunctionConfig::new(binaries()?.join(name)).timeout(Duration::from_secs(25));
    let secrets = Secrets::default()
        .with(STRIPE_SECRET, None)
        .with(WEBHOOK_SECRET, None)
        .with(MEMBERS_KEYS_SECRET, None);
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let serve = axum::serve(TcpListener::from_std(listener)?, secrets.clone().router());
    tokio::spawn(serve.into_future());
    for (key, value) in [
        ("APP", "tollgate"),
        ("TABLE_NAME", "tollgate"),
        ("SITE_URL", "https://example.com"),
        ("SIGN_IN_URL", "http://127.0.0.1:9"),
        ("SIGN_IN_ISSUER", "http://127.0.0.1:9"),
        ("SIGN_IN_CLIENT_ID", "client"),
        (
            "REQUIREMENTS",
            r#"{"GET /api/members/reports": "feature:reports"}"#,
        ),
        ("USER_POOL_ID", "pool"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_1"),
        ("STRIPE_SECRET_ARN", STRIPE_SECRET),
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
        ("WEBHOOK_SECRET_ARN", WEBHOOK_SECRET),
        ("ACCESS_GRACE_DAYS", "7"),
        ("ACCESS_SLACK_HOURS", "24"),
        ("AUTOMATIC_TAX", "false"),
        ("TAX_IDS", "false"),
        ("MEMBERS_KEYS_ARN", MEMBERS_KEYS_SECRET),
        ("MEMBERS_KEY", "A"),
        ("MEMBERS_KEY_PAIR_ID", "K1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &url),
        (
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
            "http://127.0.0.1:9",
        ),
    ] {
        config = config.env(key, value);
    }
    let mut around = Surroundings {
        env: config.env,
        logs: config.logs,
        timeout: config.timeout,
        secrets,
    };
    around.set_stripe_key("sk_test_1");
    around.set_signing_secrets("whsec_current", Some("whsec_previous"));
    change(&mut around);
    config.env = around.env;
    config.logs = around.logs;
    config.timeout = around.timeout;
    Ok(Function::new(config))
}

/// An event of API Gateway's HTTP API, payload format 2.0, as AWS documents it:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
pub struct Event(Value);

impl Event {
    /// A request by nobody, without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self(json!({
            "version": "2.0",
            "routeKey": format!("{method} {path}"),
            "rawPath": path,
            "rawQueryString": "",
            "headers": { "host": "example.com", "content-type": "application/json" },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api-id",
                "domainName": "id.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "id",
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent" },
                "requestId": "id",
                "routeKey": format!("{method} {path}"),
                "stage": "$default",
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_583_348_638_390_i64
            },
            "isBase64Encoded": false
        }))
    }

    /// With the claims of a verified token.
    #[must_use]
    pub fn claims(mut self, claims: Value) -> Self {
        self.0["requestContext"]["authorizer"] =
            json!({ "jwt": { "claims": claims, "scopes": ["tollgate/billing"] } });
        self
    }

    /// By somebody who is signed in.
    #[must_use]
    pub fn signed_in(self) -> Self {
        self.claims(json!({ "sub": "user-1", "token_use": "access" }))
    }

    /// Of somebody whom the gate has let in, until then.
    #[must_use]
    pub fn admitted(mut self, user: &str, until: i64) -> Self {
        self.0["requestContext"]["authorizer"] = json!({ "lambda": {
            "user_id": user, "reason": "active", "line": "paid", "until": until, "plan": "starter-monthly", "token_expires": until
        } });
        self
    }

    /// What API Gateway asks the gate about it.
    #[must_use]
    pub fn question(mut self) -> Self {
        let route = self.0["routeKey"].as_str().unwrap_or_default();
        let arn = "arn:aws:execute-api:us-east-1:123456789012:api-id/$default";
        let arn = format!("{arn}/{}", route.replacen(' ', "", 1));
        self.0["type"] = "REQUEST".into();
        self.0["routeArn"] = arn.into();
        self.0["identitySource"] = json!([self.0["headers"]["authorization"]]);
        self
    }

    /// With a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self
    }

    /// With a query of one parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.0["rawQueryString"] = format!("{name}={value}").into();
        self.0["queryStringParameters"] = json!({ name: value });
        self
    }

    /// With a body as text.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.0["body"] = body.into();
        self
    }

    /// With a body that API Gateway has encoded.
    #[must_use]
    pub fn base64_body(mut self, body: &str) -> Self {
        self.0["body"] = body.into();
        self.0["isBase64Encoded"] = true.into();
        self
    }

    /// What the function gets.
    #[must_use]
    pub fn into_payload(self) -> Value {
        self.0
    }
}
