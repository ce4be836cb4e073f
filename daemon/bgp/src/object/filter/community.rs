//! Communities, as they are written: `64512:100`, `no-export`, `64512:1:2`; to match, `64512:*` as well.

use crate::attr::{Community, LargeCommunity};
use crate::policy::{CommunityMatch, LargeMatch};
use fairway_policy::object::{
    Reason, clip,
    field::{self, Faults, Path},
};
use serde_json::Value;

/// Names that other speakers have for them.
const KNOWN: [(&str, Community); 5] = [
    ("no-export", Community::NO_EXPORT),
    ("no-advertise", Community::NO_ADVERTISE),
    ("no-export-subconfed", Community::NO_EXPORT_SUBCONFED),
    ("graceful-shutdown", Community::GRACEFUL_SHUTDOWN),
    ("blackhole", Community::BLACKHOLE),
];

/// Digits alone: parsers of numbers take a sign as well.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn community(text: &str) -> Option<Community> {
    if let Some((_, community)) = KNOWN.iter().find(|(name, _)| *name == text) {
        return Some(*community);
    }
    let (asn, value) = text.split_once(':')?;
    let (asn, value): (u16, u16) = (number(asn)?, number(value)?);
    Some(Community(u32::from(asn) << 16 | u32::from(value)))
}

fn large(text: &str) -> Option<LargeCommunity> {
    let mut parts = text.split(':');
    let mut part = || number(parts.next()?);
    let (global, local) = (part()?, [part()?, part()?]);
    parts
        .next()
        .is_none()
        .then_some(LargeCommunity { global, local })
}

fn read<T>(
    value: &Value,
    (read, form): (impl Fn(&str) -> Option<T>, &'static str),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let given = field::text(value, at, faults)?;
    read(given).or_else(|| {
        let given = clip(given);
        faults.add(at, Reason::Form { given, form })
    })
}

pub(super) fn one(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Community> {
    let form = "a community, such as 64512:100 or no-export, of two numbers up to 65535";
    read(value, (community, form), at, faults)
}

pub(super) fn some(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<CommunityMatch> {
    let form = "a community, such as 64512:100 or no-export, or all of an AS, such as 64512:*";
    let some = |text: &str| match text.strip_suffix(":*") {
        Some(asn) => number(asn).map(CommunityMatch::Of),
        None => community(text).map(CommunityMatch::Exact),
    };
    read(value, (some, form), at, faults)
}

pub(super) fn one_large(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<LargeCommunity> {
    let form = "a large community, such as 64512:1:2, of three numbers up to 4294967295";
    read(value, (large, form), at, faults)
}

pub(super) fn some_large(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<LargeMatch> {
    let form = "a large community, such as 64512:1:2, or all of an AS, such as 64512:*:*";
    let some = |text: &str| match text.strip_suffix(":*:*") {
        Some(asn) => number(asn).map(LargeMatch::Of),
        None => large(text).map(LargeMatch::Exact),
    };
    read(value, (some, form), at, faults)
}
