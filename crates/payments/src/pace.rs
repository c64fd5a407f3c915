//! How fast we may ask.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use billing::Mode;

/// Spaces requests out, and counts them.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    gap: Duration,
    next: Mutex<Option<Instant>>,
    taken: AtomicU64,
}

impl Pace {
    /// A fifth of what Stripe lets an account ask for in this mode, so that those who are waiting for an answer never meet the limit: 100
    /// requests a second live, 25 in a sandbox. See <https://docs.stripe.com/rate-limits>.
    pub fn of_background_work(mode: Mode) -> Self {
        let per_second = match mode {
            Mode::Live => 20,
            Mode::Test => 5,
        };
        Self {
            gap: Duration::from_secs(1) / per_second,
            ..Self::default()
        }
    }

    /// Waits for the next request's turn.
    pub async fn turn(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if self.gap.is_zero() {
            return;
        }
        let now = Instant::now();
        let wait = self.slot(now).saturating_duration_since(now);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// When the request may be sent that is asked for now.
    fn slot(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = next.map_or(now, |next| next.max(now));
        *next = Some(slot + self.gap);
        slot
    }

    /// How many turns there were.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_keep_their_distance_and_a_pause_is_not_made_up_for() {
        let pace = Pace::of_background_work(Mode::Test);
        let start = Instant::now();
        let slot = |ms| {
            let now = start + Duration::from_millis(ms);
            (pace.slot(now) - start).as_millis()
        };
        assert_eq!([slot(0), slot(0), slot(50), slot(400)], [0, 200, 400, 600]);
        assert_eq!([slot(5_000), slot(5_000)], [5_000, 5_200]);
        assert_eq!(Pace::of_background_work(Mode::Live).gap.as_millis(), 50);
    }
}
