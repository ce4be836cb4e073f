//! The seam between the thread and the agent, so that tests can put another one there.

use fairway_ipam::{
    Agent, Clock, Effects, Input, JournalError, Lease, Millis, Refusal, Start, View,
};

/// What the thread needs of an agent; see [`Agent`] for what each does.
pub trait Core: Send + Sized + 'static {
    /// Takes up where the journal ends.
    ///
    /// # Errors
    /// A journal that was not written by an agent.
    fn begin(start: Start, effects: &mut Effects) -> Result<Self, JournalError>;
    /// Takes notice of something.
    fn handle(&mut self, clock: Clock, input: Input, effects: &mut Effects);
    /// When a tick is due.
    fn deadline(&self) -> Option<Millis>;
    /// The highest sequence number so far.
    fn sequence(&self) -> u64;
    /// What attachments have.
    fn leases(&self) -> Vec<Lease>;
    /// Has the store been told all?
    fn is_settled(&self) -> bool;
    /// What it knows of the store.
    fn view(&self) -> &View;
}

impl Core for Agent {
    fn begin(start: Start, effects: &mut Effects) -> Result<Self, JournalError> {
        Agent::new(start, effects)
    }

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

    fn is_settled(&self) -> bool {
        Agent::is_settled(self)
    }

    fn view(&self) -> &View {
        Agent::view(self)
    }
}

/// Why a request got no good answer. Nothing was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The agent's word.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The journal cannot be written, so nothing can be promised.
    #[error("{reason}")]
    Journal {
        /// The journal's error.
        reason: String,
    },
    /// The daemon ends.
    #[error("fairwayd is stopping")]
    Stopping,
}
