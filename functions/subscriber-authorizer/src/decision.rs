//! Whether somebody gets in, and why.

use access_token::Refusal;
use billing::{Line, PlanKey, Policy, Reason, Requirement, Snapshot, Timestamp, UserId, access};
use serde::Serialize;
use store::UserRecord;
use tracing::Span;

/// What API Gateway is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    is_authorized: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
}

/// What the function behind the gate is told, in `requestContext.authorizer.lambda`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Context {
    /// Who is calling.
    pub user_id: UserId,
    /// Why they get in.
    pub reason: Reason,
    /// The line of the policy that lets them in.
    pub line: Line,
    /// Until when they may, if nothing more is heard from Stripe.
    pub until: Timestamp,
    /// The plan that opens the route; an old price that has lost its `lookup_key` is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanKey>,
    /// When their token expires.
    pub token_expires: Timestamp,
}

/// What was decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// They get in.
    Granted(Context),
    /// The token is not good.
    Refused(Refusal),
    /// Their account is being deleted, or is.
    Deleted,
    /// They have nothing that gives access.
    NoAccess(Line),
    /// What they have does not open this route.
    NotInPlan(Line),
}

/// Decides from what is stored of somebody.
pub(crate) fn decide(
    user_id: UserId,
    token_expires: Timestamp,
    record: &UserRecord,
    requirement: &Requirement,
    policy: Policy,
    now: Timestamp,
) -> Decision {
    if record.deleting.is_some() {
        return Decision::Deleted;
    }
    let nothing = Snapshot::default();
    let snapshot = record.snapshot.as_ref().unwrap_or(&nothing);
    let access = access(snapshot, &record.charges, policy, now);
    match access.grant_for(requirement) {
        Some(grant) => Decision::Granted(Context {
            user_id,
            reason: grant.line.reason(),
            line: grant.line,
            until: grant.until,
            plan: grant.plan.cloned(),
            token_expires,
        }),
        None if access.granted => Decision::NotInPlan(access.line),
        None => Decision::NoAccess(access.line),
    }
}

impl Decision {
    /// The metric's outcome: one of few, as each is a metric of its own.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Granted(_) => "ok",
            Self::Refused(_) => "invalid_token",
            Self::Deleted => "account_deleted",
            Self::NoAccess(line) => line.reason().as_str(),
            Self::NotInPlan(_) => "not_in_plan",
        }
    }

    /// Says in the log what the outcome does not.
    pub(crate) fn note(&self) {
        let span = Span::current();
        match self {
            Self::Granted(Context { line, .. }) => {
                tracing::record_all!(span, reason = line.reason().as_str(), line = line.as_str());
            }
            Self::Refused(refusal) => {
                span.record("reason", refusal.as_str());
            }
            Self::Deleted => {}
            Self::NoAccess(line) | Self::NotInPlan(line) => {
                span.record("line", line.as_str());
            }
        }
    }
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        let context = match decision {
            Decision::Granted(context) => Some(context),
            Decision::Refused(_)
            | Decision::Deleted
            | Decision::NoAccess(_)
            | Decision::NotInPlan(_) => None,
        };
        Self {
            is_authorized: context.is_some(),
            context,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = 1_700_000_000;
    const DAY: i64 = 86_400;
    const POLICY: Policy = Policy {
        slack: DAY,
        grace: 7 * DAY,
    };

    /// Somebody with a subscription to `pro-monthly`, which has the feature `reports`.
    fn record(status: &str) -> UserRecord {
        let snapshot = json!({
            "products": [{ "id": "prod_1", "name": "Pro", "description": "", "feature_names": ["reports"] }],
            "subscriptions": [{
                "id": "sub_1", "status": status, "cancel_at_period_end": false, "has_payment_method": true,
                "items": [{
                    "price": {
                        "id": "price_1", "product": "prod_1", "plan": "pro-monthly", "amount": 2900, "currency": "usd",
                        "interval": "month", "interval_count": 1
                    },
                    "quantity": 1, "period_start": NOW - DAY, "period_end": NOW + 29 * DAY
                }],
                "latest_invoice": { "status": "paid", "created": NOW - DAY }
            }]
        });
        UserRecord {
            snapshot: serde_json::from_value(snapshot).unwrap(),
            ..UserRecord::default()
        }
    }

    fn decided(record: &UserRecord, needs: &[&str], now: Timestamp) -> (&'static str, Value) {
        let user = UserId::parse("user-1").unwrap();
        let requirement = Requirement::parse(needs).unwrap();
        let decision = decide(user, NOW + 3_600, record, &requirement, POLICY, now);
        let outcome = decision.outcome();
        (
            outcome,
            serde_json::to_value(Answer::from(decision)).unwrap(),
        )
    }

    #[test]
    fn who_has_what_the_route_needs_gets_in_and_the_function_behind_it_hears_why() {
        let expected = json!({
            "isAuthorized": true,
            "context": {
                "user_id": "user-1", "reason": "active", "line": "paid", "until": NOW + 30 * DAY, "plan": "pro-monthly",
                "token_expires": NOW + 3_600
            }
        });
        for needs in [
            &[][..],
            &["plan:pro-monthly"],
            &["feature:reports"],
            &["plan:starter-monthly", "feature:reports"],
        ] {
            let told = decided(&record("active"), needs, NOW);
            assert_eq!(told, ("ok", expected.clone()), "{needs:?}");
        }
    }

    #[test]
    fn who_has_not_does_not_and_nothing_is_told() {
        let no = |outcome| (outcome, json!({ "isAuthorized": false }));
        let paying = record("active");
        assert_eq!(
            decided(&paying, &["plan:pro-yearly"], NOW),
            no("not_in_plan")
        );
        assert_eq!(
            decided(&paying, &["feature:export"], NOW),
            no("not_in_plan")
        );
        // At `until`, and not a second later.
        assert_eq!(decided(&paying, &[], NOW + 30 * DAY - 1).0, "ok");
        assert_eq!(decided(&paying, &[], NOW + 30 * DAY), no("lapsed"));
        for (status, outcome) in [
            ("unpaid", "unpaid"),
            ("canceled", "canceled"),
            ("paused", "paused"),
            ("status_of_2030", "not_in_catalogue"),
        ] {
            assert_eq!(decided(&record(status), &[], NOW), no(outcome), "{status}");
        }
        let nobody = UserRecord::default();
        assert_eq!(decided(&nobody, &[], NOW), no("no_subscription"));
    }

    #[test]
    fn who_deletes_their_account_is_out_at_once_whatever_they_have_paid_for() {
        let no = ("account_deleted", json!({ "isAuthorized": false }));
        let deleting = UserRecord {
            deleting: Some(NOW),
            ..record("active")
        };
        assert_eq!(decided(&deleting, &[], NOW), no);
        let deleted = UserRecord {
            deleted_at: Some(NOW),
            ..deleting
        };
        assert_eq!(decided(&deleted, &[], NOW), no);
    }
}
