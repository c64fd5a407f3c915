use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::{Value, json};

/// Somebody who has signed up, and their tokens.
#[derive(Debug, Clone)]
pub struct User {
    /// Who they are.
    pub sub: String,
    /// What they sign in with.
    pub email: String,
    /// What they call the API with.
    pub access_token: String,
    /// What they must not call the API with.
    pub id_token: String,
}

impl User {
    pub(crate) async fn sign_up(
        http: &Client,
        sign_in: &str,
        client_id: String,
        name: &str,
    ) -> Result<Self> {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": "Correct-Horse-1" });
        let url = format!("{sign_in}/_local/users");
        let created = http.post(url).json(&body).send().await?;
        let created: Value = created.error_for_status()?.json().await?;
        let sub = created["sub"].as_str().context("no sub")?.to_owned();
        let body = json!({ "email": email, "client_id": client_id });
        let tokens = tokens(http, sign_in, body).await?;
        Ok(Self {
            sub,
            email,
            access_token: text(&tokens, "access_token")?,
            id_token: text(&tokens, "id_token")?,
        })
    }

    /// The same person with another token: another browser, or another kind of token.
    #[must_use]
    pub fn with_token(&self, access_token: impl Into<String>) -> Self {
        Self {
            access_token: access_token.into(),
            ..self.clone()
        }
    }

    /// A token made to order: see `local/sign-in/README.md`.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn token(&self, sign_in: &str, mut order: Value) -> Result<String> {
        order["email"] = self.email.as_str().into();
        let tokens = tokens(&Client::new(), sign_in, order).await?;
        text(&tokens, "access_token")
    }
}

async fn tokens(http: &Client, sign_in: &str, body: Value) -> Result<Value> {
    let url = format!("{sign_in}/_local/tokens");
    let answer = http.post(url).json(&body).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

fn text(tokens: &Value, name: &str) -> Result<String> {
    Ok(tokens[name].as_str().context("no such token")?.to_owned())
}
