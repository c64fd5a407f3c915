//! Which of the routes it is, and whom it is about.

use billing::UserId;
use http_api::Request;
use lambda_http::RequestExt;
use lambda_http::http::Method;

/// A route. The user is `None` where the path holds what cannot be one's id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    List,
    Search,
    Read(Option<UserId>),
    Events(Option<UserId>),
    Sync(Option<UserId>),
}

impl Route {
    /// `None` for none of ours.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let asks = request
            .query_string_parameters_ref()
            .is_some_and(|it| it.first("query").is_some());
        Self::parse(request.method(), request.raw_http_path(), asks)
    }

    fn parse(method: &Method, path: &str, asks: bool) -> Option<Self> {
        let rest = path.strip_prefix("/api/admin/users")?;
        let (user, part) = match rest.strip_prefix('/') {
            Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
            None if rest.is_empty() && method == Method::GET => {
                return Some(if asks { Self::Search } else { Self::List });
            }
            None => return None,
        };
        let user = UserId::parse(user).ok();
        match (method, part) {
            (&Method::GET, "") => Some(Self::Read(user)),
            (&Method::GET, "events") => Some(Self::Events(user)),
            (&Method::POST, "sync") => Some(Self::Sync(user)),
            _ => None,
        }
    }

    /// In the log.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Search => "search",
            Self::Read(_) => "read",
            Self::Events(_) => "read_events",
            Self::Sync(_) => "sync",
        }
    }

    /// Whom it is about, where that is one user.
    pub(crate) fn user(&self) -> Option<&UserId> {
        match self {
            Self::List | Self::Search => None,
            Self::Read(user) | Self::Events(user) | Self::Sync(user) => user.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, path: &str, expected: Option<Route>) {
        assert_eq!(
            Route::parse(&method, path, false),
            expected,
            "{method} {path}"
        );
    }

    #[test]
    fn a_route_is_told_by_its_method_and_path() {
        let ann = || Some(UserId::parse("ann").unwrap());
        let users = "/api/admin/users";
        check(Method::GET, users, Some(Route::List));
        let search = Route::parse(&Method::GET, users, true);
        assert_eq!(search, Some(Route::Search));
        for (method, path, route) in [
            (Method::GET, "ann", Route::Read(ann())),
            (Method::GET, "ann/events", Route::Events(ann())),
            (Method::POST, "ann/sync", Route::Sync(ann())),
            // Nobody's, and no other path.
            (Method::GET, "a%20b", Route::Read(None)),
            (Method::GET, "a%2Fb/events", Route::Events(None)),
        ] {
            check(method, &format!("{users}/{path}"), Some(route));
        }
        for (method, path) in [
            (Method::POST, "/api/admin/users"),
            (Method::POST, "/api/admin/users/ann"),
            (Method::GET, "/api/admin/users/ann/sync"),
            (Method::POST, "/api/admin/users/ann/events"),
            (Method::GET, "/api/admin/users/ann/events/more"),
            (Method::GET, "/api/admin/usersx"),
            (Method::GET, "/api/admin"),
        ] {
            check(method, path, None);
        }
    }
}
