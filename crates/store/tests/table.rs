//! The table's promises, on the embedded DynamoDB, through the real SDK.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use billing::{
    Catalogue, CustomerId, EventId, Mode, PlanKey, PriceId, SessionId, Snapshot, SubscriptionId,
    UserId,
};
use https_client::HttpsClient;
use store::{AuditEntry, Binding, CheckoutIntent, CustomerIntent, JobState, Preview, Table, Turn};

/// A connection to the one database in memory.
fn client() -> Client {
    static URL: OnceLock<String> = OnceLock::new();
    let url = URL.get_or_init(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let database = dynoxide::Database::memory().unwrap();
                dynoxide::server::serve_on(listener, database).await;
            });
        });
        url
    });
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws::http_client(HttpsClient::new()))
        .build();
    Client::from_conf(config)
}

/// One table for each test.
async fn table(name: &str) -> Table {
    let client = client();
    let mut create = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (key, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(key)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder()
            .attribute_name(key)
            .key_type(kind);
        create = create
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(element.build().unwrap());
    }
    create.send().await.unwrap();
    Table::new(client, name, Mode::Test)
}

/// The number of the next turn of a user who has this customer.
async fn ticket(table: &Table, user: &UserId, customer: &CustomerId) -> Option<u64> {
    let turn = table.take_ticket(user, customer).await.unwrap();
    turn.map(|turn| turn.ticket)
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn customer(name: &str) -> CustomerId {
    CustomerId::parse(format!("cus_{name}")).unwrap()
}

fn intent(id: &str, plan: &str) -> CheckoutIntent {
    CheckoutIntent {
        id: id.to_owned(),
        plan: PlanKey::parse(plan).unwrap(),
        price: PriceId::parse("price_1").unwrap(),
        parameters: "mode=subscription".to_owned(),
        created_at: 1,
        session: None,
    }
}

fn preview(id: &str, created_at: i64) -> Preview {
    Preview {
        id: id.to_owned(),
        subscription: SubscriptionId::parse("sub_1").unwrap(),
        plan: PlanKey::parse("pro").unwrap(),
        price: PriceId::parse("price_2").unwrap(),
        proration_date: Some(7),
        amount_due: 1_950,
        created_at,
        confirmed_at: None,
    }
}

#[tokio::test]
async fn the_last_preview_counts_until_it_is_confirmed_and_then_no_other_for_a_minute() {
    let table = table("previews").await;
    let (ann, a) = (user("ann"), customer("a"));
    let put = async |preview: Preview| table.put_preview(&ann, &a, &preview).await.unwrap();
    let confirm = async |id, now| table.confirm_preview(&ann, id, now).await.unwrap();
    let stored = async || table.user(&ann).await.unwrap().preview;
    assert!(!put(preview("1", 100)).await, "they have no customer");
    table.bind(&ann, &a, 0).await.unwrap();
    assert!(put(preview("1", 100)).await);
    assert_eq!(stored().await, Some(preview("1", 100)));
    assert!(put(preview("2", 101)).await);
    assert!(!confirm("1", 102).await, "another one was shown since");
    assert!(confirm("2", 102).await);
    assert!(stored().await.unwrap().is_under_way(161));
    assert!(!stored().await.unwrap().is_under_way(162));
    assert!(!put(preview("3", 161)).await, "one is being carried out");
    assert!(put(preview("3", 162)).await);
    assert_eq!(stored().await.unwrap().confirmed_at, None);

    table.drop_preview(&ann, "2").await.unwrap();
    assert!(stored().await.is_some(), "another one's end is not its own");
    table.drop_preview(&ann, "3").await.unwrap();
    assert_eq!(stored().await, None);
    assert!(!confirm("3", 163).await);
    let free = Preview {
        proration_date: None,
        ..preview("4", 164)
    };
    assert!(put(free.clone()).await);
    assert_eq!(stored().await, Some(free));
    table.forget(&ann, &a).await.unwrap();
    assert_eq!(stored().await, None);
}

#[tokio::test]
async fn a_user_and_a_customer_are_mapped_both_ways_or_not_at_all() {
    let table = table("bijection").await;
    let (ann, bob) = (user("ann"), user("bob"));
    assert_eq!(table.user_of(&customer("a")).await.unwrap(), None);
    let bind = |user, customer, generation| {
        let table = table.clone();
        async move { table.bind(&user, &customer, generation).await.unwrap() }
    };
    assert_eq!(bind(ann.clone(), customer("a"), 0).await, Binding::Bound);
    assert_eq!(bind(ann.clone(), customer("a"), 0).await, Binding::Bound);
    assert_eq!(
        bind(ann.clone(), customer("b"), 0).await,
        Binding::UserHasAnother(customer("a"))
    );
    assert_eq!(
        bind(bob.clone(), customer("a"), 0).await,
        Binding::CustomerIsAnothers
    );
    assert_eq!(table.user(&bob).await.unwrap().customer, None);
    assert_eq!(table.user_of(&customer("b")).await.unwrap(), None);
    assert_eq!(table.user_of(&customer("a")).await.unwrap(), Some(ann));
}

#[tokio::test]
async fn a_forgotten_customer_leaves_the_counters_and_the_next_generation() {
    let table = table("forget").await;
    let ann = user("ann");
    table.bind(&ann, &customer("a"), 0).await.unwrap();
    assert_eq!(ticket(&table, &ann, &customer("a")).await, Some(1));
    let late = ticket(&table, &ann, &customer("a")).await;
    table.forget(&ann, &customer("a")).await.unwrap();
    // Twice is once.
    table.forget(&ann, &customer("a")).await.unwrap();

    let record = table.user(&ann).await.unwrap();
    assert_eq!(
        (record.customer, record.generation, record.ticket),
        (None, 1, 2)
    );
    assert_eq!(table.user_of(&customer("a")).await.unwrap(), None);
    assert_eq!(
        table.bind(&ann, &customer("b"), 0).await.unwrap(),
        Binding::Changed
    );
    assert_eq!(
        table.bind(&ann, &customer("b"), 1).await.unwrap(),
        Binding::Bound
    );
    let written = table
        .write_snapshot(&ann, &customer("a"), late.unwrap(), &Snapshot::default(), 9)
        .await;
    assert!(
        !written.unwrap(),
        "a late read of the old customer is stored for the new one"
    );
    assert_eq!(ticket(&table, &ann, &customer("a")).await, None);
    assert_eq!(ticket(&table, &ann, &customer("b")).await, Some(3));
}

#[tokio::test]
async fn the_read_that_began_last_wins_whatever_the_order_of_the_writes() {
    let table = table("tickets").await;
    let ann = user("ann");
    table.bind(&ann, &customer("a"), 0).await.unwrap();
    let first = ticket(&table, &ann, &customer("a")).await.unwrap();
    let second = ticket(&table, &ann, &customer("a")).await.unwrap();
    assert!(first < second);
    let write = |ticket, now| {
        let (table, ann) = (table.clone(), ann.clone());
        async move {
            let (customer, snapshot) = (customer("a"), Snapshot::default());
            let written = table.write_snapshot(&ann, &customer, ticket, &snapshot, now);
            written.await.unwrap()
        }
    };
    assert!(write(second, 20).await);
    assert!(!write(first, 10).await);
    assert!(!write(second, 30).await, "a duplicate changes nothing");
    assert_eq!(table.user(&ann).await.unwrap().synced_at, Some(20));
}

#[tokio::test]
async fn once_marked_a_customers_charges_are_read_until_they_are_forgotten() {
    let table = table("charges").await;
    let ann = user("ann");
    let (a, b) = (customer("a"), customer("b"));
    let reads = async |customer: &CustomerId| {
        let turn = table.take_ticket(&ann, customer).await.unwrap();
        turn.unwrap().reads_charges
    };
    table.bind(&ann, &a, 0).await.unwrap();
    assert!(!reads(&a).await);
    let marked = table.take_ticket_and_mark_charges(&ann, &a).await.unwrap();
    let turn = Turn {
        ticket: 2,
        reads_charges: true,
        unconfirmed: true,
    };
    assert_eq!(marked, Some(turn));
    assert!(reads(&a).await);
    assert_eq!(
        table.take_ticket_and_mark_charges(&ann, &b).await.unwrap(),
        None
    );
    table.forget(&ann, &a).await.unwrap();
    table.bind(&ann, &b, 1).await.unwrap();
    assert!(!reads(&b).await);
}

#[tokio::test]
async fn a_mapping_is_confirmed_by_the_first_snapshot_and_the_next_one_is_not() {
    let table = table("unconfirmed").await;
    let ann = user("ann");
    let (a, b) = (customer("a"), customer("b"));
    let turn = async |customer: &CustomerId| {
        let turn = table.take_ticket(&ann, customer).await.unwrap();
        turn.unwrap()
    };
    table.bind(&ann, &a, 0).await.unwrap();
    assert!(turn(&a).await.unconfirmed);
    let second = turn(&a).await;
    assert!(second.unconfirmed, "nothing was read yet");
    let snapshot = Snapshot::default();
    let written = table.write_snapshot(&ann, &a, second.ticket, &snapshot, 1);
    assert!(written.await.unwrap());
    assert!(!turn(&a).await.unconfirmed);
    table.forget(&ann, &a).await.unwrap();
    table.bind(&ann, &b, 1).await.unwrap();
    assert!(turn(&b).await.unconfirmed);
}

#[tokio::test]
async fn the_audit_trail_keeps_an_event_for_thirty_days_and_once() {
    let table = table("audit").await;
    let event = EventId::parse("evt_1").unwrap();
    let ann = customer("a");
    let mut entry = AuditEntry {
        event: &event,
        kind: "invoice.paid",
        customer: Some(&ann),
        created: Some(1_000),
        received_at: 1_005,
        outcome: "synced",
    };
    table.record_event(&entry).await.unwrap();
    entry.received_at = 1_010;
    table.record_event(&entry).await.unwrap();
    entry.outcome = "undelivered";
    table.record_event_if_new(&entry).await.unwrap();
    entry.outcome = "synced";
    entry.customer = None;
    entry.created = None;
    table.record_event_if_new(&entry).await.unwrap();

    let scan = client().scan().table_name("audit").send().await.unwrap();
    let mut items: Vec<BTreeMap<String, String>> = scan
        .items()
        .iter()
        .map(|item| {
            let shown = |value: &AttributeValue| match value {
                AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
                other => panic!("{other:?}"),
            };
            item.iter()
                .map(|(name, value)| (name.clone(), shown(value)))
                .collect()
        })
        .collect();
    items.sort();
    let expected = |pk: &str, sk: &str| {
        BTreeMap::from(
            [
                ("pk", pk),
                ("sk", sk),
                ("type", "invoice.paid"),
                ("outcome", "synced"),
                ("received_at", "1010"),
                ("purge_at", "2593010"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        )
    };
    assert_eq!(
        items,
        [
            expected("test#customer#cus_a", "event#0000001000#evt_1"),
            expected("test#events", "event#0000001010#evt_1"),
        ]
    );
}

/// DynamoDB deletes what has the attribute: on anything but an event, it would one day delete a paying customer.
#[tokio::test]
async fn nothing_but_events_expires_whatever_is_written() {
    let table = table("expiry").await;
    let (ann, a, b) = (user("ann"), customer("a"), customer("b"));
    let none = Snapshot::default();

    let customer_intent = CustomerIntent {
        parameters: "metadata[app]=tollgate".to_owned(),
        created_at: 1,
    };
    let put = |generation| table.put_customer_intent(&ann, generation, &customer_intent);
    assert!(put(0).await.unwrap());
    table.drop_customer_intent(&ann, 0).await.unwrap();
    assert!(put(1).await.unwrap());
    assert_eq!(table.bind(&ann, &a, 1).await.unwrap(), Binding::Bound);
    assert!(ticket(&table, &ann, &a).await.is_some());
    let turn = table.take_ticket_and_mark_charges(&ann, &a).await.unwrap();
    let number = turn.unwrap().ticket;
    assert!(
        table
            .write_snapshot(&ann, &a, number, &none, 9)
            .await
            .unwrap()
    );
    assert!(table.write_charges(&ann, &a, number, &[]).await.unwrap());
    assert!(table.claim_sync(&ann, 9, 3).await.unwrap());
    let first = intent("1", "starter");
    assert!(table.replace_checkout(&ann, None, &first).await.unwrap());
    let session = SessionId::parse("cs_test_1").unwrap();
    assert!(table.record_session(&ann, &first, &session).await.unwrap());
    let second = intent("2", "starter");
    assert!(
        table
            .replace_checkout(&ann, Some(&first), &second)
            .await
            .unwrap()
    );
    let shown = preview("1", 1);
    assert!(table.put_preview(&ann, &a, &shown).await.unwrap());
    assert!(table.confirm_preview(&ann, "1", 2).await.unwrap());
    table.drop_preview(&ann, "1").await.unwrap();
    assert!(table.put_preview(&ann, &a, &shown).await.unwrap());
    table.forget(&ann, &a).await.unwrap();
    assert_eq!(table.bind(&ann, &b, 2).await.unwrap(), Binding::Bound);

    let number = table.take_catalogue_ticket().await.unwrap();
    let catalogue = Catalogue::default();
    assert!(table.write_catalogue(number, &catalogue).await.unwrap());
    for job in ["undelivered", "drift"] {
        let state: Option<JobState<u8>> = table.take_job(job, "me", 1, 60).await.unwrap();
        assert!(state.is_some());
        assert!(table.checkpoint_job(job, "me", &1_u8, 60).await.unwrap());
    }
    table.leave_job("undelivered", "me").await.unwrap();
    let finished = table.finish_job("drift", "me", 2, Some(1), Some(&1_u8));
    assert!(finished.await.unwrap());

    let event = EventId::parse("evt_1").unwrap();
    let entry = AuditEntry {
        event: &event,
        kind: "invoice.paid",
        customer: Some(&b),
        created: Some(1),
        received_at: 2,
        outcome: "synced",
    };
    table.record_event(&entry).await.unwrap();
    let of_nobody = AuditEntry {
        customer: None,
        ..entry
    };
    table.record_event_if_new(&of_nobody).await.unwrap();

    let scan = client().scan().table_name("expiry").send().await.unwrap();
    let (mut expiring, mut staying) = (Vec::new(), Vec::new());
    for item in scan.items() {
        let key = ["pk", "sk"].map(|key| item[key].as_s().unwrap().clone());
        if item.contains_key("purge_at") {
            expiring.push(key.join(" "));
        } else {
            staying.push(key.join(" "));
        }
    }
    expiring.sort();
    staying.sort();
    assert_eq!(
        expiring,
        [
            "test#customer#cus_b event#0000000001#evt_1",
            "test#events event#0000000001#evt_1",
        ]
    );
    assert_eq!(
        staying,
        [
            "test#catalogue catalogue",
            "test#customer#cus_b user",
            "test#job#drift state",
            "test#job#undelivered state",
            "test#user#ann customer",
        ]
    );
}

/// So that the test above need not know of a write that is still to come.
#[test]
fn nothing_but_the_audit_trail_names_the_attribute() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![repository.join("crates"), repository.join("functions")];
    let mut naming = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") && !path.ends_with("xtask") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs")
                && std::fs::read_to_string(&path).unwrap().contains("purge_at")
            {
                naming.push(path.strip_prefix(&repository).unwrap().to_owned());
            }
        }
    }
    assert_eq!(naming, [Path::new("crates/store/src/audit.rs")]);
}

