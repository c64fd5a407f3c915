use billing::{CustomerId, Timestamp};
use payments::webhook::{Party, Subject};

use crate::{Owned, SyncError, Synced, Syncer};

/// What was done about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The customer's subscriptions were read from Stripe and stored.
    Synced,
    /// The plans were read from Stripe and stored.
    CatalogueRefreshed,
    /// The customer was deleted, and is forgotten.
    Forgotten,
    /// Nothing we act on.
    Ignored,
    /// About somebody who is not our customer.
    Foreign,
    /// Of Stripe's other mode.
    OtherMode,
    /// About a customer made for a user who has another one.
    Conflict,
}

impl Outcome {
    /// In the log, the metrics and the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::CatalogueRefreshed => "catalogue_refreshed",
            Self::Forgotten => "forgotten",
            Self::Ignored => "ignored",
            Self::Foreign => "foreign",
            Self::OtherMode => "other_mode",
            Self::Conflict => "conflict",
        }
    }
}

/// What was done, and about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// What.
    pub outcome: Outcome,
    /// The customer that it was about, ours or not.
    pub customer: Option<CustomerId>,
}

impl Syncer {
    /// Does what there is to do about an event. Doing it twice, late or in another order ends in the same.
    ///
    /// # Errors
    /// [`SyncError`]; asking again is safe, and needed.
    pub async fn act_on(&self, subject: &Subject, now: Timestamp) -> Result<Acted, SyncError> {
        let about = |outcome, customer: &CustomerId| Acted {
            outcome,
            customer: Some(customer.clone()),
        };
        let about_none = |outcome| Acted {
            outcome,
            customer: None,
        };
        match subject {
            Subject::Customer { party, charges } => {
                let customer = match party {
                    Party::Customer(customer) => customer.clone(),
                    Party::OwnerOf(object) => match self.stripe.owner_of(object).await? {
                        Some(customer) => customer,
                        None => return Ok(about_none(Outcome::Foreign)),
                    },
                };
                let outcome = self.sync_whoever(&customer, *charges, now).await?;
                Ok(about(outcome, &customer))
            }
            Subject::DeletedCustomer(customer) => {
                Ok(about(self.forget_whoever(customer).await?, customer))
            }
            Subject::Catalogue => {
                self.refresh_catalogue().await?;
                Ok(about_none(Outcome::CatalogueRefreshed))
            }
            Subject::Other => Ok(about_none(Outcome::Ignored)),
        }
    }

    async fn sync_whoever(
        &self,
        customer: &CustomerId,
        charges: bool,
        now: Timestamp,
    ) -> Result<Outcome, SyncError> {
        let user = match self.owner_of(customer).await? {
            Owned::By(user) => user,
            Owned::ByNobody => return Ok(Outcome::Foreign),
            Owned::Conflict => return Ok(Outcome::Conflict),
        };
        let synced = if charges {
            self.sync_customer_with_charges(&user, customer, now).await
        } else {
            self.sync_customer(&user, customer, now).await
        };
        Ok(match synced? {
            Synced::Stored => Outcome::Synced,
            Synced::Forgotten => Outcome::Forgotten,
            Synced::NotTheirs => Outcome::Foreign,
        })
    }

    async fn forget_whoever(&self, customer: &CustomerId) -> Result<Outcome, SyncError> {
        let Some(user) = self.table.user_of(customer).await? else {
            return Ok(Outcome::Foreign);
        };
        self.forget(&user, customer).await?;
        Ok(Outcome::Forgotten)
    }
}
