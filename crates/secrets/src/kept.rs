use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// Who sends forged signatures shall not have Secrets Manager read for each: at most once in this time.
const PAUSE: Duration = Duration::from_secs(10);

/// What was taken out of a secret is not to be taken for longer than this.
const MAX_AGE: Duration = Duration::from_secs(600);

/// A value that is read when it is first needed, and kept for ten minutes.
#[derive(Debug)]
pub(crate) struct Kept<T>(Mutex<Option<Read<T>>>);

#[derive(Debug)]
struct Read<T> {
    value: Arc<T>,
    at: Instant,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Kept<T> {
    /// The value; read, unless it has been. An old one is better than none.
    pub(crate) async fn get<E: Display>(
        &self,
        read: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut kept = self.0.lock().await;
        let Some(old) = kept.as_mut() else {
            return renew(&mut kept, read).await;
        };
        let value = Arc::clone(&old.value);
        if old.at.elapsed() < MAX_AGE {
            return Ok(value);
        }
        // Whatever comes of it, not again at once.
        old.at = Instant::now();
        Ok(renew(&mut kept, read).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a secret cannot be read again");
            value
        }))
    }

    /// The value in place of one that turned out to be out of date: what was read since, or what is read now. The same one where the last read is too
    /// recent for another.
    pub(crate) async fn instead_of<E>(
        &self,
        old: &Arc<T>,
        read: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut kept = self.0.lock().await;
        if let Some(kept) = kept.as_ref()
            && (!Arc::ptr_eq(&kept.value, old) || kept.at.elapsed() < PAUSE)
        {
            return Ok(Arc::clone(&kept.value));
        }
        renew(&mut kept, read).await
    }
}

async fn renew<T, E>(
    kept: &mut Option<Read<T>>,
    read: impl AsyncFnOnce() -> Result<T, E>,
) -> Result<Arc<T>, E> {
    let value = Arc::new(read().await?);
    *kept = Some(Read {
        value: Arc::clone(&value),
        at: Instant::now(),
    });
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Never = std::convert::Infallible;

    #[tokio::test]
    async fn what_is_kept_is_not_read_again() {
        let kept = Kept::default();
        let first = kept.get(async || Ok::<_, Never>(1)).await.unwrap();
        assert_eq!(*kept.get(async || Ok::<_, Never>(2)).await.unwrap(), 1);
        // So soon after a read, whatever anybody claims.
        let again = kept.instead_of(&first, async || Ok::<_, Never>(3));
        assert_eq!(*again.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_is_out_of_date_is_read_again_once_the_pause_is_over() {
        let kept = Kept::default();
        let first = kept.get(async || Ok::<_, Never>(1)).await.unwrap();
        let long_ago = Instant::now().checked_sub(PAUSE).unwrap();
        kept.0.lock().await.as_mut().unwrap().at = long_ago;
        let second = kept.instead_of(&first, async || Ok::<_, Never>(2));
        assert_eq!(*second.await.unwrap(), 2);
        // Who comes with the old one finds what was read since.
        kept.0.lock().await.as_mut().unwrap().at = long_ago;
        let third = kept.instead_of(&first, async || Ok::<_, Never>(3));
        assert_eq!(*third.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_is_old_is_read_again_but_better_than_nothing() {
        let kept = Kept::default();
        kept.get(async || Ok::<_, Never>(1)).await.unwrap();
        let grow_old = async || {
            let long_ago = Instant::now().checked_sub(MAX_AGE);
            kept.0.lock().await.as_mut().unwrap().at = long_ago.unwrap();
        };
        grow_old().await;
        assert_eq!(*kept.get(async || Err("down")).await.unwrap(), 1);
        grow_old().await;
        assert_eq!(*kept.get(async || Ok::<_, Never>(2)).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let kept = Kept::default();
        assert_eq!(kept.get(async || Err("down")).await, Err("down"));
        assert_eq!(*kept.get(async || Ok::<_, Never>(1)).await.unwrap(), 1);
    }
}
