//! What lies in the store beside a pool, a network or a claim that came from an API server: that it did, and of which
//! incarnation of the record it speaks.

use serde::Deserialize;
use serde_json::{Value, json};

/// The version that this program writes and the newest that it reads.
const VERSION: u64 = 1;
/// Whence the only marks come that this program knows.
const ORIGIN: &str = "kubernetes";

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Of the record that came into being together with the mark.
    Together,
    /// Of one that is being made, and keeps the name for it.
    Making,
    /// Of the record that came into being at this revision.
    Of(u64),
}

#[derive(Deserialize)]
struct Written {
    version: u64,
    origin: String,
    #[serde(default)]
    making: bool,
    of: Option<u64>,
}

impl Mark {
    /// Reads one; none: a later program wrote it, or it is of what this one does not know.
    pub fn read(value: &[u8]) -> Option<Mark> {
        let written: Written = serde_json::from_slice(value).ok()?;
        if written.version != VERSION || written.origin != ORIGIN {
            return None;
        }
        Some(match written {
            Written { making: true, .. } => Mark::Making,
            Written { of: Some(of), .. } => Mark::Of(of),
            Written { .. } => Mark::Together,
        })
    }

    /// As it is written.
    pub fn write(self) -> Vec<u8> {
        let mut value = json!({ "version": VERSION, "origin": ORIGIN });
        let (key, said) = match self {
            Mark::Together => return value.to_string().into_bytes(),
            Mark::Making => ("making", Value::Bool(true)),
            Mark::Of(revision) => ("of", revision.into()),
        };
        value[key] = said;
        value.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for (mark, text) in [
            (Mark::Together, r#"{"origin":"kubernetes","version":1}"#),
            (
                Mark::Making,
                r#"{"making":true,"origin":"kubernetes","version":1}"#,
            ),
            (Mark::Of(7), r#"{"of":7,"origin":"kubernetes","version":1}"#),
        ] {
            assert_eq!(String::from_utf8(mark.write()).unwrap(), text);
            assert_eq!(Mark::read(text.as_bytes()), Some(mark));
        }
    }

    #[test]
    fn what_a_later_program_wrote_is_not_read() {
        for text in [
            r#"{"version":2,"origin":"kubernetes"}"#,
            r#"{"version":1,"origin":"nomad"}"#,
            r#"{"version":1}"#,
            r#"{"version":1,"origin":"kubernetes","of":-1}"#,
            r#"{"version":1,"origin":"kubernetes","making":1}"#,
            "",
        ] {
            assert_eq!(Mark::read(text.as_bytes()), None, "{text}");
        }
    }
}
