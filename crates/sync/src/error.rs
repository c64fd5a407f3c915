use payments::StripeError;
use store::StoreError;

/// Why the table could not be made equal to Stripe. Asking again is safe.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Stripe gave no answer that helps.
    #[error(transparent)]
    Stripe(#[from] StripeError),
    /// The table gave no answer that helps.
    #[error(transparent)]
    Store(#[from] StoreError),
}
