use std::time::{SystemTime, UNIX_EPOCH};

use billing::Timestamp;

/// The time, in Unix seconds. The domain never asks for it: it is passed in.
#[must_use]
pub fn now() -> Timestamp {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            Timestamp::try_from(since.as_secs()).unwrap_or(Timestamp::MAX)
        })
}
