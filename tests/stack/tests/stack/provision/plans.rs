//! `plans.toml` changes, and Stripe with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stack_tests::LocalStack;
use tempfile::TempDir;

use super::CloudFormation;

/// An application of its own on somebody's Stripe, with a `plans.toml` that changes.
struct Shop {
    stack: LocalStack,
    cloud: CloudFormation,
    folder: TempDir,
}

impl Shop {
    async fn open() -> Result<Self> {
        let stack = LocalStack::start().await?;
        let folder = tempfile::tempdir()?;
        let file = file(folder.path());
        let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |around| {
            around.env.insert("APP".to_owned(), "shop".to_owned());
            let file = file.display().to_string();
            around.env.insert("PLANS_FILE".to_owned(), file);
        })
        .await?;
        let shop = Self {
            stack,
            cloud,
            folder,
        };
        Ok(shop)
    }

    /// Deploys with a product of these lines and a monthly price of those; gives Stripe's product and price.
    async fn deploy(&self, product: &str, price: &str) -> Result<(Value, Value)> {
        self.write(product, price)?;
        let (status, made) = self.cloud.ask("Update").await?;
        ensure!(status == "SUCCESS", "{made}");
        let said = self.doctor().await?;
        ensure!(said["state"] == "ok", "{said}");
        let prices = "/prices?lookup_keys[]=shop-monthly&expand[]=data.product&expand[]=data.currency_options";
        let mut prices = self.stack.stripe_list(prices).await?;
        ensure!(prices.len() == 1, "{prices:#?}");
        let price = prices.remove(0);
        ensure!(price["active"] == true, "{price}");
        Ok((price["product"].clone(), price))
    }

    fn write(&self, product: &str, price: &str) -> Result<()> {
        let text = format!(
            "[[products]]\nkey = \"shop\"\nname = \"Shop\"\n{product}\n\
             [[products.prices]]\nlookup_key = \"shop-monthly\"\namount = 900\ncurrency = \"usd\"\ninterval = \"month\"\n{price}\n"
        );
        Ok(std::fs::write(file(self.folder.path()), text)?)
    }

    /// What the doctor says of the plans in Stripe.
    async fn doctor(&self) -> Result<Value> {
        let told = self
            .cloud
            .provision
            .invoke(json!({ "operation": "doctor" }));
        let told = told.await?;
        let mut findings = told["findings"].as_array().into_iter().flatten();
        let finding = findings.find(|it| it["check"] == "plans in Stripe");
        finding.cloned().with_context(|| told.to_string())
    }

    /// What the doctor says where these lines are not deployed yet.
    async fn differs(&self, product: &str, price: &str) -> Result<String> {
        self.write(product, price)?;
        let said = self.doctor().await?;
        ensure!(said["state"] == "problem", "{said}");
        Ok(said["detail"].as_str().unwrap_or_default().to_owned())
    }

    /// The prices that customers can switch between in the portal.
    async fn choices(&self) -> Result<Value> {
        let products = "data.features.subscription_update.products";
        let path = format!("/billing_portal/configurations?expand[]={products}");
        let all = self.stack.stripe_list(&path).await?;
        let ours = all.iter().find(|it| it["metadata"]["app"] == "shop");
        let update = &ours.context("no portal")?["features"]["subscription_update"];
        Ok(update["products"].clone())
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("plans.toml")
}

const FEATURES: &str = "marketing_features = [\"One\", \"Two\"]\nfeatures = [\"api\", \"reports\"]\ntax_code = \"txcd_10103001\"";
const ALL: &str = "trial_days = 14\ngrace_days = 3\npromotion_codes = true";

#[tokio::test]
async fn what_is_said_of_a_product_is_made_changed_and_taken_back() -> Result<()> {
    let shop = Shop::open().await?;
    let (product, price) = shop.deploy(FEATURES, "").await?;
    assert_eq!(
        product["marketing_features"],
        json!([{ "name": "One" }, { "name": "Two" }])
    );
    assert_eq!(product["metadata"]["features"], "api,reports");
    assert_eq!(product["tax_code"], "txcd_10103001");
    for changed in [
        "marketing_features = [\"One\", \"Two\"]\nfeatures = [\"api\"]\ntax_code = \"txcd_10103001\"",
        "marketing_features = [\"Two\"]\ntax_code = \"txcd_10103001\"",
        "marketing_features = [\"Two\"]\ntax_code = \"txcd_10103000\"",
    ] {
        assert!(shop.differs(changed, "").await?.contains(": shop;"));
        shop.deploy(changed, "").await?;
    }
    let (bare, same_price) = shop.deploy("", "").await?;
    assert_eq!(bare["id"], product["id"]);
    assert_eq!(bare["marketing_features"], json!([]));
    assert_eq!(bare["tax_code"], Value::Null);
    assert_eq!(bare["metadata"]["features"], Value::Null);
    assert_eq!(same_price["id"], price["id"]);
    Ok(())
}

