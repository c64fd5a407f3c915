//! API Gateway's HTTP API: `AWS::ApiGatewayV2::Stage`, `Route`, `Integration` and `Authorizer`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::resolve::scalar;
use super::{Resolver, TemplateError};

/// The HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSpec {
    /// `StageVariables`.
    pub stage_variables: BTreeMap<String, String>,
    /// The routes, in order of their logical ids.
    pub routes: Vec<RouteSpec>,
}

/// A route with its integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// Such as `GET /api/config`, `ANY /{proxy+}` or `$default`.
    pub route_key: String,
    /// The logical id of the function.
    pub function: String,
    /// How long API Gateway waits for the function.
    pub timeout: Duration,
    /// The authorizer, where the route has one.
    pub authorizer: Option<AuthorizerSpec>,
    /// Of which an access token needs one, before a JWT authorizer.
    pub scopes: Vec<String>,
}

/// Who says whether a request may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizerSpec {
    /// API Gateway, by a token.
    Jwt(JwtAuthorizerSpec),
    /// A function.
    Lambda(LambdaAuthorizerSpec),
}

/// A JWT authorizer that reads the `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtAuthorizerSpec {
    /// The token's `iss`, and where its keys are found.
    pub issuer: String,
    /// Accepted `aud`, or `client_id` where a token has no `aud`.
    pub audience: Vec<String>,
}

/// A Lambda authorizer with payload format 2.0 and simple responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LambdaAuthorizerSpec {
    /// Its logical id.
    pub id: String,
    /// The logical id of the function.
    pub function: String,
    /// What a request must have for the function to be asked, and what an answer is kept by.
    pub identity_sources: Vec<IdentitySource>,
    /// How long an answer is kept; not at all where it is zero.
    pub ttl: Duration,
}

/// Something of a request: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html#http-api-lambda-authorizer.identity-sources>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// `$request.header.…`, in lower case.
    Header(String),
    /// `$request.querystring.…`
    Query(String),
    /// `$stageVariables.…`
    StageVariable(String),
    /// `$context.routeKey`
    RouteKey,
}

impl IdentitySource {
    /// `None` for what the local gateway does not know.
    fn parse(text: &str) -> Option<Self> {
        if text == "$context.routeKey" {
            return Some(Self::RouteKey);
        }
        let named = |prefix: &str| {
            let name = text.strip_prefix(prefix)?;
            (!name.is_empty()).then(|| name.to_owned())
        };
        let header = named("$request.header.").map(|name| Self::Header(name.to_lowercase()));
        header
            .or_else(|| named("$request.querystring.").map(Self::Query))
            .or_else(|| named("$stageVariables.").map(Self::StageVariable))
    }
}

