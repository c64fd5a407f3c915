//! Which route answers a request.
//!
//! A full match beats a path parameter, which beats a greedy `{proxy+}`, which beats `$default`; a method beats `ANY`.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::collections::BTreeMap;

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::GatewayError;
use crate::template::RouteSpec;

/// The routes of an API.
pub(super) struct Routes(Vec<(Pattern, RouteSpec)>);

/// A route and what its path parameters stand for.
pub(super) struct Match<'a> {
    pub(super) route: &'a RouteSpec,
    pub(super) path_parameters: BTreeMap<String, String>,
}

enum Pattern {
    Default,
    Path {
        /// `None` for `ANY`.
        method: Option<String>,
        segments: Vec<Segment>,
    },
}

enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// Smaller is more specific: the kinds of the segments in turn, then whether the method is named.
type Rank = (Vec<u8>, bool);

impl Routes {
    pub(super) fn new(routes: Vec<RouteSpec>) -> Result<Self, GatewayError> {
        let parsed: Result<_, _> = routes
            .into_iter()
            .map(|route| Ok((Pattern::parse(&route.route_key)?, route)))
            .collect();
        parsed.map(Self)
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Match<'_>> {
        let candidates = self.0.iter().filter_map(|(pattern, route)| {
            let (rank, path_parameters) = pattern.matches(method, path)?;
            Some((
                rank,
                Match {
                    route,
                    path_parameters,
                },
            ))
        });
        candidates
            .min_by(|(left, _), (right, _)| left.cmp(right))
            .map(|(_, found)| found)
    }
}

impl Pattern {
    fn parse(route_key: &str) -> Result<Self, GatewayError> {
        if route_key == "$default" {
            return Ok(Self::Default);
        }
        let Some((method, path)) = route_key.split_once(" /") else {
            return Err(GatewayError::RouteKey(route_key.to_owned()));
        };
        let method = (method != "ANY").then(|| method.to_owned());
        Ok(Self::Path {
            method,
            segments: path.split('/').map(Segment::parse).collect(),
        })
    }

    fn matches(&self, method: &Method, path: &str) -> Option<(Rank, BTreeMap<String, String>)> {
        let Self::Path {
            method: expected,
            segments,
        } = self
        else {
            return Some(((vec![3], true), BTreeMap::new()));
        };
        if expected
            .as_deref()
            .is_some_and(|expected| expected != method.as_str())
        {
            return None;
        }
        let mut rest = Some(path.strip_prefix('/').unwrap_or(path));
        let mut ranks = Vec::new();
        let mut parameters = BTreeMap::new();
        for segment in segments {
            let remaining = rest?;
            let (part, next) = match remaining.split_once('/') {
                Some((part, next)) => (part, Some(next)),
                None => (remaining, None),
            };
            match segment {
                Segment::Literal(literal) if literal == part => ranks.push(0),
                Segment::Literal(_) => return None,
                Segment::Parameter(name) if !part.is_empty() => {
                    ranks.push(1);
                    parameters.insert(name.clone(), decoded(part));
                }
                Segment::Parameter(_) => return None,
                Segment::Greedy(name) => {
                    ranks.push(2);
                    parameters.insert(name.clone(), decoded(remaining));
                    rest = None;
                    continue;
                }
            }
            rest = next;
        }
        rest.is_none()
            .then_some(((ranks, expected.is_none()), parameters))
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name.to_owned()),
                None => Self::Parameter(name.to_owned()),
            },
            None => Self::Literal(text.to_owned()),
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Method;

    use super::Routes;
    use crate::template::RouteSpec;

    /// Which of the routes answers, with its path parameters.
    fn check(method: Method, path: &str, expected: Option<(&str, &[(&str, &str)])>) {
        let route = |route_key: &str| RouteSpec {
            route_key: route_key.to_owned(),
            function: String::new(),
            timeout: Duration::ZERO,
            authorizer: None,
            scopes: Vec::new(),
        };
        let keys = [
            "ANY /{proxy+}",
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "GET /pets/{proxy+}",
            "ANY /pets/dog/1",
            "$default",
        ];
        let routes = Routes::new(keys.map(route).to_vec()).unwrap();
        let found = routes.find(&method, path).unwrap();
        let parameters: Vec<_> = found
            .path_parameters
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            Some((found.route.route_key.as_str(), parameters.as_slice())),
            expected,
            "{method} {path}"
        );
    }

    #[test]
    fn the_most_specific_route_answers() {
        // The example of AWS's documentation.
        check(Method::GET, "/pets/dog/1", Some(("GET /pets/dog/1", &[])));
        check(
            Method::GET,
            "/pets/dog/2",
            Some(("GET /pets/dog/{id}", &[("id", "2")])),
        );
        check(
            Method::GET,
            "/pets/cat/1",
            Some(("GET /pets/{proxy+}", &[("proxy", "cat/1")])),
        );
        check(
            Method::POST,
            "/test/5",
            Some(("ANY /{proxy+}", &[("proxy", "test/5")])),
        );
        check(Method::PUT, "/pets/dog/1", Some(("ANY /pets/dog/1", &[])));
        check(
            Method::GET,
            "/pets/dog/a%20b",
            Some(("GET /pets/dog/{id}", &[("id", "a b")])),
        );
    }

    #[test]
    fn a_trailing_slash_is_another_path() {
        let route = RouteSpec {
            route_key: "GET /api/config".to_owned(),
            function: String::new(),
            timeout: Duration::ZERO,
            authorizer: None,
            scopes: Vec::new(),
        };
        let routes = Routes::new(vec![route]).unwrap();
        assert!(routes.find(&Method::GET, "/api/config").is_some());
        for path in ["/api/config/", "/api", "/api/config/x", "/"] {
            assert!(routes.find(&Method::GET, path).is_none(), "{path}");
        }
        assert!(routes.find(&Method::POST, "/api/config").is_none());
    }
}
