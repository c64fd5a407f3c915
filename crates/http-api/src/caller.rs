use billing::UserId;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use store::{Table, UserRecord};

use crate::{Problem, Request};

/// Who is calling: the `sub` of the access token that API Gateway's JWT authorizer has verified. Nothing else identifies a user.
///
/// # Errors
/// 401 where there is no verified token, or it is not an access token: Cognito's ID tokens are signed with the same key.
pub fn caller(request: &Request) -> Result<UserId, Problem> {
    let user = verified_user(request).ok_or_else(Problem::invalid_token)?;
    tracing::Span::current().record("user.id", user.as_str());
    Ok(user)
}

/// What is stored about who is calling; one consistent read. To be read by nothing else, unless [`refuse_deleted`] follows.
///
/// # Errors
/// 410 `account_deleted`, or where the table does not answer.
pub async fn record_of(table: &Table, user: &UserId) -> Result<UserRecord, Problem> {
    let record = table.user(user).await?;
    refuse_deleted(&record)?;
    Ok(record)
}

/// Nobody whose account is being deleted, or is, goes on: their token is good for up to an hour longer than they are. To be asked of each record that is read
/// for who is calling, again where it is read again.
///
/// # Errors
/// 410 `account_deleted`.
pub fn refuse_deleted(record: &UserRecord) -> Result<(), Problem> {
    match record.deleting {
        Some(_) => Err(Problem::account_deleted()),
        None => Ok(()),
    }
}

fn verified_user(request: &Request) -> Option<UserId> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else {
        return None;
    };
    let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
    if claims.get("token_use")? != "access" {
        return None;
    }
    UserId::parse(claims.get("sub")?.as_str()).ok()
}
