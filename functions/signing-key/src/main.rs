//! The Lambda: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::serve::<signing_key::SigningKeys>()
}
