//! What people see: the functions' logs, and messages of the stack itself.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use jiff::Zoned;
use serde_json::{Map, Value};

use crate::lambda::LogSink;

/// How to write to standard error and standard output.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    raw: bool,
    colour: bool,
}

/// Fields that say nothing that the line does not show already.
const HIDDEN: [&str; 6] = ["timestamp", "level", "message", "target", "span", "spans"];

impl Terminal {
    /// Tidy lines for a person, raw ones if asked for or if nobody watches. Colour obeys <https://no-color.org>.
    #[must_use]
    pub fn detect(raw: bool) -> Self {
        let watched = std::io::stderr().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            raw: raw || !watched,
            colour: watched && wanted,
        }
    }

    /// A sink that writes each line to standard error.
    #[must_use]
    pub fn log_sink(self) -> LogSink {
        Arc::new(move |function, line| {
            let Some(line) = self.line(function, line) else {
                return;
            };
            // Nothing can be done where standard error is closed.
            let _ = writeln!(std::io::stderr(), "{line}");
        })
    }

    /// Writes to standard output.
    pub fn say(self, text: &str) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// `text` in an SGR style such as `1` (bold), where there is colour.
    #[must_use]
    pub fn styled(self, style: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// `None` for what only a machine wants: CloudWatch's metrics.
    fn line(self, function: &str, line: &str) -> Option<String> {
        if self.raw {
            return Some(format!("[{function}] {line}"));
        }
        let time = self.styled("2", &Zoned::now().strftime("%H:%M:%S").to_string());
        let name = self.styled("36", &format!("{function:<23}"));
        Some(match serde_json::from_str(line) {
            Ok(Value::Object(record)) if record.contains_key("_aws") => return None,
            Ok(Value::Object(record)) => match self.request(&record) {
                Some(request) => format!("{time} {request}"),
                None => format!("{time} {name} {}", self.record(&record)),
            },
            _ => format!("{time} {name} {line}"),
        })
    }

    /// The line that our functions write for each request: route, status, time, and what there is to know of it.
    fn request(self, record: &Map<String, Value>) -> Option<String> {
        if record.get("message")? != "request" {
            return None;
        }
        let span = record.get("span")?;
        let route = span.get("route")?.as_str()?;
        let status = record.get("status")?.as_u64()?;
        let duration = record.get("duration_ms")?.as_u64()?;
        let style = match status {
            500.. => "1;31",
            400.. => "33",
            _ => "32",
        };
        let text =
            |from: &Value, key: &str| from.get(key).and_then(Value::as_str).map(str::to_owned);
        let record = &Value::Object(record.clone());
        let event = text(span, "stripe.event_type");
        let outcome = text(span, "outcome").or_else(|| text(record, "code"));
        let failed = status >= 500;
        let said = [
            event,
            outcome.map(|outcome| self.styled("1", &outcome)),
            text(record, "error"),
            text(span, "request_id").filter(|_| failed),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        let line = format!(
            "{} {} {} {}",
            self.styled("36", &format!("{route:<33}")),
            self.styled(style, &status.to_string()),
            self.styled("2", &format!("{duration:>5} ms")),
            said.join(" · ")
        );
        Some(line.trim_end().to_owned())
    }

    /// One record of `tracing-subscriber`'s JSON, flattened or not: level, message, then the fields of the spans and
    /// of the event.
    fn record(self, record: &Map<String, Value>) -> String {
        let empty = Map::new();
        let fields = record
            .get("fields")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let text = |key: &str| {
            fields
                .get(key)
                .or_else(|| record.get(key))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let level = text("level");
        // A request's id is for finding out what went wrong.
        let wanted = |key: &str| key != "request_id" || level == "ERROR" || level == "WARN";
        let mut line = format!("{} {}", self.level(level), text("message"));
        let span = record
            .get("span")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let span = span.iter().filter(|(key, _)| *key != "name");
        let own = record.iter().filter(|(key, value)| {
            !HIDDEN.contains(&key.as_str()) && *key != "fields" && !value.is_null()
        });
        let event = fields.iter().filter(|(key, _)| *key != "message");
        let all = span.chain(own).chain(event);
        for (key, value) in all.filter(|(key, _)| wanted(key)) {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            line.push_str(&format!(" {}{value}", self.styled("2", &format!("{key}="))));
        }
        line
    }

    fn level(self, level: &str) -> String {
        let style = match level {
            "ERROR" => "1;31",
            "WARN" => "33",
            "INFO" => "32",
            _ => "34",
        };
        self.styled(style, &format!("{level:<5}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Terminal;

    const TIDY: Terminal = Terminal {
        raw: false,
        colour: false,
    };

    /// What is shown of a line, without its time.
    fn check(line: &str, expected: &str) {
        let shown = TIDY.line("config", line).unwrap();
        assert_eq!(shown.split_once(' ').map(|(_, rest)| rest), Some(expected));
    }

    #[test]
    fn json_is_shown_as_level_message_and_fields() {
        check(
            r#"{"timestamp":"2026-11-23T04:50:18Z","level":"INFO","fields":{"message":"done","status":200},"target":"config","span":{"name":"request","route":"GET /api/config"},"spans":[]}"#,
            "config                  INFO  done route=GET /api/config status=200",
        );
        check(
            r#"{"level":"INFO","message":"done","span":{"request_id":"7"}}"#,
            "config                  INFO  done",
        );
        check(
            r#"{"level":"ERROR","message":"lost","span":{"request_id":"7"}}"#,
            "config                  ERROR lost request_id=7",
        );
        check(
            r#"{"level":"WARN","message":"slow","duration_ms":12}"#,
            "config                  WARN  slow duration_ms=12",
        );
    }

    #[test]
    fn a_request_is_shown_as_route_status_time_and_what_came_of_it() {
        check(
            r#"{"level":"INFO","message":"request","status":200,"duration_ms":62,"span":{"request_id":"7","route":"POST /api/webhook","stripe.event":"evt_1","stripe.event_type":"invoice.paid","outcome":"synced"}}"#,
            "POST /api/webhook                 200    62 ms invoice.paid · synced",
        );
        check(
            r#"{"level":"INFO","message":"request","status":200,"duration_ms":4,"span":{"request_id":"7","route":"GET /api/config"}}"#,
            "GET /api/config                   200     4 ms",
        );
        check(
            r#"{"level":"ERROR","message":"request","status":503,"code":"store_unavailable","duration_ms":1204,"error":"DynamoDB: GetItem failed","span":{"request_id":"7","route":"GET /api/subscription"}}"#,
            "GET /api/subscription             503  1204 ms store_unavailable · DynamoDB: GetItem failed · 7",
        );
    }

    #[test]
    fn other_lines_are_shown_as_they_are() {
        check(
            "thread 'main' panicked",
            "config                  thread 'main' panicked",
        );
        check("[1, 2]", "config                  [1, 2]");
    }

    #[test]
    fn raw_lines_are_untouched_but_for_the_name() {
        let raw = Terminal {
            raw: true,
            colour: true,
        };
        assert_eq!(
            raw.line("config", r#"{"level":"INFO"}"#).as_deref(),
            Some(r#"[config] {"level":"INFO"}"#)
        );
    }

    #[test]
    fn metrics_are_not_for_people() {
        assert_eq!(TIDY.line("webhook", r#"{"_aws":{},"Requests":1}"#), None);
    }
}
