//! The nouns: what each verb asks for, and how its answer looks.

mod bgp;
mod bgp_peers;
mod bgp_routes;
mod claim;
mod doctor;
mod endpoint;
mod explain;
mod flow;
mod ipam;
mod network;
mod node;
mod object;
mod objects;
mod objects_address;
mod objects_bgp;
mod policy;
mod pool;
mod ranges;
mod rate;
mod rates;
mod route;

pub(crate) use bgp::BgpVerb;
pub(crate) use claim::ClaimVerb;
pub(crate) use doctor::DoctorArgs;
pub(crate) use endpoint::EndpointVerb;
pub(crate) use flow::{FlowsArgs, line, missed};
pub(crate) use ipam::IpamVerb;
pub(crate) use network::NetworkVerb;
pub(crate) use node::{NodeVerb, status};
pub(crate) use object::{Apply, Delete, Get};
pub(crate) use policy::PolicyVerb;
pub(crate) use pool::PoolVerb;
pub(crate) use rate::RateVerb;
pub(crate) use route::RouteVerb;

use crate::sheet::Cell;
use clap::builder::PossibleValuesParser;
use std::time::{SystemTime, UNIX_EPOCH};

/// What `--release` takes.
const RELEASE: &str =
    "on-delete, on-app-delete, on-scale-down, after:DURATION (30s, 5m, 2h, 7d) or never";

/// What `--handover` takes.
fn handover() -> PossibleValuesParser {
    PossibleValuesParser::new(["wait", "temporary", "strict"])
}

/// What there may not be.
fn maybe<T: ToString>(value: Option<&T>) -> Cell {
    value.map(ToString::to_string).unwrap_or_default().into()
}

/// Many in one cell, a line each.
pub(crate) fn lines<T: ToString>(values: &[T]) -> Cell {
    let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
    lines.join("\n").into()
}

/// How long ago, in the largest unit that fits.
fn age(since: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    span(now.saturating_sub(since))
}

/// Seconds, in the largest unit that fits.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// A container's id, short: 12 characters tell containers apart, as with every runtime's tools.
pub(crate) fn short(container: &str) -> String {
    match container.char_indices().nth(12) {
        Some((at, _)) => format!("{}…", &container[..at]),
        None => container.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ids_are_short() {
        let spans = [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (7199, "1h"),
            (86400, "1d"),
            (900_000, "10d"),
        ];
        for (seconds, text) in spans {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(age(u64::MAX), "0s");
        assert_eq!(short("0123456789ab"), "0123456789ab");
        assert_eq!(short("0123456789abc"), "0123456789ab…");
        assert_eq!(short("éééééééééééééé"), "éééééééééééé…");
    }
}
