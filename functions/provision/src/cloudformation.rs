//! What the custom resource is to CloudFormation.

use serde::Serialize;

/// The one thing of its kind in a stack.
pub(crate) const PHYSICAL_ID: &str = "provision";

/// What the template may ask for by `!GetAtt`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Made {
    pub webhook_endpoint: String,
    pub portal_configuration: String,
}
