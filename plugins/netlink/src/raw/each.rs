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

#[cfg(test)]
mod tests {
    use nix::libc;

    use crate::raw::Message;
    use crate::raw::tests::{ack, refused, socket};

    fn messages(count: usize) -> Vec<Message> {
        let one = |position: usize| Message::new("do", position.to_string(), 18);
        (0..count).map(one).collect()
    }

    #[test]
    fn each_answer_finds_its_request() {
        // In any order, in several datagrams, one of them to an earlier question.
        let mut socket = socket([
            vec![ack().back(9), ack().back(3)],
            vec![ack()],
            vec![refused(libc::EEXIST).back(2), ack().back(1)],
        ]);
        let results = socket.execute_each(&messages(4)).unwrap();
        let told: Vec<_> = results
            .iter()
            .map(|result| result.as_ref().map_err(ToString::to_string).copied())
            .collect();
        let refused = "do 1: EEXIST: File exists".to_owned();
        assert_eq!(told, [Ok(()), Err(refused), Ok(()), Ok(())]);
        let sent = &socket.transport().sent;
        assert_eq!(sent.len(), 1);
        // Each asks for its acknowledgement.
        let flags = crate::raw::Datagram::new(&sent[0]).map(|sent| sent.unwrap().flags);
        assert_eq!(flags.collect::<Vec<_>>(), [0x05; 4]);
        assert!(socket.execute_each(&[]).unwrap().is_empty());
    }

    #[test]
    fn an_answer_that_does_not_come_is_the_error_of_all() {
        let mut socket = socket([vec![ack().back(1), ack().back(1)]]);
        let error = socket.execute_each(&messages(2)).unwrap_err();
        assert!(matches!(error, crate::Error::Timeout { .. }), "{error}");
    }
}
