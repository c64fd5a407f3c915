use super::*;

/// For the plan of this key, of the product of this number.
fn item_of(product: u8, plan: Option<&str>) -> Item {
    let mut item = item();
    item.price.product = ProductId::parse(format!("prod_{product}")).unwrap();
    item.price.plan = plan.map(|key| PlanKey::parse(key).unwrap());
    item
}

/// `prod_1` has no features, `prod_2` has `api` and `reports`, `prod_3` has `api`.
fn shop(subscriptions: Vec<Subscription>) -> Snapshot {
    let names: [&[&str]; 3] = [&[], &["api", "reports"], &["api"]];
    let product = |(index, names): (usize, &&[&str])| Product {
        id: ProductId::parse(format!("prod_{}", index + 1)).unwrap(),
        name: String::new(),
        description: String::new(),
        marketing_features: Vec::new(),
        features: names
            .iter()
            .map(|name| Feature::parse(*name).unwrap())
            .collect(),
    };
    Snapshot {
        subscriptions,
        products: names.iter().enumerate().map(product).collect(),
        ..Snapshot::default()
    }
}

/// The features, and until when what is asked for is open.
fn check(subscriptions: Vec<Subscription>, features: &[&str], asked: &[(&str, Option<Timestamp>)]) {
    let snapshot = shop(subscriptions);
    let access = access(&snapshot, &[], POLICY, START + DAY);
    let found: Vec<_> = access.features().into_iter().map(Feature::as_str).collect();
    assert_eq!(found, features);
    for (text, until) in asked {
        let requirement = match *text {
            "" => Requirement::default(),
            text => Requirement::parse(&[text]).unwrap(),
        };
        assert_eq!(access.until_for(&requirement), *until, "{text}");
    }
    assert_eq!(
        access.until_for(&Requirement::default()),
        access.until.filter(|_| access.granted)
    );
}

fn of(id: &str, status: &str, items: Vec<Item>) -> Subscription {
    Subscription {
        id: subscription_id(id),
        items,
        ..subscription(status)
    }
}

#[test]
fn a_subscription_opens_what_its_product_does() {
    let until = Some(END + DAY);
    check(
        vec![of("sub_1", "active", vec![item_of(2, Some("pro-monthly"))])],
        &["api", "reports"],
        &[
            ("", until),
            ("feature:api", until),
            ("plan:pro-monthly", until),
            ("plan:pro-yearly", None),
            ("feature:export", None),
        ],
    );
    check(
        vec![of("sub_1", "active", vec![item_of(1, None)])],
        &[],
        &[("", until), ("feature:api", None)],
    );
}

#[test]
fn one_that_gives_no_access_opens_nothing() {
    for status in ["canceled", "unpaid", "paused", "incomplete"] {
        let ended = of("sub_1", status, vec![item_of(2, Some("pro-monthly"))]);
        check(
            vec![ended],
            &[],
            &[
                ("", None),
                ("feature:api", None),
                ("plan:pro-monthly", None),
            ],
        );
    }
}

#[test]
fn each_of_several_opens_its_own_for_as_long_as_it_lasts() {
    let mut short = of("sub_1", "active", vec![item_of(2, Some("pro-monthly"))]);
    short.cancel_at_period_end = true;
    let mut longer = item_of(3, Some("starter-yearly"));
    longer.period_end += 300 * DAY;
    let long = of("sub_2", "active", vec![longer]);
    let ended = of("sub_3", "canceled", vec![item_of(2, Some("pro-yearly"))]);
    let (first, last) = (Some(END), Some(END + 301 * DAY));
    for subscriptions in [
        vec![short.clone(), long.clone(), ended.clone()],
        vec![ended, long, short],
    ] {
        check(
            subscriptions,
            &["api", "reports"],
            &[
                ("", last),
                ("feature:api", last),
                ("feature:reports", first),
                ("plan:pro-yearly", None),
            ],
        );
    }
}

#[test]
fn what_is_not_ours_opens_nothing_beside_what_is() {
    let items = vec![item_of(1, Some("starter")), item_of(9, Some("theirs"))];
    let until = Some(END + DAY);
    check(
        vec![of("sub_1", "active", items)],
        &[],
        &[("plan:starter", until), ("plan:theirs", None)],
    );
}

#[test]
fn a_grant_names_the_line_of_its_own_subscription() {
    let mut ending = of("sub_1", "active", vec![item_of(2, Some("pro-monthly"))]);
    ending.cancel_at_period_end = true;
    let paid = of("sub_2", "active", vec![item_of(1, Some("starter-yearly"))]);
    let snapshot = shop(vec![ending, paid]);
    let access = access(&snapshot, &[], POLICY, START + DAY);
    let line = |text: &str| {
        let requirement = Requirement::parse(&[text]).unwrap();
        access.grant_for(&requirement).map(|grant| grant.line)
    };
    assert_eq!(access.line, Line::Paid);
    assert_eq!(line("plan:starter-yearly"), Some(Line::Paid));
    assert_eq!(line("feature:reports"), Some(Line::PaidEnding));
    assert_eq!(line("feature:export"), None);
}
