use std::collections::HashMap;
use std::ops::RangeInclusive;

use billing::{App, CustomerId, Mode, Timestamp, UserId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use stripe_billing::invoice::ListInvoice;
use stripe_billing::subscription::{ListSubscription, ListSubscriptionStatus};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::customer::{
    CreateCustomer, DeleteCustomer, ListCustomer, ListPaymentMethodsCustomer, RetrieveCustomer,
    UpdateCustomer,
};
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use crate::list::List as _;
use crate::object::{APP, MAX_PAGES, MODE, Page, Reference, USER_ID};
use crate::{IdempotencyKey, Listing, Reply, Stripe, StripeError};

/// Whose customer it is: what we write into the metadata of everything we make. A mapping of a user to a customer comes from nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Our application, among others that may share the account.
    pub app: App,
    /// The mode, so that an object copied from test to live mode names nobody.
    pub mode: Mode,
    /// The user.
    pub user: UserId,
}

impl Owner {
    pub(crate) fn to_metadata(&self) -> HashMap<String, String> {
        HashMap::from([
            (APP.to_owned(), self.app.to_string()),
            (MODE.to_owned(), self.mode.to_string()),
            (USER_ID.to_owned(), self.user.to_string()),
        ])
    }
}

/// A Stripe customer, as far as we use it.
#[derive(Debug, Clone, Deserialize)]
pub struct Customer {
    /// Stripe's id.
    pub id: CustomerId,
    /// A deleted customer keeps its id and nothing else.
    #[serde(default)]
    pub deleted: bool,
    /// What they pay in, lower-case ISO 4217, once they had a subscription or an invoice.
    pub currency: Option<String>,
    /// Where Stripe writes to them: ours, or one that they gave on Checkout or in the portal.
    pub email: Option<String>,
    #[serde(default)]
    metadata: HashMap<String, serde_json::Value>,
    invoice_settings: Option<InvoiceSettings>,
}

#[derive(Debug, Clone, Deserialize)]
struct InvoiceSettings {
    default_payment_method: Option<Reference>,
}

impl Customer {
    /// The payment method that they have chosen for all invoices.
    pub(crate) fn chosen_payment_method(self) -> Option<String> {
        let chosen = self.invoice_settings?.default_payment_method?;
        Some(chosen.into_id())
    }

    /// The user that we made it for; `None` for a deleted customer, another application's, or another mode's.
    #[must_use]
    pub fn owner(&self, app: &App, mode: Mode) -> Option<UserId> {
        let text = |key: &str| self.metadata.get(key)?.as_str();
        let ours =
            !self.deleted && text(APP) == Some(app.as_str()) && text(MODE) == Some(mode.as_str());
        ours.then(|| UserId::parse(text(USER_ID)?).ok()).flatten()
    }
}

impl Stripe {
    /// The parameters of [`Stripe::create_customer`], form-encoded: made once, stored, and sent the same each time.
    #[must_use]
    pub fn customer_parameters(owner: &Owner, email: Option<&str>) -> String {
        let mut request = CreateCustomer::new().metadata(owner.to_metadata());
        if let Some(email) = email {
            request = request.email(email);
        }
        request.build().body.unwrap_or_default()
    }

    /// Creates a customer, once for each key. See <https://docs.stripe.com/api/customers/create>.
    ///
    /// # Errors
    /// [`StripeError`]; what happened is known only after asking again under the same key.
    pub async fn create_customer(
        &self,
        parameters: &str,
        key: &IdempotencyKey,
    ) -> Result<Reply<Customer>, StripeError> {
        let mut request = RequestBuilder::new(StripeMethod::Post, "/customers");
        request.body = Some(parameters.to_owned());
        self.send_once(request, key).await
    }

    /// Reads a customer. See <https://docs.stripe.com/api/customers/retrieve>.
    ///
    /// # Errors
    /// [`StripeError`]; [`StripeError::is_not_found`] where there never was one.
    pub async fn customer(&self, id: &CustomerId) -> Result<Customer, StripeError> {
        self.send(RetrieveCustomer::new(id.as_str()).build()).await
    }

