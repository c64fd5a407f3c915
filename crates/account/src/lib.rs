//! What a signed-in user sees and asks of their account, where several functions share it.

mod view;

pub use view::{AccountView, view};
