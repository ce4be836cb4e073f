//! The firewall's part: packets of containers to the outside get this node's address, and what the overlay
//! brings for the outside passes as an answer only. Once per node, and not per container.
//!
//! Both are of one table, and there is one where a pool is masqueraded: all of it makes the kernel track
//! connections, which costs something, and whoever turns masquerading off turns that off. Where no table holds
//! back what the overlay brings, a rule of policy routing drops that, answers too. One of the two does at any
//! moment: the table is written before the rule goes, and the rule is there before the table goes. But whoever
//! flushes the ruleset has neither until the table is written anew, a moment later; where there is no daemon
//! to do that, until there is one. A rule that comes and goes meanwhile would be no quicker than the table.

use crate::{code::Coded as _, news::news};
use fairway_fib::names;
use fairway_netfilter::{
    Error,
    node::{Monitor, NodeRules, NodeTable},
};
use ipnetwork::IpNetwork;
use std::{
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, Instant},
};
use tracing::info;

/// After the kernel has refused something.
const AGAIN: Duration = Duration::from_secs(5);

/// The node's own table, and what is wanted of it.
#[derive(Debug, Default)]
pub(super) struct Firewall {
    /// None: not known yet, and nothing is touched.
    wanted: Option<NodeRules>,
    table: Option<NodeTable>,
    monitor: Option<Monitor>,
    /// It has to be looked at.
    due: bool,
    /// It was as it was wanted, or was made so, when it was looked at last.
    sound: bool,
    again: Option<Instant>,
    problem: Option<String>,
}

impl Firewall {
    /// The prefixes of all pools that are in a network, and those of them that are masqueraded. `whole`: no
    /// pool is missing.
    pub(super) fn configure(
        &mut self,
        pools: Vec<IpNetwork>,
        masquerade: Vec<IpNetwork>,
        whole: bool,
    ) {
        let rules = NodeRules {
            overlay: names::DEVICE.to_owned(),
            pools,
            masquerade,
            // Or containers of the pool that is missing would not be reached.
            answers_only: whole,
        };
        if self.wanted.as_ref() != Some(&rules) {
            self.wanted = Some(rules);
            self.due = true;
        }
    }

    /// It may not be as it was.
    pub(super) fn doubt(&mut self) {
        self.due = self.wanted.is_some();
    }

    /// Readable when somebody has changed something.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.monitor.as_ref().map(|monitor| monitor.as_fd())
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.again
    }

    /// Is the table to drop what comes out of the overlay for nobody?
    pub(super) fn is_to_guard(&self) -> bool {
        let guard = |wanted: &NodeRules| wanted.answers_only && !wanted.masquerade.is_empty();
        self.wanted.as_ref().is_some_and(guard)
    }

    /// Does it?
    pub(super) fn guards(&self) -> bool {
        self.sound && self.is_to_guard()
    }

    /// Takes notice of what others have done, and of time.
    pub(super) fn listen(&mut self) {
        if let Some(monitor) = &mut self.monitor {
            match monitor.changed() {
                Ok(changed) => self.due |= changed,
                Err(error) => {
                    news!(
                        warn,
                        code = error.number(),
                        "changes of nf_tables are not told any more: {error}"
                    );
                    self.monitor = None;
                    self.due = true;
                }
            }
        }
        if self.again.is_some_and(|at| Instant::now() >= at) {
            (self.due, self.again) = (true, None);
        }
    }

    /// Puts right what is not as it is wanted.
    pub(super) fn step(&mut self) {
        let Some(wanted) = self.wanted.clone().filter(|_| self.due) else {
            return;
        };
        (self.due, self.again) = (false, None);
        let applied = self.apply(&wanted);
        self.sound = applied.is_ok();
        match applied {
            Ok(()) => self.problem = None,
            Err(error) => {
                self.problem = Some(format!(
                    "packets of containers to the outside are not masqueraded: {error}"
                ));
                self.again = Some(Instant::now() + AGAIN);
                // Another socket, should it be that.
                self.table = None;
            }
        }
    }

    fn apply(&mut self, wanted: &NodeRules) -> Result<(), Error> {
        if wanted.masquerade.is_empty() && self.table.is_none() {
            // A daemon before this one may have made it.
            return NodeTable::open()?.remove();
        }
        if self.monitor.is_none() {
            self.monitor = Monitor::open().ok();
        }
        let table = match &mut self.table {
            Some(table) => table,
            none => none.insert(NodeTable::open()?),
        };
        if wanted.masquerade.is_empty() {
            table.remove()?;
            (self.table, self.monitor) = (None, None);
            return Ok(());
        }
        if !table.check(wanted)? {
            table.apply(wanted)?;
            info!("table inet fairway of nf_tables is as it is wanted");
        }
        Ok(())
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.problem.clone()
    }
}
