//! The HTML, rendered on the server with every value escaped. No script at all.

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;
use std::sync::Arc;
use url::Url;

use crate::passwords::{self, Rule};
use crate::server::App;

/// Which of the two forms.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    Login,
    SignUp,
}

/// What a form shows.
#[derive(Serialize)]
pub(crate) struct Form {
    #[serde(skip)]
    which: Which,
    /// The authorization request's query, which links and forms carry on.
    query: String,
    pub csrf: String,
    pub email: String,
    /// Concerns the whole form.
    pub error: Option<&'static str>,
    pub email_error: Option<&'static str>,
    pub password_error: Option<&'static str>,
    rules: [Rule; 4],
}

impl Form {
    pub(crate) fn new(which: Which, query: Option<String>) -> Self {
        Self {
            which,
            query: query.unwrap_or_default(),
            csrf: String::new(),
            email: String::new(),
            error: None,
            email_error: None,
            password_error: None,
            rules: passwords::rules(""),
        }
    }

    /// Holds a new password to the policy.
    pub(crate) fn check_password(&mut self, password: &str) {
        self.rules = passwords::rules(password);
        if self.rules.iter().any(|rule| !rule.met) {
            self.password_error = Some("Choose a password that meets every rule.");
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.error.is_some() || self.email_error.is_some() || self.password_error.is_some()
    }
}

/// The templates.
pub(crate) struct Pages {
    templates: Environment<'static>,
}

impl Pages {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut templates = Environment::new();
        for (name, source) in [
            ("layout.html", include_str!("layout.html")),
            ("login.html", include_str!("login.html")),
            ("signup.html", include_str!("signup.html")),
            ("error.html", include_str!("error.html")),
        ] {
            templates
                .add_template(name, source)
                .with_context(|| format!("template {name}"))?;
        }
        Ok(Self { templates })
    }

    /// A form whose success leads to `redirect_uri`.
    pub(crate) fn form(
        &self,
        status: StatusCode,
        redirect_uri: &Url,
        form: &Form,
    ) -> anyhow::Result<Response> {
        let name = match form.which {
            Which::Login => "login.html",
            Which::SignUp => "signup.html",
        };
        let origin = redirect_uri.origin().ascii_serialization();
        let destination = origin
            .split_once("://")
            .map_or(origin.as_str(), |(_, host)| host);
        let html = self
            .templates
            .get_template(name)?
            .render(context! { form => Serde(form), destination })?;
        // Browsers hold a form's redirects to `form-action` too, and the last one leaves for the client.
        page(status, html, &format!("'self' {origin}"))
    }

    /// A page that says why nothing came of a request.
    pub(crate) fn error(&self, status: StatusCode, message: &str) -> Response {
        let rendered = self
            .templates
            .get_template("error.html")
            .and_then(|template| template.render(context! { message }));
        rendered
            .map_err(anyhow::Error::from)
            .and_then(|html| page(status, html, "'none'"))
            .unwrap_or_else(|error| {
                tracing::error!(error = format!("{error:#}"), "cannot render the error page");
                status.into_response()
            })
    }
}

/// Every other address.
pub(crate) async fn not_found(State(app): State<Arc<App>>) -> Response {
    app.pages.error(
        StatusCode::NOT_FOUND,
        "There is nothing at this address. Sign-in starts from the app.",
    )
}

/// `GET /style.css`
pub(crate) async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("style.css"),
    )
}

/// `GET /icon.svg`
pub(crate) async fn icon() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "image/svg+xml")],
        include_str!("icon.svg"),
    )
}

fn page(status: StatusCode, html: String, form_action: &str) -> anyhow::Result<Response> {
    let policy = format!(
        "default-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy.parse()?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    Ok((status, headers, Html(html)).into_response())
}
