//! From policy objects to verdicts.
//!
//! [`object`] makes of what users write what cannot be invalid ([`spec`]). The [`Engine`] is told that, and
//! which endpoints and nodes there are ([`input::Input`]), and says what has to change in the dataplane
//! ([`input::Change`]): numbers for all that rules could tell apart, sets of what policies say of them, and
//! tables by port, made so that a verdict costs the same with ten rules and with ten thousand.
//!
//! It is pure: no clock, no socket, no kernel. A change costs what it touches.

mod address;
mod compile;
mod engine;
mod explain;
mod explanation;
mod identity;
mod image;
pub mod input;
mod namespace;
mod nets;
mod number;
mod numbering;
pub mod object;
pub mod oracle;
mod order;
mod overflow;
mod placed;
mod plan;
mod policy;
mod ports;
mod prefix;
mod refresh;
mod rows;
mod rule;
mod rules_change;
mod selector;
mod set;
pub mod spec;
mod table;
mod wanted;
mod who;

pub use engine::Engine;
pub use explain::NoSuchPod;
pub use explanation::{
    Applies, Asked, Decided, End, Explanation, Judgement, Party, PolicySaid, RuleFits, RuleSaid,
    Stage, Who,
};
pub use image::{Disorder, Image, Verdict};
pub use overflow::{Cause, Overflow};
pub use placed::{Limits, Resource};
pub use rows::{PolicyRow, Problem};
pub use rule::RuleName;
