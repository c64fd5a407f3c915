use std::time::{SystemTime, UNIX_EPOCH};

use billing::Timestamp;

/// The time, in Unix seconds. The domain never asks for it: it is passed in.
#[must_use]
pub fn now() -> Timestamp {
    now_in_millis() / 1_000
}

/// The same in milliseconds.
pub(crate) fn now_in_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}
