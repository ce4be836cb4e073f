//! `gracefulRestart`: what becomes of routes while a speaker restarts (RFC 4724, 8538).

use crate::object::fill;
use crate::object::read::{self, Fields};
use crate::session::config::{Graceful, GracefulMode};
use fairway_policy::object::field::{self, Faults, Path};
use serde_json::{Map, Value};
use std::time::Duration;

const MODES: (&[&str; 3], [GracefulMode; 3]) = (
    &["Full", "Helper", "Off"],
    [GracefulMode::Full, GracefulMode::Helper, GracefulMode::Off],
);

/// A field of twelve bits has it.
const RESTART: (u16, u16) = (1, 4095);
/// Longer than anybody waits.
const WAIT: (u16, u16) = (1, u16::MAX);

/// Neighbours are asked to keep a node's routes while its daemon restarts, for the kernel does so.
pub(super) const DEFAULT: Graceful = Graceful::FULL;

pub(super) fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Graceful> {
    let known = ["mode", "restartTime", "staleTime", "deferral"];
    let fields = Fields::of(value, &known, at, faults)?;
    let wait =
        |value: &Value, at: &Path<'_>, faults: &mut Faults| read::time(value, WAIT, at, faults);
    let mode = fields.or(("mode", DEFAULT.mode), faults, |value, at, faults| {
        field::word(value, MODES, at, faults)
    });
    let restart = ("restartTime", DEFAULT.restart_time);
    let restart_time = fields.or(restart, faults, |value, at, faults| {
        read::seconds(value, RESTART, at, faults)
    });
    let stale_time = fields.or(("staleTime", DEFAULT.stale_time), faults, wait);
    let deferral = fields.or(("deferral", DEFAULT.deferral), faults, wait);
    Some(Graceful {
        mode: mode?,
        restart_time: restart_time?,
        stale_time: stale_time?,
        deferral: deferral?,
        ..DEFAULT
    })
}

pub(super) fn defaults(graceful: &mut Map<String, Value>) {
    let seconds = |time: Duration| format!("{}s", time.as_secs());
    fill(graceful, "mode", "Full");
    let restart = format!("{}s", DEFAULT.restart_time);
    fill(graceful, "restartTime", restart);
    fill(graceful, "staleTime", seconds(DEFAULT.stale_time));
    fill(graceful, "deferral", seconds(DEFAULT.deferral));
}
