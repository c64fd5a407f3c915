//! What somebody looks for.

use billing::{CustomerId, SubscriptionId, UserId};

/// Cognito takes conditions of at most 256 characters.
const MAX_EMAIL: usize = 200;

/// Exactly one of the names that a user has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Customer(CustomerId),
    Subscription(SubscriptionId),
    Email(String),
    User(UserId),
}

impl Query {
    /// `None` for what is none of them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with("cus_") {
            CustomerId::parse(text).ok().map(Self::Customer)
        } else if text.starts_with("sub_") {
            SubscriptionId::parse(text).ok().map(Self::Subscription)
        } else if text.contains('@') {
            let is_email = text.len() <= MAX_EMAIL && !text.chars().any(char::is_control);
            is_email.then(|| Self::Email(text.to_owned()))
        } else {
            UserId::parse(text).ok().map(Self::User)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_customer_a_subscription_an_email_or_a_user() {
        let check = |text: &str, expected: Option<Query>| {
            assert_eq!(Query::parse(text), expected, "{text}")
        };
        let customer = CustomerId::parse("cus_1").unwrap();
        check(" cus_1 ", Some(Query::Customer(customer)));
        let subscription = SubscriptionId::parse("sub_1").unwrap();
        check("sub_1", Some(Query::Subscription(subscription)));
        let user = UserId::parse("3f0c-17").unwrap();
        check("3f0c-17", Some(Query::User(user)));
        for email in ["ann+x@example.com", "\"a\\b\"@example.com", "a@b"] {
            check(email, Some(Query::Email(email.to_owned())));
        }
        let long = format!("{}@example.com", "a".repeat(200));
        for nothing in [
            "", "  ", "cus_", "sub_a b", "a b", "é", "a@b\nc", &long, "a#b",
        ] {
            check(nothing, None);
        }
    }
}
