//! What became of the intents that a checkout stores before it asks Stripe: by asking again under their keys, which acts once however often, and
//! tells what a crash or a lost reply kept from us.

use billing::{CustomerId, Timestamp};
use payments::{CheckoutSession, IdempotencyKey, Owner, SessionStatus, Stripe, StripeError};
use store::{CheckoutIntent, CustomerIntent};

/// Stripe keeps idempotency keys for at least 24 hours; after this many seconds we no longer rely on one.
pub const KEY_LIFE: i64 = 23 * 3_600;

/// How far Stripe's clock may be from ours, in seconds.
const CLOCK_SKEW: i64 = 300;

/// Whether an intent's key may be forgotten.
#[must_use]
pub fn is_too_old(created_at: Timestamp, now: Timestamp) -> bool {
    now - created_at > KEY_LIFE
}

/// The customer of an intent, made where it is not yet. `None` where the key's customer has been deleted since.
///
/// # Errors
/// [`StripeError`]; one that [is final](StripeError::is_final_under_its_key) may still hide a customer: [`look_for_customer`].
pub async fn create_customer(
    stripe: &Stripe,
    owner: &Owner,
    generation: u64,
    intent: &CustomerIntent,
) -> Result<Option<CustomerId>, StripeError> {
    let key = IdempotencyKey::new(format!(
        "customer:{}:{}:{generation}",
        owner.mode, owner.user
    ));
    let reply = stripe.create_customer(&intent.parameters, &key).await?;
    let customer = reply.value.id;
    if reply.replayed && stripe.customer(&customer).await?.deleted {
        return Ok(None);
    }
    Ok(Some(customer))
}

/// The customer that Stripe made of an intent all the same, where we never heard.
///
/// # Errors
/// [`StripeError`]
pub async fn look_for_customer(
    stripe: &Stripe,
    owner: &Owner,
    intent: &CustomerIntent,
    now: Timestamp,
) -> Result<Option<CustomerId>, StripeError> {
    let created = intent.created_at - CLOCK_SKEW
        ..=now.min(intent.created_at.saturating_add(KEY_LIFE)) + CLOCK_SKEW;
    let found = stripe.find_customer(owner, created).await?;
    Ok(found.map(|customer| customer.id))
}

/// The intent's session as it is now; created where it is not yet.
///
/// # Errors
/// [`StripeError`]
pub async fn session(
    stripe: &Stripe,
    intent: &CheckoutIntent,
) -> Result<CheckoutSession, StripeError> {
    if let Some(id) = &intent.session {
        return stripe.checkout_session(id).await;
    }
    let key = IdempotencyKey::new(format!("checkout:{}", intent.id));
    let reply = stripe
        .create_checkout_session(&intent.parameters, &key)
        .await?;
    if reply.replayed {
        // The stored answer says what the session was, not what it is.
        return stripe.checkout_session(&reply.value.id).await;
    }
    Ok(reply.value)
}

/// Makes sure that nothing can be paid under an intent that is about to be replaced. Gives what has been paid under it already.
///
/// # Errors
/// [`StripeError`]
pub async fn retire(
    stripe: &Stripe,
    customer: &CustomerId,
    found: &CheckoutIntent,
    now: Timestamp,
) -> Result<Vec<CheckoutSession>, StripeError> {
    // Where its session is not known, asking under its key tells: it may be in the making in another request.
    let known = match &found.session {
        Some(id) => Some(id.clone()),
        None if is_too_old(found.created_at, now) => None,
        None => match session(stripe, found).await {
            Ok(session) => Some(session.id),
            Err(error) if error.is_final_under_its_key() => None,
            Err(error) => return Err(error),
        },
    };
    let Some(id) = known else {
        return expire_open_sessions(stripe, customer).await;
    };
    let session = stripe.expire_checkout_session(&id).await?;
    let was_paid = session.status == SessionStatus::Complete;
    Ok(was_paid.then_some(session).into_iter().collect())
}

/// Makes sure that no session of a customer can be paid any more. Gives those whose payment was faster.
///
/// # Errors
/// [`StripeError`]
pub async fn expire_open_sessions(
    stripe: &Stripe,
    customer: &CustomerId,
) -> Result<Vec<CheckoutSession>, StripeError> {
    let mut paid = Vec::new();
    for open in stripe.open_checkout_sessions(customer).await? {
        let session = stripe.expire_checkout_session(&open.id).await?;
        if session.status == SessionStatus::Complete {
            paid.push(session);
        }
    }
    Ok(paid)
}
