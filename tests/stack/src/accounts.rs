//! How people get an account and tokens.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::stack::Addresses;
use crate::{User, eventually};

/// What everybody signs in with.
const PASSWORD: &str = "Correct-Horse-1";

/// Where people sign up and in.
pub(crate) struct Accounts {
    http: Client,
    sign_in: String,
    /// The deployed stack's page and AWS's services. Without them: the sign-in stand-in, and its shortcuts.
    cognito: Option<Cognito>,
}

struct Cognito {
    site: String,
    cloud: String,
}

impl Accounts {
    pub(crate) fn of(addresses: &Addresses, http: Client) -> Self {
        let deployed = addresses.deployed.as_ref();
        Self {
            http,
            sign_in: addresses.sign_in.clone(),
            cognito: deployed.map(|deployed| Cognito {
                site: addresses.site.clone(),
                cloud: deployed.cloud.clone(),
            }),
        }
    }

    /// An account and its tokens, under an address that nobody else has.
    pub(crate) async fn sign_up(&self, client_id: String, name: &str) -> Result<User> {
        let email = format!("{name}-{}@example.com", Uuid::new_v4().simple());
        self.sign_up_as(client_id, &email).await
    }

    /// The same under this address.
    pub(crate) async fn sign_up_as(&self, client_id: String, email: &str) -> Result<User> {
        let sub = match &self.cognito {
            None => self.sign_up_here(email).await?,
            Some(cognito) => self.sign_up_at(cognito, &client_id, email).await?,
        };
        let user = User {
            sub,
            email: email.to_owned(),
            access_token: String::new(),
            id_token: String::new(),
        };
        self.sign_in(client_id, &user, None).await
    }

    /// New tokens, for all scopes or for these.
    pub(crate) async fn sign_in(
        &self,
        client_id: String,
        user: &User,
        scope: Option<&str>,
    ) -> Result<User> {
        let tokens = match &self.cognito {
            None => {
                let mut order = json!({ "email": user.email, "client_id": client_id });
                if let Some(scope) = scope {
                    order["scope"] = scope.into();
                }
                self.tokens(order).await?
            }
            Some(cognito) => {
                let scope = scope.unwrap_or("openid email tollgate/billing");
                self.sign_in_at(cognito, &client_id, user, scope).await?
            }
        };
        Ok(User {
            access_token: text(&tokens, "access_token")?,
            id_token: text(&tokens, "id_token")?,
            ..user.clone()
        })
    }

    /// Whether the stand-in has somebody with this address.
    pub(crate) async fn is_taken(&self, email: &str) -> Result<bool> {
        let order = json!({ "email": email, "client_id": "another", "scope": "openid" });
        let url = format!("{}/_local/tokens", self.sign_in);
        let status = self.http.post(url).json(&order).send().await?.status();
        ensure!(status == 200 || status == 404, "the sign-in: {status}");
        Ok(status == 200)
    }

    /// A token made to order by the stand-in.
    pub(crate) async fn token(&self, user: &User, mut order: Value) -> Result<String> {
        order["email"] = user.email.as_str().into();
        text(&self.tokens(order).await?, "access_token")
    }

    async fn sign_up_here(&self, email: &str) -> Result<String> {
        let body = json!({ "email": email, "password": PASSWORD });
        let url = format!("{}/_local/users", self.sign_in);
        let created = self.http.post(url).json(&body).send().await?;
        text(&created.error_for_status()?.json().await?, "sub")
    }

