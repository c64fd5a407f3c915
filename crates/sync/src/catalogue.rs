use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use billing::{Catalogue, ProductId, Subscription};

use crate::{SyncError, Syncer};

/// How long a function relies on a catalogue it has read. Only a product's name can be out of date: an unknown product is looked up at once.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The catalogue as this process last read it.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<Cached>>);

#[derive(Debug)]
struct Cached {
    read_at: Instant,
    catalogue: Arc<Catalogue>,
    /// Products that Stripe itself says are not ours, and when it did.
    foreign: BTreeMap<ProductId, Instant>,
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, Option<Cached>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The catalogue, if it tells of all these products whether they are ours.
    fn get(&self, products: &BTreeSet<&ProductId>) -> Option<Arc<Catalogue>> {
        let cached = self.lock();
        let cached = cached.as_ref().filter(|it| is_fresh(&it.read_at))?;
        let known = |id: &&ProductId| {
            cached.catalogue.product(id).is_some() || cached.foreign.get(*id).is_some_and(is_fresh)
        };
        products
            .iter()
            .all(known)
            .then(|| Arc::clone(&cached.catalogue))
    }

    fn put(&self, catalogue: Catalogue) -> Arc<Catalogue> {
        let catalogue = Arc::new(catalogue);
        let mut cached = self.lock();
        let mut foreign = cached.take().map(|it| it.foreign).unwrap_or_default();
        foreign.retain(|_, said_at| is_fresh(said_at));
        *cached = Some(Cached {
            read_at: Instant::now(),
            catalogue: Arc::clone(&catalogue),
            foreign,
        });
        catalogue
    }

    /// Notes which of these products are not ours, by a catalogue that has just come from Stripe.
    fn note_foreign(&self, products: BTreeSet<&ProductId>) {
        if let Some(cached) = self.lock().as_mut() {
            let unknown = products
                .into_iter()
                .filter(|id| cached.catalogue.product(id).is_none());
            let said_at = cached.read_at;
            cached
                .foreign
                .extend(unknown.map(|id| (id.clone(), said_at)));
        }
    }
}

fn is_fresh(since: &Instant) -> bool {
    since.elapsed() < MAX_AGE
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

    /// A catalogue that tells which of these subscriptions' products are ours: the nearest one that does.
    pub(crate) async fn catalogue_for(
        &self,
        subscriptions: &[Subscription],
    ) -> Result<Arc<Catalogue>, SyncError> {
        let products: BTreeSet<&ProductId> = subscriptions
            .iter()
            .flat_map(|subscription| &subscription.items)
            .map(|item| &item.price.product)
            .collect();
        let cached = self.catalogue.get(&products);
        // A price may have come, or a currency of it, since this was read.
        if let Some(catalogue) = cached.filter(|it| it.knows_amounts(subscriptions)) {
            return Ok(catalogue);
        }
        self.catalogue().await?;
        if let Some(catalogue) = self.catalogue.get(&products) {
            return Ok(catalogue);
        }
        let catalogue = self.refresh_catalogue().await?;
        self.catalogue.note_foreign(products);
        Ok(catalogue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stripe_called_foreign_stays_so_when_the_table_is_read_again() {
        let id = |id: &str| ProductId::parse(id).unwrap();
        let (a, b) = (id("prod_a"), id("prod_b"));
        let cache = Cache::default();
        for product in [&a, &b] {
            assert!(cache.get(&BTreeSet::from([product])).is_none());
            cache.put(Catalogue::default());
            cache.note_foreign(BTreeSet::from([product]));
            cache.put(Catalogue::default());
        }
        assert!(cache.get(&BTreeSet::from([&a, &b])).is_some());
        assert!(cache.get(&BTreeSet::from([&id("prod_c")])).is_none());
    }
}
