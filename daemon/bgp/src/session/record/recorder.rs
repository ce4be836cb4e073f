//! Writes a recording while a session runs.

use super::answer::answer;
use super::codings::Codings;
use super::{head, line};
use crate::Time;
use crate::session::{Input, Neighbour, Output};

/// The pen. It has to be there before the session is told anything.
#[derive(Debug, Clone)]
pub struct Recorder {
    text: String,
    codings: Codings,
}

impl Recorder {
    /// Of a session that begins, of this neighbour and by this seed. Of its key nothing is written.
    pub fn new(neighbour: &Neighbour, seed: u64) -> Recorder {
        Recorder {
            text: head::write(neighbour, seed),
            codings: Codings::default(),
        }
    }

    /// The session is told this. `bytes` are those of its message, where it has one.
    pub fn told(&mut self, at: Time, input: &Input, bytes: &[u8]) {
        self.text.push_str(&line(at, input, bytes));
        self.text.push('\n');
    }

    /// And answered that.
    pub fn answered(&mut self, out: &[Output]) {
        for output in out {
            self.codings.follow(output);
            self.text.push_str(super::ANSWER);
            self.text.push_str(&answer(output, &self.codings));
            self.text.push('\n');
        }
    }

    /// All that was written since the last time.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}
