//! Stripe's secrets and the keys of members' cookies, which AWS Secrets Manager holds: read when they are first needed, kept, and read again
//! where Stripe or a signature says that what is kept is out of date. So a new secret counts without a deployment.
//!
//! The only user of the SDK of Secrets Manager. See <https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets.html>.

mod cookie_keys;
mod kept;
mod signing;
mod stripe_key;
mod vault;

pub use cookie_keys::{CookieKey, CookieKeys, CookieSigner, KeySlot};
pub use signing::{Signing, SigningSecret, SigningSecrets};
pub use stripe_key::StripeKey;
pub use vault::{SecretError, Vault};
