//! `GET /api/invoices`: what the user has paid and owes, with Stripe's pages of it.

use billing::{InvoiceId, InvoiceStatus, Timestamp};
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use lambda_http::RequestExt;
use lambda_http::http::StatusCode;
use payments::HostedInvoice;
use serde::Serialize;
use sync::Syncer;

/// How many are given at once.
const MOST: usize = 12;

/// The function and its connections.
#[derive(Debug)]
pub struct Invoices {
    syncer: Syncer,
}

#[derive(Serialize)]
struct InvoicesView {
    invoices: Vec<InvoiceView>,
    more: bool,
}

#[derive(Serialize)]
struct InvoiceView {
    id: InvoiceId,
    number: Option<String>,
    created: Timestamp,
    status: InvoiceStatus,
    total: i64,
    amount_due: i64,
    currency: String,
    url: Option<String>,
    pdf: Option<String>,
}

impl HttpFunction for Invoices {
    async fn start(env: &Env) -> Result<Self, StartError> {
        let connections = Connections::from_env(env)?;
        let syncer = connections.syncer_with_key(env).await?;
        Ok(Self { syncer })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let user = http_api::caller(&request)?;
        let after = asked(&request)?;
        let record = http_api::record_of(self.syncer.table(), &user).await?;
        let Some(customer) = &record.customer else {
            return respond(Vec::new(), false);
        };
        let stripe = self.syncer.stripe();
        match stripe.invoices(customer, after.as_ref(), MOST).await {
            Ok((invoices, more)) => respond(invoices, more),
            Err(error) if error.is_missing_param("starting_after") => Err(unknown_invoice()),
            // Deleted, and we have not heard of it yet.
            Err(error) if error.is_missing_param("customer") => respond(Vec::new(), false),
            Err(error) => Err(error.into()),
        }
    }
}

fn asked(request: &Request) -> Result<Option<InvoiceId>, Problem> {
    let query = request.query_string_parameters();
    let after = query.first("after");
    after
        .map(|id| InvoiceId::parse(id).map_err(|_| unknown_invoice()))
        .transpose()
}

fn respond(invoices: Vec<HostedInvoice>, more: bool) -> Result<Response, Problem> {
    http_api::json(&InvoicesView {
        invoices: invoices.into_iter().map(view).collect(),
        more,
    })
}

fn view(invoice: HostedInvoice) -> InvoiceView {
    let is_owed = matches!(
        invoice.status,
        InvoiceStatus::Open | InvoiceStatus::Uncollectible
    );
    InvoiceView {
        id: invoice.id,
        number: invoice.number,
        created: invoice.created,
        status: invoice.status,
        total: invoice.total,
        amount_due: if is_owed { invoice.amount_remaining } else { 0 },
        currency: invoice.currency,
        url: invoice.url,
        pdf: invoice.pdf,
    }
}

fn unknown_invoice() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "`after` must be the id of an invoice of yours.",
    )
}
