//! How routes stand, in numbers: for metrics. Nothing here goes through all routes.

use super::state::State;
use fairway_fib::Counted;
use fairway_netlink::Netlink;

/// How routes stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) wanted: usize,
    pub(crate) installed: usize,
    pub(crate) pending: usize,
    pub(crate) counted: Counted,
    pub(crate) endpoints: usize,
    pub(crate) problems: usize,
}

pub(super) fn of<N: Netlink>(state: &State<N>) -> Tally {
    Tally {
        wanted: state.fib.wanted(),
        installed: state.fib.installed(),
        pending: state.fib.pending(),
        counted: state.fib.counted(),
        endpoints: state.containers.endpoints().count(),
        problems: state.problems().len(),
    }
}
