//! The page's bucket. Requests are made by rusty-s3: the SDK of S3 would take longer to compile than all else that ships.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::Full;
use https_client::HttpsClient;
use rusty_s3::actions::{ListObjectsV2, S3Action};
use rusty_s3::{Credentials, UrlStyle};
use url::Url;

use crate::ProvisionError;

/// How long a signed address is good for: one request.
const SIGNED_FOR: Duration = Duration::from_secs(60);
const ONE_TRY: Duration = Duration::from_secs(10);
/// The metadata of what we put there: nothing else is ever deleted.
const OURS: &str = "x-amz-meta-tollgate";
const PAGE: &str = "page";

/// The bucket, and the credentials of this function's role.
pub(crate) struct Bucket {
    http: HttpsClient,
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
}

impl Bucket {
    pub(crate) fn open(http: HttpsClient, name: &str) -> Result<Self, ProvisionError> {
        let wrong = |problem: String| ProvisionError::Bucket {
            bucket: name.to_owned(),
            problem,
        };
        let region = aws::region().map_err(|error| wrong(error.to_string()))?;
        let (endpoint, style) = match aws::endpoint("S3") {
            Some(endpoint) => (endpoint, UrlStyle::Path),
            None => (
                format!("https://s3.{region}.amazonaws.com"),
                UrlStyle::VirtualHost,
            ),
        };
        let endpoint: Url = endpoint
            .parse()
            .map_err(|_| wrong("no address".to_owned()))?;
        let bucket = rusty_s3::Bucket::new(endpoint, style, name.to_owned(), region);
        let bucket = bucket.map_err(|error| wrong(error.to_string()))?;
        let role = aws::credentials().map_err(|error| wrong(error.to_string()))?;
        let credentials = match role.session_token() {
            Some(token) => {
                Credentials::new_with_token(role.access_key_id(), role.secret_access_key(), token)
            }
            None => Credentials::new(role.access_key_id(), role.secret_access_key()),
        };
        Ok(Self {
            http,
            bucket,
            credentials,
        })
    }

    /// The keys of all objects.
    pub(crate) async fn keys(&self) -> Result<Vec<String>, ProvisionError> {
        let mut keys = Vec::new();
        let mut next = None;
        loop {
            let mut list = self.bucket.list_objects_v2(Some(&self.credentials));
            if let Some(token) = &next {
                list.with_continuation_token(token);
            }
            let answer = self.send(list, "list", "", Bytes::new()).await?;
            let text = String::from_utf8_lossy(answer.body());
            let page = ListObjectsV2::parse_response(&text)
                .map_err(|error| self.failed("list", "", error.to_string()))?;
            keys.extend(page.contents.into_iter().map(|object| object.key));
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Whether we put it there.
    pub(crate) async fn is_ours(&self, key: &str) -> Result<bool, ProvisionError> {
        let head = self.bucket.head_object(Some(&self.credentials), key);
        let answer = self.send(head, "look at", key, Bytes::new()).await?;
        Ok(answer.headers().get(OURS).is_some_and(|it| it == PAGE))
    }

    /// Puts a file there as ours.
    pub(crate) async fn put(
        &self,
        key: &str,
        content_type: &str,
        cache_control: &str,
        content: Bytes,
    ) -> Result<(), ProvisionError> {
        let mut put = self.bucket.put_object(Some(&self.credentials), key);
        let headers = put.headers_mut();
        headers.insert("content-type", content_type);
        headers.insert("cache-control", cache_control);
        headers.insert(OURS, PAGE);
        self.send(put, "write", key, content).await?;
        Ok(())
    }

    /// Deletes one.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), ProvisionError> {
        let delete = self.bucket.delete_object(Some(&self.credentials), key);
        self.send(delete, "delete", key, Bytes::new()).await?;
        Ok(())
    }

    async fn send<'a>(
        &self,
        mut action: impl S3Action<'a>,
        doing: &str,
        key: &str,
        body: Bytes,
    ) -> Result<Response<Bytes>, ProvisionError> {
        let method = match action_method(&action) {
            Some(method) => method,
            None => return Err(self.failed(doing, key, "no such method".to_owned())),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in action.headers_mut().iter() {
            let (Ok(name), Ok(value)) = (
                http::HeaderName::try_from(name),
                http::HeaderValue::try_from(value),
            ) else {
                return Err(self.failed(doing, key, "a header is malformed".to_owned()));
            };
            headers.insert(name, value);
        }
        let url = action.sign(SIGNED_FOR);
        let mut last = String::new();
        for pause in [0, 200, 1_000] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let mut request = Request::builder().method(method.clone()).uri(url.as_str());
            if let Some(all) = request.headers_mut() {
                all.clone_from(&headers);
            }
            let request = request.body(Full::new(body.clone()));
            let request = request.map_err(|error| self.failed(doing, key, error.to_string()))?;
            match self.http.send(request, ONE_TRY).await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => {
                    last = format!("S3 answered {}", answer.status());
                    if answer.status().is_client_error() {
                        break;
                    }
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(self.failed(doing, key, last))
    }

    pub(crate) fn failed(&self, doing: &str, key: &str, problem: String) -> ProvisionError {
        let what = if key.is_empty() { "its objects" } else { key };
        ProvisionError::Bucket {
            bucket: self.bucket.name().to_owned(),
            problem: format!("cannot {doing} {what}: {problem}"),
        }
    }
}

fn action_method<'a, A: S3Action<'a>>(_: &A) -> Option<Method> {
    Method::from_bytes(A::METHOD.to_str().as_bytes()).ok()
}