#[tokio::test]
async fn the_catalogue_follows_the_same_rule() {
    let table = table("catalogue").await;
    assert_eq!(table.catalogue().await.unwrap(), None);
    let first = table.take_catalogue_ticket().await.unwrap();
    let second = table.take_catalogue_ticket().await.unwrap();
    assert_eq!(table.catalogue().await.unwrap(), None);
    let empty = Catalogue::default();
    assert!(table.write_catalogue(second, &empty).await.unwrap());
    assert!(!table.write_catalogue(first, &empty).await.unwrap());
    assert_eq!(table.catalogue().await.unwrap(), Some(empty));
}

#[tokio::test]
async fn of_two_intents_for_a_customer_the_first_stays() {
    let table = table("customer-intents").await;
    let ann = user("ann");
    let first = CustomerIntent {
        parameters: "email=a@example.com".to_owned(),
        created_at: 1,
    };
    let second = CustomerIntent {
        parameters: String::new(),
        created_at: 2,
    };
    assert!(table.put_customer_intent(&ann, 0, &first).await.unwrap());
    assert!(!table.put_customer_intent(&ann, 0, &second).await.unwrap());
    assert_eq!(table.user(&ann).await.unwrap().customer_intent, Some(first));

    table.drop_customer_intent(&ann, 0).await.unwrap();
    table.drop_customer_intent(&ann, 0).await.unwrap();
    let record = table.user(&ann).await.unwrap();
    assert_eq!((record.customer_intent, record.generation), (None, 1));
    assert!(!table.put_customer_intent(&ann, 0, &second).await.unwrap());
    assert!(table.put_customer_intent(&ann, 1, &second).await.unwrap());
    table.bind(&ann, &customer("a"), 1).await.unwrap();
    assert_eq!(table.user(&ann).await.unwrap().customer_intent, None);
}

