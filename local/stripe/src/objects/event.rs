//! Events.

use serde_json::{Map, Value, json};

/// Every type of event that Stripe's description names, one a line.
const TYPES: &str = include_str!("event_types.txt");

/// Whether Stripe has events of this type.
pub(crate) fn is_type(kind: &str) -> bool {
    TYPES.lines().any(|it| it == kind)
}

/// A new event about `object`, as it is now. `previous` holds what an update changed.
pub(crate) fn new(
    id: &str,
    kind: &str,
    object: Value,
    previous: Option<Value>,
    request: Value,
    created: i64,
) -> Value {
    let mut data = Map::new();
    data.insert("object".into(), object);
    if let Some(previous) = previous {
        data.insert("previous_attributes".into(), previous);
    }
    json!({
        "id": id,
        "object": "event",
        "api_version": super::API_VERSION,
        "created": created,
        "data": data,
        "livemode": false,
        // Counted from the deliveries whenever the event is shown.
        "pending_webhooks": 0,
        "request": request,
        "type": kind,
    })
}

/// What changed from `old` to `new`, with the old values, as in an event's `previous_attributes`.
pub(crate) fn previous_attributes(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return old.clone();
    };
    let mut previous = Map::new();
    for (key, before) in old {
        match new.get(key) {
            Some(after) if after == before => {}
            Some(after) if before.is_object() && after.is_object() => {
                previous.insert(key.clone(), previous_attributes(before, after));
            }
            _ => {
                previous.insert(key.clone(), before.clone());
            }
        }
    }
    for key in new.keys().filter(|key| !old.contains_key(*key)) {
        previous.insert(key.clone(), Value::Null);
    }
    Value::Object(previous)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_attributes_hold_only_what_changed() {
        let old = json!({"id": "x", "name": null, "metadata": {"a": "1", "b": "2"}, "tags": [1]});
        let new = json!({"id": "x", "name": "N", "metadata": {"a": "1", "b": "3", "c": "4"}, "tags": [1]});
        assert_eq!(
            previous_attributes(&old, &new),
            json!({"name": null, "metadata": {"b": "2", "c": null}})
        );
    }
}
