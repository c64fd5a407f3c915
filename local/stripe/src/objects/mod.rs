//! Stripe's objects: their kinds, and the JSON each one starts with.
//!
//! An object is stored as the JSON that Stripe would show, with ids in place of what can be expanded. What Stripe keeps
//! to itself (a signing secret, what a test card does) is stored beside it and never shown.

pub(crate) mod checkout_session;
pub(crate) mod coupon;
pub(crate) mod customer;
pub(crate) mod discount;
pub(crate) mod dispute;
pub(crate) mod due;
pub(crate) mod event;
pub(crate) mod invoice;
pub(crate) mod invoice_item;
pub(crate) mod payment;
pub(crate) mod portal;
pub(crate) mod price;
pub(crate) mod product;
pub(crate) mod promotion_code;
pub(crate) mod refund;
pub(crate) mod setup_intent;
pub(crate) mod subscription;
pub(crate) mod tax_id;
pub(crate) mod test_clock;
pub(crate) mod webhook_endpoint;

pub(crate) use due::due;
use serde_json::{Value, json};

/// The API version whose shapes are served, and that events carry.
pub const API_VERSION: &str = "2026-09-30.endive";

/// The kinds of object this stand-in stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Customer,
    Product,
    Price,
    CheckoutSession,
    Subscription,
    Invoice,
    InvoicePayment,
    PaymentMethod,
    PaymentIntent,
    Charge,
    Event,
    WebhookEndpoint,
    Coupon,
    Discount,
    Dispute,
    InvoiceItem,
    PortalConfiguration,
    PortalSession,
    PromotionCode,
    Refund,
    SetupIntent,
    TaxId,
    TestClock,
}

impl Kind {
    const ALL: [Self; 23] = [
        Self::Customer,
        Self::Product,
        Self::Price,
        Self::CheckoutSession,
        Self::Subscription,
        Self::Invoice,
        Self::InvoicePayment,
        Self::PaymentMethod,
        Self::PaymentIntent,
        Self::Charge,
        Self::Event,
        Self::WebhookEndpoint,
        Self::Coupon,
        Self::Discount,
        Self::Dispute,
        Self::InvoiceItem,
        Self::PortalConfiguration,
        Self::PortalSession,
        Self::PromotionCode,
        Self::Refund,
        Self::SetupIntent,
        Self::TaxId,
        Self::TestClock,
    ];

    /// The name in the object's `object` field.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Product => "product",
            Self::Price => "price",
            Self::CheckoutSession => "checkout.session",
            Self::Subscription => "subscription",
            Self::Invoice => "invoice",
            Self::InvoicePayment => "invoice_payment",
            Self::PaymentMethod => "payment_method",
            Self::PaymentIntent => "payment_intent",
            Self::Charge => "charge",
            Self::Event => "event",
            Self::WebhookEndpoint => "webhook_endpoint",
            Self::Coupon => "coupon",
            Self::Discount => "discount",
            Self::Dispute => "dispute",
            Self::InvoiceItem => "invoiceitem",
            Self::PortalConfiguration => "billing_portal.configuration",
            Self::PortalSession => "billing_portal.session",
            Self::PromotionCode => "promotion_code",
            Self::Refund => "refund",
            Self::SetupIntent => "setup_intent",
            Self::TaxId => "tax_id",
            Self::TestClock => "test_helpers.test_clock",
        }
    }

    /// How Stripe's error messages call it: "No such checkout session: 'cs_…'".
    pub(crate) fn spoken(self) -> &'static str {
        match self {
            Self::CheckoutSession => "checkout.session",
            other => other.name(),
        }
    }

    /// The kind an `object` field names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The path of its list in the API.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Customer => "/v1/customers",
            Self::Product => "/v1/products",
            Self::Price => "/v1/prices",
            Self::CheckoutSession => "/v1/checkout/sessions",
            Self::Subscription => "/v1/subscriptions",
            Self::Invoice => "/v1/invoices",
            Self::InvoicePayment => "/v1/invoice_payments",
            Self::PaymentMethod => "/v1/payment_methods",
            Self::PaymentIntent => "/v1/payment_intents",
            Self::Charge => "/v1/charges",
            Self::Event => "/v1/events",
            Self::WebhookEndpoint => "/v1/webhook_endpoints",
            Self::Coupon => "/v1/coupons",
            Self::Dispute => "/v1/disputes",
            Self::InvoiceItem => "/v1/invoiceitems",
            Self::PortalConfiguration => "/v1/billing_portal/configurations",
            Self::PortalSession => "/v1/billing_portal/sessions",
            Self::PromotionCode => "/v1/promotion_codes",
            Self::Refund => "/v1/refunds",
            Self::SetupIntent => "/v1/setup_intents",
            Self::TestClock => "/v1/test_helpers/test_clocks",
            // Shown only inside what they are of.
            Self::Discount | Self::TaxId => "",
        }
    }
}

/// Stripe's list object.
pub(crate) fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

/// The text of a field, empty where there is none.
pub(crate) fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or_default()
}
