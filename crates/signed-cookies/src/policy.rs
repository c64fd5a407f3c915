use billing::Timestamp;
use serde::Serialize;

/// A policy's one statement, its members in the order of CloudFront's own examples.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    resource: &'a str,
    condition: Condition,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    date_less_than: EpochTime,
}

#[derive(Serialize)]
struct EpochTime {
    #[serde(rename = "AWS:EpochTime")]
    at: Timestamp,
}

/// The policy without a blank, as it is signed.
pub(crate) fn policy(resource: &str, until: Timestamp) -> serde_json::Result<String> {
    let condition = Condition {
        date_less_than: EpochTime { at: until },
    };
    let statement = [Statement {
        resource,
        condition,
    }];
    serde_json::to_string(&Policy { statement })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_what_cloudfront_documents() {
        assert_eq!(
            policy("https://example.com/members/*", 1_700_000_600).unwrap(),
            r#"{"Statement":[{"Resource":"https://example.com/members/*","Condition":{"DateLessThan":{"AWS:EpochTime":1700000600}}}]}"#
        );
    }
}
