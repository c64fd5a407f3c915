use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A span of time that is billed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its first second.
    pub start: Timestamp,
    /// The first second after it.
    pub end: Timestamp,
}

impl Period {
    /// Whether all of the other is within it.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether it had begun before this moment, and had not ended.
    #[must_use]
    pub fn leads_to(self, moment: Timestamp) -> bool {
        self.start < moment && moment <= self.end
    }
}
