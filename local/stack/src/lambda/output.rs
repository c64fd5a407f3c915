//! What instances write: each line goes to the log, and the last ones are kept for error messages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Takes the function's name and one line without its end.
pub type LogSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// A sink that drops every line.
#[must_use]
pub fn discard() -> LogSink {
    Arc::new(|_, _| {})
}

const KEPT_LINES: usize = 20;

/// The last lines of one instance.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The kept lines, joined by line ends.
    pub(super) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Reads `stream` line by line to its end.
pub(super) async fn forward(
    stream: impl AsyncRead + Unpin,
    function: String,
    tail: Tail,
    logs: LogSink,
) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    // Bytes and not `lines()`: a line that is not UTF-8 must not stop the reading, or the function blocks on a full pipe.
    while matches!(reader.read_until(b'\n', &mut line).await, Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        tail.push(text);
        logs(&function, text);
        line.clear();
    }
}
