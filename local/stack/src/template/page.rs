//! CloudFront's part: `AWS::CloudFront::Distribution` and the headers of its `ResponseHeadersPolicy`.

use serde_json::Value;

use super::resolve::scalar;
use super::{Resolver, TemplateError};

/// What the distribution does to answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageSpec {
    /// The file that answers `/`.
    pub default_root_object: String,
    /// Added to static files.
    pub site_headers: Vec<(String, String)>,
    /// Added to the API's answers.
    pub api_headers: Vec<(String, String)>,
}

impl Resolver<'_> {
    /// The distribution; a template without one serves bare files.
    ///
    /// # Errors
    /// If a part of it cannot be resolved.
    pub fn page(&self) -> Result<PageSpec, TemplateError> {
        let Some(id) = self
            .present("AWS::CloudFront::Distribution")?
            .into_iter()
            .next()
        else {
            return Ok(PageSpec {
                default_root_object: "index.html".to_owned(),
                ..PageSpec::default()
            });
        };
        let config = ["Resources", id, "Properties", "DistributionConfig"];
        let root = self.get(&[&config[..], &["DefaultRootObject"]].concat())?;
        let site = self.get(
            &[
                &config[..],
                &["DefaultCacheBehavior", "ResponseHeadersPolicyId"],
            ]
            .concat(),
        )?;
        // Only these two keys: the origins' domains are the cloud's, and nobody here needs to know them.
        let behaviors = self
            .template
            .at(&[&config[..], &["CacheBehaviors"]].concat());
        let api = behaviors
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .find(|behavior| behavior.get("PathPattern").and_then(Value::as_str) == Some("/api/*"));
        let api = match api.and_then(|behavior| behavior.get("ResponseHeadersPolicyId")) {
            Some(policy) => self.value(
                &format!("Resources.{id}./api/*.ResponseHeadersPolicyId"),
                policy,
            )?,
            None => None,
        };
        Ok(PageSpec {
            default_root_object: root
                .and_then(|root| root.as_str().map(str::to_owned))
                .unwrap_or_default(),
            site_headers: self.policy_headers(site)?,
            api_headers: self.policy_headers(api)?,
        })
    }

    fn policy_headers(
        &self,
        policy: Option<Value>,
    ) -> Result<Vec<(String, String)>, TemplateError> {
        let Some(id) = policy.as_ref().and_then(Value::as_str) else {
            return Ok(Vec::new());
        };
        if !self
            .present("AWS::CloudFront::ResponseHeadersPolicy")?
            .contains(&id)
        {
            // One of AWS's own policies.
            return Err(TemplateError::part(
                format!("Resources.{id}"),
                "is not a response headers policy of this template",
            ));
        }
        let config = self.get(&["Resources", id, "Properties", "ResponseHeadersPolicyConfig"]);
        let config = config?.unwrap_or_default();
        let at = format!("Resources.{id}.Properties.ResponseHeadersPolicyConfig");
        let mut headers = Vec::new();
        if let Some(security) = config
            .get("SecurityHeadersConfig")
            .and_then(Value::as_object)
        {
            for (name, settings) in security {
                let at = format!("{at}.SecurityHeadersConfig.{name}");
                headers.extend(security_header(&at, name, settings)?);
            }
        }
        let custom = config
            .get("CustomHeadersConfig")
            .and_then(|custom| custom.get("Items"));
        for item in custom.and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| scalar(&at, item.get(key).unwrap_or(&Value::Null));
            headers.push((text("Header")?.to_lowercase(), text("Value")?));
        }
        Ok(headers)
    }
}

fn security_header(
    at: &str,
    name: &str,
    settings: &Value,
) -> Result<Option<(String, String)>, TemplateError> {
    let text = |key: &str| {
        scalar(
            &format!("{at}.{key}"),
            settings.get(key).unwrap_or(&Value::Null),
        )
    };
    let (header, value) = match name {
        "ContentSecurityPolicy" => ("content-security-policy", text("ContentSecurityPolicy")?),
        "ContentTypeOptions" => ("x-content-type-options", "nosniff".to_owned()),
        "FrameOptions" => ("x-frame-options", text("FrameOption")?),
        "ReferrerPolicy" => ("referrer-policy", text("ReferrerPolicy")?),
        // Not over plain http: RFC 6797, section 7.2.
        "StrictTransportSecurity" => return Ok(None),
        _ => return Err(TemplateError::part(at, "is not known here")),
    };
    Ok(Some((header.to_owned(), value)))
}
