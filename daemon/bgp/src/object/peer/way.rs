//! The way to a neighbour: how long it may be silent, how far away it may be, by which key it is known.

use crate::HoldTime;
use crate::object::read;
use crate::session::config::Ttl;
use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
};
use serde_json::Value;
use std::path::PathBuf;

/// `holdTime`.
pub(super) fn hold_time(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<HoldTime> {
    let seconds = read::seconds(value, (0, u16::MAX), at, faults)?;
    HoldTime::new(seconds).or_else(|| {
        let what = "it is 3s or more, or 0s, by which silence is no sign";
        faults.add(at, Reason::Unsupported { what })
    })
}

/// `ttl`: over how many hops packets go to it, or come from it at most.
pub(super) fn ttl(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Ttl> {
    let map = field::object(value, at, faults)?;
    let (name, value) = field::exactly_one(map, &["multihop", "security"], at, faults)?;
    let at = at.field(name);
    match name {
        "multihop" => field::number(value, (1, 255), &at, faults).map(Ttl::Hops),
        _ => field::number(value, (1, 254), &at, faults).map(Ttl::Security),
    }
}

/// It is read by root.
fn is_file(text: &str) -> bool {
    let part = |part: &str| !["", ".", ".."].contains(&part);
    let parts = text.strip_prefix('/');
    text.len() <= 4095
        && parts.is_some_and(|parts| parts.split('/').all(part))
        && !text.chars().any(char::is_control)
}

/// `passwordFile`. What is no path may be the key itself, and is not told.
pub(super) fn password_file(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<PathBuf> {
    let given = field::text(value, at, faults)?;
    let what = "must be the absolute path of a file, without . and .., of at most 4095 bytes";
    match is_file(given) {
        true => Some(given.into()),
        false => faults.add(at, Reason::Unsupported { what }),
    }
}
