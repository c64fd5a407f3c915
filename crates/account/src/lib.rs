//! What a signed-in user sees and asks of their account, where several functions share it.

mod running;
mod view;

pub use running::running;
pub use view::{AccountView, view};
