//! Which email Stripe was last told, as a digest: the email itself is not stored. Concurrent sign-ins end with the newest, by tickets, as
//! concurrent reads of Stripe do.

use std::fmt;

use aws_sdk_dynamodb::types::ReturnValue;
use billing::{CustomerId, UserId};
use sha2::{Digest, Sha256};

use crate::attributes::{Attributes, names, number, read_text, require_number, text};
use crate::{StoreError, Table, Ticket};

/// A SHA-256 of a user's email, in hexadecimal digits. Two users' are different, whatever their emails are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailDigest(String);

impl EmailDigest {
    /// The digest of this user's email.
    #[must_use]
    pub fn of(user: &UserId, email: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(user.as_str())
            .chain_update("\n")
            .chain_update(email);
        Self(hex::encode(digest.finalize()))
    }

    pub(crate) fn read(item: &Attributes) -> Result<Option<Self>, StoreError> {
        Ok(read_text(item, "email_digest")?.map(|digest| Self(digest.to_owned())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Table {
    /// Takes the number of a look at the user's email that is about to begin. `None` where they do not have this customer (any more), or are
    /// being deleted.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn take_email_ticket(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Option<Ticket>, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("ADD #email_ticket :one")
            .condition_expression("#customer = :customer AND attribute_not_exists(#deleting)")
            .set_expression_attribute_names(names(["email_ticket", "customer", "deleting"]))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":customer", text(customer.as_str()))
            .return_values(ReturnValue::UpdatedNew);
        let Some(output) = self.write(update).await? else {
            return Ok(None);
        };
        let written = output.attributes.unwrap_or_default();
        Ok(Some(require_number(&written, "email_ticket")?))
    }

    /// Notes that Stripe is about to be told another email: until it is known which, none is. `false` where somebody has looked later.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn begin_email_change(
        &self,
        user: &UserId,
        ticket: Ticket,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("REMOVE #email_digest")
            .condition_expression("#email_ticket = :ticket AND attribute_not_exists(#deleting)")
            .set_expression_attribute_names(names(["email_digest", "email_ticket", "deleting"]))
            .expression_attribute_values(":ticket", number(ticket));
        Ok(self.write(update).await?.is_some())
    }

    /// Notes which email Stripe has. `false` where somebody has looked later: what they told Stripe may have been overwritten.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn record_email(
        &self,
        user: &UserId,
        ticket: Ticket,
        digest: &EmailDigest,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #email_digest = :digest")
            .condition_expression("#email_ticket = :ticket AND attribute_not_exists(#deleting)")
            .set_expression_attribute_names(names(["email_digest", "email_ticket", "deleting"]))
            .expression_attribute_values(":ticket", number(ticket))
            .expression_attribute_values(":digest", text(digest.as_str()));
        Ok(self.write(update).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_emails_of_two_users_have_two_digests_and_neither_says_the_email() {
        let user = |name: &str| UserId::parse(name).unwrap();
        let of = |name: &str, email: &str| EmailDigest::of(&user(name), email).to_string();
        let email = "ann@example.com";
        assert_eq!(of("ann", email), of("ann", email));
        assert_ne!(of("ann", email), of("bob", email));
        assert_ne!(of("ann", email), of("ann", "ann@example.org"));
        assert_eq!(of("ann", email).len(), 64);
    }
}
