//! What the names in the template stand for on this machine.

use std::collections::BTreeMap;

use crate::lambda::REGION;
use crate::template::{Scope, Template};

const ACCOUNT: &str = "000000000000";
const STACK: &str = "local";

/// The secret that was made beforehand.
pub const STRIPE_SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate/stripe-local0";

/// The secret that `provision` writes; its logical id is the template's.
#[must_use]
pub fn webhook_secret_arn() -> String {
    secret_arn("WebhookSecret")
}

/// The secret that `signing-key` writes; its logical id is the template's.
#[must_use]
pub fn members_keys_secret_arn() -> String {
    secret_arn("MembersKeysSecret")
}

fn secret_arn(id: &str) -> String {
    format!(
        "arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{}-local0",
        physical(id)
    )
}

/// The stack's own id.
#[must_use]
pub fn stack_id() -> String {
    format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/0")
}

/// What the stack fills into the template.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Origin of the page.
    pub site_url: String,
    /// Origin and issuer of the sign-in.
    pub sign_in_url: String,
    /// Where Stripe's API answers.
    pub stripe_api_base: String,
    /// Stripe's publishable key.
    pub stripe_publishable_key: String,
}

/// Parameters, pseudo parameters and resources. A resource that the local stack does not stand in for has no
/// name here, so that a part that needs it is an error.
#[must_use]
pub fn scope(template: &Template, settings: &Settings) -> Scope {
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let mut scope = Scope {
        parameters: [
            ("SignInUrl", settings.sign_in_url.as_str()),
            ("SiteUrl", &settings.site_url),
            ("StripeApiBase", &settings.stripe_api_base),
            ("StripePublishableKey", &settings.stripe_publishable_key),
            ("StripeSecretArn", STRIPE_SECRET_ARN),
        ]
        .map(owned)
        .into(),
        references: [
            ("AWS::AccountId", ACCOUNT),
            ("AWS::Partition", "aws"),
            ("AWS::Region", REGION),
            ("AWS::StackName", STACK),
            ("AWS::URLSuffix", "amazonaws.com"),
        ]
        .map(owned)
        .into(),
        attributes: BTreeMap::new(),
    };
    for (id, kind) in template.resources() {
        add_resource(&mut scope, id, kind, settings);
    }
    scope
}

/// The physical name of a resource, such as a table's.
#[must_use]
pub fn physical(id: &str) -> String {
    format!("{STACK}-{id}")
}

fn add_resource(scope: &mut Scope, id: &str, kind: &str, settings: &Settings) {
    let name = physical(id);
    let mut attribute =
        |key: &str, value: String| drop(scope.attributes.insert(format!("{id}.{key}"), value));
    let reference = match kind {
        "AWS::DynamoDB::Table" => {
            attribute(
                "Arn",
                format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"),
            );
            name
        }
        "AWS::Serverless::Function" => {
            let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
            // SAM's name for the version that `AutoPublishAlias` publishes.
            scope
                .references
                .insert(format!("{id}.Version"), format!("{arn}:1"));
            attribute("Arn", arn);
            name
        }
        "AWS::Serverless::LayerVersion" => {
            format!("arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}:1")
        }
        "AWS::SecretsManager::Secret" => {
            let arn = secret_arn(id);
            attribute("Id", arn.clone());
            arn
        }
        // Names of buckets have no upper case.
        "AWS::S3::Bucket" => name.to_lowercase(),
        "AWS::Cognito::UserPool" => {
            attribute("ProviderURL", settings.sign_in_url.clone());
            name
        }
        "AWS::CloudFront::Distribution" => {
            let domain = settings
                .site_url
                .split_once("://")
                .map_or(settings.site_url.as_str(), |(_, domain)| domain);
            attribute("DomainName", domain.to_owned());
            name
        }
        "AWS::CloudFront::PublicKey"
        | "AWS::Cognito::UserPoolClient"
        | "AWS::Cognito::UserPoolDomain" => name,
        "AWS::ApiGatewayV2::Api" => {
            attribute("ApiEndpoint", settings.site_url.clone());
            id.to_owned()
        }
        // Only the template itself refers to these: their names are their ids.
        "AWS::ApiGatewayV2::Authorizer"
        | "AWS::ApiGatewayV2::Integration"
        | "AWS::CloudFront::KeyGroup"
        | "AWS::CloudFront::ResponseHeadersPolicy" => id.to_owned(),
        _ => return,
    };
    scope.references.insert(id.to_owned(), reference);
}
