//! A test for each row of what refunds and disputes do.

use super::*;

/// Where the customer's payment stands.
const AS_WITHOUT: (Line, Option<Timestamp>) = (Line::Paid, Some(END + DAY));

fn check(charge: Charge, expected: (Line, Option<Timestamp>)) {
    let paid = vec![subscription("active")];
    assert_eq!(
        decided(paid, std::slice::from_ref(&charge), START),
        expected,
        "{charge:?}"
    );
}

fn counts(charge: Charge) {
    check(charge, (Line::ChargeRefunded, None));
}

#[test]
fn a_full_refund_ends_access() {
    check(refunded(900), (Line::ChargeRefunded, None));
    assert_eq!(Line::ChargeRefunded.reason(), Reason::Refunded);
}

#[test]
fn a_partial_refund_changes_nothing() {
    check(refunded(899), AS_WITHOUT);
    check(refunded(0), AS_WITHOUT);
}

#[test]
fn an_inquiry_changes_nothing() {
    for status in [
        "warning_needs_response",
        "warning_under_review",
        "warning_closed",
    ] {
        check(disputed(status), AS_WITHOUT);
    }
}

#[test]
fn an_open_dispute_suspends_access() {
    for status in ["needs_response", "under_review", "status_of_2030"] {
        check(disputed(status), (Line::ChargeDisputed, None));
    }
    assert_eq!(Line::ChargeDisputed.reason(), Reason::Disputed);
}

#[test]
fn a_dispute_that_is_won_returns_access() {
    check(disputed("won"), AS_WITHOUT);
}

#[test]
fn a_dispute_that_is_lost_ends_access() {
    check(disputed("lost"), (Line::DisputeLost, None));
    assert_eq!(Line::DisputeLost.reason(), Reason::Disputed);
}

#[test]
fn a_dispute_that_was_prevented_leaves_it_to_the_refund() {
    check(disputed("prevented"), AS_WITHOUT);
    let mut prevented = disputed("prevented");
    prevented.amount_refunded = 900;
    check(prevented, (Line::ChargeRefunded, None));
    let mut won = disputed("won");
    won.amount_refunded = 900;
    check(won, (Line::ChargeRefunded, None));
}

#[test]
fn what_is_undecided_is_told_before_what_is_decided() {
    let mut both = disputed("lost");
    both.amount_refunded = 900;
    check(both.clone(), (Line::DisputeLost, None));
    both.disputes.extend(disputed("needs_response").disputes);
    check(both, (Line::ChargeDisputed, None));
    // The inquiry that became a dispute.
    let mut escalated = disputed("warning_closed");
    escalated.disputes.extend(disputed("under_review").disputes);
    check(escalated, (Line::ChargeDisputed, None));
}

#[test]
fn a_charge_counts_while_the_period_that_it_paid_for_runs() {
    let for_period = |start, end| {
        let mut charge = refunded(900);
        charge.paid_for = Some(Period { start, end });
        charge
    };
    counts(for_period(START, END));
    counts(for_period(START - DAY, END + DAY));
    // The period before, the month before a switch to a year, and an upgrade's difference.
    check(for_period(START - 30 * DAY, START), AS_WITHOUT);
    check(for_period(START - 10 * DAY, START + 20 * DAY), AS_WITHOUT);
    check(for_period(START + 10 * DAY, END), AS_WITHOUT);
}

#[test]
fn a_charge_of_which_is_not_known_what_it_paid_for_does_not_count() {
    let mut charge = refunded(900);
    charge.paid_for = None;
    check(charge, AS_WITHOUT);
    let stored = r#"{"id":"ch_1","subscription":"sub_1","amount":900,"amount_refunded":900,"currency":"usd","disputes":[]}"#;
    let stored: Charge = serde_json::from_str(stored).unwrap();
    assert_eq!(stored.paid_for, None);
    check(stored, AS_WITHOUT);
}

#[test]
fn a_charge_of_nothing_or_of_something_else_does_not_count() {
    let mut free = refunded(0);
    free.amount = 0;
    check(free, AS_WITHOUT);
    let mut one_time = refunded(900);
    one_time.subscription = None;
    check(one_time, AS_WITHOUT);
}

#[test]
fn a_dispute_about_one_subscription_leaves_another_alone() {
    let mut other = subscription("active");
    other.id = subscription_id("sub_2");
    other.cancel_at_period_end = true;
    let both = vec![subscription("active"), other];
    let lost = [disputed("lost")];
    assert_eq!(decided(both, &lost, START), (Line::PaidEnding, Some(END)));
}

#[test]
fn what_has_ended_has_ended_refunded_or_not() {
    let ended = vec![subscription("canceled")];
    let charges = [refunded(900)];
    assert_eq!(decided(ended, &charges, START), (Line::Canceled, None));
}

#[test]
fn a_trial_is_paid_with_nothing() {
    let mut trial = subscription("trialing");
    trial.trial_end = Some(END);
    let mut earlier = refunded(900);
    earlier.paid_for = Some(Period {
        start: START - 60 * DAY,
        end: START - 30 * DAY,
    });
    assert_eq!(
        decided(vec![trial], &[earlier], START),
        (Line::Trial, Some(END + DAY))
    );
}

#[test]
fn who_took_the_money_back_gets_no_grace_for_the_next_period() {
    let mut before = disputed("lost");
    before.paid_for = Some(Period {
        start: START - 30 * DAY,
        end: START,
    });
    let mut draft = subscription("active");
    draft.latest_invoice = Some(invoice("draft"));
    draft.past_due_since = Some(START);
    let mut late = subscription("past_due");
    late.past_due_since = Some(START);
    for unpaid in [draft.clone(), late] {
        let charges = [before.clone()];
        assert_eq!(
            decided(vec![unpaid], &charges, START),
            (Line::DisputeLost, None)
        );
    }
    // An upgrade's invoice is open, and the period itself is paid for.
    draft.past_due_since = Some(START + 10 * DAY);
    let (line, _) = decided(vec![draft.clone()], &[before.clone()], START);
    assert_eq!(line, Line::DraftWithinGrace);
    before.paid_for = Some(RUNNING);
    let (line, _) = decided(vec![draft], &[before], START);
    assert_eq!(line, Line::DisputeLost);
}

#[test]
fn once_the_next_period_is_paid_the_last_one_is_of_the_past() {
    let mut before = refunded(900);
    before.paid_for = Some(Period {
        start: START - 30 * DAY,
        end: START,
    });
    check(before, AS_WITHOUT);
}
