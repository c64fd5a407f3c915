use std::collections::HashMap;

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
    let user = signed_in(request)?;
    tracing::Span::current().record("user.id", user.as_str());
    Ok(user)
}

/// The same, and the log is not told that the request is about them: for who acts upon others.
///
/// # Errors
/// As [`caller`].
pub fn signed_in(request: &Request) -> Result<UserId, Problem> {
    verified_user(request).ok_or_else(Problem::invalid_token)
}

/// Whether who is calling was in this group of the user pool when their token was made.
#[must_use]
pub fn is_in_group(request: &Request, group: &str) -> bool {
    let groups = claims(request).and_then(|it| it.get("cognito:groups"));
    groups.is_some_and(|groups| has_group(groups, group))
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

/// API Gateway hands a list over as the text `[a b]`. A group's name holds no blank; it may hold brackets, so one pair is taken away and no more.
/// See <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html>.
fn has_group(claim: &str, group: &str) -> bool {
    let list = claim.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    list.is_some_and(|list| list.split(' ').any(|it| it == group))
}

fn claims(request: &Request) -> Option<&HashMap<String, String>> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else {
        return None;
    };
    Some(&context.authorizer.as_ref()?.jwt.as_ref()?.claims)
}

fn verified_user(request: &Request) -> Option<UserId> {
    let claims = claims(request)?;
    if claims.get("token_use")? != "access" {
        return None;
    }
    UserId::parse(claims.get("sub")?.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_told_by_its_whole_name() {
        for claim in ["[admins]", "[admins x]", "[x admins y]", "[x admins]"] {
            assert!(has_group(claim, "admins"), "{claim}");
        }
        for claim in [
            "",
            "[]",
            "admins",
            "[admins",
            "admins]",
            "[not-admins]",
            "[admins2]",
            "[Admins]",
            "[admins,x]",
            "[admin s]",
            "[[admins]]",
            "[[admins]",
            "[x] [admins]",
            "[\"admins\"]",
            "[admins\u{a0}x]",
            "[x\tadmins]",
        ] {
            assert!(!has_group(claim, "admins"), "{claim}");
        }
    }
}
