//! `/v1/account`: the one account there is. <https://docs.stripe.com/api/accounts>

use serde_json::{Value, json};

use super::error::ApiError;
use super::params::Params;

/// Shows it.
pub(super) fn retrieve(params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(json!({
        "id": "acct_1LocalStandIn000",
        "object": "account",
        "business_type": null,
        "capabilities": { "card_payments": "active", "transfers": "active" },
        "charges_enabled": true,
        "controller": { "type": "account" },
        "country": "US",
        "default_currency": "usd",
        "details_submitted": true,
        "email": "local@example.com",
        "metadata": {},
        "payouts_enabled": true,
        "type": "standard",
    }))
}
