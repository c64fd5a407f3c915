//! What must hold of each exchange and event, and whether it does.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow};
use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use crate::explain::{Mistake, mistakes, short};
use crate::form;
use crate::recording::{Entry, Exchange, Place, Recorded, Request};
use crate::spec::Spec;

/// How our functions name themselves: `crates/payments/src/transport.rs`.
const OUR_USER_AGENT: &str = "Tollgate/";
/// Under which name the schemas refer to each other.
const DOCUMENT: &str = "spec:///stripe";

/// What was seen.
#[derive(Default)]
pub struct Coverage {
    pub exchanges: usize,
    pub by_our_functions: usize,
    pub events: usize,
    /// Those that succeeded at least once.
    pub operations: BTreeSet<String>,
    pub event_types: BTreeSet<String>,
}

/// Something that Stripe would not say, or not take.
pub struct Violation {
    /// `POST /v1/customers, body`
    pub subject: String,
    pub mistake: Mistake,
    pub place: Place,
}

/// The checks to do, by the pointer of the schema that they are held against.
pub struct Checks<'a> {
    spec: &'a Spec,
    coverage: Coverage,
    violations: Vec<Violation>,
    pending: BTreeMap<String, Vec<Check>>,
}

struct Check {
    subject: String,
    value: Value,
    place: Place,
}

impl<'a> Checks<'a> {
    pub fn new(spec: &'a Spec) -> Self {
        Self {
            spec,
            coverage: Coverage::default(),
            violations: Vec::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Takes one line of a recording.
    pub fn add(&mut self, line: Recorded) {
        let Recorded {
            entry,
            place,
            times,
        } = line;
        match entry {
            Entry::Exchange(exchange) => {
                self.coverage.exchanges += times;
                self.exchange(exchange, times, &place);
            }
            Entry::Event(event) => {
                self.coverage.events += times;
                self.event(event, &place);
            }
        }
    }

    fn exchange(&mut self, exchange: Exchange, times: usize, place: &Place) {
        let Exchange { request, response } = exchange;
        let ours = request
            .user_agent
            .as_deref()
            .is_some_and(|agent| agent.starts_with(OUR_USER_AGENT));
        let succeeded = (200..300).contains(&response.status);
        if ours {
            self.coverage.by_our_functions += times;
        }

        let Some(index) = self.spec.operation(&request.method, &request.path) else {
            let subject = format!("{} {}", request.method, without_ids(&request.path));
            if ours || !matches!(response.status, 401 | 404) {
                let message = "the spec has no such operation";
                self.violate(&subject, "", message, &response.body, place);
            }
            if !succeeded {
                let subject = format!("{subject}, answer {}", response.status);
                self.check(component("error"), subject, response.body, place);
            }
            return;
        };
        let name = self.spec.operations[index].name();
        if succeeded || ours {
            for (part, text) in forms(&request) {
                let (pointer, subject) = (
                    format!("/operations/{index}/{part}"),
                    format!("{name}, {part}"),
                );
                let schema = self.spec.schema(&pointer).unwrap_or(&Value::Null);
                match form::read(&text, schema) {
                    Ok(value) => self.check(pointer, subject, value, place),
                    Err(error) => self.violate(
                        &subject,
                        "",
                        &format!("it cannot be read: {error}"),
                        &json!(text),
                        place,
                    ),
                }
            }
        }
        let pointer = if succeeded {
            self.coverage.operations.insert(name.clone());
            format!("/operations/{index}/response")
        } else {
            component("error")
        };
        self.check(
            pointer,
            format!("{name}, answer {}", response.status),
            response.body,
            place,
        );
    }

    fn event(&mut self, event: Value, place: &Place) {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        let subject = format!("event {kind}");
        if self.spec.event_types.contains(&kind) {
            self.coverage.event_types.insert(kind.clone());
        } else {
            self.violate(
                &subject,
                "type",
                "the spec has no such event",
                &event["type"],
                place,
            );
        }
        let mut object = event["data"]["object"].clone();
        let previous = event["data"]["previous_attributes"].clone();
        self.check(component("event"), subject.clone(), event, place);

        let deleted = if object["deleted"] == true {
            "deleted_"
        } else {
            ""
        };
        let name = format!("{deleted}{}", object["object"].as_str().unwrap_or_default());
        if !self.spec.has_component(&name) {
            self.violate(
                &subject,
                "data.object.object",
                "the spec has no such object",
                &object["object"],
                place,
            );
            return;
        }
        let pointer = component(&name);
        let known = self
            .spec
            .schema(&pointer)
            .map(|schema| &schema["properties"]);
        let known = known.and_then(Value::as_object);
        let unknown: Vec<&String> = previous
            .as_object()
            .into_iter()
            .flat_map(|previous| previous.keys())
            .filter(|key| known.is_none_or(|known| !known.contains_key(*key)))
            .collect();
        for key in unknown {
            let message = format!("`{key}` is unknown to the spec");
            self.violate(
                &subject,
                "data.previous_attributes",
                &message,
                &previous[key],
                place,
            );
        }
        // A preview: the invoice that will be made has no id yet.
        if kind == "invoice.upcoming" && object["id"].is_null() {
            object["id"] = json!("upcoming");
        }
        self.check(pointer, format!("{subject}, data.object"), object, place);
    }

    fn check(&mut self, pointer: String, subject: String, value: Value, place: &Place) {
        let check = Check {
            subject,
            value,
            place: place.clone(),
        };
        self.pending.entry(pointer).or_default().push(check);
    }

    fn violate(
        &mut self,
        subject: &str,
        location: &str,
        message: &str,
        value: &Value,
        place: &Place,
    ) {
        self.violations.push(Violation {
            subject: subject.to_owned(),
            mistake: Mistake {
                location: location.to_owned(),
                message: message.to_owned(),
                value: short(&value.to_string()),
            },
            place: place.clone(),
        });
    }

    /// Does the checks, on every core. Each schema is compiled once, and its values are checked by the same thread.
    pub fn run(self) -> Result<(Coverage, Vec<Violation>)> {
        let draft = Draft::Draft4;
        let document = draft.create_resource_ref(&self.spec.document);
        let registry = Registry::new()
            .draft(draft)
            .add(DOCUMENT, document)?
            .prepare()?;
        let mut pending: Vec<_> = self.pending.into_iter().collect();
        // The longest first, so that no thread is left with it at the end.
        pending.sort_by_key(|(_, checks)| std::cmp::Reverse(checks.len()));
        let next = AtomicUsize::new(0);
        let violations = Mutex::new(self.violations);
        let work = || -> Result<()> {
            while let Some((pointer, checks)) = pending.get(next.fetch_add(1, Ordering::Relaxed)) {
                let validator = compile(&registry, draft, pointer)?;
                let found = checks
                    .iter()
                    .flat_map(|check| violations_of(&validator, check));
                let found: Vec<Violation> = found.collect();
                violations
                    .lock()
                    .map_err(|_| anyhow!("a check panicked"))?
                    .extend(found);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(anyhow!("a check panicked")))
            })
        })?;
        let violations = violations
            .into_inner()
            .map_err(|_| anyhow!("a check panicked"))?;
        Ok((self.coverage, violations))
    }
}

