//! Invoices, as far as payments tell them. The lead's version replaces this one.

use serde_json::Value;

use super::payments::Outcome;
use crate::store::{Error, Transaction};

/// What became of the payment of an invoice after it was first tried.
#[expect(clippy::unnecessary_wraps, reason = "a stub")]
pub(crate) fn settled(
    _tx: &Transaction<'_>,
    _invoice: &str,
    _intent: &Value,
    _outcome: Outcome,
) -> Result<(), Error> {
    Ok(())
}
