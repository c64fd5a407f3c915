use payments::{Listing, StripeError};

/// The next page of a list. A list that was left at an object which is gone by now begins anew.
pub(crate) async fn page<T, F>(
    after: Option<&str>,
    list: impl Fn(Option<String>) -> F,
) -> Result<Listing<T>, StripeError>
where
    F: Future<Output = Result<Listing<T>, StripeError>>,
{
    match list(after.map(str::to_owned)).await {
        Err(error) if after.is_some() && error.is_missing_param("starting_after") => {
            list(None).await
        }
        listing => listing,
    }
}
