//! What every request works with.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::api::InProgress;
use crate::knobs::deliveries::DeliveryFaults;
use crate::knobs::faults::Faults;
use crate::pages::Templates;
use crate::record::Recorder;
use crate::store::Store;
use crate::webhooks::Webhooks;

/// The stand-in. Clones share everything.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) recorder: Recorder,
    /// The public address, without a trailing slash.
    pub(crate) url: String,
    pub(crate) secret_key: String,
    pub(crate) in_progress: InProgress,
    pub(crate) faults: Faults,
    pub(crate) delivery_faults: DeliveryFaults,
    pub(crate) webhooks: Webhooks,
    pub(crate) templates: Templates,
    /// Rings when a test clock is to be advanced.
    pub(crate) clock_set: Arc<Notify>,
}
