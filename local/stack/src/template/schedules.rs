//! `AWS::Scheduler::Schedule`.

use std::time::Duration;

use serde_json::Value;

use super::resolve::scalar;
use super::{Resolver, TemplateError};

/// A function that is invoked at intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleSpec {
    /// The logical id.
    pub id: String,
    /// The logical id of the function.
    pub function: String,
    /// How often.
    pub every: Duration,
    /// What it is invoked with.
    pub input: Value,
}

impl Resolver<'_> {
    /// All schedules, in order of their logical ids.
    ///
    /// # Errors
    /// If a part of one cannot be resolved, it has no `rate(…)`, or its target is none of the functions here.
    pub fn schedules(&self) -> Result<Vec<ScheduleSpec>, TemplateError> {
        self.present("AWS::Scheduler::Schedule")?
            .into_iter()
            .map(|id| self.schedule(id))
            .collect()
    }

    fn schedule(&self, id: &str) -> Result<ScheduleSpec, TemplateError> {
        let text = |path: &[&str]| -> Result<(String, String), TemplateError> {
            let path = [&["Resources", id, "Properties"], path].concat();
            let at = path.join(".");
            let value = self.get(&path)?.unwrap_or_default();
            Ok((scalar(&at, &value)?, at))
        };
        let (expression, at) = text(&["ScheduleExpression"])?;
        let every = rate(&expression).ok_or_else(|| {
            TemplateError::part(
                at,
                format!("{expression} is not understood; the local stack knows rate(1 hour) and the like"),
            )
        })?;
        let (arn, at) = text(&["Target", "Arn"])?;
        let function = self.function_of(&arn)?.ok_or_else(|| {
            TemplateError::part(at, format!("{arn} is none of the functions here"))
        })?;
        let (input, at) = text(&["Target", "Input"])?;
        let input = serde_json::from_str(&input)
            .map_err(|_| TemplateError::part(at, "must be JSON in a text"))?;
        Ok(ScheduleSpec {
            id: id.to_owned(),
            function: function.to_owned(),
            every,
            input,
        })
    }
}

/// `rate(5 minutes)`, as EventBridge Scheduler has it:
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based>.
fn rate(expression: &str) -> Option<Duration> {
    let (number, unit) = expression
        .strip_prefix("rate(")?
        .strip_suffix(')')?
        .split_once(' ')?;
    let minutes = match unit {
        "minute" | "minutes" => 1,
        "hour" | "hours" => 60,
        "day" | "days" => 24 * 60,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    Some(Duration::from_secs(number.checked_mul(minutes * 60)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::template::{Scope, Template};

    #[test]
    fn a_rate_is_a_number_of_minutes_hours_or_days() {
        for (expression, seconds) in [
            ("rate(1 minute)", Some(60)),
            ("rate(2 hours)", Some(7_200)),
            ("rate(1 day)", Some(86_400)),
            ("rate(0 hours)", None),
            ("rate(1 week)", None),
            ("cron(0 3 * * ? *)", None),
        ] {
            assert_eq!(
                rate(expression),
                seconds.map(Duration::from_secs),
                "{expression}"
            );
        }
    }

    #[test]
    fn a_schedule_names_its_function_and_what_it_says() {
        let template = Template::parse(
            "
Resources:
  Tidy: {Type: AWS::Serverless::Function, Properties: {}}
  Hourly:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 hour)
      Target: {Arn: !GetAtt Tidy.Arn, RoleArn: !GetAtt Unknown.Arn, Input: '{\"job\":\"tidy\"}'}
",
        )
        .unwrap();
        let scope = Scope {
            attributes: BTreeMap::from([("Tidy.Arn".to_owned(), "arn:tidy".to_owned())]),
            ..Scope::default()
        };
        let expected = ScheduleSpec {
            id: "Hourly".to_owned(),
            function: "Tidy".to_owned(),
            every: Duration::from_secs(3_600),
            input: json!({ "job": "tidy" }),
        };
        assert_eq!(template.resolve(&scope).schedules().unwrap(), [expected]);
    }
}
