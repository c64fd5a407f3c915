//! Small histories, of which every interleaving is explored.

use crate::change::Change;

/// When a handler can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Once there is an event of this type that no other handler has.
    Event(&'static str),
    /// At any time: the user comes back from Checkout.
    Page,
}

/// A small history of one user. It begins with what is quiet already; then come the changes, one after another, and the handlers, in every
/// order in which they can. Of each change only the events that a handler is named for are delivered: more of them would only repair what one
/// must get right alone.
#[derive(Debug, Clone, Copy)]
pub struct Small {
    /// In words.
    pub name: &'static str,
    /// What has happened, and was delivered.
    pub before: &'static [Change],
    /// What has happened, and was not.
    pub unheard: &'static [Change],
    /// What happens meanwhile.
    pub changes: &'static [Change],
    /// Who is at work.
    pub handlers: &'static [Trigger],
    /// Whether two of them may map the same customer at once, which gives the most interleavings.
    pub binds_twice: bool,
}

const UPDATED: Trigger = Trigger::Event("customer.subscription.updated");
const DELETED: Trigger = Trigger::Event("customer.deleted");
const CREATED: Trigger = Trigger::Event("customer.created");
const SUBSCRIBED: Trigger = Trigger::Event("customer.subscription.created");
const REFUNDED: Trigger = Trigger::Event("charge.refunded");

/// With two handlers.
pub const TWO: [Small; 8] = [
    Small {
        name: "two changes",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::Cancel, Change::Quantity],
        handlers: &[UPDATED, UPDATED],
        binds_twice: false,
    },
    Small {
        name: "a change and a deletion",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::Quantity, Change::Delete],
        handlers: &[UPDATED, DELETED],
        binds_twice: false,
    },
    Small {
        name: "a deletion and coming back",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::Delete, Change::Customer, Change::Subscribe],
        handlers: &[DELETED, SUBSCRIBED],
        binds_twice: false,
    },
    Small {
        name: "the first events of a customer whom the table does not know",
        before: &[],
        unheard: &[Change::Customer],
        changes: &[Change::Subscribe],
        handlers: &[CREATED, SUBSCRIBED],
        binds_twice: true,
    },
    Small {
        name: "the first event of a customer whom the table does not know, and the deletion",
        before: &[],
        unheard: &[Change::Customer],
        changes: &[Change::Delete],
        handlers: &[CREATED, DELETED],
        binds_twice: false,
    },
    Small {
        name: "the page and the webhook",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::Quantity],
        handlers: &[UPDATED, Trigger::Page],
        binds_twice: false,
    },
    Small {
        name: "a refund and a change",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::Refund, Change::Cancel],
        handlers: &[REFUNDED, UPDATED],
        binds_twice: false,
    },
    Small {
        name: "a failed renewal and its payment",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::FailRenewal, Change::Recover],
        handlers: &[
            Trigger::Event("invoice.payment_failed"),
            Trigger::Event("invoice.paid"),
        ],
        binds_twice: false,
    },
];

/// With three. With a refund among them there would be thousands: random schedules have that.
pub const THREE: [Small; 3] = [
    Small {
        name: "three changes",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::Cancel, Change::Quantity, Change::Resume],
        handlers: &[UPDATED, UPDATED, UPDATED],
        binds_twice: false,
    },
    Small {
        name: "a change, a deletion and coming back",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[Change::Quantity],
        changes: &[Change::Delete, Change::Customer, Change::Subscribe],
        handlers: &[UPDATED, DELETED, SUBSCRIBED],
        binds_twice: false,
    },
    Small {
        name: "two changes and the page",
        before: &[Change::Customer, Change::Subscribe],
        unheard: &[],
        changes: &[Change::Cancel, Change::Resume],
        handlers: &[UPDATED, UPDATED, Trigger::Page],
        binds_twice: false,
    },
];
