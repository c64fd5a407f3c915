//! Faults: the next requests that match fail in the way that was asked for.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// A fault, for so many requests.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Fault {
    method: String,
    /// The whole path, or its start with a `*` at the end.
    path: String,
    #[serde(default = "once")]
    times: u32,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    /// Answers so without executing.
    Error { status: u16 },
    /// Executes, then cuts the connection.
    LoseReply,
    /// Waits before executing, or before answering.
    Delay {
        ms: u64,
        #[serde(default)]
        when: When,
    },
}

/// When a delay happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    #[default]
    Before,
    After,
}

/// What is to happen to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Error(u16),
    LoseReply,
    Delay(u64, When),
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Why it cannot be meant so.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self.kind {
            _ if self.times == 0 => Some("`times` must be at least 1"),
            _ if !self.path.starts_with("/v1/") => Some("`path` must start with /v1/"),
            Kind::Error { status } if !(400..=599).contains(&status) => {
                Some("`status` must be from 400 to 599")
            }
            _ => None,
        }
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        let path_matches = match self.path.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == self.path,
        };
        path_matches && self.method.eq_ignore_ascii_case(method.as_str())
    }
}

/// The faults that are left, in the order they were asked for.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn left(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Takes what is to happen to this request. A replay executes nothing, so `errors` do not apply to it.
    pub(crate) fn take(&self, method: &Method, path: &str, errors: bool) -> Option<Action> {
        let mut faults = self.lock();
        let applies = |it: &Fault| {
            it.matches(method, path) && (errors || !matches!(it.kind, Kind::Error { .. }))
        };
        let index = faults.iter().position(applies)?;
        let fault = &mut faults[index];
        fault.times -= 1;
        let action = match fault.kind {
            Kind::Error { status } => Action::Error(status),
            Kind::LoseReply => Action::LoseReply,
            Kind::Delay { ms, when } => Action::Delay(ms, when),
        };
        if fault.times == 0 {
            faults.remove(index);
        }
        Some(action)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_fault_happens_as_often_as_it_was_asked_for() {
        let faults = Faults::default();
        faults.add(fault(
            r#"{"method":"POST","path":"/v1/customers","times":2,"kind":"error","status":500}"#,
        ));
        assert_eq!(faults.take(&Method::GET, "/v1/customers", true), None);
        assert_eq!(
            faults.take(&Method::POST, "/v1/customers", true),
            Some(Action::Error(500))
        );
        assert_eq!(faults.take(&Method::POST, "/v1/customers", false), None);
        assert_eq!(
            faults.take(&Method::POST, "/v1/customers", true),
            Some(Action::Error(500))
        );
        assert_eq!(faults.take(&Method::POST, "/v1/customers", true), None);
    }

    #[test]
    fn a_path_with_a_star_matches_by_its_start() {
        let faults = Faults::default();
        faults.add(fault(
            r#"{"method":"GET","path":"/v1/checkout/*","kind":"delay","ms":5,"when":"after"}"#,
        ));
        assert_eq!(faults.take(&Method::GET, "/v1/customers", true), None);
        assert_eq!(
            faults.take(&Method::GET, "/v1/checkout/sessions", true),
            Some(Action::Delay(5, When::After))
        );
    }
}
