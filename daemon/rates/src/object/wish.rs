//! One direction: as objects have it, and in the words of `netctl rate set`.

use super::amount;
use crate::model::{Allowance, Wish};
use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
};
use serde_json::{Value, json};

const FIELDS: &[&str] = &["rate", "burst", "packetsPerSecond", "dscp"];

/// A wish as an administrator types it. All absent: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words<'w> {
    /// Bits a second, as `20M` or `1.5Gbit`.
    pub rate: Option<&'w str>,
    /// Bytes that may go at once after a pause, as `64Ki`.
    pub burst: Option<&'w str>,
    /// Packets a second.
    pub packets: Option<u64>,
    /// The DSCP that packets get.
    pub dscp: Option<u64>,
}

/// Of an object; something is limited or marked.
pub(super) fn some(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Wish> {
    let map = field::object(value, at, faults)?;
    if map.is_empty() {
        return faults.add(at, Reason::OneAtLeast { of: FIELDS });
    }
    any(value, at, faults)
}

/// Of a record; nothing in it: no limit.
pub(super) fn any(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Wish> {
    let map = field::object(value, at, faults)?;
    field::only(map, FIELDS, at, faults);
    wish(|name| map.get(name), "packetsPerSecond", at, faults)
}

/// Of what was typed.
pub(super) fn typed(words: Words<'_>, at: &Path<'_>, faults: &mut Faults) -> Option<Wish> {
    let (rate, burst) = (words.rate.map(Value::from), words.burst.map(Value::from));
    let (packets, dscp) = (words.packets.map(Value::from), words.dscp.map(Value::from));
    let get = |name: &str| match name {
        "rate" => rate.as_ref(),
        "burst" => burst.as_ref(),
        "dscp" => dscp.as_ref(),
        _ => packets.as_ref(),
    };
    wish(get, "packets", at, faults)
}

fn wish<'v>(
    get: impl Fn(&str) -> Option<&'v Value>,
    packets: &'static str,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Wish> {
    let rate = read(&get, "rate", at, faults, amount::rate);
    let burst = read(&get, "burst", at, faults, amount::burst);
    if get("burst").is_some() && get("rate").is_none() {
        let when = "rate is not";
        faults.add::<()>(&at.field("burst"), Reason::Misplaced { when });
    }
    let packets = read(&get, packets, at, faults, |value, at, faults| {
        field::number(value, amount::PACKETS, at, faults)
    });
    let dscp = read(&get, "dscp", at, faults, |value, at, faults| {
        field::number(value, amount::DSCP, at, faults)
    });
    let allowance = Allowance {
        rate: rate?,
        burst: burst?.map(|burst| burst.bytes()),
        packets: packets?,
    };
    let dscp = dscp?;
    Some(Wish { allowance, dscp })
}

/// A field; none within: it is absent.
fn read<'v, T>(
    get: impl Fn(&str) -> Option<&'v Value>,
    name: &str,
    at: &Path<'_>,
    faults: &mut Faults,
    read: impl Fn(&Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<Option<T>> {
    match get(name) {
        None => Some(None),
        Some(value) => read(value, &at.field(name), faults).map(Some),
    }
}

/// As objects have it.
pub(super) fn json(wish: &Wish) -> Value {
    let Wish { allowance, dscp } = wish;
    let all = [
        ("rate", allowance.rate.map(|rate| json!(rate.to_string()))),
        ("burst", allowance.burst.map(|burst| json!(burst))),
        (
            "packetsPerSecond",
            allowance.packets.map(|most| json!(most)),
        ),
        ("dscp", dscp.map(|dscp| json!(dscp))),
    ];
    let given = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}
