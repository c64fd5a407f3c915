//! Which route needs what.

use std::collections::BTreeMap;
use std::fmt;

use billing::{InvalidRequirement, Requirement};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// What each route needs, by its key. A route that is not named needs any plan: it is behind the gate because it names it in the template, so there is no
/// route that needs less.
#[derive(Debug, Default)]
pub struct Requirements {
    any_plan: Requirement,
    of_routes: BTreeMap<String, Requirement>,
}

/// A text that does not say which route needs what.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRequirements {
    /// Not JSON, or of another shape.
    #[error(r#"must be JSON of routes and what they need, such as {{"GET /api/members/reports": "feature:reports"}}: {0}"#)]
    Shape(#[from] serde_json::Error),
    /// What no route is called.
    #[error("{0:?} is no route key: it must be $default, or a method and a path")]
    RouteKey(String),
    /// A route that stands there twice.
    #[error("{0:?} stands there twice")]
    Twice(String),
    /// What no plan can fulfil.
    #[error("{route_key:?} needs what cannot be bought: {source}")]
    Requirement {
        /// Whose.
        route_key: String,
        /// What is wrong with it.
        source: InvalidRequirement,
    },
}

impl Requirements {
    /// Reads JSON of route keys, as they are in the template, and texts: `plan:…` and `feature:…`, with blanks between several of which any suffices; an
    /// empty text is any plan.
    ///
    /// # Errors
    /// [`InvalidRequirements`]
    pub fn parse(json: &str) -> Result<Self, InvalidRequirements> {
        let Entries(entries) = serde_json::from_str(json)?;
        let mut requirements = Self::default();
        for (route_key, text) in entries {
            if !is_route_key(&route_key) {
                return Err(InvalidRequirements::RouteKey(route_key));
            }
            let texts: Vec<&str> = text.split_whitespace().collect();
            let requirement = match Requirement::parse(&texts) {
                Ok(requirement) => requirement,
                Err(source) => {
                    return Err(InvalidRequirements::Requirement { route_key, source });
                }
            };
            let of_routes = &mut requirements.of_routes;
            if of_routes.insert(route_key.clone(), requirement).is_some() {
                return Err(InvalidRequirements::Twice(route_key));
            }
        }
        Ok(requirements)
    }

    /// What the route of this key needs.
    #[must_use]
    pub fn of(&self, route_key: &str) -> &Requirement {
        self.of_routes.get(route_key).unwrap_or(&self.any_plan)
    }
}

/// Of API Gateway's: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>.
fn is_route_key(text: &str) -> bool {
    const METHODS: [&str; 8] = [
        "ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
    ];
    let is_path = |path: &str| path.starts_with('/') && !path.contains([' ', '?', '#']);
    text == "$default"
        || text
            .split_once(' ')
            .is_some_and(|(method, path)| METHODS.contains(&method) && is_path(path))
}

/// An object's entries, all of them: of two under one name a map would keep the last and say nothing.
struct Entries(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Entries;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_needs_what_is_said_of_it_and_any_plan_otherwise() {
        let requirements = Requirements::parse(
            r#"{
                "GET /api/reports": "feature:reports",
                "ANY /api/pro/{proxy+}": "plan:pro-monthly  plan:pro-yearly",
                "$default": ""
            }"#,
        )
        .unwrap();
        let check = |route_key: &str, texts: &[&str]| {
            let expected = Requirement::parse(texts).unwrap();
            assert_eq!(*requirements.of(route_key), expected, "{route_key}");
        };
        check("GET /api/reports", &["feature:reports"]);
        check(
            "ANY /api/pro/{proxy+}",
            &["plan:pro-monthly", "plan:pro-yearly"],
        );
        check("$default", &[]);
        check("POST /api/reports", &[]);
        check("GET /api/reports/", &[]);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let refusal = |json: &str| Requirements::parse(json).unwrap_err().to_string();
        for route_key in [
            "",
            "/api/members",
            "GET",
            "get /api/members",
            "GET api/members",
            "GET /api/members?a",
            "GET  /api/members",
            "$defaults",
        ] {
            let expected = format!(
                "{route_key:?} is no route key: it must be $default, or a method and a path"
            );
            assert_eq!(refusal(&format!("{{{route_key:?}: \"\"}}")), expected);
        }
        assert_eq!(
            refusal(r#"{"GET /a": "reports"}"#),
            r#""GET /a" needs what cannot be bought: "reports" is neither plan:… nor feature:…"#
        );
        assert_eq!(
            refusal(r#"{"GET /a": "feature:a,feature:b"}"#),
            r#""GET /a" needs what cannot be bought: "feature:a,feature:b": not a valid feature name"#
        );
        assert_eq!(
            refusal(r#"{"GET /a": "feature:a", "GET /a": ""}"#),
            r#""GET /a" stands there twice"#
        );
        for wrong in [
            "",
            "[]",
            "null",
            r#"{"GET /a": ["feature:a"]}"#,
            r#"{"GET /a": null}"#,
        ] {
            assert!(
                refusal(wrong).starts_with("must be JSON of routes"),
                "{wrong}"
            );
        }
    }
}
