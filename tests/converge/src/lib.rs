//! The proof that the table ends equal to Stripe, whatever the network does.
//!
//! It drives what ships: the webhook's, Checkout's and reconcile's handlers, `sync`, `store` on the real SDK and `payments` on the real
//! transport. Stripe is the stand-in, DynamoDB the embedded database, both in memory and new for each run.
//!
//! Every request of every handler comes through one [`gate`], which holds it until the scheduler lets it through. Nothing else moves
//! meanwhile, so a run is what its seed says, whatever the time and the machine: handlers interleave, die before or after a request, and get
//! errors in place of answers as the schedule has it; events come late, twice, in another order, or never. At the end all that was not
//! dropped is delivered again until it is taken, reconcile repairs the rest, and the [`oracle`], which shares no code with what ships,
//! compares the table with Stripe.
//!
//! - [`step`], [`play`], [`hunt`] and [`shrink`]: random schedules, and how a failing one is made small.
//! - [`small`] and [`explore`]: every interleaving of small histories.
//! - [`variant`]: what is wrong on purpose, and must be caught.
//! - [`proof`]: all of it, on several threads.
//!
//! What it leaves out, since it would only take time: our transport's waits between its tries of Stripe (an event is tried again
//! instead), the store's waits where a transaction is at an item, and Lambda's time limit.

mod actors;
pub mod change;
pub mod counters;
pub mod counts;
pub mod database;
mod delivery;
mod expected;
pub mod explore;
mod fault;
pub mod gate;
pub mod hunt;
pub mod instance;
pub mod label;
pub mod oracle;
pub mod play;
pub mod proof;
pub mod random;
mod repair;
pub mod shrink;
pub mod small;
pub mod stage;
pub mod step;
mod summary;
pub mod variant;
pub mod world;
