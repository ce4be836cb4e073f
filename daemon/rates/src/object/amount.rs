//! How much: a rate, a burst, a number of packets, a mark, each as a number or as text.

use fairway_policy::object::{
    Reason, clip,
    field::{self, Faults, Path},
};
use fairway_shape::{Burst, Rate};
use serde_json::{Number, Value};

/// Packets in a second.
pub(super) const PACKETS: (u32, u32) = (1, 1_000_000_000);
/// DSCP: six bits (RFC 2474).
pub(super) const DSCP: (u8, u8) = (0, 63);

/// Bits a second: `20M`, `1.5Gbit`, or a number.
pub(super) fn rate(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Rate> {
    let read = match value {
        Value::Number(given) => Rate::new(whole(given, at, faults)?),
        Value::String(text) => clip(text).parse(),
        _ => return field::mistyped(value, "a number or text", at, faults),
    };
    refused(read, at, faults)
}

/// Bytes: `64Ki`, or a number.
pub(super) fn burst(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Burst> {
    let bytes = match value {
        Value::Number(given) => whole(given, at, faults)?,
        Value::String(text) => match bytes(text) {
            Some(bytes) => bytes,
            None => {
                let (given, form) = (clip(text), "a number of bytes, such as 64Ki or 64000");
                return faults.add(at, Reason::Form { given, form });
            }
        },
        _ => return field::mistyped(value, "a number or text", at, faults),
    };
    refused(Burst::new(bytes), at, faults)
}

fn whole(given: &Number, at: &Path<'_>, faults: &mut Faults) -> Option<u64> {
    given.as_u64().or_else(|| {
        let what = format!("{given} is not a whole number above 0");
        faults.add(at, Reason::Refused { what })
    })
}

fn refused<T, E: ToString>(read: Result<T, E>, at: &Path<'_>, faults: &mut Faults) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            let what = error.to_string();
            faults.add(at, Reason::Refused { what })
        }
    }
}

/// Digits and a unit; what has no room is the most there is.
fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    let number: u64 = match digits.trim_start_matches('0') {
        "" if digits.is_empty() => return None,
        "" => 0,
        digits => digits.parse().unwrap_or(u64::MAX),
    };
    Some(number.saturating_mul(factor))
}
