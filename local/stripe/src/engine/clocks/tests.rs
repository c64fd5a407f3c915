use super::*;
use crate::objects::customer;
use crate::store::{Cause, Store};

const START: i64 = 1_800_000_000;

/// A subscription that is due, with what its time cannot be dealt with for.
fn broken(id: &str, fields: &Value) -> Value {
    let mut body = json!({
        "id": id, "object": "subscription", "created": START, "customer": "cus_1", "currency": "usd",
        "items": { "data": [{ "id": "si_1", "price": "price_gone",
            "current_period_start": START, "current_period_end": START + 100 }] },
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

/// Lets a hundred seconds pass for a broken subscription and for a session that is to expire after it.
fn check(fields: &Value, private: &Value) {
    let store = Store::open(None, "http://stripe.test").unwrap();
    let done = store.transaction(Cause::default(), |tx| {
        let customer = customer::new("cus_1", START);
        tx.insert(Kind::Customer, &customer, &Value::Null)?;
        tx.insert(Kind::Subscription, &broken("sub_1", fields), private)?;
        let session = json!({
            "id": "cs_1", "object": "checkout.session", "created": START, "status": "open", "expires_at": START + 100,
        });
        tx.insert(Kind::CheckoutSession, &session, &json!({}))?;
        let mut steps = 0;
        while run_first_due(tx, None, i64::MIN, START + 200)? {
            steps += 1;
            assert!(steps < 10, "time stands still");
        }
        let session = tx.get(Kind::CheckoutSession, "cs_1")?.map(|it| it.body);
        assert_eq!(session.map(|it| it["status"].clone()), Some(json!("expired")));
        // What was done half was undone.
        assert!(tx.all(&Query::of(Kind::Invoice))?.is_empty());
        assert_ne!(tx.now(), START + 100);
        Ok::<_, Error>(())
    });
    done.unwrap();
}

#[test]
fn a_panic_in_what_is_due_stops_time_for_that_object_alone() {
    check(
        &json!({ "status": "trialing", "trial_end": START + 50 }),
        &json!([]),
    );
}

#[test]
fn what_stays_due_although_it_changes_is_given_up_and_undone() {
    check(&json!({ "status": "active" }), &json!({}));
}

#[test]
fn a_panic_within_what_may_fail_undoes_all_of_it() {
    let store = Store::open(None, "http://stripe.test").unwrap();
    let done = store.transaction(Cause::default(), |tx| {
        let insert = |id: &str| tx.insert(Kind::Customer, &customer::new(id, START), &Value::Null);
        insert("cus_1")?;
        let outer = catch_unwind(AssertUnwindSafe(|| {
            tx.attempt(|| {
                insert("cus_2")?;
                tx.at(5, || {
                    tx.attempt::<(), Error>(|| {
                        insert("cus_3")?;
                        panic!("in the middle")
                    })
                })
            })
        }));
        assert!(outer.is_err());
        assert_ne!(tx.now(), 5);
        assert_eq!(tx.all(&Query::of(Kind::Customer))?.len(), 1);
        Ok::<_, Error>(())
    });
    done.unwrap();
}