/// What is held against which of an operation's two schemas.
fn forms(request: &Request) -> [(&'static str, String); 2] {
    let (mut query, mut body) = (request.query.clone(), request.body.clone());
    // Stripe's clients put into the query what the spec calls the body of a DELETE.
    if request.method == "DELETE" && body.is_empty() {
        std::mem::swap(&mut query, &mut body);
    }
    [("query", query), ("body", body)]
}

/// `/v1/things/*`: a path whose template is not known, equal for equal mistakes.
fn without_ids(path: &str) -> String {
    let is_id = |segment: &str| {
        let id = segment.rsplit_once('_').map_or("", |(_, id)| id);
        id.len() >= 14 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let segments = path
        .split('/')
        .map(|segment| if is_id(segment) { "*" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn component(name: &str) -> String {
    format!("/components/schemas/{name}")
}

fn compile(registry: &Registry<'_>, draft: Draft, pointer: &str) -> Result<Validator> {
    let schema = json!({ "$ref": format!("{DOCUMENT}#{pointer}") });
    let options = jsonschema::options()
        .with_draft(draft)
        .with_registry(registry);
    options
        .build(&schema)
        .map_err(|error| error.to_owned())
        .with_context(|| format!("the schema at {pointer} cannot be compiled"))
}

fn violations_of(validator: &Validator, check: &Check) -> Vec<Violation> {
    let mistakes = validator
        .iter_errors(&check.value)
        .flat_map(|error| mistakes(&error));
    let violation = |mistake| Violation {
        subject: check.subject.clone(),
        mistake,
        place: check.place.clone(),
    };
    mistakes.map(violation).collect()
}