    /// Gives a customer another email. See <https://docs.stripe.com/api/customers/update>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn set_customer_email(
        &self,
        id: &CustomerId,
        email: &str,
        key: &IdempotencyKey,
    ) -> Result<(), StripeError> {
        let request = UpdateCustomer::new(id.as_str()).email(email).build();
        let _: Reply<IgnoredAny> = self.send_once(request, key).await?;
        Ok(())
    }

    /// Deletes a customer with their payment methods; what is left of their subscriptions ends at once. It cannot be undone. Nothing happens
    /// where they are deleted already. See <https://docs.stripe.com/api/customers/delete>.
    ///
    /// # Errors
    /// [`StripeError`], also where there never was one.
    pub async fn delete_customer(&self, id: &CustomerId) -> Result<(), StripeError> {
        let request = DeleteCustomer::new(id.as_str()).build();
        let deleted: Result<IgnoredAny, _> = self.send(request).await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => match self.customer(id).await?.deleted {
                true => Ok(()),
                false => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Finds a customer that we made for this user within a time. By listing, not by Stripe's search: search lags behind by up to a
    /// minute, and some countries do not have it. See <https://docs.stripe.com/api/customers/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn find_customer(
        &self,
        owner: &Owner,
        created: RangeInclusive<Timestamp>,
    ) -> Result<Option<Customer>, StripeError> {
        let list = ListCustomer::new().created(RangeQueryTs::Bounds(RangeBoundsTs {
            gte: Some(*created.start()),
            lte: Some(*created.end()),
            ..RangeBoundsTs::default()
        }));
        let mut last: Option<CustomerId> = None;
        for _ in 0..MAX_PAGES {
            let after = last.as_ref().map(CustomerId::as_str);
            let page: Page<Customer> = self.send(list.page(100, after)).await?;
            last = page.data.last().map(|customer| customer.id.clone());
            let found = page.data.into_iter().find(|customer| {
                customer.owner(&owner.app, owner.mode).as_ref() == Some(&owner.user)
            });
            if found.is_some() || !page.has_more || last.is_none() {
                return Ok(found);
            }
        }
        Err(StripeError::EndlessList("customers"))
    }

    /// A page of all the account's customers. Stripe leaves out the deleted ones, and those on test clocks.
    /// See <https://docs.stripe.com/api/customers/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn customers_of_account(
        &self,
        after: Option<&str>,
    ) -> Result<Listing<Customer>, StripeError> {
        let read = |object| serde_json::from_value(object).ok();
        self.listing(ListCustomer::new(), after, read).await
    }

    /// Whether a customer never had a subscription or an invoice and has nothing to pay with. Three calls at most.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn is_unused(&self, id: &CustomerId) -> Result<bool, StripeError> {
        let id = id.as_str();
        let subscriptions = ListSubscription::new()
            .customer(id)
            .status(ListSubscriptionStatus::All)
            .limit(1);
        for list in [
            subscriptions.build(),
            ListInvoice::new().customer(id).limit(1).build(),
            ListPaymentMethodsCustomer::new(id).limit(1).build(),
        ] {
            let page: Page<IgnoredAny> = self.send(list).await?;
            if !page.data.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(customer: &str, expected: Option<&str>) {
        let customer: Customer = serde_json::from_str(customer).unwrap();
        let owner = customer.owner(&App::parse("tollgate").unwrap(), Mode::Test);
        assert_eq!(owner.as_ref().map(UserId::as_str), expected);
    }

    #[test]
    fn an_email_is_sent_as_it_is() {
        let owner = Owner {
            app: App::parse("tollgate").unwrap(),
            mode: Mode::Test,
            user: UserId::parse("u1").unwrap(),
        };
        let parameters = Stripe::customer_parameters(&owner, Some("jo+a&b=c@example.com"));
        assert!(
            parameters.starts_with("email=jo%2Ba%26b%3Dc@example.com&metadata["),
            "{parameters}"
        );
    }

    #[test]
    fn only_metadata_that_we_wrote_names_a_user() {
        check(
            r#"{"id":"cus_1","metadata":{"app":"tollgate","mode":"test","user_id":"u1"}}"#,
            Some("u1"),
        );
        check(
            r#"{"id":"cus_1","metadata":{"app":"other","mode":"test","user_id":"u1"}}"#,
            None,
        );
        check(
            r#"{"id":"cus_1","metadata":{"app":"tollgate","mode":"live","user_id":"u1"}}"#,
            None,
        );
        check(
            r#"{"id":"cus_1","metadata":{"app":"tollgate","mode":"test","user_id":"a#b"}}"#,
            None,
        );
        check(
            r#"{"id":"cus_1","metadata":{"app":7,"mode":"test","user_id":"u1"}}"#,
            None,
        );
        check(r#"{"id":"cus_1","metadata":{}}"#, None);
        check(r#"{"id":"cus_1","object":"customer","deleted":true}"#, None);
    }
}
