//! The webhook endpoint and its signing secret, which Stripe shows once, when the endpoint is made: so the two are made and kept together.

use payments::{Endpoint, StripeError};
use secrets::{SecretError, Signing, SigningSecret};

use crate::{Doing, Provision, ProvisionError};

impl Provision {
    /// Makes sure that there is an endpoint of this stack, switched on, for our address, events and version, and that its secret is stored.
    /// Gives its id.
    ///
    /// A crash between any two steps leaves at worst an endpoint whose secret is stored nowhere: what it delivers is refused, and the next run takes it away.
    pub(crate) async fn ensure_endpoint(&self) -> Result<String, ProvisionError> {
        let mut stored = match Signing::read(&self.vault).await {
            Err(error @ SecretError::Invalid { .. }) => {
                tracing::warn!(%error, "a new endpoint takes the place of what is stored");
                Signing::default()
            }
            read => read?,
        };
        let ours = self.our_endpoints().await?;
        // First, as there is room for 16 only.
        for endpoint in ours.iter().filter(|it| !stored.knows(&it.id)) {
            self.delete_endpoint(&endpoint.id).await?;
            tracing::info!(
                endpoint = endpoint.id,
                "endpoint without a stored secret taken away"
            );
        }
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
                if stored != before {
                    stored.write(&self.vault).await?;
                }
                return Ok(endpoint.id.clone());
            }
            // An upgrade is a rotation: what the old one has still to deliver, it goes on delivering until that is finished.
            Some(_) => {
                if let Some(older) = stored.previous.take() {
                    self.delete_endpoint(&older.endpoint).await?;
                }
                stored.previous = stored.current.take();
            }
            None => {}
        }
        self.make_current(stored.previous).await
    }

    /// Makes an endpoint and stores its secret as the current one. Gives its id.
    async fn make_current(
        &self,
        previous: Option<SigningSecret>,
    ) -> Result<String, ProvisionError> {
        let made = self
            .stripe
            .create_endpoint(self.app(), &self.stack, &self.webhook_url);
        let made = made.await.map_err(Doing::Endpoint.failed())?;
        tracing::info!(endpoint = made.id, "endpoint made");
        let signing = Signing {
            current: Some(SigningSecret {
                endpoint: made.id.clone(),
                secret: made.secret,
            }),
            previous,
        };
        if let Err(error) = signing.write(&self.vault).await {
            // Where this fails, too, the next run does it.
            let _ = self.delete_endpoint(&made.id).await;
            return Err(error.into());
        }
        Ok(made.id)
    }

    async fn delete_endpoint(&self, id: &str) -> Result<(), ProvisionError> {
        let deleted = self.stripe.delete_endpoint(id).await;
        deleted.map_err(Doing::Endpoint.failed())
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
        self.make_current(stored.current).await?;
        Ok(Signing::read(&self.vault).await?)
    }

    /// Finishes it: the old endpoint and its secret go.
    pub(crate) async fn finish_rotation(&self) -> Result<Signing, ProvisionError> {
        let stored = Signing::read(&self.vault).await?;
        let Some(previous) = &stored.previous else {
            return Err(ProvisionError::Rotation(
                "no rotation is under way: there is one signing secret",
            ));
        };
        let ours = self.our_endpoints().await?;
        let stays = |it: &&Endpoint| {
            stored
                .current
                .as_ref()
                .is_some_and(|secret| secret.endpoint == it.id)
        };
        if !ours
            .iter()
            .find(stays)
            .is_some_and(|it| self.is_as_it_is_to_be(it))
        {
            return Err(ProvisionError::Rotation(
                "the new endpoint is not there, or not as it must be: cargo xtask doctor --repair, then begin again",
            ));
        }
        // The endpoint first: while it delivers, its secret is needed.
        self.delete_endpoint(&previous.endpoint).await?;
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
}

/// Whether this is about the key, which a stack that is being deleted need not have any more.
pub(crate) fn is_about_the_key(error: &ProvisionError) -> bool {
    let ProvisionError::Stripe { source, .. } = error else {
        return false;
    };
    match &**source {
        StripeError::Api { status, .. } => matches!(status, 401 | 403),
        StripeError::NoKey(error) => match error.downcast_ref::<SecretError>() {
            Some(SecretError::Invalid { .. }) => true,
            Some(SecretError::Unavailable { code, .. }) => code == "AccessDeniedException",
            None => false,
        },
        _ => false,
    }
}
