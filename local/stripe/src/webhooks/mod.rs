//! Webhooks: each event is posted to each endpoint that wants it until the endpoint takes it.

pub(crate) mod post;
pub(crate) mod signature;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::app::App;
use crate::clock;
use crate::store::deliveries::Due;
use crate::store::{Cause, Error};

/// How many deliveries are under way at once.
const AT_ONCE: usize = 8;
/// How long the dispatcher sleeps at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The dispatcher's bells.
#[derive(Clone, Default)]
pub(crate) struct Webhooks {
    woken: Arc<Notify>,
    tried: Arc<Notify>,
}

impl Webhooks {
    /// Something may be due.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }
}

/// Delivers until the task is dropped.
pub(crate) async fn run(app: App, http: reqwest::Client) {
    let mut under_way: JoinSet<i64> = JoinSet::new();
    let mut ids: Vec<i64> = Vec::new();
    loop {
        let room = AT_ONCE - ids.len();
        let known = ids.clone();
        let found = app.store.run(Cause::default(), move |tx| {
            if tx.webhooks_paused()? {
                return Ok::<_, Error>((Vec::new(), None));
            }
            Ok((tx.due_deliveries(&known, room)?, tx.next_due()?))
        });
        let (due, next) = found.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the deliveries cannot be read");
            (Vec::new(), None)
        });
        for delivery in due {
            ids.push(delivery.id);
            under_way.spawn(attempt(app.clone(), http.clone(), delivery));
        }
        let sleep = next.map_or(LONGEST_SLEEP, |at| {
            Duration::from_millis(u64::try_from(at - clock::millis()).unwrap_or_default())
                .min(LONGEST_SLEEP)
        });
        tokio::select! {
            () = app.webhooks.woken.notified() => {}
            () = tokio::time::sleep(sleep) => {}
            Some(done) = under_way.join_next() => match done {
                Ok(id) => ids.retain(|it| *it != id),
                // Which one it was is lost with its panic: none stays barred.
                Err(_) => ids.clear(),
            },
        }
    }
}

/// Tries one delivery and records how it went.
async fn attempt(app: App, http: reqwest::Client, delivery: Due) -> i64 {
    let id = delivery.id;
    let event = delivery.event.clone();
    let payload = app
        .store
        .run(Cause::default(), move |tx| match tx.find(&event)? {
            Some(record) => Ok::<_, Error>(Some(tx.show(&record.body)?)),
            None => Ok(None),
        });
    if let Ok(Some(payload)) = payload.await {
        let body = serde_json::to_string_pretty(&payload).unwrap_or_default();
        let tried = post::post(&http, &delivery, body).await;
        tracing::debug!(event = delivery.event, status = tried.status, "delivered");
        if let Err(error) = app
            .store
            .run(Cause::default(), move |tx| tx.record_try(id, &tried))
            .await
        {
            tracing::error!(%error, "a delivery cannot be recorded");
        }
    }
    app.webhooks.tried.notify_waiters();
    id
}

/// Waits until every endpoint has taken an event, or until the time is up.
pub(crate) async fn wait_until_delivered(app: &App, event: String, longest: Duration) {
    let waiting = async {
        loop {
            // Listening starts before looking, so that nothing slips in between.
            let tried = app.webhooks.tried.notified();
            tokio::pin!(tried);
            tried.as_mut().enable();
            let event = event.clone();
            let settled = app.store.run(Cause::default(), move |tx| {
                let delivered = tx
                    .deliveries(&event)?
                    .iter()
                    .all(|it| it.state == "succeeded");
                Ok::<_, Error>(delivered || tx.webhooks_paused()?)
            });
            if settled.await.unwrap_or(true) {
                return;
            }
            tried.await;
        }
    };
    // Out of time: the buyer goes on, and the delivery is tried again.
    let _ = tokio::time::timeout(longest, waiting).await;
}
