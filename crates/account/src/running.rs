use billing::{Item, Policy, Subscription, Timestamp, access};
use store::UserRecord;

use crate::view::shown_item;

/// The subscription that its user may change, and the item of it that is our plan: the one that access rests on, if it has not ended. One
/// that is not ours is nobody's to change here.
#[must_use]
pub fn running(
    record: &UserRecord,
    policy: Policy,
    now: Timestamp,
) -> Option<(&Subscription, &Item)> {
    let snapshot = record.snapshot.as_ref()?;
    let subscription = access(snapshot, policy, now).subscription?;
    let item = shown_item(subscription, snapshot)?;
    (!subscription.status.is_terminal()).then_some((subscription, item))
}
