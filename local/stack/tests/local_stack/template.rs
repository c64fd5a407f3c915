use local_stack::names::{self, Settings};
use local_stack::template::{AuthorizerSpec, Scope, Template};
use serde_json::{Value, json};

fn settings() -> Settings {
    Settings {
        site_url: "http://localhost:8787".to_owned(),
        sign_in_url: "http://localhost:8788".to_owned(),
        stripe_api_base: "http://localhost:8789".to_owned(),
        stripe_publishable_key: "pk_test_local".to_owned(),
    }
}

/// What the value under `Metadata.X` resolves to.
fn resolve(value: &str) -> Result<Option<Value>, String> {
    let indented = value.replace('\n', "\n    ");
    let text = format!(
        "
Parameters:
  App: {{Type: String, Default: tollgate}}
  Days: {{Type: Number, Default: 7}}
  Needed: {{Type: String}}
Conditions:
  HasSite: !Not [!Equals [!Ref SiteUrl, '']]
  IsOther: !Equals [!Ref App, other]
  Both: !And [!Condition HasSite, !Condition IsOther]
  Either: !Or [!Condition HasSite, !Condition IsOther]
Resources:
  Table: {{Type: AWS::DynamoDB::Table}}
  Topic: {{Type: AWS::SNS::Topic}}
  UserPool: {{Type: AWS::Cognito::UserPool}}
Metadata:
  X: {indented}
"
    );
    let template = Template::parse(&text).map_err(|error| error.to_string())?;
    let mut settings = settings();
    settings.sign_in_url = "http://sign-in".to_owned();
    let mut scope: Scope = names::scope(&template, &settings);
    scope
        .parameters
        .insert("SiteUrl".to_owned(), "http://site".to_owned());
    template
        .resolve(&scope)
        .get(&["Metadata", "X"])
        .map_err(|error| error.to_string())
}

fn check(value: &str, expected: Value) {
    assert_eq!(resolve(value), Ok(Some(expected)), "{value}");
}

fn refused(value: &str, problem: &str) {
    assert_eq!(
        resolve(value),
        Err(format!("the template's Metadata.X{problem}")),
        "{value}"
    );
}

#[test]
fn cloudformations_functions_are_resolved() {
    check("!Ref App", json!("tollgate"));
    check("{Ref: App}", json!("tollgate"));
    check("!Ref Days", json!("7"));
    check("!Ref Table", json!("local-Table"));
    check("!Ref AWS::Region", json!("us-east-1"));
    check("!GetAtt UserPool.ProviderURL", json!("http://sign-in"));
    check(
        "{'Fn::GetAtt': [UserPool, ProviderURL]}",
        json!("http://sign-in"),
    );
    check("!Sub ${App}/billing", json!("tollgate/billing"));
    check(
        "!Sub '${UserPool.ProviderURL}/${!literal}/${App}'",
        json!("http://sign-in/${literal}/tollgate"),
    );
    check(
        "!Sub ['${App}-${Other}', {Other: !Ref Days}]",
        json!("tollgate-7"),
    );
    check(
        "!If [HasSite, !Ref SiteUrl, !Ref Needed]",
        json!("http://site"),
    );
    check("!If [IsOther, yes, no]", json!("no"));
    check("!If [Both, yes, no]", json!("no"));
    check("!If [Either, yes, no]", json!("yes"));
    check(
        "[one, !If [IsOther, two, !Ref AWS::NoValue], three]",
        json!(["one", "three"]),
    );
    check("{one: 1, two: !Ref AWS::NoValue}", json!({"one": 1}));
    check("!Join ['/', [a, !Ref App]]", json!("a/tollgate"));
    check("!Select [1, !Split ['//', !Ref SiteUrl]]", json!("site"));
}

#[test]
fn a_dynamic_reference_is_refused_where_it_counts() {
    let reference = "!Sub '{{resolve:secretsmanager:${App}:SecretString}}'";
    refused(
        reference,
        ": holds a {{resolve:…}}, which is not known here",
    );
    refused(
        "'{{resolve:ssm:/key}}'",
        ": holds a {{resolve:…}}, which is not known here",
    );
    check(&format!("!If [IsOther, {reference}, '']"), json!(""));
}

