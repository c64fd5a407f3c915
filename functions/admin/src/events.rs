//! What Stripe told of a user's customer in the last 30 days, and what that did: the audit trail.

use billing::{EventId, Timestamp, UserId};
use http_api::{Problem, Request, Response};
use lambda_http::RequestExt;
use serde::Serialize;
use store::{EventPlace, NotedEvent};

use crate::{Admin, invalid_request};

/// How many are given at once.
const MOST: u8 = 25;

#[derive(Serialize)]
struct EventsView {
    events: Vec<EventView>,
    next: Option<String>,
}

#[derive(Serialize)]
struct EventView {
    id: EventId,
    #[serde(rename = "type")]
    kind: String,
    outcome: String,
    created: Timestamp,
    received_at: Timestamp,
    /// In Stripe.
    url: String,
}

impl Admin {
    pub(crate) async fn events(
        &self,
        user: &UserId,
        request: &Request,
    ) -> Result<Response, Problem> {
        let query = request.query_string_parameters();
        let after = query.first("after").map(|place| {
            let wrong = "`after` must be the `next` of an answer.";
            place_of(place).ok_or_else(|| invalid_request(wrong))
        });
        let after = after.transpose()?;
        let table = self.syncer.table();
        let mut events = match table.user(user).await?.customer {
            Some(customer) => {
                // One more tells whether there is another page.
                table.events(&customer, after.as_ref(), MOST + 1).await?
            }
            None => {
                // There are none, unless there is nobody.
                self.find(user).await?;
                Vec::new()
            }
        };
        let has_more = events.len() > usize::from(MOST);
        events.truncate(MOST.into());
        let last = events.last().filter(|_| has_more);
        let next = last.map(|it| format!("{}.{}", it.place.created, it.place.event));
        let events = events.into_iter().map(|it| self.event_view(it)).collect();
        http_api::json(&EventsView { events, next })
    }

    fn event_view(&self, noted: NotedEvent) -> EventView {
        let EventPlace { created, event } = noted.place;
        EventView {
            url: self.stripe_pages.event(&event),
            id: event,
            kind: noted.kind,
            outcome: noted.outcome,
            created,
            received_at: noted.received_at,
        }
    }
}

/// `1793392800.evt_…`, as `next` says it.
fn place_of(text: &str) -> Option<EventPlace> {
    let (created, event) = text.split_once('.')?;
    Some(EventPlace {
        created: created.parse().ok().filter(|it| *it >= 0)?,
        event: EventId::parse(event).ok()?,
    })
}
