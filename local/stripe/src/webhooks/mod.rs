//! Webhooks: each event is posted to each endpoint that wants it until the endpoint takes it.

pub(crate) mod post;
pub(crate) mod signature;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
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
    let mut under_way: JoinSet<Vec<i64>> = JoinSet::new();
    let mut ids: Vec<i64> = Vec::new();
    loop {
        let room = AT_ONCE.saturating_sub(ids.len());
        let known = ids.clone();
        let faults = app.delivery_faults.clone();
        let found = app.store.run(Cause::default(), move |tx| {
            if tx.webhooks_paused()? {
                return Ok::<_, Error>((Vec::new(), None));
            }
            tx.give_up_disabled()?;
            let due = faults.meet(tx, tx.due_deliveries(&known, room)?)?;
            Ok((due, tx.next_due()?))
        });
        let (due, next) = found.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the deliveries cannot be read");
            (Vec::new(), None)
        });
        for group in due {
            ids.extend(group.iter().map(|it| it.id));
            under_way.spawn(attempt_in_turn(app.clone(), http.clone(), group));
        }
        let sleep = next.map_or(LONGEST_SLEEP, |at| {
            Duration::from_millis(
                u64::try_from(at.saturating_sub(clock::millis())).unwrap_or_default(),
            )
            .min(LONGEST_SLEEP)
        });
        tokio::select! {
            () = app.webhooks.woken.notified() => {}
            () = tokio::time::sleep(sleep) => {}
            Some(done) = under_way.join_next() => match done {
                Ok(done) => ids.retain(|it| !done.contains(it)),
                // Which one it was is lost with its panic: none stays barred.
                Err(_) => ids.clear(),
            },
        }
    }
}

/// Tries some deliveries, each once the one before it was answered; their ids.
async fn attempt_in_turn(app: App, http: reqwest::Client, group: Vec<Due>) -> Vec<i64> {
    let ids = group.iter().map(|it| it.id).collect();
    for delivery in group {
        attempt(&app, &http, delivery).await;
    }
    ids
}

/// Tries one delivery and records how it went.
async fn attempt(app: &App, http: &reqwest::Client, delivery: Due) {
    let id = delivery.id;
    let event = delivery.event.clone();
    let payload = app
        .store
        .run(Cause::default(), move |tx| match tx.find(&event)? {
            Some(record) => Ok::<_, Error>(Some(tx.show(&record.body)?)),
            None => Ok(None),
        });
    if let Ok(Some(mut payload)) = payload.await {
        if let Some(version) = &delivery.version {
            payload["api_version"] = json!(version);
        }
        let body = serde_json::to_string_pretty(&payload).unwrap_or_default();
        let tried = post::post(http, &delivery, body).await;
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
                let settled = tx
                    .deliveries(&event)?
                    .iter()
                    .all(|it| it.state != "pending");
                Ok::<_, Error>(settled || tx.webhooks_paused()?)
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