#[tokio::test]
async fn a_checkout_intent_is_replaced_only_by_who_has_seen_it() {
    let table = table("checkout-intents").await;
    let ann = user("ann");
    let (a, b, c) = (
        intent("a", "starter"),
        intent("b", "pro"),
        intent("c", "pro"),
    );
    assert!(table.replace_checkout(&ann, None, &a).await.unwrap());
    assert!(!table.replace_checkout(&ann, None, &b).await.unwrap());
    assert!(table.replace_checkout(&ann, Some(&a), &b).await.unwrap());
    assert!(!table.replace_checkout(&ann, Some(&a), &c).await.unwrap());

    let session = SessionId::parse("cs_test_1").unwrap();
    assert!(!table.record_session(&ann, &a, &session).await.unwrap());
    assert!(table.record_session(&ann, &b, &session).await.unwrap());
    let stored = table.user(&ann).await.unwrap().checkout.unwrap();
    assert_eq!(
        stored,
        CheckoutIntent {
            session: Some(session),
            ..b
        }
    );
}

#[tokio::test]
async fn a_turn_to_sync_comes_once_in_its_interval() {
    let table = table("turns").await;
    let ann = user("ann");
    assert!(table.claim_sync(&ann, 100, 3).await.unwrap());
    assert!(!table.claim_sync(&ann, 102, 3).await.unwrap());
    assert!(table.claim_sync(&ann, 103, 3).await.unwrap());
}

