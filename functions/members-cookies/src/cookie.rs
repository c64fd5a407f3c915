use http_api::{Problem, Response};
use lambda_http::http::HeaderValue;
use lambda_http::http::header::SET_COOKIE;

/// Where the members' pages are. The browser sends the cookies there and nowhere else.
pub(crate) const PATH: &str = "/members";

/// Has the browser keep a cookie for so many seconds, or forget it. No script sees it. `Lax`: a link in a mail leads to the page, but no other
/// page can use the cookies for anything but being left for ours.
pub(crate) fn set(
    response: &mut Response,
    name: &str,
    value: &str,
    seconds: i64,
) -> Result<(), Problem> {
    let cookie =
        format!("{name}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax");
    let cookie = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}
