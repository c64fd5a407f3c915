//! When the stack is ready, and what it says then.

use std::time::Duration;

use serde_json::Value;

use crate::data_dir::Addresses;
use crate::servers::{ADMIN_EMAIL, ADMIN_PASSWORD};
use crate::stripe_mode::{StripeMode, listen_command};
use crate::terminal::Terminal;

/// Returns once `GET {api}/config` offers plans. `last` says what the latest answer was.
pub async fn await_plans(api: &str, last: &mut String) {
    let client = reqwest::Client::new();
    loop {
        *last = match plans(&client, api).await {
            Ok(0) => "it has none yet".to_owned(),
            Ok(_) => return,
            Err(problem) => problem,
        };
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn plans(client: &reqwest::Client, api: &str) -> Result<usize, String> {
    let response = client
        .get(format!("{api}/config"))
        .send()
        .await
        .map_err(|_| "no answer".to_owned())?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("it answers {status}"));
    }
    let config: Value = response
        .json()
        .await
        .map_err(|_| "its answer is not JSON".to_owned())?;
    Ok(config["plans"].as_array().map_or(0, Vec::len))
}

/// What people see when they can begin.
#[must_use]
pub fn message(terminal: Terminal, addresses: &Addresses, stripe: &StripeMode) -> String {
    let bold = |text: &str| terminal.styled("1", text);
    let dim = |text: &str| terminal.styled("2", text);
    let link = |text: &str| terminal.styled("1;35", text);
    let mut lines = vec![
        String::new(),
        format!("  {}", bold("Tollgate is ready")),
        String::new(),
        format!("  {}       {}", dim("Page"), link(&addresses.site)),
        format!(
            "  {}      {}   {}",
            dim("Admin"),
            link(&format!("{}/admin/index.html", addresses.site)),
            dim(&format!("{ADMIN_EMAIL}, {ADMIN_PASSWORD}"))
        ),
    ];
    match (stripe, &addresses.stripe) {
        (StripeMode::StandIn, Some(url)) => {
            lines.push(format!(
                "  {}     {}   {}",
                dim("Stripe"),
                link(url),
                dim("stand-in: no real money; its key is sk_test_local")
            ));
            lines.push(format!(
                "  {}  4242 4242 4242 4242, any future date, any CVC",
                dim("Test card")
            ));
        }
        (StripeMode::Real { webhook_secret, .. }, _) => {
            lines.push(format!(
                "  {}     https://dashboard.stripe.com/test",
                dim("Stripe")
            ));
            lines.push(format!(
                "  {}  4242 4242 4242 4242, any future date, any CVC",
                dim("Test card")
            ));
            lines.push(String::new());
            lines.push("  Webhooks and plans come from Stripe through its CLI; keep this running beside it:".to_owned());
            lines.push(format!("  {}", bold(&listen_command(&addresses.site))));
            if webhook_secret.is_none() {
                lines.push(
                    "  It prints a whsec_… secret: set it as STRIPE_WEBHOOK_SECRET and start again. Until then every \
                     webhook is refused."
                        .to_owned(),
                );
            }
        }
        (StripeMode::StandIn, None) => {}
    }
    lines.push(String::new());
    lines.push(format!(
        "  {}",
        dim("Ctrl-C ends it. What you did is kept; --reset forgets it.")
    ));
    lines.push(String::new());
    lines.join("\n")
}
