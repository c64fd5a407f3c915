//! The table's promises, on the embedded DynamoDB, through the real SDK.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use billing::{
    Catalogue, CustomerId, EventId, Mode, PlanKey, PriceId, SessionId, Snapshot, SubscriptionId,
    UserId,
};
use https_client::HttpsClient;
use store::{
    AuditEntry, Binding, CheckoutIntent, CustomerIntent, CustomerPlace, EmailDigest, EventPlace,
    JobState, NotedDeletion, NotedEvent, Preview, Table, Turn,
};

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
    let element = |name: &str, kind: KeyType| {
        let element = KeySchemaElement::builder().attribute_name(name);
        element.key_type(kind).build().unwrap()
    };
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly);
    let customers = GlobalSecondaryIndex::builder()
        .index_name("customers")
        .key_schema(element("listed", KeyType::Hash))
        .key_schema(element("listed_at", KeyType::Range))
        .projection(keys_only.build());
    let mut create = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(element("pk", KeyType::Hash))
        .key_schema(element("sk", KeyType::Range))
        .global_secondary_indexes(customers.build().unwrap());
    for (name, kind) in [
        ("pk", ScalarAttributeType::S),
        ("sk", ScalarAttributeType::S),
        ("listed", ScalarAttributeType::S),
        ("listed_at", ScalarAttributeType::N),
    ] {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let attribute = attribute.attribute_type(kind).build();
        create = create.attribute_definitions(attribute.unwrap());
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

/// Somebody who has a customer that was read at this time.
async fn listed(table: &Table, name: &str, at: i64) -> UserId {
    let (user, customer) = (user(name), customer(name));
    let generation = table.user(&user).await.unwrap().generation;
    let bound = table.bind(&user, &customer, generation).await.unwrap();
    assert_eq!(bound, Binding::Bound);
    read_again(table, name, at).await;
    user
}

/// A sync of their customer.
async fn read_again(table: &Table, name: &str, at: i64) {
    let (user, customer) = (user(name), customer(name));
    let ticket = ticket(table, &user, &customer).await.unwrap();
    let snapshot = Snapshot::default();
    let written = table.write_snapshot(&user, &customer, ticket, &snapshot, at);
    assert!(written.await.unwrap());
}

/// All pages of the list, of so many each.
async fn pages(table: &Table, most: u8) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut after: Option<CustomerPlace> = None;
    loop {
        let page = table.customers(after.as_ref(), most).await.unwrap();
        let users = page.users.into_iter().map(|(user, record)| {
            assert!(record.unwrap().customer.is_some());
            user.to_string()
        });
        pages.push(users.collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn the_list_has_who_has_a_customer_the_newest_first_and_in_pages() {
    let table = table("list").await;
    assert_eq!(pages(&table, 2).await, [Vec::<String>::new()]);
    // Two at the same time.
    for (name, at) in [("ann", 10), ("bob", 20), ("cid", 20), ("dan", 30)] {
        listed(&table, name, at).await;
    }
    // Nobody has read it yet.
    let bound = table.bind(&user("eve"), &customer("eve"), 0).await;
    assert_eq!(bound.unwrap(), Binding::Bound);
    table.note_trial(&user("fay")).await.unwrap();
    let all = pages(&table, 9).await;
    assert_eq!(all.len(), 1);
    let mut same = [all[0][1].as_str(), all[0][2].as_str()];
    same.sort_unstable();
    assert_eq!((all[0][0].as_str(), same), ("dan", ["bob", "cid"]));
    assert_eq!(all[0][3], "ann");
    for most in 1..=4 {
        let paged = pages(&table, most).await;
        assert!(paged.iter().all(|page| page.len() <= most.into()));
        assert_eq!(paged.concat(), all[0], "{most} at a time");
        assert_eq!(paged.len(), 4_usize.div_ceil(most.into()), "no empty page");
    }
    let live = Table::new(client(), "list", Mode::Live);
    assert_eq!(pages(&live, 9).await, [Vec::<String>::new()]);
}

#[tokio::test]
async fn going_on_from_a_place_leaves_nobody_out_whatever_happens_meanwhile() {
    let table = table("places").await;
    for (name, at) in [("ann", 10), ("bob", 20), ("cid", 30), ("dan", 40)] {
        listed(&table, name, at).await;
    }
    let first = table.customers(None, 2).await.unwrap();
    let place = first.next.unwrap();
    assert_eq!((place.user.as_str(), place.listed_at), ("cid", 30));
    // Who is read again keeps their place, who is new comes before, and who is gone leaves a place to go on from.
    read_again(&table, "ann", 50).await;
    read_again(&table, "dan", 51).await;
    listed(&table, "eve", 52).await;
    table.forget(&place.user, &customer("cid")).await.unwrap();
    let names = |page: store::CustomerPage| -> Vec<String> {
        let users = page.users.into_iter().map(|(user, _)| user.to_string());
        users.collect()
    };
    let second = table.customers(Some(&place), 2).await.unwrap();
    assert_eq!(second.next, None);
    assert_eq!(names(second), ["bob", "ann"]);
    let all = table.customers(None, 9).await.unwrap();
    assert_eq!(names(all), ["eve", "dan", "bob", "ann"]);
}

#[tokio::test]
async fn who_is_forgotten_or_deleted_is_in_the_list_no_more_and_a_new_customer_is_anew() {
    let table = table("unlisted").await;
    let ann = listed(&table, "ann", 10).await;
    listed(&table, "bob", 20).await;
    let listed_at = async || table.user(&ann).await.unwrap().listed_at;
    assert_eq!(listed_at().await, Some(10));
    table.forget(&ann, &customer("ann")).await.unwrap();
    assert_eq!(listed_at().await, None);
    assert_eq!(pages(&table, 9).await, [["bob"]]);
    listed(&table, "ann", 30).await;
    assert_eq!(pages(&table, 9).await, [["ann", "bob"]]);

    table.note_deletion(&ann, 40).await.unwrap();
    assert_eq!(pages(&table, 9).await, [["ann", "bob"]]);
    table.forget(&ann, &customer("ann")).await.unwrap();
    let record = table.user(&ann).await.unwrap();
    assert!(table.finish_deletion(&ann, &record, 41).await.unwrap());
    assert_eq!(pages(&table, 9).await, [["bob"]]);
}

#[tokio::test]
async fn what_an_older_version_stored_comes_into_the_list_with_the_next_read() {
    let table = table("backfill").await;
    let ann = listed(&table, "ann", 10).await;
    let update = client()
        .update_item()
        .table_name("backfill")
        .key("pk", AttributeValue::S("test#user#ann".to_owned()))
        .key("sk", AttributeValue::S("customer".to_owned()))
        .update_expression("REMOVE listed, listed_at");
    update.send().await.unwrap();
    assert_eq!(table.user(&ann).await.unwrap().listed_at, None);
    assert_eq!(pages(&table, 9).await, [Vec::<String>::new()]);
    read_again(&table, "ann", 20).await;
    assert_eq!(pages(&table, 9).await, [["ann"]]);
}

#[tokio::test]
async fn a_customers_events_are_read_the_newest_first_and_nobody_elses() {
    let table = table("events").await;
    let (ann, bob) = (customer("ann"), customer("bob"));
    table.bind(&user("ann"), &ann, 0).await.unwrap();
    let noted = |id: &str, created: i64| NotedEvent {
        place: EventPlace {
            created,
            event: EventId::parse(id).unwrap(),
        },
        kind: "invoice.paid".to_owned(),
        received_at: created + 5,
        outcome: "synced".to_owned(),
    };
    for (customer, id, created) in [
        (Some(&ann), "evt_1", 900),
        (Some(&ann), "evt_2", 1_000),
        (Some(&ann), "evt_3", 1_000),
        (Some(&bob), "evt_4", 1_000),
        (None, "evt_5", 1_000),
    ] {
        let event = noted(id, created);
        let entry = AuditEntry {
            event: &event.place.event,
            kind: &event.kind,
            customer,
            created: Some(created),
            received_at: event.received_at,
            outcome: &event.outcome,
        };
        table.record_event(&entry).await.unwrap();
    }
    let read = async |before: Option<&EventPlace>, most| {
        let events = table.events(&ann, before, most).await;
        events.unwrap()
    };
    let all = [
        noted("evt_3", 1_000),
        noted("evt_2", 1_000),
        noted("evt_1", 900),
    ];
    assert_eq!(read(None, 9).await, all);
    assert_eq!(read(None, 2).await, all[..2]);
    assert_eq!(read(Some(&all[1].place), 9).await, all[2..]);
    assert!(read(Some(&all[2].place), 9).await.is_empty());
    let unknown = table.events(&customer("eve"), None, 9).await.unwrap();
    assert!(unknown.is_empty());
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
    let put = |generation| table.put_customer_intent(&ann, generation, &customer_intent, None);
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

    let bob = user("bob");
    table.note_deletion(&bob, 1).await.unwrap();
    table.note_deletion(&user("cid"), 1).await.unwrap();
    let found = table.user(&bob).await.unwrap();
    assert!(table.finish_deletion(&bob, &found, 2).await.unwrap());

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
            "test#deletions cid",
            "test#job#drift state",
            "test#job#undelivered state",
            "test#user#ann customer",
            "test#user#bob customer",
            "test#user#cid customer",
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
    assert!(
        table
            .put_customer_intent(&ann, 0, &first, None)
            .await
            .unwrap()
    );
    assert!(
        !table
            .put_customer_intent(&ann, 0, &second, None)
            .await
            .unwrap()
    );
    assert_eq!(table.user(&ann).await.unwrap().customer_intent, Some(first));

    table.drop_customer_intent(&ann, 0).await.unwrap();
    table.drop_customer_intent(&ann, 0).await.unwrap();
    let record = table.user(&ann).await.unwrap();
    assert_eq!((record.customer_intent, record.generation), (None, 1));
    assert!(
        !table
            .put_customer_intent(&ann, 0, &second, None)
            .await
            .unwrap()
    );
    assert!(
        table
            .put_customer_intent(&ann, 1, &second, None)
            .await
            .unwrap()
    );
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

#[tokio::test]
async fn who_is_being_deleted_begins_nothing_new_and_what_is_known_stays_true() {
    let table = table("deleting").await;
    let (ann, bob) = (user("ann"), user("bob"));
    table.bind(&ann, &customer("a"), 0).await.unwrap();
    let found = intent("1", "basic");
    assert!(table.replace_checkout(&ann, None, &found).await.unwrap());
    for user in [&ann, &bob] {
        table.note_deletion(user, 7).await.unwrap();
        // The first note counts.
        table.note_deletion(user, 9).await.unwrap();
        assert_eq!(table.user(user).await.unwrap().deleting, Some(7));
    }
    let next = intent("2", "basic");
    let replaced = table.replace_checkout(&ann, Some(&found), &next);
    assert!(!replaced.await.unwrap());
    assert!(!table.replace_checkout(&bob, None, &found).await.unwrap());
    let session = SessionId::parse("cs_test_1").unwrap();
    assert!(!table.record_session(&ann, &found, &session).await.unwrap());
    let customer_intent = CustomerIntent {
        parameters: "email=bob@example.com".to_owned(),
        created_at: 1,
    };
    let put = table.put_customer_intent(&bob, 0, &customer_intent, None);
    assert!(!put.await.unwrap());
    let bound = table.bind(&bob, &customer("b"), 0).await.unwrap();
    assert_eq!(bound, Binding::UserIsDeleted);
    assert_eq!(table.user_of(&customer("b")).await.unwrap(), None);
    let look = table.take_email_ticket(&ann, &customer("a")).await.unwrap();
    assert_eq!(look, None);
    // What Stripe tells of her is still taken.
    let (anns, snapshot) = (customer("a"), Snapshot::default());
    let turn = ticket(&table, &ann, &anns).await.unwrap();
    let write = table.write_snapshot(&ann, &anns, turn, &snapshot, 8);
    assert!(write.await.unwrap());
    let noted = |user: &UserId| NotedDeletion {
        user: user.clone(),
        noted_at: 7,
    };
    let all = table.deletions(None).await.unwrap();
    assert_eq!(all, [noted(&ann), noted(&bob)]);
    assert_eq!(table.deletions(Some(&ann)).await.unwrap(), [noted(&bob)]);
    assert_eq!(table.deletions(Some(&bob)).await.unwrap(), []);
}

#[tokio::test]
async fn a_deletion_is_finished_only_without_a_customer_and_leaves_nothing_but_the_tombstone() {
    let table = table("tombstone").await;
    let ann = user("ann");
    let digest = EmailDigest::of(&ann, "ann@example.com");
    let making = CustomerIntent {
        parameters: "email=ann@example.com".to_owned(),
        created_at: 1,
    };
    let put = table.put_customer_intent(&ann, 0, &making, Some(&digest));
    assert!(put.await.unwrap());
    let not_noted = table.user(&ann).await.unwrap();
    assert!(!table.finish_deletion(&ann, &not_noted, 8).await.unwrap());
    table.bind(&ann, &customer("a"), 0).await.unwrap();
    let turn = ticket(&table, &ann, &customer("a")).await.unwrap();
    assert!(table.claim_sync(&ann, 3, 3).await.unwrap());
    table.note_deletion(&ann, 7).await.unwrap();
    let mapped = table.user(&ann).await.unwrap();
    assert!(!table.finish_deletion(&ann, &mapped, 8).await.unwrap());
    table.forget(&ann, &customer("a")).await.unwrap();
    // As it was before: somebody has changed it since.
    assert!(!table.finish_deletion(&ann, &mapped, 8).await.unwrap());
    let found = table.user(&ann).await.unwrap();
    assert!(table.finish_deletion(&ann, &found, 9).await.unwrap());

    let item = client()
        .get_item()
        .table_name("tombstone")
        .key("pk", AttributeValue::S("test#user#ann".to_owned()))
        .key("sk", AttributeValue::S("customer".to_owned()))
        .send()
        .await
        .unwrap()
        .item
        .unwrap();
    let left: BTreeSet<&str> = item.keys().map(String::as_str).collect();
    let tombstone = ["deleted_at", "deleting", "generation", "pk", "sk", "ticket"];
    assert_eq!(left, tombstone.into());
    let record = table.user(&ann).await.unwrap();
    assert_eq!((record.generation, record.ticket), (1, turn));
    assert_eq!((record.deleting, record.deleted_at), (Some(7), Some(9)));
    assert_eq!(table.deletions(None).await.unwrap(), []);
    // Noted again, it stays done.
    table.note_deletion(&ann, 11).await.unwrap();
    assert_eq!(table.deletions(None).await.unwrap(), []);
    assert_eq!(
        table.bind(&ann, &customer("a"), 1).await.unwrap(),
        Binding::UserIsDeleted
    );
}

#[tokio::test]
async fn of_two_who_look_at_an_email_at_once_the_later_one_is_believed() {
    let table = table("email").await;
    let ann = user("ann");
    let digest = |email: &str| EmailDigest::of(&ann, email);
    let (old, new) = (digest("old@example.com"), digest("new@example.com"));
    let making = CustomerIntent {
        parameters: "email=old@example.com".to_owned(),
        created_at: 1,
    };
    let put = table.put_customer_intent(&ann, 0, &making, Some(&old));
    assert!(put.await.unwrap());
    table.bind(&ann, &customer("a"), 0).await.unwrap();
    let told = async || table.user(&ann).await.unwrap().email;
    assert_eq!(told().await, Some(old.clone()));

    let look = async || table.take_email_ticket(&ann, &customer("a")).await;
    let first = look().await.unwrap().unwrap();
    assert!(table.begin_email_change(&ann, first).await.unwrap());
    // Until it is known what became of that, nothing is.
    assert_eq!(told().await, None);
    let second = look().await.unwrap().unwrap();
    assert!(!table.begin_email_change(&ann, first).await.unwrap());
    assert!(!table.record_email(&ann, first, &old).await.unwrap());
    assert!(table.record_email(&ann, second, &new).await.unwrap());
    assert_eq!(told().await, Some(new));
    // Another's customer, and nobody's.
    let other = table.take_email_ticket(&ann, &customer("b")).await;
    assert_eq!(other.unwrap(), None);
    table.forget(&ann, &customer("a")).await.unwrap();
    assert_eq!(told().await, None);
    assert_eq!(look().await.unwrap(), None);
}
