//! CloudFront's part: the static files and the API on one origin.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json};
use axum::routing::{get, post};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::guard::Guard;
use crate::lambda::{Function, InstanceInfo, InvokeError};
use crate::template::PageSpec;

/// What the site serves.
pub struct Site {
    /// The folder of static files. They are read for each request, so that an edit needs only a reload.
    pub files: PathBuf,
    /// Default file and headers.
    pub page: PageSpec,
    /// Answers `/api/*`.
    pub gateway: Gateway,
    /// By the names of their binaries, for `/_local/functions`.
    pub functions: BTreeMap<String, Function>,
}

impl Site {
    /// The site as a service. It wants the caller's address (`ConnectInfo<SocketAddr>`).
    pub fn router(self) -> Router {
        Router::new()
            .route("/_local/functions", get(list_functions))
            .route("/_local/functions/{binary}/kill", post(kill_function))
            .route(
                "/2015-03-31/functions/{binary}/invocations",
                post(invoke_function),
            )
            .route_layer(middleware::from_fn(refuse_pages))
            .fallback(serve)
            .with_state(Arc::new(self))
    }

    async fn file(&self, method: &Method, path: &str) -> Response<Body> {
        if method != Method::GET && method != Method::HEAD {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        }
        let wanted = if path == "/" {
            self.page.default_root_object.as_str()
        } else {
            path
        };
        // No page of our own, as in the cloud: CloudFront's would replace the API's answers too.
        let missing = || plain(StatusCode::NOT_FOUND, "Not Found");
        // What is guarded is in a bucket of its own: no other address leads to it, however it is written.
        if self.guard(path).is_none() && self.is_guarded_file(wanted) {
            return missing();
        }
        self.read(wanted).await.unwrap_or_else(missing)
    }

    /// What asks for signed cookies at this path, as it was sent.
    fn guard(&self, path: &str) -> Option<&Guard> {
        self.page.guards.iter().find(|guard| guard.covers(path))
    }

    /// Whether the file of a path is guarded. There are folders in which capitals make no difference.
    fn is_guarded_file(&self, path: &str) -> bool {
        let file = relative(path).map(|file| format!("/{}", file.display()).to_lowercase());
        file.is_some_and(|file| self.guard(&file).is_some())
    }

    /// CloudFront's answer to who may not see something.
    async fn forbidden(&self) -> Response<Body> {
        let bare = || plain(StatusCode::FORBIDDEN, "Forbidden");
        let Some(page) = self.page.error_pages.get(&403) else {
            return bare();
        };
        let mut response = self.read(&page.path).await.unwrap_or_else(bare);
        *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::FORBIDDEN);
        response
    }

    async fn read(&self, path: &str) -> Option<Response<Body>> {
        let file = self.files.join(relative(path)?);
        let content = tokio::fs::read(&file).await.ok()?;
        let mime = mime_guess::from_path(&file).first_or_octet_stream();
        let charset = if mime.type_() == "text" {
            "; charset=utf-8"
        } else {
            ""
        };
        let mut response = Response::new(Body::from(content));
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_str(&format!("{mime}{charset}")).ok()?,
        );
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Some(response)
    }
}

async fn serve(State(site): State<Arc<Site>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let (mut response, headers) = if path.starts_with("/api/") {
        let caller = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let source_ip = caller.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |caller| caller.0.ip());
        (
            site.gateway.handle(request, source_ip).await,
            &site.page.api_headers,
        )
    } else {
        let refused = site.guard(&path).map(|guard| {
            let refused = guard.check(request.uri(), request.headers(), now()).err();
            refused.inspect(|why| tracing::info!(path, why, "refused"))
        });
        let answer = match refused.flatten() {
            Some(_) => site.forbidden().await,
            None => site.file(request.method(), &path).await,
        };
        (answer, &site.page.site_headers)
    };
    add(response.headers_mut(), headers);
    response
}

/// Unix seconds.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn add(headers: &mut HeaderMap, added: &[(String, String)]) {
    for (name, value) in added {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

async fn list_functions(
    State(site): State<Arc<Site>>,
) -> Json<BTreeMap<String, Vec<InstanceInfo>>> {
    let functions = site
        .functions
        .iter()
        .map(|(binary, function)| (binary.clone(), function.instances()));
    Json(functions.collect())
}

/// What is for tests and tools is not for any page that a browser has open: who invokes a function says who is calling.
async fn refuse_pages(request: Request, next: Next) -> Response<Body> {
    if request.headers().contains_key(ORIGIN) {
        return plain(StatusCode::FORBIDDEN, "Not for browsers.");
    }
    next.run(request).await
}

async fn kill_function(
    State(site): State<Arc<Site>>,
    Path(binary): Path<String>,
) -> Response<Body> {
    match site.functions.get(&binary) {
        Some(function) => {
            function.kill().await;
            StatusCode::NO_CONTENT.into_response()
        }
        None => plain(
            StatusCode::NOT_FOUND,
            &format!("There is no function {binary}."),
        ),
    }
}

/// Lambda's own API, <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>, for what nobody calls over HTTP.
async fn invoke_function(
    State(site): State<Arc<Site>>,
    Path(binary): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let Some(function) = site.functions.get(&binary) else {
        return plain(
            StatusCode::NOT_FOUND,
            &format!("There is no function {binary}."),
        );
    };
    let payload = if body.is_empty() { b"{}" } else { &body[..] };
    let Ok(payload) = serde_json::from_slice::<Value>(payload) else {
        return plain(StatusCode::BAD_REQUEST, "The payload is not JSON.");
    };
    let (error, answer) = match function.invoke(payload).await {
        Ok(answer) => (None, answer),
        Err(InvokeError::Function(answer)) => (Some("Unhandled"), answer),
        Err(InvokeError::Throttled) => {
            return plain(StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded.");
        }
        Err(error) => (
            Some("Unhandled"),
            json!({ "errorMessage": error.to_string() }),
        ),
    };
    let error = error.map(|error| [("x-amz-function-error", error)]);
    (
        error.unwrap_or([("x-amz-executed-version", "$LATEST")]),
        Json(answer),
    )
        .into_response()
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    (status, text.to_owned()).into_response()
}

/// The path of a file below the folder; `None` for what could lead out of it.
fn relative(path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path.trim_start_matches('/'))
        .decode_utf8()
        .ok()?;
    let safe = !decoded.contains(['\0', '\\'])
        && FilePath::new(decoded.as_ref())
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    (safe && !decoded.is_empty()).then(|| PathBuf::from(decoded.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        for path in [
            "/../secret",
            "/a/../../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "//",
            "/",
            "/a\\..\\b",
            "/%00",
        ] {
            assert_eq!(relative(path), None, "{path}");
        }
        assert_eq!(
            relative("//etc/passwd").as_deref(),
            Some("etc/passwd".as_ref())
        );
        assert_eq!(
            relative("/css/a%20b.css").as_deref(),
            Some("css/a b.css".as_ref())
        );
    }
}
