//! What happened to a session, written down: one line for each input, in the order in which they came.
//!
//! ```text
//! 12.000000345 start -
//! 12.004100000 connected ours/1
//! 12.005000000 frame ours/1 ffffffffffffffffffffffffffffffff001d0104…
//! 12.006000000 frame ours/1 ffffffffffffffffffffffffffffffff001304
//! 42.000000000 tick
//! ```
//!
//! The time is in seconds of the caller's clock. Messages are the bytes that came, and those that the table had written:
//! whoever records has them at hand, and what could not be read is there as it was. To replay, a session of the same
//! neighbour and the same seed is told the same inputs by [`replay`], and does the same things again.
//!
//! The words of a line are the operation, a connection or a family, and what belongs to it; texts are last, and have
//! `\n` and `\\` for what would end a line. Empty lines and those that begin with `#` say nothing.

mod line;
#[cfg(test)]
mod tests;

pub use line::{NotALine, Step, line, parse};

use super::{Agreed, Input, Output, Session};
use crate::Time;
use crate::message::{Message, Notification};

/// How the bytes of a recorded message are read.
pub trait Decode {
    /// A message that came, whole; with what was agreed on for the session, if it is up.
    ///
    /// # Errors
    /// What its sender has to be told of it.
    fn message(&mut self, bytes: &[u8], agreed: Option<&Agreed>) -> Result<Message, Notification>;
}

/// Why a record cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {why}")]
pub struct NotARecord {
    /// Counted from 1.
    pub number: usize,
    /// What is wrong with it.
    pub why: NotALine,
}

/// Tells a session all that was recorded. `done` gets what it answered to each input.
///
/// # Errors
/// At the first line that is none.
pub fn replay(
    session: &mut Session,
    record: &str,
    decode: &mut impl Decode,
    mut done: impl FnMut(Time, &[Output]),
) -> Result<(), NotARecord> {
    let mut out = Vec::new();
    for (at, text) in record.lines().enumerate() {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let refuse = |why| NotARecord {
            number: at + 1,
            why,
        };
        let (time, step) = parse(text).map_err(refuse)?;
        let agreed = session.established().map(|(_, agreed)| agreed);
        let input = match step {
            Step::Input(input) => *input,
            Step::Frame(id, bytes) => match decode.message(&bytes, agreed) {
                Ok(message) => Input::Received(id, message),
                Err(said) => Input::Malformed(id, said),
            },
            Step::Tell(bytes) => match decode.message(&bytes, agreed) {
                Ok(Message::Update(update)) => Input::Tell(update),
                _ => return Err(refuse(NotALine::NoUpdate)),
            },
        };
        out.clear();
        session.handle(time, input, &mut out);
        done(time, &out);
    }
    Ok(())
}
