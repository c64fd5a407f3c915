use std::str::FromStr;

use crate::access::Grant;
use crate::{Feature, InvalidId, PlanKey};

/// What one must have bought to get somewhere: any plan of ours, or one of these plans and features.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirement {
    any_of: Vec<Wanted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Plan(PlanKey),
    Feature(Feature),
}

/// Why a text asks for nothing that can be bought.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequirement {
    /// What comes before the colon is not known.
    #[error("{0:?} is neither plan:… nor feature:…")]
    Kind(String),
    /// What comes after it is no name.
    #[error("{text:?}: {source}")]
    Name {
        /// The whole text.
        text: String,
        /// What is wrong with it.
        source: InvalidId,
    },
}

impl Requirement {
    /// Reads texts like `plan:pro-monthly` (a price's `lookup_key`) and `feature:reports`, of which any suffices; none at all asks for any plan of ours.
    ///
    /// # Errors
    /// [`InvalidRequirement`]
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, InvalidRequirement> {
        let wanted = texts.iter().map(|text| text.as_ref().parse());
        Ok(Self {
            any_of: wanted.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn is_met_by(&self, grant: &Grant<'_>) -> bool {
        let meets = |wanted: &Wanted| match wanted {
            Wanted::Plan(key) => grant.plan == Some(key),
            Wanted::Feature(feature) => grant.features.contains(feature),
        };
        self.any_of.is_empty() || self.any_of.iter().any(meets)
    }
}

impl FromStr for Wanted {
    type Err = InvalidRequirement;

    fn from_str(text: &str) -> Result<Self, InvalidRequirement> {
        let wanted = match text.split_once(':') {
            Some(("plan", key)) => PlanKey::parse(key).map(Self::Plan),
            Some(("feature", name)) => Feature::parse(name).map(Self::Feature),
            _ => return Err(InvalidRequirement::Kind(text.to_owned())),
        };
        wanted.map_err(|source| InvalidRequirement::Name {
            text: text.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    #[test]
    fn any_one_of_what_is_asked_for_suffices() {
        let plan = PlanKey::parse("pro-monthly").unwrap();
        let features = ["api", "reports"].map(|name| Feature::parse(name).unwrap());
        let check = |texts: &[&str], expected: bool| {
            let requirement = Requirement::parse(texts).unwrap();
            let grant = Grant {
                until: 0,
                line: Line::Paid,
                plan: Some(&plan),
                features: &features,
            };
            assert_eq!(requirement.is_met_by(&grant), expected, "{texts:?}");
        };
        check(&[], true);
        check(&["plan:pro-monthly"], true);
        check(&["plan:pro-yearly"], false);
        check(&["plan:pro"], false);
        check(&["feature:reports"], true);
        check(&["feature:report"], false);
        check(&["plan:reports", "feature:pro-monthly"], false);
        check(&["plan:pro-yearly", "feature:api"], true);
    }

    #[test]
    fn an_old_price_is_no_plan_but_has_its_features() {
        let features = [Feature::parse("api").unwrap()];
        let grant = Grant {
            until: 0,
            line: Line::Paid,
            plan: None,
            features: &features,
        };
        let is_met = |text: &str| Requirement::parse(&[text]).unwrap().is_met_by(&grant);
        assert!(is_met("feature:api"));
        assert!(!is_met("plan:pro-monthly"));
    }

    #[test]
    fn what_cannot_be_bought_is_refused_by_name() {
        let refusal = |text: &str| Requirement::parse(&[text]).unwrap_err().to_string();
        assert_eq!(
            refusal("reports"),
            "\"reports\" is neither plan:… nor feature:…"
        );
        assert_eq!(
            refusal("Plan:a"),
            "\"Plan:a\" is neither plan:… nor feature:…"
        );
        assert_eq!(refusal("plan:"), "\"plan:\": not a valid plan key");
        assert_eq!(
            refusal("feature:a b"),
            "\"feature:a b\": not a valid feature name"
        );
    }
}
