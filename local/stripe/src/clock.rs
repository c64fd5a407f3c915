//! The one place that reads the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The account's time: the machine's, unless it is moved by hand. Clones are the same clock.
#[derive(Clone, Default)]
pub(crate) struct Clock {
    by_hand: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// One that stands still until it is moved; at the machine's time to begin with.
    pub(crate) fn by_hand() -> Self {
        Self {
            by_hand: Some(Arc::new(AtomicI64::new(seconds()))),
        }
    }

    /// Seconds since the epoch.
    pub(crate) fn seconds(&self) -> i64 {
        let by_hand = self.by_hand.as_ref();
        by_hand.map_or_else(seconds, |it| it.load(Ordering::Relaxed))
    }

    /// Moves one that stands still on, by so many seconds.
    pub(crate) fn move_on(&self, seconds: i64) {
        if let Some(clock) = &self.by_hand {
            clock.fetch_add(seconds, Ordering::Relaxed);
        }
    }
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Seconds since the epoch, as Stripe counts time.
pub(crate) fn seconds() -> i64 {
    i64::try_from(since_epoch().as_secs()).unwrap_or(i64::MAX)
}

/// Milliseconds since the epoch, for deliveries.
pub(crate) fn millis() -> i64 {
    i64::try_from(since_epoch().as_millis()).unwrap_or(i64::MAX)
}
