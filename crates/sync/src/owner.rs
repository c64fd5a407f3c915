use billing::{CustomerId, UserId};
use store::{Binding, StoreError};

use crate::{SyncError, Syncer};

/// How often to begin anew where the user's item changes under our hands.
const TRIES: usize = 3;

/// Whose a customer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owned {
    /// This user's.
    By(UserId),
    /// Nobody's: deleted, another application's, made by hand, or of a user whose account is deleted.
    ByNobody,
    /// Its metadata names a user who has another customer already.
    Conflict,
}

impl Syncer {
    /// Whose customer this is. One that the table does not know is mapped now, if it carries the metadata that we write: a crash may have
    /// kept us from it. What cannot be mapped is reported, never guessed.
    ///
    /// # Errors
    /// [`SyncError`]
    pub async fn owner_of(&self, customer: &CustomerId) -> Result<Owned, SyncError> {
        if let Some(user) = self.table.user_of(customer).await? {
            return Ok(Owned::By(user));
        }
        let found = match self.stripe.customer(customer).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(Owned::ByNobody),
            Err(error) => return Err(error.into()),
        };
        let Some(user) = found.owner(&self.app, self.stripe.mode()) else {
            return Ok(Owned::ByNobody);
        };
        for _ in 0..TRIES {
            let generation = self.table.user(&user).await?.generation;
            match self.table.bind(&user, customer, generation).await? {
                Binding::Bound => return Ok(Owned::By(user)),
                Binding::UserIsDeleted => return Ok(Owned::ByNobody),
                Binding::UserHasAnother(_) | Binding::CustomerIsAnothers => {
                    return Ok(Owned::Conflict);
                }
                Binding::Changed => {}
            }
        }
        Err(StoreError::Busy.into())
    }
}
