//! What is wrong with a value, in few words, equal for equal mistakes.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where in the value, with `*` for any index: `data.*.id`.
    pub location: String,
    pub message: String,
    /// What is there.
    pub value: String,
}

/// Takes an error of the schema apart.
pub fn mistakes(error: &ValidationError<'_>) -> Vec<Mistake> {
    let mistake = |message: String| Mistake {
        location: location(error),
        message,
        value: short(&error.instance().to_string()),
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| mistake(format!("`{name}` is unknown to the spec")))
            .collect(),
        ValidationErrorKind::AnyOf { context } => match closest(error, context) {
            Some(errors) => errors.iter().flat_map(mistakes).collect(),
            None => vec![mistake("it is none of what it may be".to_owned())],
        },
        _ => vec![mistake(error.masked_with("it").to_string())],
    }
}

/// The choice that the value was meant to be: one of the same kind, with the fewest mistakes.
fn closest<'a>(
    error: &ValidationError<'_>,
    choices: &'a [Vec<ValidationError<'static>>],
) -> Option<&'a Vec<ValidationError<'static>>> {
    let of_another_kind = |inner: &ValidationError<'_>| {
        inner.instance_path() == error.instance_path()
            && matches!(inner.kind(), ValidationErrorKind::Type { .. })
    };
    let choices = choices
        .iter()
        .filter(|errors| !errors.iter().any(of_another_kind));
    choices.min_by_key(|errors| errors.iter().map(weight).sum::<usize>())
}

fn weight(error: &ValidationError<'_>) -> usize {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected.len(),
        _ => 1,
    }
}

fn location(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let segments = path.split('/').skip(1).map(|segment| {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            "*"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join(".")
}

/// Values are there to be recognised, not to be read.
pub fn short(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
