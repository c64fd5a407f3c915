//! What is still to be done, merged: however many events name a customer, they are synced once.

use std::collections::{BTreeMap, BTreeSet};

use billing::CustomerId;
use payments::webhook::{Party, Subject};
use serde::{Deserialize, Serialize};

/// With so many customers, acting comes before reading on: the backlog is kept in one item of the table, which holds 400 KB.
const MOST_CUSTOMERS: usize = 2_000;

/// What is still to be done, and what was.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backlog {
    catalogue: bool,
    deleted: BTreeSet<CustomerId>,
    /// With whether their charges are to be read, too.
    customers: BTreeMap<CustomerId, bool>,
    #[serde(skip)]
    done: Done,
}

/// What this run has done. It is not kept: doing it again changes nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    catalogue: bool,
    deleted: BTreeSet<CustomerId>,
    customers: BTreeMap<CustomerId, bool>,
}

impl Backlog {
    /// The catalogue is to be read.
    pub fn add_catalogue(&mut self) {
        self.catalogue |= !self.done.catalogue;
    }

    /// A customer is to be forgotten. Nothing else is to be done about them then.
    pub fn add_deleted(&mut self, customer: CustomerId) {
        self.customers.remove(&customer);
        if !self.done.deleted.contains(&customer) {
            self.deleted.insert(customer);
        }
    }

    /// A customer is to be synced.
    pub fn add_customer(&mut self, customer: CustomerId, charges: bool) {
        let is_deleted = self.deleted.contains(&customer) || self.done.deleted.contains(&customer);
        let done = self.done.customers.get(&customer);
        let is_done = done.is_some_and(|with_charges| *with_charges || !charges);
        if !is_deleted && !is_done {
            *self.customers.entry(customer).or_default() |= charges;
        }
    }

    /// What this is about is to be done; of an object, and of what is nobody's, nothing is to be done here.
    pub fn add(&mut self, subject: Subject) {
        match subject {
            Subject::Customer {
                party: Party::Customer(customer),
                charges,
            } => self.add_customer(customer, charges),
            Subject::DeletedCustomer(customer) => self.add_deleted(customer),
            Subject::Catalogue => self.add_catalogue(),
            Subject::Customer {
                party: Party::OwnerOf(_),
                ..
            }
            | Subject::Other => {}
        }
    }

    /// Takes what is to be done next: the catalogue, by which a sync tells what is ours; then deletions, which let a user have another
    /// customer; then syncs.
    pub fn pop(&mut self) -> Option<Subject> {
        if std::mem::take(&mut self.catalogue) {
            self.done.catalogue = true;
            return Some(Subject::Catalogue);
        }
        if let Some(customer) = self.deleted.pop_first() {
            self.done.deleted.insert(customer.clone());
            return Some(Subject::DeletedCustomer(customer));
        }
        let (customer, charges) = self.customers.pop_first()?;
        *self.done.customers.entry(customer.clone()).or_default() |= charges;
        let party = Party::Customer(customer);
        Some(Subject::Customer { party, charges })
    }

    /// Whether there is nothing to be done.
    pub fn is_empty(&self) -> bool {
        !self.catalogue && self.deleted.is_empty() && self.customers.is_empty()
    }

    /// Whether it is time to act.
    pub fn is_full(&self) -> bool {
        self.deleted.len() + self.customers.len() >= MOST_CUSTOMERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(id: &str) -> CustomerId {
        CustomerId::parse(id).unwrap()
    }

    fn sync(id: &str, charges: bool) -> Subject {
        let party = Party::Customer(customer(id));
        Subject::Customer { party, charges }
    }

    fn drain(backlog: &mut Backlog) -> Vec<Subject> {
        std::iter::from_fn(|| backlog.pop()).collect()
    }

    #[test]
    fn each_is_done_once_with_charges_if_any_event_says_so_and_in_order() {
        let mut backlog = Backlog::default();
        backlog.add_customer(customer("cus_b"), false);
        backlog.add_customer(customer("cus_a"), true);
        backlog.add_customer(customer("cus_a"), false);
        backlog.add_customer(customer("cus_b"), false);
        backlog.add_customer(customer("cus_c"), false);
        backlog.add_deleted(customer("cus_c"));
        backlog.add_customer(customer("cus_c"), true);
        backlog.add_catalogue();
        backlog.add_catalogue();
        let expected = [
            Subject::Catalogue,
            Subject::DeletedCustomer(customer("cus_c")),
            sync("cus_a", true),
            sync("cus_b", false),
        ];
        assert!(!backlog.is_empty());
        assert_eq!(drain(&mut backlog), expected);
        assert!(backlog.is_empty());
    }

    #[test]
    fn what_was_done_is_done_again_only_for_charges_that_were_not_read() {
        let mut backlog = Backlog::default();
        backlog.add_catalogue();
        backlog.add_deleted(customer("cus_c"));
        backlog.add_customer(customer("cus_a"), true);
        backlog.add_customer(customer("cus_b"), false);
        drain(&mut backlog);
        backlog.add_catalogue();
        backlog.add_deleted(customer("cus_c"));
        backlog.add_customer(customer("cus_c"), true);
        backlog.add_customer(customer("cus_a"), true);
        backlog.add_customer(customer("cus_b"), false);
        assert!(backlog.is_empty());
        backlog.add_customer(customer("cus_b"), true);
        assert_eq!(drain(&mut backlog), [sync("cus_b", true)]);
    }

    #[test]
    fn a_full_backlog_fits_into_an_item_and_comes_back_as_it_was() {
        let mut backlog = Backlog::default();
        backlog.add_deleted(customer("cus_deleted"));
        for n in 0.. {
            if backlog.is_full() {
                break;
            }
            backlog.add_customer(customer(&format!("cus_{n:026}")), false);
        }
        let json = serde_json::to_string(&backlog).unwrap();
        assert!(json.len() < 100_000, "{}", json.len());
        let back: Backlog = serde_json::from_str(&json).unwrap();
        assert_eq!(back, backlog);
    }
}
