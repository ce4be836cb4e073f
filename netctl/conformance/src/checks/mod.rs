//! All checks, by what they are about.

mod add;
mod attached;
mod chained;
mod check;
mod clean;
mod config;
mod del;
mod error;
mod gc;
mod killed;
mod parallel;
mod status;
mod version;

use crate::Check;

/// In the order in which they are made: what others rely on comes first.
pub(crate) static ALL: &[&[Check]] = &[
    version::CHECKS,
    error::CHECKS,
    add::CHECKS,
    attached::CHECKS,
    chained::CHECKS,
    config::CHECKS,
    check::CHECKS,
    del::CHECKS,
    clean::CHECKS,
    parallel::CHECKS,
    gc::CHECKS,
    status::CHECKS,
    killed::CHECKS,
];
