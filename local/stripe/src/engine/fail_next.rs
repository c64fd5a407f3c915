//! Charges that fail since a test asked for it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cards::{Card, Decline};
use crate::store::{Error, Transaction};

/// A charge that is to fail whatever the card, since a test asked for it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailNext {
    /// How many charges are still to fail.
    pub(crate) fail_next: u32,
    /// Only those of this customer.
    #[serde(default)]
    pub(crate) customer: Option<String>,
    #[serde(default = "generic_decline")]
    pub(crate) decline_code: String,
}

fn generic_decline() -> String {
    Decline::Generic.decline_code().to_owned()
}

impl Default for FailNext {
    fn default() -> Self {
        Self {
            fail_next: 0,
            customer: None,
            decline_code: generic_decline(),
        }
    }
}

/// The name of the setting.
const FAIL_NEXT: &str = "fail_next_payment";

/// Why the next charge of a card fails, if it does: because of the card, or because a test asked for it.
pub(super) fn declines(
    tx: &Transaction<'_>,
    customer: Option<&str>,
    card: Card,
) -> Result<Option<Decline>, Error> {
    let mut asked = get(tx)?;
    let meant = asked
        .customer
        .as_deref()
        .is_none_or(|wanted| Some(wanted) == customer);
    if asked.fail_next == 0 || !meant {
        return Ok(card.declines());
    }
    let decline = Decline::by_decline_code(&asked.decline_code).unwrap_or(Decline::Generic);
    asked.fail_next -= 1;
    set(tx, &asked)?;
    Ok(Some(decline))
}

/// Which charges are to fail.
pub(crate) fn get(tx: &Transaction<'_>) -> Result<FailNext, Error> {
    let setting = tx.setting(FAIL_NEXT)?;
    let kept = setting.and_then(|text| serde_json::from_str(&text).ok());
    Ok(kept.unwrap_or_default())
}

/// Sets which charges are to fail.
pub(crate) fn set(tx: &Transaction<'_>, wanted: &FailNext) -> Result<(), Error> {
    tx.set(FAIL_NEXT, &json!(wanted).to_string())
}
