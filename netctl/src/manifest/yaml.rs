//! YAML, as kube-apiserver and kubectl read it.
//!
//! They read YAML 1.1 numbers: `010` is eight and `1_000` a thousand. Of its booleans only `true` and
//! `false` are taken here: `no` and `on` are text. (There they are booleans, and no field of a policy is
//! one, so that an object that is taken there says the same here.)

use super::{
    Document,
    error::{Place, Wrong},
};
use serde_json::{Number, Value};
use serde_saphyr::{Options, Spanned, UserMessageFormatter, options::DuplicateKeyPolicy};

/// What aliases may add, in nodes: a policy needs none.
const MAX_REPLAYED: usize = 100_000;
/// Text in all, with what aliases add.
const MAX_TEXT: usize = 32 * 1024 * 1024;
/// Nodes of a file: one that is full of prefixes has so many.
const MAX_NODES: usize = 2_000_000;
/// Past this a float has no exact integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn documents(text: &str) -> Result<Vec<Document>, Wrong> {
    let place = |line: Option<u64>| {
        let line = line.and_then(|line| usize::try_from(line).ok());
        Place {
            document: number(text, line.unwrap_or(1)),
            line: line.filter(|line| *line > 0),
        }
    };
    let read = serde_saphyr::from_multiple_with_options::<Spanned<Value>>(text, options());
    let read = read.map_err(|error| {
        let line = error.location().map(|location| location.line());
        Wrong::at(place(line), said(&error))
    })?;
    Ok(read
        .into_iter()
        .map(|document| Document {
            place: place(Some(document.referenced.line())),
            value: whole(document.value),
        })
        .collect())
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 100_000,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_total_scalar_bytes: MAX_TEXT,
            // Many aliases of one small anchor are no harm: what they add is bounded.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        legacy_octal_numbers: true,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// What is wrong, in words for users; the place is said elsewhere.
fn said(error: &serde_saphyr::Error) -> String {
    let text = error.render_with_formatter(&UserMessageFormatter);
    let text = text
        .rfind(" at line ")
        .map_or(text.as_str(), |at| &text[..at]);
    text.replace('\n', " ")
}

/// In which document a line is: they begin at `---`.
fn number(text: &str, line: usize) -> usize {
    let marks = |line: &str| line == "---" || line.starts_with("--- ") || line.starts_with("---\t");
    let mut found = 0;
    for line in text.lines().take(line) {
        let nothing = line.trim_start().is_empty()
            || line.trim_start().starts_with('#')
            || line.starts_with('%');
        if marks(line) || (found == 0 && !nothing) {
            found += 1;
        }
    }
    found.max(1)
}

/// With floats that are whole as integers, as Go writes them: `port: 8e1`.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(integer(&number).unwrap_or(number)),
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, whole(value)))
            .collect(),
        other => other,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is whole, and small enough to be exact"
)]
fn integer(number: &Number) -> Option<Number> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() < EXACT).then(|| Number::from(float as i64))
}
