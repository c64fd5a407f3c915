//! The Lambda: see the library beside it.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda::serve::<reconcile::Reconcile>().await
}
