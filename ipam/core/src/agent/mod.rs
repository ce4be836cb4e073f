//! What one node knows and decides.

mod api;

pub use api::{
    Action, Address, Allocate, Allocated, Answer, CreateClaim, Effects, Headroom, Input, Lease,
    Notice, Outcome, Refusal, Request, RequestId, Settings, Sighting, Start, Status, TxnId,
};

use crate::{Clock, Millis, View};

/// A journal that cannot be read: it is to be set aside, and the agent started with an empty one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal: {key}: {reason}")]
pub struct JournalError {
    /// The key.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

/// What one node knows and decides; see the crate's description.
#[derive(Debug)]
pub struct Agent {
    start: Start,
    view: View,
}

impl Agent {
    /// Takes up where the journal ends.
    ///
    /// # Errors
    /// A journal that was not written by an agent.
    pub fn new(start: Start, _effects: &mut Effects) -> Result<Agent, JournalError> {
        Ok(Agent {
            start,
            view: View::default(),
        })
    }

    /// Takes notice of something, and adds to what is to be done.
    pub fn handle(&mut self, clock: Clock, input: Input, effects: &mut Effects) {
        self.start.clock = clock;
        if let Input::Request(id, _) = input {
            let what = "allocation".to_owned();
            let refusal = Refusal::StoreAway { what };
            effects.actions.push(Action::Answer(id, Err(refusal)));
        }
    }

    /// When a [`Input::Tick`] is due.
    pub fn deadline(&self) -> Option<Millis> {
        None
    }

    /// The highest sequence number given so far.
    pub fn sequence(&self) -> u64 {
        0
    }

    /// What attachments of this node have.
    pub fn leases(&self) -> Vec<Lease> {
        Vec::new()
    }

    /// What it knows of the store.
    pub fn view(&self) -> &View {
        &self.view
    }
}
