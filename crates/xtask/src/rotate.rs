//! `cargo xtask rotate-webhook-secret`: has the `provision` function replace the webhook's signing secret, without an event being lost.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::function::Place;

/// What `cargo xtask rotate-webhook-secret` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// End the rotation: the old endpoint and its secret go
    #[arg(long)]
    finish: bool,

    #[command(flatten)]
    place: Place,
}

/// Begins a rotation, or ends one.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let function = arguments.place.function("provision", "ProvisionFunction")?;
    println!("Asking Stripe, and waiting until the webhook takes what is signed …");
    let operation = json!({ "operation": "rotate-webhook-secret", "finish": arguments.finish });
    let told = function.invoke(&operation)?;
    let endpoints: Vec<&str> = told["endpoints"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str())
        .collect();
    if arguments.finish {
        println!(
            "Finished: {} delivers alone, and its secret alone is taken.",
            endpoints.join(", ")
        );
    } else {
        println!(
            "Two endpoints deliver, and both secrets are taken: {} (new first). An event that comes twice changes nothing.",
            endpoints.join(", ")
        );
        println!(
            "What the old endpoint has still to deliver it goes on delivering. Stripe tries for three days. Then end the rotation:"
        );
        let place = arguments
            .place
            .stack
            .as_ref()
            .map(|stack| format!(" --stack {stack}"));
        println!(
            "  cargo xtask rotate-webhook-secret --finish{}",
            place.unwrap_or_default()
        );
    }
    Ok(ExitCode::SUCCESS)
}
