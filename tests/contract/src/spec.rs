//! Stripe's OpenAPI spec: its operations, components and event types.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

use crate::schema::strict;

/// The stand-in's version, which an endpoint may ask its events to have.
const LATER_VERSION: &str = "2026-09-30.endive";

/// What the stand-in's version, 2026-09-30.endive, has and the spec at hand, 2026-08-26.dahlia, has not: component and
/// property. <https://docs.stripe.com/changelog>
const LATER: &[(&str, &str)] = &[];

/// What Stripe's own tools ask for although the spec does not name it: paths, as in the spec.
fn unlisted() -> Value {
    let text = json!({ "type": "string" });
    // `stripe events resend`: https://github.com/stripe/stripe-cli
    let resend = json!({ "type": "object", "additionalProperties": false, "properties": {
        "account": text, "for_stripecli": { "type": "boolean" }, "webhook_endpoint": text,
    } });
    // `stripe trigger checkout.session.completed`: its fixtures read and pay a session as Stripe's own page does.
    // https://github.com/stripe/stripe-cli/tree/master/pkg/fixtures/triggers
    let confirm = json!({ "type": "object", "additionalProperties": false,
        "required": ["payment_method"],
        "properties": { "expected_amount": { "type": "integer" }, "payment_method": text },
    });
    // The whole page's shape is not known; what the fixtures rely on is the session in it.
    let page = answer("checkout.session");
    json!({
        "/v1/events/{id}/retry": { "post": { "requestBody": form_of(resend), "responses": answer("event") } },
        "/v1/payment_pages/{id}": { "get": { "responses": page } },
        "/v1/payment_pages/{id}/confirm": { "post": { "requestBody": form_of(confirm), "responses": page } },
    })
}

/// A form as an operation of the spec has it.
fn form_of(schema: Value) -> Value {
    json!({ "content": { "application/x-www-form-urlencoded": { "schema": schema } } })
}

/// An answer as an operation of the spec has it: a component.
fn answer(component: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{component}") });
    json!({ "200": { "content": { "application/json": { "schema": schema } } } })
}

/// The spec.
pub struct Spec {
    /// The strict schemas: `components/schemas` by name, and of each operation `query`, `body` and `response`.
    pub document: Value,
    pub operations: Vec<Operation>,
    pub event_types: BTreeSet<String>,
}

/// A method and a path template.
pub struct Operation {
    pub method: String,
    pub path: String,
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Which of the template's segments are parameters, if the path is one of its.
    fn parameters(&self, method: &str, path: &str) -> Option<Vec<bool>> {
        if self.method != method || self.path.split('/').count() != path.split('/').count() {
            return None;
        }
        let pairs = self.path.split('/').zip(path.split('/'));
        pairs
            .map(|(template, segment)| {
                let parameter = template.starts_with('{');
                (parameter || template == segment).then_some(parameter)
            })
            .collect()
    }
}

impl Spec {
    /// Reads `spec3.json`, plain or gzipped.
    pub fn read(path: &Path) -> Result<Self> {
        let named = || format!("cannot read the spec {}", path.display());
        let bytes = std::fs::read(path).with_context(named)?;
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut plain = Vec::new();
            GzDecoder::new(bytes.as_slice())
                .read_to_end(&mut plain)
                .with_context(named)?;
            plain
        } else {
            bytes
        };
        let spec = serde_json::from_slice(&bytes).with_context(named)?;
        Self::new(&spec).with_context(named)
    }

    /// Takes what is needed from a spec.
    pub fn new(spec: &Value) -> Result<Self> {
        let schemas = spec["components"]["schemas"]
            .as_object()
            .context("it has no components")?;
        let mut schemas: Map<String, Value> = schemas
            .iter()
            .map(|(name, schema)| (name.clone(), strict(schema)))
            .collect();
        for &(component, property) in LATER {
            let properties = schemas
                .get_mut(component)
                .and_then(|schema| schema["properties"].as_object_mut())
                .with_context(|| format!("it has no {component}"))?;
            properties.insert(property.to_owned(), json!({}));
        }
        let mut operations = Vec::new();
        let mut shapes = Vec::new();
        let paths = spec["paths"].as_object().context("it has no paths")?;
        let unlisted = unlisted();
        for (path, methods) in paths
            .iter()
            .chain(unlisted.as_object().into_iter().flatten())
        {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                });
                let mut body = body(operation);
                let versions = body.pointer_mut("/properties/api_version/enum");
                let versions = versions.and_then(Value::as_array_mut);
                if let Some(versions) = versions.filter(|it| !it.contains(&LATER_VERSION.into())) {
                    versions.push(LATER_VERSION.into());
                }
                shapes.push(json!({
                    "query": query(operation),
                    "body": body,
                    "response": response(operation),
                }));
            }
        }
        let endpoints = form(&spec["paths"]["/v1/webhook_endpoints"]["post"]);
        let event_types = endpoints["properties"]["enabled_events"]["items"]["enum"]
            .as_array()
            .context("it has no event types")?;
        let event_types = event_types.iter().filter_map(Value::as_str);
        Ok(Self {
            event_types: event_types
                .filter(|it| *it != "*")
                .map(str::to_owned)
                .collect(),
            operations,
            document: json!({ "components": { "schemas": schemas }, "operations": shapes }),
        })
    }

    /// The operation that a method and a path name. What is literal wins over a parameter.
    pub fn operation(&self, method: &str, path: &str) -> Option<usize> {
        let path = path.trim_end_matches('/');
        let matching = self.operations.iter().enumerate();
        let matching = matching
            .filter_map(|(index, operation)| Some((operation.parameters(method, path)?, index)));
        matching.min().map(|(_, index)| index)
    }

    /// The schema at a pointer into the document.
    pub fn schema(&self, pointer: &str) -> Option<&Value> {
        self.document.pointer(pointer)
    }

    pub fn has_component(&self, name: &str) -> bool {
        !self.document["components"]["schemas"][name].is_null()
    }
}

/// The body's parameters, none where the operation takes no form.
fn body(operation: &Value) -> Value {
    match form(operation) {
        Value::Null => json!({ "type": "object", "additionalProperties": false }),
        schema => strict(schema),
    }
}

/// The answer; anything where it is not JSON.
fn response(operation: &Value) -> Value {
    match &operation["responses"]["200"]["content"]["application/json"]["schema"] {
        Value::Null => json!({}),
        schema => strict(schema),
    }
}

fn form(operation: &Value) -> &Value {
    &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
}

/// The parameters of the query as one object.
fn query(operation: &Value) -> Value {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<&Value> = parameters.filter(|it| it["in"] == "query").collect();
    let name = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_owned();
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|it| (name(it), strict(&it["schema"])))
        .collect();
    let required = parameters.iter().filter(|it| it["required"] == true);
    let required: Vec<String> = required.map(|it| name(it)).collect();
    let mut schema =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    // Draft 4 wants at least one.
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
