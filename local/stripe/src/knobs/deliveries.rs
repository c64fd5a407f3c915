//! Faults of delivery: the next webhooks of a kind are lost, come twice, late, or in the wrong order.
//!
//! A fault meets the first delivery of an event to an endpoint, when it would be sent: never one that is tried again or
//! was asked for by hand.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::store::deliveries::Due;
use crate::store::{Error, Transaction};

/// What the history of a dropped delivery says.
const DROPPED: &str = "Never sent: dropped, as was asked for (/_local/deliveries).";
/// When a delivery that is held back is due; a restart makes it due at once.
const NEVER: i64 = i64::MAX;

/// A fault, for so many deliveries.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Fault {
    /// The type of the event, or its start with a `*` at the end.
    #[serde(rename = "type", default = "any")]
    kind: String,
    #[serde(default = "once")]
    times: usize,
    #[serde(flatten)]
    what: What,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What {
    /// It never arrives.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives later.
    Delay { ms: u32 },
    /// It waits until there are `times` of them, which are then sent one after another, the last one first.
    Reorder {
        #[serde(default, skip_deserializing, serialize_with = "count")]
        held: Vec<i64>,
    },
}

fn any() -> String {
    "*".to_owned()
}

fn once() -> usize {
    1
}

#[expect(clippy::ptr_arg, reason = "serde gives it so")]
fn count<S: serde::Serializer>(held: &Vec<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    held.len().serialize(serializer)
}

impl Fault {
    /// Why it cannot be meant so.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self.what {
            _ if self.times == 0 => Some("`times` must be at least 1"),
            What::Reorder { .. } if self.times < 2 => Some("`times` must be at least 2"),
            What::Delay { ms: 0 } => Some("`ms` must be at least 1"),
            _ => None,
        }
    }

    fn matches(&self, kind: &str) -> bool {
        match self.kind.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => kind == self.kind,
        }
    }
}

/// The faults that are left, in the order they were asked for.
#[derive(Clone, Default)]
pub(crate) struct DeliveryFaults(Arc<Mutex<Vec<Fault>>>);

impl DeliveryFaults {
    pub(crate) fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    pub(crate) fn left(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Forgets them all. What was held back goes out.
    pub(crate) fn clear(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        for fault in self.lock().drain(..) {
            if let What::Reorder { held } = fault.what {
                held.into_iter()
                    .try_for_each(|id| tx.postpone_delivery(id, clock::millis()))?;
            }
        }
        Ok(())
    }

    /// What is to be sent of what is due: groups whose members go one after another.
    pub(crate) fn meet(&self, tx: &Transaction<'_>, due: Vec<Due>) -> Result<Vec<Vec<Due>>, Error> {
        let mut faults = self.lock();
        let mut groups = Vec::new();
        for delivery in due {
            let index = faults
                .iter()
                .position(|it| delivery.first && it.matches(&delivery.kind));
            let Some(index) = index else {
                groups.push(vec![delivery]);
                continue;
            };
            let fault = &mut faults[index];
            fault.times -= 1;
            match &mut fault.what {
                What::Drop => tx.drop_delivery(delivery.id, DROPPED)?,
                What::Duplicate => {
                    tx.deliver(&delivery.event, &delivery.endpoint)?;
                    groups.push(vec![delivery]);
                }
                What::Delay { ms } => {
                    tx.postpone_delivery(delivery.id, clock::millis() + i64::from(*ms))?;
                }
                What::Reorder { held } => {
                    tx.postpone_delivery(delivery.id, NEVER)?;
                    held.push(delivery.id);
                    if fault.times == 0 {
                        groups.push(released(tx, held)?);
                    }
                }
            }
            if fault.times == 0 {
                faults.remove(index);
            }
        }
        Ok(groups)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that were held back and still can be sent, the last one first.
fn released(tx: &Transaction<'_>, held: &[i64]) -> Result<Vec<Due>, Error> {
    let mut group = Vec::new();
    for id in held.iter().rev() {
        tx.postpone_delivery(*id, clock::millis())?;
        group.extend(tx.delivery_to_make(*id)?);
    }
    Ok(group)
}
