//! CloudFront's part: `AWS::CloudFront::Distribution` and the headers of its `ResponseHeadersPolicy`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::guard::{Guard, PublicKey};

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
    /// What asks for signed cookies.
    pub guards: Vec<Guard>,
    /// What takes the place of an error, by its status.
    pub error_pages: BTreeMap<u16, ErrorPage>,
}

/// A file that takes the place of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPage {
    /// Its path.
    pub path: String,
    /// The status that it comes with.
    pub status: u16,
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
            guards: self.guards(id, behaviors)?,
            error_pages: self.error_pages(&config)?,
        })
    }

    /// The behaviors that trust key groups.
    fn guards(
        &self,
        distribution: &str,
        behaviors: Option<&Value>,
    ) -> Result<Vec<Guard>, TemplateError> {
        let mut guards = Vec::new();
        for behavior in behaviors.and_then(Value::as_array).into_iter().flatten() {
            let pattern = behavior.get("PathPattern").and_then(Value::as_str);
            let pattern = pattern.unwrap_or_default();
            let at = format!("Resources.{distribution}.{pattern}.TrustedKeyGroups");
            let Some(groups) = behavior.get("TrustedKeyGroups") else {
                continue;
            };
            let groups = self.value(&at, groups)?.unwrap_or_default();
            let mut keys = BTreeMap::new();
            for group in groups.as_array().into_iter().flatten() {
                keys.extend(self.group_keys(&scalar(&at, group)?)?);
            }
            guards.push(Guard::new(pattern, keys));
        }
        Ok(guards)
    }

    /// The public keys of a group, by their ids.
    fn group_keys(&self, group: &str) -> Result<BTreeMap<String, PublicKey>, TemplateError> {
        let items = self.get(&["Resources", group, "Properties", "KeyGroupConfig", "Items"])?;
        let items = items.unwrap_or_default();
        let items = items.as_array().cloned().unwrap_or_default();
        let mut keys = BTreeMap::new();
        for id in self.present("AWS::CloudFront::PublicKey")? {
            let at = format!("Resources.{id}.Properties.PublicKeyConfig.EncodedKey");
            let Some(name) = self.reference(&at, id)?.filter(|name| items.contains(name)) else {
                continue;
            };
            let path = [
                "Resources",
                id,
                "Properties",
                "PublicKeyConfig",
                "EncodedKey",
            ];
            let pem = scalar(&at, &self.get(&path)?.unwrap_or_default())?;
            let key = PublicKey::from_pem(&pem);
            let key = key.ok_or_else(|| TemplateError::part(&*at, "is no key on P-256 in PEM"))?;
            keys.insert(scalar(&at, &name)?, key);
        }
        Ok(keys)
    }

    fn error_pages(&self, config: &[&str]) -> Result<BTreeMap<u16, ErrorPage>, TemplateError> {
        let responses = self.get(&[config, &["CustomErrorResponses"]].concat())?;
        let responses = responses.unwrap_or_default();
        let pages = responses.as_array().into_iter().flatten().filter_map(|it| {
            let status = |name: &str| u16::try_from(it.get(name)?.as_u64()?).ok();
            let path = it.get("ResponsePagePath")?.as_str()?.to_owned();
            let page = ErrorPage {
                path,
                status: status("ResponseCode")?,
            };
            Some((status("ErrorCode")?, page))
        });
        Ok(pages.collect())
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
