//! Many users: a page of the list of customers, or whom a query is about.

use std::collections::BTreeSet;

use account::PlanView;
use billing::{CustomerId, Reason, SubscriptionId, Timestamp, UserId, access};
use http_api::{Problem, Request, Response};
use lambda_http::RequestExt;
use payments::{Object, ObjectKind};
use serde::Serialize;
use store::{CustomerPlace, StoreError, UserRecord};

use crate::query::Query;
use crate::{Admin, invalid_request, no_sign_in};

/// How many are given at once.
const MOST: u8 = 25;

#[derive(Serialize)]
struct UsersView {
    users: Vec<UserRow>,
    next: Option<String>,
}

#[derive(Serialize)]
struct UserRow {
    user: UserId,
    customer: Option<CustomerId>,
    /// Since when they stand in the list.
    listed_at: Option<Timestamp>,
    /// `null` where their item is not understood.
    access: Option<RowAccess>,
    plan: Option<PlanView>,
    deleting: bool,
}

#[derive(Serialize)]
struct RowAccess {
    granted: bool,
    until: Option<Timestamp>,
    reason: Reason,
    line: &'static str,
}

impl Admin {
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, Problem> {
        let query = request.query_string_parameters();
        let after = query.first("after").map(|place| {
            let wrong = "`after` must be the `next` of an answer.";
            place_of(place).ok_or_else(|| invalid_request(wrong))
        });
        let table = self.syncer.table();
        let page = table.customers(after.transpose()?.as_ref(), MOST).await?;
        let users = page.users.into_iter();
        http_api::json(&UsersView {
            users: users.map(|(user, record)| self.row(user, record)).collect(),
            next: page.next.map(|it| format!("{}.{}", it.listed_at, it.user)),
        })
    }

    pub(crate) async fn search(&self, request: &Request) -> Result<Response, Problem> {
        let parameters = request.query_string_parameters();
        let query = parameters.first("query").and_then(Query::parse);
        let wrong = "`query` must be an email, or the id of a user, customer or subscription.";
        let query = query.ok_or_else(|| invalid_request(wrong))?;
        let by_sign_in = matches!(query, Query::Email(_));
        let found = match query {
            Query::Customer(customer) => self.whose(&customer).await?.into_iter().collect(),
            Query::Subscription(subscription) => {
                self.subscriber(&subscription).await?.into_iter().collect()
            }
            Query::Email(email) => {
                let found = self.users.users_with_email(&email).await;
                let found = found.map_err(no_sign_in)?.into_iter();
                found.map(|it| it.user).collect()
            }
            Query::User(user) => BTreeSet::from([user]),
        };
        if let Some(user) = found.first().filter(|_| found.len() == 1) {
            tracing::Span::current().record("user.id", user.as_str());
        }
        let mut records = self.syncer.table().users(&found).await?;
        let mut users = Vec::with_capacity(found.len());
        for user in found {
            match records.remove(&user) {
                Some(record) => users.push(self.row(user, record)),
                // They have never bought anything, or there is nobody of this id.
                None if by_sign_in || self.has_signed_up(&user).await? => {
                    users.push(self.row(user, Ok(UserRecord::default())));
                }
                None => {}
            }
        }
        http_api::json(&UsersView { users, next: None })
    }

    /// The user whose customer this is: by the mapping, or by the metadata that we write, where a crash has kept us from mapping them.
    async fn whose(&self, customer: &CustomerId) -> Result<Option<UserId>, Problem> {
        if let Some(user) = self.syncer.table().user_of(customer).await? {
            return Ok(Some(user));
        }
        let stripe = self.syncer.stripe();
        match stripe.customer(customer).await {
            Ok(found) => Ok(found.owner(self.syncer.app(), stripe.mode())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn subscriber(&self, subscription: &SubscriptionId) -> Result<Option<UserId>, Problem> {
        let Some(object) = Object::new(ObjectKind::Subscription, subscription.as_str()) else {
            return Ok(None);
        };
        match self.syncer.stripe().owner_of(&object).await? {
            Some(customer) => self.whose(&customer).await,
            None => Ok(None),
        }
    }

    async fn has_signed_up(&self, user: &UserId) -> Result<bool, Problem> {
        let found = self.users.user(user).await.map_err(no_sign_in)?;
        Ok(found.is_some())
    }

    fn row(&self, user: UserId, record: Result<UserRecord, StoreError>) -> UserRow {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                tracing::warn!(user.id = user.as_str(), %error, "an item that is not understood");
                return UserRow {
                    user,
                    customer: None,
                    listed_at: None,
                    access: None,
                    plan: None,
                    deleting: false,
                };
            }
        };
        let snapshot = record.snapshot.unwrap_or_default();
        let access = access(&snapshot, &record.charges, self.policy, lambda::now());
        UserRow {
            user,
            customer: record.customer,
            listed_at: record.listed_at,
            plan: access
                .subscription
                .and_then(|it| account::plan(it, &snapshot)),
            access: Some(RowAccess {
                granted: access.granted,
                until: access.until,
                reason: access.reason,
                line: access.line.as_str(),
            }),
            deleting: record.deleting.is_some(),
        }
    }
}

/// `1793392800.user`, as `next` says it.
fn place_of(text: &str) -> Option<CustomerPlace> {
    let (listed_at, user) = text.split_once('.')?;
    Some(CustomerPlace {
        listed_at: listed_at.parse().ok()?,
        user: UserId::parse(user).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_time_and_a_user() {
        let place = |listed_at, user: &str| CustomerPlace {
            listed_at,
            user: UserId::parse(user).unwrap(),
        };
        assert_eq!(place_of("17.ann"), Some(place(17, "ann")));
        assert_eq!(place_of("17.a.b"), Some(place(17, "a.b")));
        for wrong in ["", "17", "17.", ".ann", "x.ann", "1.5", "17.a b", "17.a#b"] {
            let expected = (wrong == "1.5").then(|| place(1, "5"));
            assert_eq!(place_of(wrong), expected, "{wrong}");
        }
    }
}
