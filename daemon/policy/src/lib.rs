//! From policy objects to verdicts.

pub mod input;
pub mod object;
pub mod spec;
