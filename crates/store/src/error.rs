use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

/// Why the table gave no result.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB cannot be reached, is too slow, limits our rate, or refuses the request.
    #[error("DynamoDB: {operation} failed ({code})")]
    Unavailable {
        /// What was asked for.
        operation: &'static str,
        /// DynamoDB's error code, or what kind of failure it was.
        code: String,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A request that lacks something: a mistake in this code.
    #[error("DynamoDB: the request is incomplete")]
    Incomplete(#[from] BuildError),
    /// Another writer is at the same items: ask again.
    #[error("DynamoDB: the items are being written by another request")]
    Busy,
    /// An item that this code did not write, or no longer understands.
    #[error("the item's `{attribute}` is not understood")]
    Malformed {
        /// Which attribute.
        attribute: &'static str,
        /// What is wrong with it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl StoreError {
    pub(crate) fn unavailable<E, R>(operation: &'static str, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        Self::Unavailable {
            operation,
            code: aws::error_code(&error).to_owned(),
            source: Box::new(error),
        }
    }

    pub(crate) fn malformed(attribute: &'static str) -> Self {
        Self::Malformed {
            attribute,
            source: None,
        }
    }
}

pub(crate) fn is_condition_failure<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

pub(crate) fn is_transaction_conflict<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(UpdateItemError::is_transaction_conflict_exception)
}

/// `false` where a condition did not hold, or another transaction is at the same items just now: read again and decide anew.
pub(crate) fn if_conditions_held<T, R>(
    operation: &'static str,
    result: Result<T, SdkError<TransactWriteItemsError, R>>,
) -> Result<bool, StoreError>
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match result {
        Ok(_) => Ok(true),
        Err(SdkError::ServiceError(service)) if was_overtaken(service.err()) => Ok(false),
        Err(error) => Err(StoreError::unavailable(operation, error)),
    }
}

fn was_overtaken(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else {
        return false;
    };
    canceled
        .cancellation_reasons()
        .iter()
        .filter_map(|reason| reason.code())
        .any(|code| code == "ConditionalCheckFailed" || code == "TransactionConflict")
}