/// What whoever takes a job finds: the start, the cursor, and up to when all is done.
async fn take(table: &Table, holder: &str, now: i64) -> Option<(i64, Option<String>, Option<i64>)> {
    let taken = table.take_job("drift", holder, now, now + 100).await;
    taken
        .unwrap()
        .map(|found: JobState<String>| (found.started_at, found.cursor, found.covered_to))
}

#[tokio::test]
async fn a_job_has_one_holder_until_its_lease_ends_and_goes_on_where_it_was() {
    let table = table("jobs").await;
    let checkpoint = async |holder: &str, cursor: &str, until| {
        let cursor = cursor.to_owned();
        let noted = table.checkpoint_job("drift", holder, &cursor, until).await;
        noted.unwrap()
    };
    let finish = async |holder: &str, now, covered_to| {
        let finished = table
            .finish_job("drift", holder, now, covered_to, None::<&String>)
            .await;
        finished.unwrap()
    };
    assert!(!table.is_job_unfinished("drift").await.unwrap());
    assert_eq!(take(&table, "a", 1_000).await, Some((1_000, None, None)));
    // The reply may be lost on its way.
    assert_eq!(take(&table, "a", 1_001).await, Some((1_000, None, None)));
    assert_eq!(take(&table, "b", 1_099).await, None);
    assert!(checkpoint("a", "one", 1_200).await);
    assert_eq!(
        take(&table, "b", 1_199).await,
        None,
        "the lease was renewed"
    );

    // The holder was taken for dead; what it does from now on does not count.
    let kept = Some("one".to_owned());
    assert_eq!(
        take(&table, "b", 1_200).await,
        Some((1_000, kept.clone(), None))
    );
    assert!(!checkpoint("a", "two", 9_999).await);
    assert!(!finish("a", 1_250, Some(1)).await);
    table.leave_job("drift", "a").await.unwrap();
    assert_eq!(take(&table, "c", 1_250).await, None);

    table.leave_job("drift", "b").await.unwrap();
    assert!(table.is_job_unfinished("drift").await.unwrap());
    assert_eq!(take(&table, "c", 1_250).await, Some((1_000, kept, None)));
    assert!(finish("c", 1_260, Some(1_000)).await);
    assert!(!finish("c", 1_260, Some(1_000)).await, "it is over");
    assert!(!table.is_job_unfinished("drift").await.unwrap());

    // Without a word on what is covered, it stays as it was.
    let covered = Some(1_000);
    assert_eq!(take(&table, "d", 2_000).await, Some((2_000, None, covered)));
    assert!(finish("d", 2_010, None).await);
    assert_eq!(take(&table, "e", 3_000).await, Some((3_000, None, covered)));

    // A run may leave something to the next one, which is a new one all the same.
    let left = "left".to_owned();
    let finished = table.finish_job("drift", "e", 3_010, Some(3_000), Some(&left));
    assert!(finished.await.unwrap());
    assert!(!table.is_job_unfinished("drift").await.unwrap());
    let expected = Some((4_000, Some(left), Some(3_000)));
    assert_eq!(take(&table, "f", 4_000).await, expected);
}

