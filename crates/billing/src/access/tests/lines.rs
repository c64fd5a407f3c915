//! A test for each line that a subscription alone leads to.

use super::*;

/// What a subscription leads to while it lasts, when its time is over, and when that is.
fn check(subscription: Subscription, line: Line, until: Timestamp, over: Line) {
    let at = |now| decided(vec![subscription.clone()], &[], now);
    assert_eq!(at(until - 1), (line, Some(until)));
    assert_eq!(at(until), (over, Some(until)));
    assert_eq!(over.reason(), Reason::Lapsed);
}

fn refuses(subscription: Subscription, line: Line) {
    assert_eq!(decided(vec![subscription], &[], START), (line, None));
}

#[test]
fn active_and_paid_lasts_to_the_period_end_and_the_slack_then_lapses_by_itself() {
    for status in ["paid", "void"] {
        let mut paid = subscription("active");
        paid.latest_invoice = Some(invoice(status));
        check(paid, Line::Paid, END + DAY, Line::PaidPeriodOver);
    }
    let mut without = subscription("active");
    without.latest_invoice = None;
    check(without, Line::Paid, END + DAY, Line::PaidPeriodOver);
}

#[test]
fn a_subscription_set_to_cancel_gets_no_slack_in_either_billing_mode() {
    let ending = |change: fn(&mut Subscription)| {
        let mut ending = subscription("active");
        change(&mut ending);
        ending
    };
    let over = Line::PaidPeriodOver;
    let classic = ending(|it| it.cancel_at_period_end = true);
    check(classic, Line::PaidEnding, END, over);
    let flexible = ending(|it| it.cancel_at = Some(END));
    check(flexible, Line::PaidEnding, END, over);
    let sooner = ending(|it| it.cancel_at = Some(END - DAY));
    check(sooner, Line::PaidEnding, END - DAY, over);
    let later = ending(|it| it.cancel_at = Some(END + 90 * DAY));
    check(later, Line::Paid, END + DAY, over);
}

#[test]
fn a_period_that_moved_on_unpaid_is_not_given_away() {
    for (status, line) in [
        ("draft", Line::DraftWithinGrace),
        ("open", Line::OpenWithinGrace),
        ("status_of_2030", Line::OpenWithinGrace),
        ("uncollectible", Line::WrittenOffWithinGrace),
    ] {
        let mut renewed = subscription("active");
        renewed.items[0].period_end = START + 365 * DAY;
        renewed.latest_invoice = Some(invoice(status));
        check(renewed, line, START + 7 * DAY, Line::GraceOver);
    }
}

#[test]
fn an_open_invoice_of_an_upgrade_does_not_take_away_what_was_paid() {
    let mut upgraded = subscription("active");
    upgraded.latest_invoice = Some(Invoice {
        created: START + 20 * DAY,
        ..invoice("open")
    });
    let until = START + 27 * DAY;
    check(
        upgraded.clone(),
        Line::OpenWithinGrace,
        until,
        Line::GraceOver,
    );
    // Nobody knows it better than who looked at all invoices.
    upgraded.past_due_since = Some(START + 2 * DAY);
    check(
        upgraded,
        Line::OpenWithinGrace,
        START + 9 * DAY,
        Line::GraceOver,
    );
}

#[test]
fn paying_for_an_upgrade_does_not_pay_the_renewal() {
    let mut upgraded = subscription("active");
    upgraded.past_due_since = Some(START);
    check(
        upgraded,
        Line::EarlierUnpaidWithinGrace,
        START + 7 * DAY,
        Line::GraceOver,
    );
}

#[test]
fn grace_is_counted_since_something_is_due_not_from_the_period() {
    let mut late = subscription("past_due");
    late.past_due_since = Some(START - 4 * DAY);
    let until = START + 3 * DAY;
    check(
        late.clone(),
        Line::PastDueWithinGrace,
        until,
        Line::GraceOver,
    );
    late.past_due_since = None;
    let until = START + 7 * DAY;
    check(late, Line::PastDueWithinGrace, until, Line::GraceOver);
}

#[test]
fn a_price_may_have_a_grace_of_its_own() {
    for (status, line) in [
        ("past_due", Line::PastDueWithinGrace),
        ("active", Line::OpenWithinGrace),
    ] {
        for days in [0, 3, 14] {
            let mut late = subscription(status);
            late.latest_invoice = Some(invoice("open"));
            late.items[0].price.grace_days = Some(days);
            let until = START + i64::from(days) * DAY;
            check(late, line, until, Line::GraceOver);
        }
    }
}

#[test]
fn grace_gives_no_more_than_paying_would() {
    let mut weekly = subscription("past_due");
    weekly.items[0].price.grace_days = Some(30);
    weekly.items[0].period_end = START + 7 * DAY;
    check(
        weekly.clone(),
        Line::PastDueWithinGrace,
        START + 8 * DAY,
        Line::GraceOver,
    );
    weekly.cancel_at_period_end = true;
    check(
        weekly,
        Line::PastDueWithinGrace,
        START + 7 * DAY,
        Line::GraceOver,
    );
}

#[test]
fn a_trial_has_slack_only_where_it_will_be_charged() {
    let mut trial = subscription("trialing");
    trial.trial_end = Some(END);
    check(trial.clone(), Line::Trial, END + DAY, Line::TrialOver);
    trial.has_payment_method = false;
    check(
        trial.clone(),
        Line::TrialWithoutPaymentMethod,
        END,
        Line::TrialOver,
    );
    trial.has_payment_method = true;
    trial.cancel_at = Some(END);
    check(trial, Line::TrialEnding, END, Line::TrialOver);
}

#[test]
fn the_other_statuses_give_nothing() {
    for (status, line) in [
        ("incomplete", Line::Incomplete),
        ("incomplete_expired", Line::IncompleteExpired),
        ("unpaid", Line::Unpaid),
        ("paused", Line::Paused),
        ("canceled", Line::Canceled),
        ("status_of_2030", Line::UnknownStatus),
    ] {
        refuses(subscription(status), line);
    }
    assert_eq!(decided(vec![], &[], START), (Line::NoSubscription, None));
}

#[test]
fn a_product_that_is_not_ours_grants_nothing() {
    let mut foreign = subscription("active");
    foreign.items[0].price.product = ProductId::parse("prod_other").unwrap();
    refuses(foreign, Line::NotInCatalogue);
}

#[test]
fn of_several_subscriptions_the_best_decides() {
    let mut longer = subscription("active");
    longer.items[0].period_end = END + 300 * DAY;
    let several = vec![
        subscription("canceled"),
        longer,
        subscription("active"),
        subscription("past_due"),
    ];
    let until = Some(END + 301 * DAY);
    assert_eq!(decided(several, &[], START), (Line::Paid, until));

    let mut ending = subscription("active");
    ending.cancel_at = Some(START + DAY);
    let late = subscription("past_due");
    let until = Some(START + 7 * DAY);
    assert_eq!(
        decided(vec![late, ending], &[], START),
        (Line::PastDueWithinGrace, until)
    );

    let refused = vec![subscription("canceled"), subscription("unpaid")];
    assert_eq!(decided(refused, &[], START), (Line::Unpaid, None));
}
