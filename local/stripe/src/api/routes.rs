//! Which operation a method and path name. What is not here is a clear 404.

use axum::http::Method;
use serde_json::Value;

use super::error::ApiError;
use super::params::Params;
use super::{
    Context, account, charges, checkout_sessions, coupons, customers, disputes, events, existing,
    invoice_items, invoices, payment_intents, payment_methods, payment_pages,
    portal_configurations, portal_sessions, prices, products, promotion_codes, read_only, refunds,
    search, setup_intents, subscription_items, subscriptions, tax_ids, test_clocks,
    webhook_endpoints,
};
use crate::engine::invoices::End;
use crate::objects::Kind;

/// Runs the operation.
pub(super) fn run(
    context: &Context<'_>,
    method: &Method,
    path: &str,
    params: Params,
) -> Result<Value, ApiError> {
    let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["customers"]) => customers::list(context, params),
        ("POST", ["customers"]) => customers::create(context, params),
        ("GET", ["customers", "search"]) => search::customers(context, params),
        ("GET", [_, "search"]) => Err(ApiError::unrecognized_url("GET", path)),
        ("GET", ["customers", id]) => customers::retrieve(context, id, params),
        ("POST", ["customers", id]) => customers::update(context, id, params),
        ("DELETE", ["customers", id]) => customers::delete(context, id, params),

        ("GET", ["customers", id, "tax_ids"]) => tax_ids::list(context, id, params),
        ("POST", ["customers", id, "tax_ids"]) => tax_ids::create(context, id, params),
        ("GET", ["customers", customer, "tax_ids", id]) => {
            tax_ids::retrieve(context, customer, id, params)
        }
        ("DELETE", ["customers", customer, "tax_ids", id]) => {
            tax_ids::delete(context, customer, id, params)
        }

        ("GET", ["products"]) => products::list(context, params),
        ("POST", ["products"]) => products::create(context, params),
        ("GET", ["products", id]) => products::retrieve(context, id, params),
        ("POST", ["products", id]) => products::update(context, id, params),
        ("DELETE", ["products", id]) => products::delete(context, id, params),

        ("GET", ["prices"]) => prices::list(context, params),
        ("POST", ["prices"]) => prices::create(context, params),
        ("GET", ["prices", id]) => prices::retrieve(context, id, params),
        ("POST", ["prices", id]) => prices::update(context, id, params),

        ("GET", ["coupons"]) => coupons::list(context, params),
        ("POST", ["coupons"]) => coupons::create(context, params),
        ("GET", ["coupons", id]) => coupons::retrieve(context, id, params),
        ("POST", ["coupons", id]) => coupons::update(context, id, params),
        ("DELETE", ["coupons", id]) => coupons::delete(context, id, params),

        ("GET", ["promotion_codes"]) => promotion_codes::list(context, params),
        ("POST", ["promotion_codes"]) => promotion_codes::create(context, params),
        ("GET", ["promotion_codes", id]) => promotion_codes::retrieve(context, id, params),
        ("POST", ["promotion_codes", id]) => promotion_codes::update(context, id, params),

        ("GET", ["checkout", "sessions"]) => checkout_sessions::list(context, params),
        ("POST", ["checkout", "sessions"]) => checkout_sessions::create(context, params),
        ("GET", ["checkout", "sessions", id]) => checkout_sessions::retrieve(context, id, params),
        ("POST", ["checkout", "sessions", id]) => checkout_sessions::update(context, id, params),
        ("GET", ["checkout", "sessions", id, "line_items"]) => {
            checkout_sessions::line_items_of(context, id, params)
        }
        ("POST", ["checkout", "sessions", id, "expire"]) => {
            checkout_sessions::expire(context, id, params)
        }

        ("GET", ["payment_pages", id]) => checkout_sessions::retrieve(context, id, params),
        ("POST", ["payment_pages", id, "confirm"]) => payment_pages::confirm(context, id, params),

        ("POST", ["subscriptions"]) => subscriptions::create(context, params),
        ("POST", ["subscriptions", id, "resume"]) => subscriptions::resume(context, id, params),
        ("GET", ["subscriptions"]) => subscriptions::list(context, params),
        ("GET", ["subscriptions", id]) => subscriptions::retrieve(context, id, params),
        ("POST", ["subscriptions", id]) => subscriptions::update(context, id, params),
        ("DELETE", ["subscriptions", id]) => subscriptions::cancel(context, id, params),

        ("GET", ["webhook_endpoints"]) => webhook_endpoints::list(context, params),
        ("POST", ["webhook_endpoints"]) => webhook_endpoints::create(context, params),
        ("GET", ["webhook_endpoints", id]) => webhook_endpoints::retrieve(context, id, params),
        ("POST", ["webhook_endpoints", id]) => webhook_endpoints::update(context, id, params),
        ("DELETE", ["webhook_endpoints", id]) => webhook_endpoints::delete(context, id, params),

        ("GET", ["billing_portal", "configurations"]) => {
            portal_configurations::list(context, params)
        }
        ("POST", ["billing_portal", "configurations"]) => {
            portal_configurations::create(context, params)
        }
        ("GET", ["billing_portal", "configurations", id]) => {
            portal_configurations::retrieve(context, id, params)
        }
        ("POST", ["billing_portal", "configurations", id]) => {
            portal_configurations::update(context, id, params)
        }
        ("POST", ["billing_portal", "sessions"]) => portal_sessions::create(context, params),

        ("GET", ["events"]) => events::list(context, params),
        ("POST", ["events", id, "retry"]) => events::retry(context, id, params),
        ("GET", ["events", id]) => read_only::retrieve(context, Kind::Event, id, params),
        ("GET", ["subscription_items"]) => subscription_items::list(context, params),
        ("POST", ["subscription_items"]) => subscription_items::create(context, params),
        ("GET", ["subscription_items", id]) => subscription_items::retrieve(context, id, params),
        ("POST", ["subscription_items", id]) => subscription_items::update(context, id, params),
        ("DELETE", ["subscription_items", id]) => subscription_items::delete(context, id, params),

        ("GET", ["invoices"]) => read_only::invoices(context, params),
        ("POST", ["invoices"]) => invoices::create(context, params),
        ("POST", ["invoices", "create_preview"]) => invoices::preview(context, params),
        ("GET", ["invoices", id]) => read_only::retrieve(context, Kind::Invoice, id, params),
        ("POST", ["invoices", id]) => invoices::update(context, id, params),
        ("DELETE", ["invoices", id]) => invoices::delete(context, id, params),
        ("POST", ["invoices", id, "finalize"]) => invoices::finalize(context, id, params),
        ("POST", ["invoices", id, "pay"]) => invoices::pay(context, id, params),
        ("POST", ["invoices", id, "send"]) => invoices::send(context, id, params),
        ("POST", ["invoices", id, "void"]) => invoices::end(context, id, End::Void, params),
        ("POST", ["invoices", id, "mark_uncollectible"]) => {
            invoices::end(context, id, End::Uncollectible, params)
        }
        ("GET", ["invoices", id, "lines"]) => {
            let invoice = existing(context, Kind::Invoice, id)?.body;
            let lines = invoice["lines"]["data"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            read_only::nested(lines, path, params)
        }

        ("GET", ["invoiceitems"]) => invoice_items::list(context, params),
        ("POST", ["invoiceitems"]) => invoice_items::create(context, params),
        ("GET", ["invoiceitems", id]) => {
            read_only::retrieve(context, Kind::InvoiceItem, id, params)
        }
        ("POST", ["invoiceitems", id]) => invoice_items::update(context, id, params),
        ("DELETE", ["invoiceitems", id]) => invoice_items::delete(context, id, params),

        ("GET", ["test_helpers", "test_clocks"]) => test_clocks::list(context, params),
        ("POST", ["test_helpers", "test_clocks"]) => test_clocks::create(context, params),
        ("GET", ["test_helpers", "test_clocks", id]) => test_clocks::retrieve(context, id, params),
        ("DELETE", ["test_helpers", "test_clocks", id]) => test_clocks::delete(context, id, params),
        ("POST", ["test_helpers", "test_clocks", id, "advance"]) => {
            test_clocks::advance(context, id, params)
        }

        ("GET", ["invoice_payments"]) => read_only::invoice_payments(context, params),
        ("GET", ["invoice_payments", id]) => {
            read_only::retrieve(context, Kind::InvoicePayment, id, params)
        }
        ("GET", ["account"]) => account::retrieve(params),

        ("GET", ["payment_methods"]) => payment_methods::list(context, params),
        ("POST", ["payment_methods"]) => payment_methods::create(context, params),
        ("GET", ["payment_methods", id]) => {
            read_only::retrieve(context, Kind::PaymentMethod, id, params)
        }
        ("POST", ["payment_methods", id]) => payment_methods::update(context, id, params),
        ("POST", ["payment_methods", id, "attach"]) => payment_methods::attach(context, id, params),
        ("POST", ["payment_methods", id, "detach"]) => payment_methods::detach(context, id, params),
        ("GET", ["customers", id, "payment_methods"]) => {
            payment_methods::list_of(context, id, params)
        }
        ("GET", ["customers", customer, "payment_methods", id]) => {
            payment_methods::retrieve_of(context, customer, id, params)
        }

        ("GET", ["payment_intents"]) => payment_intents::list(context, params),
        ("POST", ["payment_intents"]) => payment_intents::create(context, params),
        ("GET", ["payment_intents", id]) => payment_intents::retrieve(context, id, params),
        ("POST", ["payment_intents", id]) => payment_intents::update(context, id, params),
        ("POST", ["payment_intents", id, "confirm"]) => {
            payment_intents::confirm(context, id, params)
        }
        ("POST", ["payment_intents", id, "capture"]) => {
            payment_intents::capture(context, id, params)
        }
        ("POST", ["payment_intents", id, "cancel"]) => payment_intents::cancel(context, id, params),

        ("GET", ["setup_intents"]) => setup_intents::list(context, params),
        ("POST", ["setup_intents"]) => setup_intents::create(context, params),
        ("GET", ["setup_intents", id]) => setup_intents::retrieve(context, id, params),
        ("POST", ["setup_intents", id]) => setup_intents::update(context, id, params),
        ("POST", ["setup_intents", id, "confirm"]) => setup_intents::confirm(context, id, params),
        ("POST", ["setup_intents", id, "cancel"]) => setup_intents::cancel(context, id, params),

        ("GET", ["charges"]) => charges::list(context, params),
        ("POST", ["charges"]) => charges::create(context, params),
        ("GET", ["charges", id]) => read_only::retrieve(context, Kind::Charge, id, params),
        ("POST", ["charges", id]) => charges::update(context, id, params),

        ("GET", ["refunds"]) => refunds::list(context, params),
        ("POST", ["refunds"]) => refunds::create(context, params),
        ("GET", ["refunds", id]) => read_only::retrieve(context, Kind::Refund, id, params),
        ("POST", ["refunds", id]) => refunds::update(context, id, params),
        ("POST", ["refunds", id, "cancel"]) => refunds::cancel(context, id, params),

        ("GET", ["disputes"]) => disputes::list(context, params),
        ("GET", ["disputes", id]) => read_only::retrieve(context, Kind::Dispute, id, params),
        ("POST", ["disputes", id]) => disputes::update(context, id, params),
        ("POST", ["disputes", id, "close"]) => disputes::close(context, id, params),

        (method, _) => Err(ApiError::unrecognized_url(method, path)),
    }
}
