//! The same config and calls for the reference plugins and for ours, in two fresh topologies
//! that are alike, and then everything compared: what is printed, how the process ends, the
//! kernel's state in node and containers, and host-local's files.
//!
//! A [`Case`] says what is configured, [`Pair`] makes the calls on both sides in step and
//! notes what differs. What differs on purpose stands in [`deliberate`], with the reason, and
//! nowhere else. Where the reference plugins are not installed a case fails and says so: a
//! suite that skips its peer compares nothing.

mod case;
pub mod deliberate;
mod files;
mod lines;
mod outcome;
mod pair;
mod side;

pub use case::{Case, Ipam};
pub use lines::Lines;
pub use pair::Pair;
pub use side::{Maker, Side};
