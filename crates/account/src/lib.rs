//! What a signed-in user sees and asks of their account, where several functions share it.

mod deletion;
mod emails;
pub mod intents;
mod running;
mod user_pool;
mod view;

pub use deletion::{Deletion, DeletionError};
pub use emails::{EmailError, Emails};
pub use running::running;
pub use user_pool::{SignedUp, UserPool, UserPoolError};
pub use view::{AccountView, PlanView, plan, view};