    async fn tokens(&self, order: Value) -> Result<Value> {
        let url = format!("{}/_local/tokens", self.sign_in);
        let answer = self.http.post(url).json(&order).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Signs up, finds the code in the mail, and confirms the address with it.
    async fn sign_up_at(&self, cognito: &Cognito, client_id: &str, email: &str) -> Result<String> {
        let account = json!({
            "ClientId": client_id, "Username": email, "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email", "Value": email }]
        });
        let created = self.ask(cognito, "SignUp", &account).await?;
        let mailbox = format!("{}/_ministack/ses/messages", cognito.cloud);
        let code = eventually("the code is in the mail", async || {
            let mails: Value = self
                .http
                .get(&mailbox)
                .send()
                .await
                .ok()?
                .json()
                .await
                .ok()?;
            let accounts = mails["messages"].as_object()?.values();
            let mut mails = accounts.filter_map(Value::as_array).flatten();
            let mail = mails.find(|mail| mail["To"][0] == email)?;
            let digits =
                |word: &&str| word.len() == 6 && word.bytes().all(|it| it.is_ascii_digit());
            let mut words = mail["BodyText"]
                .as_str()?
                .split(|it: char| !it.is_alphanumeric());
            words.find(digits).map(str::to_owned)
        })
        .await;
        let confirmation =
            json!({ "ClientId": client_id, "Username": email, "ConfirmationCode": code });
        self.ask(cognito, "ConfirmSignUp", &confirmation).await?;
        text(&created, "UserSub")
    }

    /// Goes the way of a browser: the login page, its form, back to the page with a code, and the code for tokens.
    async fn sign_in_at(
        &self,
        cognito: &Cognito,
        client_id: &str,
        user: &User,
        scope: &str,
    ) -> Result<Value> {
        let home = format!("{}/", cognito.site);
        let verifier = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let state = Uuid::new_v4().to_string();
        let asked = [
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", &home),
            ("scope", scope),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let url = format!("{}/oauth2/authorize", self.sign_in);
        let page = self.http.get(url).query(&asked).send().await?;
        ensure!(page.status() == 200, "the login page: {}", page.status());
        let mut form = hidden_fields(&page.text().await?);
        form.push(("username".to_owned(), user.email.clone()));
        form.push(("password".to_owned(), PASSWORD.to_owned()));
        let url = format!("{}/login", self.sign_in);
        let back = self.http.post(url).form(&form).send().await?;
        let location = back.headers().get("location");
        let location = location.with_context(|| format!("signing in: {}", back.status()))?;
        let location = Url::parse(location.to_str()?)?;
        let given = |name| location.query_pairs().find(|(key, _)| key == name);
        let (_, returned) = given("state").context("no state")?;
        ensure!(returned == state, "another state came back");
        let (_, code) = given("code").context("no code")?;
        let exchange = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("redirect_uri", &home),
            ("code", &code),
            ("code_verifier", &verifier),
        ];
        let url = format!("{}/oauth2/token", self.sign_in);
        let tokens = self.http.post(url).form(&exchange).send().await?;
        Ok(tokens.error_for_status()?.json().await?)
    }

    /// An operation of Cognito that anybody may call.
    async fn ask(&self, cognito: &Cognito, operation: &str, body: &Value) -> Result<Value> {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let request = self
            .http
            .post(&cognito.cloud)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(body.to_string());
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status == 200, "{operation}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

/// The hidden fields of a page's first form.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let form = page.split_once("<form").map_or("", |(_, rest)| rest);
    let form = form.split_once("</form>").map_or(form, |(form, _)| form);
    let inputs = form
        .split("<input")
        .filter(|it| it.contains("type=\"hidden\""));
    inputs
        .filter_map(|input| {
            let attribute = |name: &str| {
                let (_, rest) = input.split_once(&format!("{name}=\""))?;
                let (value, _) = rest.split_once('"')?;
                Some(value.replace("&amp;", "&"))
            };
            Some((attribute(" name")?, attribute(" value")?))
        })
        .collect()
}

fn text(answer: &Value, name: &str) -> Result<String> {
    let text = answer[name].as_str();
    Ok(text.with_context(|| format!("no {name}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_forms_hidden_fields_are_read() {
        let page = r#"<form method="POST" action="/login">
            <input type="hidden" name="state" value="a&amp;b"><input type="text" name="username">
            <input type="hidden" name="scope" value=""></form><form><input type="hidden" name="other" value="1"></form>"#;
        let fields = hidden_fields(page);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(fields, [("state", "a&b"), ("scope", "")]);
    }
}
