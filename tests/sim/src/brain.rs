//! The seam between the simulation and what it simulates: the agent, one of its broken likenesses, or
//! the small reference.

use fairway_ipam::{Agent, Clock, Effects, Input, JournalError, Lease, Millis, Start, View};

/// What decides for a node.
pub trait Brain {
    /// See [`Agent::handle`].
    fn handle(&mut self, clock: Clock, input: Input, effects: &mut Effects);
    /// See [`Agent::deadline`].
    fn deadline(&self) -> Option<Millis>;
    /// See [`Agent::sequence`].
    fn sequence(&self) -> u64;
    /// See [`Agent::leases`].
    fn leases(&self) -> Vec<Lease>;
    /// See [`Agent::view`].
    fn view(&self) -> &View;
}

/// Starts one, as [`Agent::new`] does.
pub type Maker = fn(Start, &mut Effects) -> Result<Box<dyn Brain>, JournalError>;

impl Brain for Agent {
    fn handle(&mut self, clock: Clock, input: Input, effects: &mut Effects) {
        Agent::handle(self, clock, input, effects);
    }

    fn deadline(&self) -> Option<Millis> {
        Agent::deadline(self)
    }

    fn sequence(&self) -> u64 {
        Agent::sequence(self)
    }

    fn leases(&self) -> Vec<Lease> {
        Agent::leases(self)
    }

    fn view(&self) -> &View {
        Agent::view(self)
    }
}

/// The agent itself.
///
/// # Errors
/// A journal that was not written by an agent.
pub fn agent(start: Start, effects: &mut Effects) -> Result<Box<dyn Brain>, JournalError> {
    Ok(Box::new(Agent::new(start, effects)?))
}
