//! What happened to a session and what it did, written down: bytes that came and went, in the order of things.
//!
//! ```text
//! fairway-bgp-recording 1
//! seed 5839170
//! peer 10.9.1.2
//! local 65000 10.9.0.1
//! remote 65001
//! …
//! 0.000012345 start -
//! = connect ours/1
//! 0.004100000 connected ours/1
//! = send ours/1 ffffffffffffffffffffffffffffffff003f0104…
//! 0.005000000 frame ours/1 ffffffffffffffffffffffffffffffff001d0104…
//! = send ours/1 ffffffffffffffffffffffffffffffff001304
//! 30.004512000 tick
//! = send ours/1 ffffffffffffffffffffffffffffffff001304
//! ```
//!
//! First is the neighbour, as its session was told of it, and the seed by which times are spread. Then comes a line for
//! each input: the time in seconds of the caller's clock, the operation, a connection or a family, and what belongs to it.
//! Messages are the bytes that came; what could not be read is there as it was. Lines with `=` are what the session
//! answered: bytes that it had sent, and the rest in words. What is told of routes is not among them, as the session only
//! learns that it was written. Texts are last, and have `\n` and `\\` for what would end a line. Empty lines and those that
//! begin with `#` say nothing.
//!
//! [`Recorder`] writes it, [`Recording`] is one that was read. [`Recording::replay`] tells a new session the same, and it has
//! to answer the same. The field's own format for messages (MRT, RFC 6396) has no place for most of what makes a session
//! do something: timers, attempts, what an operator or the table wants.

mod answer;
mod codings;
mod head;
mod line;
mod recorder;
#[cfg(test)]
mod tests;

pub use line::{NotALine, Step, line, parse};
pub use recorder::Recorder;

use super::{Neighbour, Session};
use crate::Time;
use answer::answer;
use codings::Codings;
use std::fmt;

/// Before what a session answered.
const ANSWER: &str = "= ";

/// A recording that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    neighbour: Neighbour,
    seed: u64,
    events: Vec<Event>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    /// Of its line.
    number: usize,
    at: Time,
    step: Step,
    answers: Vec<String>,
}

/// Why a text is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {why}")]
pub struct NotARecording {
    /// Counted from 1.
    pub number: usize,
    /// What is wrong with it.
    pub why: NotALine,
}

/// A session did not do again what it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Differs {
    /// The bytes are not one message, or one that is to be ignored.
    #[error("line {0}: these bytes are no message that a session is told of")]
    NoMessage(usize),
    /// It answered something else.
    #[error("line {number}: it answered {found:#?}, and before {wanted:#?}")]
    Answers {
        /// Of what it was told, counted from 1.
        number: usize,
        /// What it did when it was recorded.
        wanted: Vec<String>,
        /// What it does now.
        found: Vec<String>,
    },
}

impl Recording {
    /// Out of its text.
    ///
    /// # Errors
    /// The first line that cannot be.
    pub fn parse(text: &str) -> Result<Recording, NotARecording> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let says = |(_, line): &(usize, &str)| !line.is_empty() && !line.starts_with('#');
        let mut lines = head::Lines {
            rest: lines.filter(says).peekable(),
            number: 0,
        };
        let (neighbour, seed) = head::read(&mut lines)?;
        let mut events: Vec<Event> = Vec::new();
        for (number, text) in lines.rest {
            let refuse = |why| NotARecording { number, why };
            if let Some(answer) = text.strip_prefix(ANSWER) {
                let last = events.last_mut();
                let last = last.ok_or_else(|| refuse(NotALine::Unasked))?;
                last.answers.push(answer.trim_end_matches('\r').to_owned());
                continue;
            }
            let (at, step) = parse(text).map_err(refuse)?;
            events.push(Event {
                number,
                at,
                step,
                answers: Vec::new(),
            });
        }
        Ok(Recording {
            neighbour,
            seed,
            events,
        })
    }

    /// Tells a new session of the same neighbour all of it, and gives back what has become of that.
    ///
    /// # Errors
    /// Where it answers something else than before.
    pub fn replay(&self) -> Result<Session, Differs> {
        let mut session = Session::new(self.neighbour.clone(), self.seed);
        let (mut codings, mut out) = (Codings::default(), Vec::new());
        for event in &self.events {
            let number = event.number;
            let input = codings.input(&event.step);
            let input = input.ok_or(Differs::NoMessage(number))?;
            session.handle(event.at, input, &mut out);
            let found: Vec<String> = out
                .drain(..)
                .map(|output| {
                    codings.follow(&output);
                    answer(&output, &codings)
                })
                .collect();
            if found != event.answers {
                let wanted = event.answers.clone();
                return Err(Differs::Answers {
                    number,
                    wanted,
                    found,
                });
            }
        }
        Ok(session)
    }

    /// Whom it is of.
    pub fn neighbour(&self) -> &Neighbour {
        &self.neighbour
    }

    /// What happened, in this order.
    pub fn steps(&self) -> impl Iterator<Item = (Time, &Step)> {
        self.events.iter().map(|event| (event.at, &event.step))
    }
}

impl fmt::Display for Recording {
    /// As it was read, without lines that say nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&head::write(&self.neighbour, self.seed))?;
        for event in &self.events {
            writeln!(f, "{}", line::again(event.at, &event.step))?;
            for answer in &event.answers {
                writeln!(f, "{ANSWER}{answer}")?;
            }
        }
        Ok(())
    }
}
