use lambda::with_causes;
use payments::StripeError;
use secrets::SecretError;
use store::StoreError;
use sync::SyncError;

use crate::plans::InvalidPlans;

/// Which part of the work needs Stripe, and what a restricted key must be allowed for it, as Stripe's dashboard calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Endpoint,
    Portal,
    Products,
    Prices,
    Catalogue,
}

impl Doing {
    fn what(self) -> &'static str {
        match self {
            Self::Endpoint => "the webhook endpoint",
            Self::Portal => "the customer portal's configuration",
            Self::Products => "the products",
            Self::Prices => "the prices",
            Self::Catalogue => "the catalogue of plans",
        }
    }

    fn permission(self) -> &'static str {
        match self {
            Self::Endpoint => "Webhook Endpoints: Write",
            Self::Portal => "Customer portal: Write",
            Self::Products => "Products: Write",
            Self::Prices => "Prices: Write",
            Self::Catalogue => "Prices: Read",
        }
    }

    /// Names the work that an error of Stripe's stopped.
    pub(crate) fn failed(self) -> impl FnOnce(StripeError) -> ProvisionError {
        move |source| ProvisionError::Stripe {
            doing: self,
            source: Box::new(source),
        }
    }
}

/// Why the stack could not be set up. What it says is for the operator: it stands in the stack's events, and in the log.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Stripe did not do what was asked.
    #[error("{}", explain(*.doing, .source))]
    Stripe {
        /// For what.
        #[allow(private_interfaces, reason = "only this function looks at it")]
        doing: Doing,
        /// What Stripe said.
        source: Box<StripeError>,
    },
    /// A secret cannot be read or written.
    #[error("{}", with_causes(.0))]
    Secret(#[from] SecretError),
    /// The table does not answer.
    #[error("the table: {}", with_causes(.0))]
    Store(#[from] StoreError),
    /// `plans.toml` is wrong.
    #[error("{0}")]
    Plans(#[from] InvalidPlans),
    /// A price of somebody else's has the key.
    #[error(
        "plans.toml: the lookup key {0} belongs to a price that is not this application's; choose another, or take it from that price in Stripe"
    )]
    LookupKeyTaken(String),
    /// Two products of the list have their prices under one.
    #[error(
        "plans.toml: {1} and {2} have their prices under one product in Stripe, {0}; give it the metadata product_key of one of them, or make another product for the other's price"
    )]
    OneProduct(String, String, String),
    /// The page's files cannot be read.
    #[error("the page: {0}")]
    Page(String),
    /// S3 did not do what was asked.
    #[error("the bucket {bucket}: {problem}")]
    Bucket {
        /// Which.
        bucket: String,
        /// What is wrong.
        problem: String,
    },
    /// CloudFront did not do what was asked.
    #[error("the distribution {distribution}: {problem}")]
    Distribution {
        /// Which.
        distribution: String,
        /// What is wrong.
        problem: String,
    },
    /// Two rotations at once, or one to be finished that was not begun.
    #[error("{0}")]
    Rotation(&'static str),
    /// Another run is at work.
    #[error("another run began meanwhile; do it again")]
    Overtaken,
    /// Not done within the function's time.
    #[error("not done within the function's time; deploy again, it goes on where it stopped")]
    Timeout,
}

impl From<SyncError> for ProvisionError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Stripe(source) => Doing::Catalogue.failed()(source),
            SyncError::Store(source) => source.into(),
        }
    }
}

/// What somebody can do about it.
fn explain(doing: Doing, error: &StripeError) -> String {
    let what = doing.what();
    let StripeError::Api { status, body, .. } = error else {
        return format!("{what}: {}", with_causes(error));
    };
    let said = body.message.for_the_operator();
    let advice = match (status, body.code.as_deref()) {
        (401, _) => "Stripe refuses the key: it is wrong, or was revoked. Put the right one into the secret and deploy again.".to_owned(),
        (403, _) => format!("the key lacks a permission: {}. Give it to the key in Stripe's dashboard and deploy again.", doing.permission()),
        (_, Some("testmode_charges_only")) => "the Stripe account is not activated; finish its activation in Stripe's dashboard, or use a test key.".to_owned(),
        (429, _) => "Stripe limits the rate; deploy again in a minute.".to_owned(),
        _ => error.to_string(),
    };
    match said {
        "" => format!("{what}: {advice}"),
        said => format!("{what}: {advice} Stripe says: {said}"),
    }
}
