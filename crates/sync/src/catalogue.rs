use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use billing::{Catalogue, Subscription};

use crate::{SyncError, Syncer};

/// How long a function relies on a catalogue it has read. Only a product's name can be out of date: an unknown product is looked up at once.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The catalogue as this process last read it.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<(Instant, Arc<Catalogue>)>>);

impl Cache {
    fn get(&self) -> Option<Arc<Catalogue>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached
            .as_ref()
            .filter(|(read_at, _)| read_at.elapsed() < MAX_AGE)
            .map(|(_, catalogue)| Arc::clone(catalogue))
    }

    fn put(&self, catalogue: Catalogue) -> Arc<Catalogue> {
        let catalogue = Arc::new(catalogue);
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *cached = Some((Instant::now(), Arc::clone(&catalogue)));
        catalogue
    }
}

impl Syncer {
    /// Makes the table's catalogue equal to Stripe's, as [`Syncer::sync_customer`] does for a customer.
    ///
    /// # Errors
    /// [`SyncError`]
    pub async fn refresh_catalogue(&self) -> Result<Arc<Catalogue>, SyncError> {
        let ticket = self.table.take_catalogue_ticket().await?;
        let catalogue = self.stripe.catalogue(&self.app).await?;
        self.table.write_catalogue(ticket, &catalogue).await?;
        Ok(self.catalogue.put(catalogue))
    }

    /// The table's catalogue; read from Stripe where the table has none yet.
    ///
    /// # Errors
    /// [`SyncError`]
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, SyncError> {
        match self.table.catalogue().await? {
            Some(catalogue) => Ok(self.catalogue.put(catalogue)),
            None => self.refresh_catalogue().await,
        }
    }

    /// A catalogue that knows these subscriptions' products, unless they are not ours: the nearest one that does.
    pub(crate) async fn catalogue_for(
        &self,
        subscriptions: &[Subscription],
    ) -> Result<Arc<Catalogue>, SyncError> {
        let knows_all = |catalogue: &Catalogue| {
            subscriptions
                .iter()
                .flat_map(|subscription| &subscription.items)
                .all(|item| catalogue.product(&item.price.product).is_some())
        };
        if let Some(catalogue) = self.catalogue.get().filter(|cached| knows_all(cached)) {
            return Ok(catalogue);
        }
        let catalogue = self.catalogue().await?;
        if knows_all(&catalogue) {
            return Ok(catalogue);
        }
        self.refresh_catalogue().await
    }
}