#[tokio::test]
async fn what_is_said_of_a_price_beside_its_amounts_is_made_changed_and_taken_back() -> Result<()> {
    let shop = Shop::open().await?;
    let (_, price) = shop.deploy("", ALL).await?;
    assert_eq!(
        price["metadata"],
        json!({ "trial_days": "14", "grace_days": "3", "promotion_codes": "true" })
    );
    assert_eq!(price["tax_behavior"], "unspecified");
    for changed in [
        "trial_days = 7\ngrace_days = 3\npromotion_codes = true",
        "trial_days = 7\ngrace_days = 0\npromotion_codes = true",
        "trial_days = 7\ngrace_days = 0",
    ] {
        assert!(shop.differs("", changed).await?.contains("shop-monthly"));
        let (_, same) = shop.deploy("", changed).await?;
        assert_eq!(same["id"], price["id"], "{changed}");
    }
    let (_, bare) = shop.deploy("", "").await?;
    assert_eq!(
        (&bare["id"], &bare["metadata"]),
        (&price["id"], &json!({})),
        "nothing is left"
    );
    // A tax behavior can be said of a price that has none.
    let (_, taxed) = shop.deploy("", "tax_behavior = \"inclusive\"").await?;
    assert_eq!(taxed["id"], price["id"]);
    assert_eq!(taxed["tax_behavior"], "inclusive");
    Ok(())
}

#[tokio::test]
async fn a_currency_is_added_but_no_amount_changes_under_who_pays_it() -> Result<()> {
    let shop = Shop::open().await?;
    let (product, first) = shop.deploy("", "other_amounts = { eur = 850 }").await?;
    assert_eq!(first["currency_options"]["eur"]["unit_amount"], 850);
    let more = "other_amounts = { eur = 850, gbp = 750 }";
    assert!(shop.differs("", more).await?.contains("shop-monthly"));
    let (_, same) = shop.deploy("", more).await?;
    assert_eq!(same["id"], first["id"]);
    assert_eq!(same["currency_options"]["gbp"]["unit_amount"], 750);
    assert_eq!(same["currency_options"]["eur"]["unit_amount"], 850);

    let mut last = same;
    for (why, changed) in [
        ("an amount", "other_amounts = { eur = 850, gbp = 800 }"),
        ("a currency less", "other_amounts = { eur = 850 }"),
        (
            "a tax behavior that is said",
            "other_amounts = { eur = 850 }\ntax_behavior = \"exclusive\"",
        ),
        (
            "a tax behavior that was said",
            "other_amounts = { eur = 850 }\ntax_behavior = \"inclusive\"",
        ),
        ("none at all", ""),
    ] {
        assert!(shop.differs("", changed).await?.contains("shop-monthly"));
        let (of, price) = shop.deploy("", changed).await?;
        let said_first = why == "a tax behavior that is said";
        assert_eq!(price["id"] == last["id"], said_first, "{why}");
        assert_eq!(of["id"], product["id"]);
        if !said_first {
            let path = format!("/prices/{}", last["id"].as_str().context("no id")?);
            let old = shop.stack.stripe(reqwest::Method::GET, &path, &[]).await?;
            assert_eq!(
                (&old["active"], &old["lookup_key"]),
                (&json!(false), &Value::Null)
            );
        }
        // Nobody switches to what is no longer on offer.
        assert_eq!(shop.choices().await?[0]["prices"], json!([price["id"]]));
        last = price;
    }
    assert_eq!(last["tax_behavior"], "unspecified");
    Ok(())
}

#[tokio::test]
async fn customers_can_switch_between_intervals_and_products_whatever_the_currency() -> Result<()> {
    let shop = Shop::open().await?;
    let yearly = "other_amounts = { eur = 850 }\n[[products.prices]]\nlookup_key = \"shop-yearly\"\namount = 9000\ncurrency = \"usd\"\ninterval = \"year\"\n\
                  [[products]]\nkey = \"uk\"\nname = \"UK\"\n[[products.prices]]\nlookup_key = \"shop-uk\"\namount = 700\ncurrency = \"gbp\"\ninterval = \"month\"";
    shop.deploy("", yearly).await?;
    let choices = shop.choices().await?;
    let choices = choices.as_array().context("no choices")?;
    let mut counts: Vec<usize> = choices
        .iter()
        .map(|it| it["prices"].as_array().map_or(0, Vec::len))
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    Ok(())
}

#[tokio::test]
async fn plans_that_cannot_be_change_nothing_and_say_why() -> Result<()> {
    let shop = Shop::open().await?;
    let (_, price) = shop.deploy("", ALL).await?;
    shop.write("", "amuont = 1")?;
    let (status, reason) = shop.cloud.ask("Update").await?;
    let reason = reason.as_str().unwrap_or_default();
    assert_eq!(status, "FAILED");
    assert!(
        reason.contains("plans.toml: ") && reason.contains("amuont"),
        "{reason}"
    );
    assert_eq!(shop.deploy("", ALL).await?.1["id"], price["id"]);
    Ok(())
}
