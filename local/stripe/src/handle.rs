//! The stand-in from inside its own process: what a local stack sets up at its start.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::app::App;
use crate::ids;
use crate::objects::price::NewPrice;
use crate::objects::{Kind, price, product, text, webhook_endpoint};
use crate::store::{Cause, Error, Query, Transaction};

/// A plan that is there from the start: name, description, lookup key, and cents a month.
const PLANS: [(&str, &str, &str, i64); 2] = [
    (
        "Starter",
        "For one person getting going.",
        "starter-monthly",
        900,
    ),
    (
        "Pro",
        "For a team that means business.",
        "pro-monthly",
        2900,
    ),
];

/// Reaches into the stand-in, before and while it serves. Clones share it.
#[derive(Clone)]
pub struct Handle {
    app: App,
}

impl Handle {
    pub(crate) fn new(app: App) -> Self {
        Self { app }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Registers the one webhook endpoint that the stack manages, for all events. Called again, it moves the endpoint to
    /// the new address and secret, with whatever is still to be delivered to it.
    ///
    /// # Errors
    /// The address is not one, or the database failed.
    pub async fn ensure_webhook_endpoint(&self, url: &str, secret: &str) -> anyhow::Result<()> {
        reqwest::Url::parse(url).with_context(|| format!("not an address for webhooks: {url}"))?;
        let (url, secret) = (url.to_owned(), secret.to_owned());
        let ensured = self.app.store.run(Cause::default(), move |tx| {
            ensure_endpoint(tx, &url, &secret)
        });
        ensured
            .await
            .context("cannot register the webhook endpoint")?;
        self.app.webhooks.wake();
        Ok(())
    }

    /// Creates two plans whose products carry `app` in their metadata, unless their lookup keys are taken. Register the
    /// webhook endpoint first, so that it hears of them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seed_plans(&self, app: &str) -> anyhow::Result<()> {
        let app = app.to_owned();
        self.app
            .store
            .run(Cause::default(), move |tx| seed(tx, &app))
            .await
            .context("cannot seed the plans")?;
        self.app.webhooks.wake();
        Ok(())
    }
}

fn ensure_endpoint(tx: &Transaction<'_>, url: &str, secret: &str) -> Result<(), Error> {
    let private = json!({ "secret": secret, "managed": true });
    let endpoints = tx.all(&Query::of(Kind::WebhookEndpoint))?;
    let Some(managed) = endpoints
        .into_iter()
        .find(|it| it.private["managed"] == true)
    else {
        let id = ids::for_kind(Kind::WebhookEndpoint);
        let mut body = webhook_endpoint::new(&id, url, &["*".to_owned()], tx.now());
        body["description"] = json!("The local stack");
        return tx.insert(Kind::WebhookEndpoint, &body, &private);
    };
    let mut body = managed.body;
    body["url"] = json!(url);
    body["status"] = json!("enabled");
    tx.replace(&body)?;
    tx.replace_private(&managed.id, &private)
}

fn seed(tx: &Transaction<'_>, app: &str) -> Result<(), Error> {
    for (name, description, lookup_key, unit_amount) in PLANS {
        if !tx
            .all(&Query::of(Kind::Price).with("$.lookup_key", lookup_key))?
            .is_empty()
        {
            continue;
        }
        let mut product = product::new(&ids::for_kind(Kind::Product), name, tx.now());
        product["description"] = json!(description);
        product["metadata"] = json!({ "app": app });
        tx.create(Kind::Product, &product, &Value::Null, "product.created")?;
        let new = NewPrice {
            product: text(&product, "id"),
            currency: "usd",
            unit_amount,
            recurring: Some(("month", 1)),
        };
        let mut price = price::new(&ids::for_kind(Kind::Price), &new, tx.now());
        price["lookup_key"] = json!(lookup_key);
        tx.create(Kind::Price, &price, &Value::Null, "price.created")?;
    }
    Ok(())
}
