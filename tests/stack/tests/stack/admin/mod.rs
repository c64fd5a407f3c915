//! What administrators see and do.

mod customer;
mod list;
mod log;
mod search;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Answer, Event, LocalStack, User};

use crate::changes::Subscriber;

/// A request by an administrator, as API Gateway hands it over.
pub(crate) fn by_an_admin(method: &str, path: &str) -> Event {
    let claims = json!({ "sub": "admin-1", "token_use": "access", "cognito:groups": "[admins]" });
    Event::new(method, path).claims(claims)
}

/// An administrator at a stack.
struct Admin<'a> {
    stack: &'a LocalStack,
    user: User,
}

impl<'a> Admin<'a> {
    async fn at(stack: &'a LocalStack) -> Result<Self> {
        let user = stack.admin().await?;
        Ok(Self { stack, user })
    }

    async fn get(&self, path: &str) -> Result<Answer> {
        let path = format!("/admin/users{path}");
        self.stack.get(&path, Some(&self.user)).await
    }

    /// What a success says.
    async fn told(&self, path: &str) -> Result<Value> {
        let answer = self.get(path).await?;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        Ok(answer.body)
    }

    async fn reread(&self, user: &str) -> Result<Answer> {
        let path = format!("/admin/users/{user}/sync");
        self.stack.post(&path, Some(&self.user), json!({})).await
    }

    /// The users whom a query finds.
    async fn find(&self, query: &str) -> Result<Vec<Value>> {
        let mut url = reqwest::Url::parse("http://localhost/")?;
        url.query_pairs_mut().append_pair("query", query);
        let path = format!("?{}", url.query().unwrap_or_default());
        let told = self.told(&path).await?;
        assert_eq!(told["next"], Value::Null);
        Ok(told["users"].as_array().context("no users")?.clone())
    }

    /// The users of all pages of the list.
    async fn pages(&self) -> Result<Vec<Vec<String>>> {
        let (mut pages, mut after) = (Vec::new(), String::new());
        loop {
            let (users, next) = self.page(&after).await?;
            pages.push(users);
            match next {
                Some(next) => after = next,
                None => return Ok(pages),
            }
        }
    }

    /// The page of the list that begins here, and where the next one does.
    async fn page(&self, after: &str) -> Result<(Vec<String>, Option<String>)> {
        let query = if after.is_empty() { "" } else { "?after=" };
        let told = self.told(&format!("{query}{after}")).await?;
        let users = told["users"].as_array().context("no users")?;
        let users = users.iter().map(|it| text(&it["user"]).to_owned());
        Ok((users.collect(), told["next"].as_str().map(str::to_owned)))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

#[tokio::test]
async fn only_who_is_in_the_very_group_gets_in_and_only_while_they_are_here() -> Result<()> {
    let ann = Subscriber::start().await?;
    let stack = &ann.stack;
    let bob = stack.sign_up("bob").await?;
    let sub = &ann.user.sub;
    let routes = [
        (Method::GET, "/admin/users".to_owned()),
        (Method::GET, format!("/admin/users?query={sub}")),
        (Method::GET, format!("/admin/users/{sub}")),
        (Method::GET, format!("/admin/users/{sub}/events")),
        (Method::POST, format!("/admin/users/{sub}/sync")),
        (Method::GET, "/admin/users/a%20b".to_owned()),
    ];
    let refusals = async |user: &User| -> Result<BTreeSet<(u16, String)>> {
        let mut refusals = BTreeSet::new();
        for (method, path) in routes.clone() {
            let answer = stack.call(method, &path, Some(user), None).await?;
            assert!(!answer.body.to_string().contains(&ann.customer));
            refusals.insert((answer.status, answer.code().to_owned()));
        }
        Ok(refusals)
    };
    let not_an_admin = BTreeSet::from([(403, "not_an_admin".to_owned())]);
    for groups in [
        &[][..],
        &["not-admins"],
        &["admins2"],
        &["Admins"],
        &["admin", "s"],
        &["[admins]"],
        &["x,admins", "admins,x"],
    ] {
        let bob = stack.in_groups(&bob, groups).await?;
        assert_eq!(refusals(&bob).await?, not_an_admin, "{groups:?}");
    }
    let admin = stack.in_groups(&bob, &["a", "admins", "z"]).await?;
    for (method, path) in &routes[..5] {
        let answer = stack.call(method.clone(), path, Some(&admin), None).await?;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
    }
    // Whoever is deleted, or is being, keeps a token for an hour.
    let left = stack
        .call(Method::DELETE, "/account", Some(&admin), None)
        .await?;
    assert_eq!(left.status, 202);
    let gone = BTreeSet::from([(410, "account_deleted".to_owned())]);
    assert_eq!(refusals(&admin).await?, gone);
    Ok(())
}