#[tokio::test]
async fn a_cursor_that_is_not_understood_is_as_good_as_none() {
    let table = table("cursors").await;
    take(&table, "a", 1_000).await.unwrap();
    let old = ["another", "shape"];
    table
        .checkpoint_job("drift", "a", &old, 1_100)
        .await
        .unwrap();
    assert_eq!(take(&table, "b", 1_100).await, Some((1_000, None, None)));
}

#[tokio::test]
async fn many_items_are_read_at_once_however_many_and_however_large() {
    let table = table("batches").await;
    let mut customers = BTreeSet::from([customer("nobody")]);
    let mut users = BTreeSet::from([user("nobody")]);
    // More than a request takes, and more than an answer holds: 16 MB.
    for n in 0..110 {
        let (user, customer) = (user(&format!("u{n}")), customer(&n.to_string()));
        table.bind(&user, &customer, 0).await.unwrap();
        if n < 50 {
            let intent = CheckoutIntent {
                parameters: "p".repeat(390_000),
                ..intent("a", "starter")
            };
            assert!(table.replace_checkout(&user, None, &intent).await.unwrap());
        }
        users.insert(user);
        customers.insert(customer);
    }
    let mapped = table.users_of(&customers).await.unwrap();
    assert_eq!(mapped.len(), 110);
    assert_eq!(mapped[&customer("7")], user("u7"));
    let records = table.users(&users).await.unwrap().into_iter();
    let records: BTreeMap<_, _> = records.map(|(id, it)| (id, it.unwrap())).collect();
    assert_eq!(records.len(), 110);
    for (user, record) in &records {
        assert_eq!(mapped[record.customer.as_ref().unwrap()], *user);
    }
    let large = records.values().filter(|it| it.checkout.is_some()).count();
    assert_eq!(large, 50);
    assert!(table.users(&BTreeSet::new()).await.unwrap().is_empty());
}
