//! The Lambda: see the library beside it.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    http_api::run::<subscription_status::SubscriptionStatus>().await
}
