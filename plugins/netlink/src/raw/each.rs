//! Many changes with one write, each with an answer of its own.

use super::message::{Datagram, Meaning};
use super::{ACK, Fit, Message, RawSocket, Transport};
use crate::error::Result;

impl<T: Transport> RawSocket<T> {
    /// Sends all messages in one datagram, each to be acknowledged, and tells
    /// what became of each, in their order. The kernel works all of them off,
    /// those behind a refused one too.
    ///
    /// The error of the whole (the socket failed, an answer did not come) leaves
    /// open which were carried out.
    pub fn execute_each(&mut self, messages: &[Message]) -> Result<Vec<Result<()>>> {
        let Some(last) = messages.last() else {
            return Ok(Vec::new());
        };
        let first_sequence = self.send_all(messages, ACK)?;
        let mut results: Vec<Option<Result<()>>> = messages.iter().map(|_| None).collect();
        let mut open = messages.len();
        while open > 0 {
            if self.receive(last)? == Fit::Truncated {
                // No acknowledgement is that long.
                continue;
            }
            for incoming in Datagram::new(&self.buffer) {
                let incoming = incoming.map_err(|what| last.malformed(what))?;
                let request = incoming.sequence.wrapping_sub(first_sequence) as usize;
                let (Some(message), Some(result)) =
                    (messages.get(request), results.get_mut(request))
                else {
                    continue;
                };
                let meaning = incoming.meaning().map_err(|what| message.malformed(what))?;
                let told = match meaning {
                    Meaning::Acknowledged => Ok(()),
                    Meaning::Refused(refusal) => Err(message.refused(refusal)),
                    Meaning::Object(_) | Meaning::Done | Meaning::Nothing => continue,
                };
                if result.replace(told).is_none() {
                    open -= 1;
                }
            }
        }
        Ok(results.into_iter().flatten().collect())
    }
}
