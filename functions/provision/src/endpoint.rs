//! The webhook endpoint and its signing secret, which Stripe shows once, when the endpoint is made: so the two are made and kept together.

use payments::{Endpoint, StripeError};
use secrets::{SecretError, Signing, SigningSecret};

use crate::{Doing, Provision, ProvisionError};

impl Provision {
    /// Makes sure that there is one endpoint of this stack, switched on, for our address, events and version, and that its secret is stored.
    /// Gives its id.
    ///
    /// A crash between any two steps leaves at worst an endpoint whose secret is stored nowhere; the next run takes it away.
    pub(crate) async fn ensure_endpoint(&self) -> Result<String, ProvisionError> {
        let mut stored = match Signing::read(&self.vault).await {
            Err(error @ SecretError::Invalid { .. }) => {
                tracing::warn!(%error, "a new endpoint takes the place of what is stored");
                Signing::default()
            }
            read => read?,
        };
        let ours = self.our_endpoints().await?;
        let find = |secret: &Option<SigningSecret>| {
            let secret = secret.as_ref()?;
            ours.iter().find(|it| it.id == secret.endpoint)
        };
        let before = stored.clone();
        if find(&stored.previous).is_none() {
            stored.previous = None;
        }
        match find(&stored.current) {
            Some(endpoint) if endpoint.has_our_version() => {
                if !self.is_as_it_is_to_be(endpoint) {
                    let updated = self.stripe.update_endpoint(&endpoint.id, &self.webhook_url);
                    updated.await.map_err(Doing::Endpoint.failed())?;
                    tracing::info!(endpoint = endpoint.id, "endpoint changed");
                }
            }
            of_another_version => {
                // What the old one has sent already is still to be understood.
                stored.previous = of_another_version.and_then(|_| stored.current.take());
                stored.current = Some(self.make_endpoint().await?);
            }
        }
        if stored != before {
            stored.write(&self.vault).await?;
        }
        let Some(current) = stored.current else {
            return Err(ProvisionError::Rotation("no endpoint was made"));
        };
        let in_rotation = before
            .current
            .as_ref()
            .is_some_and(|it| it.endpoint == current.endpoint);
        for endpoint in &ours {
            let is_kept = endpoint.id == current.endpoint
                || (in_rotation
                    && stored
                        .previous
                        .as_ref()
                        .is_some_and(|it| it.endpoint == endpoint.id));
            if !is_kept {
                let deleted = self.stripe.delete_endpoint(&endpoint.id).await;
                deleted.map_err(Doing::Endpoint.failed())?;
                tracing::info!(
                    endpoint = endpoint.id,
                    "endpoint without a stored secret, or of another version, taken away"
                );
            }
        }
        Ok(current.endpoint)
    }

    /// Switches off all endpoints of this stack. They stay, with what they have delivered.
    pub(crate) async fn disable_endpoints(&self) -> Result<(), ProvisionError> {
        for endpoint in self.our_endpoints().await? {
            if endpoint.is_enabled() {
                let disabled = self.stripe.disable_endpoint(&endpoint.id).await;
                disabled.map_err(Doing::Endpoint.failed())?;
            }
        }
        Ok(())
    }

    /// Begins a rotation: a second endpoint, whose secret becomes the current one. Both deliver and both secrets are taken until it is finished.
    pub(crate) async fn begin_rotation(&self) -> Result<Signing, ProvisionError> {
        self.ensure_endpoint().await?;
        let stored = Signing::read(&self.vault).await?;
        if stored.previous.is_some() {
            return Err(ProvisionError::Rotation(
                "a rotation is under way: finish it first (--finish)",
            ));
        }
        let rotating = Signing {
            current: Some(self.make_endpoint().await?),
            previous: stored.current,
        };
        rotating.write(&self.vault).await?;
        Ok(rotating)
    }

    /// Finishes it: the old endpoint and its secret go.
    pub(crate) async fn finish_rotation(&self) -> Result<Signing, ProvisionError> {
        let stored = Signing::read(&self.vault).await?;
        let Some(previous) = &stored.previous else {
            return Err(ProvisionError::Rotation(
                "no rotation is under way: there is one signing secret",
            ));
        };
        // The endpoint first: while it delivers, its secret is needed.
        let deleted = self.stripe.delete_endpoint(&previous.endpoint).await;
        deleted.map_err(Doing::Endpoint.failed())?;
        let finished = Signing {
            current: stored.current,
            previous: None,
        };
        finished.write(&self.vault).await?;
        Ok(finished)
    }

    pub(crate) async fn our_endpoints(&self) -> Result<Vec<Endpoint>, ProvisionError> {
        let mut endpoints = self
            .stripe
            .endpoints()
            .await
            .map_err(Doing::Endpoint.failed())?;
        endpoints.retain(|it| it.is_of(self.app(), &self.stack));
        Ok(endpoints)
    }

    pub(crate) fn is_as_it_is_to_be(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_enabled() && endpoint.url == self.webhook_url && endpoint.has_our_events()
    }

    async fn make_endpoint(&self) -> Result<SigningSecret, ProvisionError> {
        let made = self
            .stripe
            .create_endpoint(self.app(), &self.stack, &self.webhook_url);
        let made = made.await.map_err(Doing::Endpoint.failed())?;
        tracing::info!(endpoint = made.id, "endpoint made");
        Ok(SigningSecret {
            endpoint: made.id,
            secret: made.secret,
        })
    }
}

/// Whether this is about the key, which a stack that is being deleted need not have any more.
pub(crate) fn is_about_the_key(error: &ProvisionError) -> bool {
    let ProvisionError::Stripe { source, .. } = error else {
        return false;
    };
    matches!(
        **source,
        StripeError::NoKey(_)
            | StripeError::Api {
                status: 401 | 403,
                ..
            }
    )
}
