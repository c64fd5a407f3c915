//! The managed-login pages: `/login` and `/signup`, with the parameters of the authorization request in their query.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::authorize::{Authorization, AuthorizeQuery, live_session, parse, send_on};
use crate::cookies;
use crate::error::Error;
use crate::pages::{Form as Page, Which};
use crate::passwords;
use crate::random;
use crate::server::App;
use crate::store::{NewUser, Session};

/// How long a browser stays signed in, in seconds: an hour, as in Cognito.
const SESSION_LIFE: i64 = 60 * 60;
/// How long a form may stay open, in seconds.
const CSRF_LIFE: i64 = 24 * 60 * 60;

/// What both forms send.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

type CredentialsForm = Result<Form<Credentials>, FormRejection>;

/// `GET /login`: the sign-in form, or straight on for a browser that is signed in.
pub(crate) async fn show_login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: AuthorizeQuery,
) -> Result<Response, Error> {
    let authorization = match parse(&app, request) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal.into_response(&app),
    };
    match live_session(&app, &headers)? {
        Some(session) => send_on(&app, &authorization, &session),
        None => show(
            &app,
            &headers,
            StatusCode::OK,
            &authorization,
            Page::new(Which::Login, query),
        ),
    }
}

/// `GET /signup`: the sign-up form.
pub(crate) async fn show_sign_up(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: AuthorizeQuery,
) -> Result<Response, Error> {
    match parse(&app, request) {
        Ok(authorization) => show(
            &app,
            &headers,
            StatusCode::OK,
            &authorization,
            Page::new(Which::SignUp, query),
        ),
        Err(refusal) => refusal.into_response(&app),
    }
}

/// `POST /login`: checks email and password.
pub(crate) async fn log_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: AuthorizeQuery,
    form: CredentialsForm,
) -> Result<Response, Error> {
    let authorization = match parse(&app, request) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal.into_response(&app),
    };
    let mut page = Page::new(Which::Login, query);
    let Some(Credentials {
        email, password, ..
    }) = genuine(&headers, form)
    else {
        page.error = Some("This form has expired. Please try again.");
        return show(&app, &headers, StatusCode::FORBIDDEN, &authorization, page);
    };
    page.email = email.trim().to_owned();
    page.email_error = page.email.is_empty().then_some("Enter your email address.");
    page.password_error = password.is_empty().then_some("Enter your password.");
    if page.has_errors() {
        return show(
            &app,
            &headers,
            StatusCode::BAD_REQUEST,
            &authorization,
            page,
        );
    }

    let (sub, hash) = app.store.credentials(&page.email)?.unzip();
    let verified = passwords::verify(password, hash).await?;
    match sub.filter(|_| verified) {
        Some(sub) => sign_in(&app, &authorization, sub),
        None => {
            // Not which of the two: that would tell who has an account.
            page.error = Some("Incorrect email or password.");
            show(
                &app,
                &headers,
                StatusCode::BAD_REQUEST,
                &authorization,
                page,
            )
        }
    }
}

/// `POST /signup`: adds a user and signs them in. Cognito would first mail a code and ask for it.
pub(crate) async fn sign_up(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: AuthorizeQuery,
    form: CredentialsForm,
) -> Result<Response, Error> {
    let authorization = match parse(&app, request) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal.into_response(&app),
    };
    let mut page = Page::new(Which::SignUp, query);
    let Some(Credentials {
        email, password, ..
    }) = genuine(&headers, form)
    else {
        page.error = Some("This form has expired. Please try again.");
        return show(&app, &headers, StatusCode::FORBIDDEN, &authorization, page);
    };
    page.email = email.trim().to_owned();
    page.check_password(&password);
    if !is_email(&page.email) {
        page.email_error = Some("Enter an email address, such as name@example.com.");
    }
    if page.has_errors() {
        return show(
            &app,
            &headers,
            StatusCode::BAD_REQUEST,
            &authorization,
            page,
        );
    }

    let hash = passwords::hash(password).await?;
    match app.store.add_user(&page.email, &hash)? {
        NewUser::Added { sub } => sign_in(&app, &authorization, sub),
        NewUser::EmailTaken => {
            page.email_error = Some("An account with this email address exists. Sign in instead.");
            show(
                &app,
                &headers,
                StatusCode::BAD_REQUEST,
                &authorization,
                page,
            )
        }
    }
}

/// Whether `text` could be an email address: the mail that would prove it is not sent here.
pub(crate) fn is_email(text: &str) -> bool {
    let plain = text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    plain
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// What a form sent, if the form was ours: its field and the cookie hold the same secret.
fn genuine(headers: &HeaderMap, form: CredentialsForm) -> Option<Credentials> {
    let Form(credentials) = form.ok()?;
    (cookies::get(headers, cookies::CSRF)? == credentials.csrf).then_some(credentials)
}

fn sign_in(app: &App, authorization: &Authorization, sub: String) -> Result<Response, Error> {
    let now = app.now();
    let session = Session {
        sub,
        auth_time: now,
    };
    let cookie = app.store.start_session(&session, now + SESSION_LIFE)?;
    let mut response = send_on(app, authorization, &session)?;
    response.headers_mut().insert(
        header::SET_COOKIE,
        cookies::set(cookies::SESSION, &cookie, SESSION_LIFE)?,
    );
    Ok(response)
}

fn show(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    authorization: &Authorization,
    mut page: Page,
) -> Result<Response, Error> {
    page.csrf = match cookies::get(headers, cookies::CSRF) {
        Some(cookie) => cookie.to_owned(),
        None => random::secret()?,
    };
    let cookie = cookies::set(cookies::CSRF, &page.csrf, CSRF_LIFE)?;
    let response = app.pages.form(status, &authorization.redirect_uri, &page)?;
    Ok(([(header::SET_COOKIE, cookie)], response).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_has_a_name_and_a_host() {
        for good in [
            "a@example.com",
            "Ä.b+c@xn--bcher-kva.example",
            "a@localhost",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@b@c",
            "a b@example.com",
            "a@example.com\n",
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }
}