#[test]
fn what_is_unknown_is_an_error_that_names_it() {
    refused("!Ref Nobody", ": Ref Nobody: no such name here");
    refused("!Ref Topic", ": Ref Topic: no such name here");
    refused("!Ref Needed", ": the parameter Needed has no value here");
    refused(
        "{a: [!GetAtt Table.Colour]}",
        ".a[0]: GetAtt Table.Colour: no such attribute here",
    );
    refused("!Sub x${Nobody}", ": Ref Nobody: no such name here");
    refused(
        "!ImportValue x",
        ": Fn::ImportValue is not known here, or not in this form",
    );
    refused("!If [Nobody, 1, 2]", ": there is no condition Nobody");
    refused(
        "!Join x",
        ": Fn::Join is not known here, or not in this form",
    );
}

/// The repository's own template.
fn ours() -> Template {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    Template::read(path.as_ref()).unwrap()
}

#[test]
fn our_routes_are_read() {
    let template = ours();
    let scope = names::scope(&template, &settings());
    let routes: Vec<String> = template
        .resolve(&scope)
        .api()
        .unwrap()
        .routes
        .into_iter()
        .map(|route| {
            let authorizer = match route.authorizer {
                None => String::new(),
                Some(AuthorizerSpec::Jwt(it)) => format!(" {} {:?}", it.issuer, it.audience),
                Some(AuthorizerSpec::Lambda(it)) => format!(
                    " {} {:?} {:?} {:?}",
                    it.id, it.function, it.identity_sources, it.ttl
                ),
            };
            format!(
                "{} → {} {:?}{authorizer} {:?}",
                route.route_key, route.function, route.timeout, route.scopes
            )
        })
        .collect();
    insta::assert_snapshot!(routes.join("\n"), @r#"
    DELETE /api/account → AccountFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/account/email → AccountFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/admin/users/{user}/events → AdminFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/admin/users/{user}/sync → AdminFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/admin/users/{user} → AdminFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/admin/users → AdminFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/config → ConfigFunction 30s []
    POST /api/create-checkout-session → CreateCheckoutSessionFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/create-portal-session → CreatePortalSessionFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/invoices → InvoicesFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    DELETE /api/members/cookies → MembersCookiesFunction 30s []
    POST /api/members/cookies → MembersCookiesFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/members/reports → MembersFunction 30s SubscriberAuthorizer "SubscriberAuthorizerFunction" [Header("authorization")] 0ns []
    GET /api/members → MembersFunction 30s SubscriberAuthorizer "SubscriberAuthorizerFunction" [Header("authorization")] 0ns []
    POST /api/subscription/cancel → ChangeSubscriptionFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/subscription/pay → ChangeSubscriptionFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/subscription/preview → ChangeSubscriptionFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/subscription/resume → ChangeSubscriptionFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    GET /api/subscription → SubscriptionStatusFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/subscription/switch → ChangeSubscriptionFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/subscription/sync → SubscriptionStatusFunction 30s http://localhost:8788 ["local-UserPoolClient"] ["tollgate/billing"]
    POST /api/webhook → WebhookFunction 30s []
    "#);
}

#[test]
fn our_functions_are_read() {
    let template = ours();
    let scope = names::scope(&template, &settings());
    let functions = template.resolve(&scope).functions().unwrap();
    let shown: Vec<String> = functions
        .iter()
        .map(|function| {
            let environment: Vec<_> = function
                .environment
                .iter()
                .map(|(key, value)| format!("\n  {key}={value}"))
                .collect();
            format!(
                "{} {:?} {} MB{}",
                function.binary,
                function.timeout,
                function.memory_size,
                environment.concat()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    account 25s 256 MB
      APP=tollgate
      ORIGIN_SECRET=
      SIGN_IN_URL=http://localhost:8788
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
      USER_POOL_ID=local-UserPool
    admin 20s 256 MB
      ACCESS_GRACE_DAYS=7
      ACCESS_SLACK_HOURS=24
      APP=tollgate
      ORIGIN_SECRET=
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
      USER_POOL_ID=local-UserPool
    change-subscription 25s 256 MB
      ACCESS_GRACE_DAYS=7
      ACCESS_SLACK_HOURS=24
      APP=tollgate
      ORIGIN_SECRET=
      SITE_URL=http://localhost:8787
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
    config 5s 256 MB
      APP=tollgate
      ORIGIN_SECRET=
      SIGN_IN_CLIENT_ID=local-UserPoolClient
      SIGN_IN_URL=http://localhost:8788
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      TABLE_NAME=local-Table
    create-checkout-session 25s 256 MB
      APP=tollgate
      AUTOMATIC_TAX=false
      ORIGIN_SECRET=
      SIGN_IN_URL=http://localhost:8788
      SITE_URL=http://localhost:8787
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
      TAX_IDS=false
    create-portal-session 20s 256 MB
      ACCESS_GRACE_DAYS=7
      ACCESS_SLACK_HOURS=24
      APP=tollgate
      ORIGIN_SECRET=
      SITE_URL=http://localhost:8787
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
    invoices 15s 256 MB
      APP=tollgate
      ORIGIN_SECRET=
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
    members-cookies 10s 256 MB
      ACCESS_GRACE_DAYS=7
      ACCESS_SLACK_HOURS=24
      MEMBERS_KEY=A
      MEMBERS_KEYS_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:local-MembersKeysSecret-local0
      MEMBERS_KEY_PAIR_ID=local-MembersPublicKeyA
      ORIGIN_SECRET=
      REQUIREMENT=
      SITE_URL=http://localhost:8787
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      TABLE_NAME=local-Table
    members 5s 256 MB
      ORIGIN_SECRET=
    provision 300s 256 MB
      APP=tollgate
      DISTRIBUTION_ID=local-Distribution
      MEMBERS_BUCKET=local-membersbucket
      SITE_BUCKET=local-sitebucket
      SITE_URL=http://localhost:8787
      STACK=000000000000/us-east-1/local
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
      WEBHOOK_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:local-WebhookSecret-local0
      WEBHOOK_URL=http://localhost:8787/api/webhook
    reconcile 900s 256 MB
      ACCESS_GRACE_DAYS=7
      ACCESS_SLACK_HOURS=24
      APP=tollgate
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
      USER_POOL_ID=local-UserPool
    signing-key 90s 256 MB
      MEMBERS_KEYS_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:local-MembersKeysSecret-local0
    subscriber-authorizer 10s 256 MB
      ACCESS_GRACE_DAYS=7
      ACCESS_SLACK_HOURS=24
      APP=tollgate
      REQUIREMENTS={ "GET /api/members/reports": "feature:reports" }
      SIGN_IN_CLIENT_ID=local-UserPoolClient
      SIGN_IN_ISSUER=http://localhost:8788
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      TABLE_NAME=local-Table
    subscription-status 15s 256 MB
      ACCESS_GRACE_DAYS=7
      ACCESS_SLACK_HOURS=24
      APP=tollgate
      ORIGIN_SECRET=
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
    webhook 20s 256 MB
      APP=tollgate
      STRIPE_API_BASE=http://localhost:8789
      STRIPE_PUBLISHABLE_KEY=pk_test_local
      STRIPE_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      TABLE_NAME=local-Table
      WEBHOOK_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:local-WebhookSecret-local0
    "#);
}

#[test]
fn our_schedules_are_read() {
    let template = ours();
    let scope = names::scope(&template, &settings());
    let schedules = template.resolve(&scope).schedules().unwrap();
    let shown: Vec<String> = schedules
        .iter()
        .map(|it| format!("{} {:?} {} {}", it.id, it.every, it.function, it.input))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    DeletionsSchedule 600s ReconcileFunction {"job":"deletions"}
    DriftSchedule 86400s ReconcileFunction {"job":"drift"}
    UndeliveredSchedule 3600s ReconcileFunction {"job":"undelivered"}
    "#);
}

#[test]
fn our_custom_resources_are_read() {
    let template = ours();
    let scope = names::scope(&template, &settings());
    let resolver = template.resolve(&scope);
    let provisions = ["Custom::SigningKey", "Custom::Provision"].map(|it| resolver.provisions(it));
    let provisions: Vec<_> = provisions.into_iter().flat_map(Result::unwrap).collect();
    let shown: Vec<String> = provisions
        .iter()
        .map(|it| {
            let properties = it.properties.iter();
            let properties: Vec<_> = properties
                .map(|(key, value)| format!("\n  {key}={}", value.as_str().unwrap_or_default()))
                .collect();
            format!(
                "{} {} {:?}{}",
                it.id,
                it.function,
                it.timeout,
                properties.concat()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    SigningKey SigningKeyFunction 300s
      Keys=A
      ServiceTimeout=300
      ServiceToken=arn:aws:lambda:us-east-1:000000000000:function:local-SigningKeyFunction
    Provision ProvisionFunction 720s
      App=tollgate
      Bucket=local-sitebucket
      Code=arn:aws:lambda:us-east-1:000000000000:function:local-ProvisionFunction:1
      Distribution=local-Distribution
      MembersBucket=local-membersbucket
      Page=arn:aws:lambda:us-east-1:000000000000:layer:local-PageLayer:1
      ServiceTimeout=720
      ServiceToken=arn:aws:lambda:us-east-1:000000000000:function:local-ProvisionFunction
      SiteUrl=http://localhost:8787
      StripeApiBase=http://localhost:8789
      StripePublishableKey=pk_test_local
      StripeSecretArn=arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0
      Table=local-Table
      WebhookUrl=http://localhost:8787/api/webhook
    "#);
}

#[test]
fn our_table_client_and_distribution_are_read() {
    let template = ours();
    let mut scope = names::scope(&template, &settings());
    let key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwhVuckDrA+wjWO5kcdYiivFla6NS\nEObYw0vjARGH+oLKFCjK4yq6SXg0oXWNHjiAspbKrF8ntrC86C2LppBAJQ==\n-----END PUBLIC KEY-----\n";
    let attribute = "SigningKey.PublicKeyA".to_owned();
    scope.attributes.insert(attribute, key.to_owned());
    let resolver = template.resolve(&scope);
    insta::assert_debug_snapshot!(
        (resolver.tables().unwrap(), resolver.clients().unwrap(), resolver.page().unwrap()), @r#"
    (
        [
            TableSpec {
                id: "Table",
                schema: {
                    "AttributeDefinitions": Array [
                        Object {
                            "AttributeName": String("pk"),
                            "AttributeType": String("S"),
                        },
                        Object {
                            "AttributeName": String("sk"),
                            "AttributeType": String("S"),
                        },
                        Object {
                            "AttributeName": String("listed"),
                            "AttributeType": String("S"),
                        },
                        Object {
                            "AttributeName": String("listed_at"),
                            "AttributeType": String("N"),
                        },
                    ],
                    "BillingMode": String("PAY_PER_REQUEST"),
                    "GlobalSecondaryIndexes": Array [
                        Object {
                            "IndexName": String("customers"),
                            "KeySchema": Array [
                                Object {
                                    "AttributeName": String("listed"),
                                    "KeyType": String("HASH"),
                                },
                                Object {
                                    "AttributeName": String("listed_at"),
                                    "KeyType": String("RANGE"),
                                },
                            ],
                            "Projection": Object {
                                "ProjectionType": String("KEYS_ONLY"),
                            },
                        },
                    ],
                    "KeySchema": Array [
                        Object {
                            "AttributeName": String("pk"),
                            "KeyType": String("HASH"),
                        },
                        Object {
                            "AttributeName": String("sk"),
                            "KeyType": String("RANGE"),
                        },
                    ],
                },
                ttl_attribute: Some(
                    "purge_at",
                ),
            },
        ],
        [
            ClientSpec {
                id: "UserPoolClient",
                callback_urls: [
                    "http://localhost:8787/",
                ],
                logout_urls: [
                    "http://localhost:8787/",
                ],
                scopes: [
                    "openid",
                    "email",
                    "tollgate/billing",
                ],
                access_token_life: 3600s,
                refresh_token_life: 604800s,
                refresh_grace: 10s,
            },
        ],
        PageSpec {
            default_root_object: "index.html",
            site_headers: [
                (
                    "content-security-policy",
                    "default-src 'self'; connect-src 'self' http://localhost:8788; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
                ),
                (
                    "x-content-type-options",
                    "nosniff",
                ),
                (
                    "x-frame-options",
                    "DENY",
                ),
                (
                    "referrer-policy",
                    "strict-origin-when-cross-origin",
                ),
            ],
            api_headers: [
                (
                    "content-security-policy",
                    "default-src 'self'; connect-src 'self' http://localhost:8788; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
                ),
                (
                    "x-content-type-options",
                    "nosniff",
                ),
                (
                    "x-frame-options",
                    "DENY",
                ),
                (
                    "referrer-policy",
                    "strict-origin-when-cross-origin",
                ),
            ],
            guards: [
                Guard {
                    pattern: "/members/*",
                    keys: {
                        "local-MembersPublicKeyA": PublicKey(c2156e72…),
                    },
                },
            ],
            error_pages: {
                403: ErrorPage {
                    path: "/members-only.html",
                    status: 403,
                },
            },
        },
    )
    "#);
}