impl Resolver<'_> {
    /// The HTTP API.
    ///
    /// # Errors
    /// If a part of it cannot be resolved, or asks for what the local gateway does not do.
    pub fn api(&self) -> Result<ApiSpec, TemplateError> {
        let mut stage_variables = BTreeMap::new();
        for id in self.present("AWS::ApiGatewayV2::Stage")? {
            self.expect(
                id,
                "StageName",
                "$default",
                "the local gateway has no other stage than $default",
            )?;
            if let Some(Value::Object(variables)) = self.property(id, "StageVariables")? {
                for (name, value) in variables {
                    let value = scalar(&property_path(id, "StageVariables"), &value)?;
                    stage_variables.insert(name, value);
                }
            }
        }
        let routes = self.present("AWS::ApiGatewayV2::Route")?;
        let routes = routes
            .into_iter()
            .map(|id| self.route(id))
            .collect::<Result<_, _>>()?;
        Ok(ApiSpec {
            stage_variables,
            routes,
        })
    }

    fn route(&self, id: &str) -> Result<RouteSpec, TemplateError> {
        let route_key = self.required(id, "RouteKey")?;
        let target = self.required(id, "Target")?;
        let integration = target.strip_prefix("integrations/").unwrap_or(&target);
        let (function, timeout) = self.integration(integration)?;
        let kind = self.property(id, "AuthorizationType")?;
        let authorizer = || self.required(id, "AuthorizerId");
        let authorizer = match kind.as_ref().and_then(Value::as_str) {
            None | Some("NONE") => None,
            Some("JWT") => Some(AuthorizerSpec::Jwt(self.jwt_authorizer(&authorizer()?)?)),
            Some("CUSTOM") => {
                let spec = self.lambda_authorizer(&authorizer()?)?;
                Some(AuthorizerSpec::Lambda(spec))
            }
            Some(other) => {
                let problem = format!("the local gateway knows NONE, JWT and CUSTOM, not {other}");
                return Err(TemplateError::part(
                    property_path(id, "AuthorizationType"),
                    problem,
                ));
            }
        };
        let scopes = self.texts(id, "AuthorizationScopes")?;
        Ok(RouteSpec {
            route_key,
            function,
            timeout,
            authorizer,
            scopes,
        })
    }

    fn integration(&self, id: &str) -> Result<(String, Duration), TemplateError> {
        self.expect(
            id,
            "IntegrationType",
            "AWS_PROXY",
            "the local gateway invokes functions only (AWS_PROXY)",
        )?;
        self.expect(
            id,
            "PayloadFormatVersion",
            "2.0",
            "the local gateway speaks payload format 2.0 only",
        )?;
        let function = self.invoked(id, "IntegrationUri")?;
        let timeout = match self.property(id, "TimeoutInMillis")? {
            Some(value) => value.as_u64().ok_or_else(|| {
                TemplateError::part(
                    property_path(id, "TimeoutInMillis"),
                    "must be a number of milliseconds",
                )
            })?,
            None => 30_000,
        };
        Ok((function, Duration::from_millis(timeout)))
    }

    /// The function that a URI leads to.
    fn invoked(&self, id: &str, property: &str) -> Result<String, TemplateError> {
        let uri = self.required(id, property)?;
        let function = self.function_of(&uri)?.ok_or_else(|| {
            TemplateError::part(
                property_path(id, property),
                format!("{uri} is none of the functions here"),
            )
        })?;
        Ok(function.to_owned())
    }

    fn lambda_authorizer(&self, id: &str) -> Result<LambdaAuthorizerSpec, TemplateError> {
        self.expect(
            id,
            "AuthorizerType",
            "REQUEST",
            "a route of the type CUSTOM needs an authorizer of the type REQUEST",
        )?;
        self.expect(
            id,
            "AuthorizerPayloadFormatVersion",
            "2.0",
            "the local gateway speaks payload format 2.0 only",
        )?;
        if self.property(id, "EnableSimpleResponses")? != Some(Value::Bool(true)) {
            return Err(TemplateError::part(
                property_path(id, "EnableSimpleResponses"),
                "the local gateway takes simple responses only",
            ));
        }
        let sources = self.texts(id, "IdentitySource")?;
        let at = property_path(id, "IdentitySource");
        let parsed = sources.iter().map(|text| {
            IdentitySource::parse(text).ok_or_else(|| {
                TemplateError::part(&at, format!("{text} is not known to the local gateway"))
            })
        });
        let identity_sources: Vec<_> = parsed.collect::<Result<_, _>>()?;
        let ttl = match self.property(id, "AuthorizerResultTtlInSeconds")? {
            None => 0,
            Some(value) => value.as_u64().ok_or_else(|| {
                TemplateError::part(
                    property_path(id, "AuthorizerResultTtlInSeconds"),
                    "must be a number of seconds",
                )
            })?,
        };
        if ttl > 0 && identity_sources.is_empty() {
            return Err(TemplateError::part(
                at,
                "is missing: an answer cannot be kept by nothing",
            ));
        }
        Ok(LambdaAuthorizerSpec {
            id: id.to_owned(),
            function: self.invoked(id, "AuthorizerUri")?,
            identity_sources,
            ttl: Duration::from_secs(ttl),
        })
    }

    fn jwt_authorizer(&self, id: &str) -> Result<JwtAuthorizerSpec, TemplateError> {
        self.expect(
            id,
            "AuthorizerType",
            "JWT",
            "a route of the type JWT needs an authorizer of the type JWT",
        )?;
        let sources = self.texts(id, "IdentitySource")?;
        if sources != ["$request.header.Authorization"] {
            let problem =
                "the local gateway reads the token from $request.header.Authorization only";
            return Err(TemplateError::part(
                property_path(id, "IdentitySource"),
                problem,
            ));
        }
        let issuer = self.get(&["Resources", id, "Properties", "JwtConfiguration", "Issuer"])?;
        let issuer = scalar(
            &property_path(id, "JwtConfiguration.Issuer"),
            &issuer.unwrap_or_default(),
        )?;
        let audience = self.get(&[
            "Resources",
            id,
            "Properties",
            "JwtConfiguration",
            "Audience",
        ])?;
        let audience = texts(&property_path(id, "JwtConfiguration.Audience"), audience)?;
        Ok(JwtAuthorizerSpec { issuer, audience })
    }

    pub(super) fn property(&self, id: &str, name: &str) -> Result<Option<Value>, TemplateError> {
        self.get(&["Resources", id, "Properties", name])
    }

    pub(super) fn required(&self, id: &str, name: &str) -> Result<String, TemplateError> {
        match self.property(id, name)? {
            Some(value) => scalar(&property_path(id, name), &value),
            None => Err(TemplateError::part(property_path(id, name), "is missing")),
        }
    }

    pub(super) fn texts(&self, id: &str, name: &str) -> Result<Vec<String>, TemplateError> {
        texts(&property_path(id, name), self.property(id, name)?)
    }

    fn expect(
        &self,
        id: &str,
        name: &str,
        expected: &str,
        problem: &str,
    ) -> Result<(), TemplateError> {
        let found = self.property(id, name)?;
        if found.as_ref().and_then(Value::as_str) == Some(expected) {
            Ok(())
        } else {
            Err(TemplateError::part(property_path(id, name), problem))
        }
    }
}

fn property_path(id: &str, name: &str) -> String {
    format!("Resources.{id}.Properties.{name}")
}

fn texts(at: &str, value: Option<Value>) -> Result<Vec<String>, TemplateError> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| scalar(at, item)).collect(),
        Some(_) => Err(TemplateError::part(at, "must be a list")),
    }
}
