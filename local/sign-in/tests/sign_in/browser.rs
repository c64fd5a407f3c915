//! A browser: keeps cookies, and looks at each redirect instead of following it.

use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, header};
use url::Url;

use crate::server::{CALLBACK, CLIENT, SCOPE, Server};

/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The parameters of a good authorization request; `change` replaces some, or drops those set to "".
pub fn query(change: &[(&str, &str)]) -> String {
    let good = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("scope", SCOPE),
        ("state", "st&te"),
        ("nonce", "n0nce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let changed = good.map(|(name, value)| {
        change
            .iter()
            .find(|(changed, _)| *changed == name)
            .map_or((name, value), |(_, value)| (name, *value))
    });
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(changed.into_iter().filter(|(_, value)| !value.is_empty()))
        .finish()
}

pub struct Browser<'a> {
    server: &'a Server,
    http: reqwest::Client,
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        let http = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self { server, http }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http
            .get(format!("{}{path}", self.server.url))
            .send()
            .await
            .unwrap()
    }

    pub async fn authorize(&self, change: &[(&str, &str)]) -> Response {
        self.get(&format!("/oauth2/authorize?{}", query(change)))
            .await
    }

    /// Asks for a code with this cookie and no other.
    pub async fn authorize_with_cookie(&self, cookie: &str) -> Response {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .unwrap();
        let url = format!("{}/oauth2/authorize?{}", self.server.url, query(&[]));
        http.get(url)
            .header(header::COOKIE, cookie)
            .send()
            .await
            .unwrap()
    }

    /// Opens the page at `path`, fills in its form and sends it.
    pub async fn submit(&self, path: &str, email: &str, password: &str) -> Response {
        let page = self.get(path).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        let csrf = csrf(&page.text().await.unwrap());
        self.post(
            path,
            &[("csrf", &csrf), ("email", email), ("password", password)],
        )
        .await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.http
            .post(format!("{}{path}", self.server.url))
            .form(form)
            .send()
            .await
            .unwrap()
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Response {
        self.submit(&format!("/login?{}", query(&[])), email, password)
            .await
    }

    pub async fn sign_up(&self, email: &str, password: &str) -> Response {
        self.submit(&format!("/signup?{}", query(&[])), email, password)
            .await
    }
}

/// Where a reply redirects to.
pub fn location(reply: &Response) -> String {
    assert_eq!(reply.status(), StatusCode::FOUND);
    reply.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned()
}

/// A parameter of the URL that a reply redirects to.
pub fn parameter(reply: &Response, name: &str) -> Option<String> {
    let url = Url::parse(&location(reply)).unwrap();
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    url.query_pairs()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// The code in the redirect back to the page.
pub fn code(reply: &Response) -> String {
    parameter(reply, "code").unwrap_or_else(|| panic!("no code in {}", location(reply)))
}

fn csrf(html: &str) -> String {
    let (_, rest) = html
        .split_once(r#"name="csrf" value=""#)
        .expect("a csrf field");
    rest.split_once('"').unwrap().0.to_owned()
}
