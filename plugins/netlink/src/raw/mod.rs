//! Netlink without types: bytes out, bytes in, every answer matched to its
//! request.
//!
//! What goes wrong in real life, and is dealt with here: an answer to an earlier
//! request that had timed out is still in the queue (skipped by its sequence
//! number); a dump is interrupted because others change what it lists, which
//! happens again and again on a node that starts many containers at once (the
//! dump is drained and started anew, a bounded number of times); a message does
//! not fit the buffer (the buffer grows and the question is asked again); the
//! answers to a long batch overflow the socket (its buffers are enlarged first).

pub mod attr;
#[cfg(test)]
mod attr_tests;
mod each;
mod message;
mod subscription;
#[cfg(test)]
pub(crate) mod tests;
mod transport;

use std::io;

pub use message::{ACK, APPEND, CREATE, DUMP, ECHO, EXCL, MULTIPART, Message, REPLACE};
use message::{DUMP_INTERRUPTED, Meaning};
pub(crate) use message::{Datagram, Incoming};
pub use netlink_sys::protocols;
pub use subscription::{Subscription, Told, messages};
pub use transport::{ANSWER_WITHIN, KernelSocket, Transport};

use crate::error::{Error, Result};
use crate::ns::NetNs;
use crate::retry;

/// How often an interrupted dump is started, in all.
pub const DUMP_TRIES: u32 = 10;

/// The kernel fills at most this much of a buffer when it dumps.
const BUFFER: usize = 32 * 1024;
/// An answer bigger than this is no answer.
const BUFFER_MAX: usize = 16 * 1024 * 1024;
/// What the kernel charges for one queued acknowledgement, rounded up.
const ACK_COST: usize = 2 * 1024;
/// The least that sockets have room for, both ways, without being told.
const ROOM: usize = 128 * 1024;

/// A message that came in answer to a [batch](RawSocket::batch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Position in the batch of the request that it belongs to.
    pub request: usize,
    /// Its type.
    pub kind: u16,
    /// Fixed header and attributes.
    pub body: Vec<u8>,
}

/// A netlink socket that knows which answer belongs to which request.
#[derive(Debug)]
pub struct RawSocket<T = KernelSocket> {
    transport: T,
    sequence: u32,
    buffer: Vec<u8>,
    outgoing: Vec<u8>,
}

impl RawSocket {
    /// Opens a socket of one of the [`protocols`] in the calling thread's
    /// namespace.
    pub fn open(protocol: isize) -> Result<Self> {
        KernelSocket::open(protocol)
            .map(Self::over)
            .map_err(|source| Error::Io {
                op: "open netlink socket",
                source,
            })
    }

    /// Opens a socket inside a namespace and comes back. All that is asked of
    /// the socket is about that namespace.
    pub fn open_in(protocol: isize, netns: &NetNs) -> Result<Self> {
        netns.run(|| Self::open(protocol))?
    }
}

/// How a round of receiving ended.
enum Round<R> {
    Complete(Vec<R>),
    Again,
}

impl<T: Transport> RawSocket<T> {
    /// A socket over any transport.
    pub fn over(transport: T) -> Self {
        Self {
            transport,
            sequence: 0,
            buffer: Vec::with_capacity(BUFFER),
            outgoing: Vec::with_capacity(512),
        }
    }

    pub(crate) fn transport(&self) -> &T {
        &self.transport
    }

    /// Asks for a change and waits for its acknowledgement.
    pub fn execute(&mut self, message: &Message) -> Result<()> {
        let sequence = self.send(message, ACK)?;
        loop {
            if self.receive(message)? == Fit::Truncated {
                // No acknowledgement is that long.
                continue;
            }
            for incoming in Datagram::new(&self.buffer) {
                let incoming = incoming.map_err(|what| message.malformed(what))?;
                if incoming.sequence != sequence {
                    continue;
                }
                match incoming.meaning().map_err(|what| message.malformed(what))? {
                    Meaning::Acknowledged => return Ok(()),
                    Meaning::Refused(refusal) => return Err(message.refused(refusal)),
                    Meaning::Object(_) | Meaning::Done | Meaning::Nothing => {}
                }
            }
        }
    }

    /// Asks for one object and hands its type and body to `decode`.
    pub fn get<R>(
        &mut self,
        message: &Message,
        decode: impl FnOnce(u16, &[u8]) -> Option<R>,
    ) -> Result<R> {
        let mut sequence = self.send(message, 0)?;
        loop {
            if self.receive(message)? == Fit::Truncated {
                // Nothing was changed by asking; ask again with more room.
                sequence = self.send(message, 0)?;
                continue;
            }
            for incoming in Datagram::new(&self.buffer) {
                let incoming = incoming.map_err(|what| message.malformed(what))?;
                if incoming.sequence != sequence {
                    continue;
                }
                match incoming.meaning().map_err(|what| message.malformed(what))? {
                    Meaning::Object(body) => {
                        return decode(incoming.kind, body).ok_or_else(|| {
                            message.malformed("an object without what it must have")
                        });
                    }
                    Meaning::Refused(refusal) => return Err(message.refused(refusal)),
                    Meaning::Acknowledged | Meaning::Done => {
                        return Err(message.malformed("no object in the answer"));
                    }
                    Meaning::Nothing => {}
                }
            }
        }
    }

    /// Asks for all objects; `decode` gets the type and body of each and keeps
    /// those that it returns. It may see an object more than once, when an
    /// interrupted dump is started anew; what comes back is of one dump.
    pub fn dump<R>(
        &mut self,
        message: &Message,
        mut decode: impl FnMut(u16, &[u8]) -> Option<R>,
    ) -> Result<Vec<R>> {
        for attempt in 0..DUMP_TRIES {
            if attempt > 0 {
                retry::pause(attempt - 1);
            }
            if let Round::Complete(objects) = self.dump_once(message, &mut decode)? {
                return Ok(objects);
            }
        }
        Err(Error::Interrupted {
            op: message.op,
            subject: message.subject.clone(),
            tries: DUMP_TRIES,
        })
    }

    /// One dump, to its end even when it is no good: the kernel refuses another
    /// while one is under way.
    fn dump_once<R>(
        &mut self,
        message: &Message,
        decode: &mut impl FnMut(u16, &[u8]) -> Option<R>,
    ) -> Result<Round<R>> {
        let sequence = self.send(message, DUMP)?;
        let mut objects = Vec::new();
        let mut spoilt = false;
        loop {
            spoilt |= self.receive(message)? == Fit::Truncated;
            for incoming in Datagram::new(&self.buffer) {
                let incoming = match incoming {
                    Ok(incoming) => incoming,
                    Err(_) if spoilt => break,
                    Err(what) => return Err(message.malformed(what)),
                };
                if incoming.sequence != sequence {
                    continue;
                }
                spoilt |= incoming.flags & DUMP_INTERRUPTED != 0;
                match incoming.meaning().map_err(|what| message.malformed(what))? {
                    Meaning::Object(body) if !spoilt => objects.extend(decode(incoming.kind, body)),
                    Meaning::Object(_) | Meaning::Nothing => {}
                    Meaning::Refused(refusal) => return Err(message.refused(refusal)),
                    Meaning::Acknowledged | Meaning::Done if spoilt => return Ok(Round::Again),
                    Meaning::Acknowledged | Meaning::Done => return Ok(Round::Complete(objects)),
                }
            }
        }
    }

    /// Sends all messages in one datagram and waits until the last of those that
    /// ask for an [`ACK`] is answered. The kernel works them off in order; the
    /// first error is told, with the words of its own message, after all answers
    /// are in. Returns the objects that came (those of messages with [`ECHO`]).
    ///
    /// For nf_tables the first and last messages are the batch's begin and end,
    /// without ACK; an ACK on the last but one is enough, for errors come without
    /// being asked for.
    pub fn batch(&mut self, messages: &[Message]) -> Result<Vec<Reply>> {
        let Some(last) = messages
            .iter()
            .rposition(|message| message.flags & ACK != 0)
        else {
            return match messages {
                [] => Ok(Vec::new()),
                [first, ..] => Err(first.invalid("no message of the batch asks for an answer")),
            };
        };
        let first_sequence = self.send_all(messages, 0)?;
        let mut replies = Vec::new();
        let mut failure = None;
        loop {
            if self.receive(&messages[last])? == Fit::Truncated {
                failure.get_or_insert_with(|| messages[last].malformed("an answer was cut off"));
                continue;
            }
            for incoming in Datagram::new(&self.buffer) {
                let incoming = incoming.map_err(|what| messages[last].malformed(what))?;
                let request = incoming.sequence.wrapping_sub(first_sequence) as usize;
                let Some(message) = messages.get(request) else {
                    continue;
                };
                let answered = match incoming.meaning().map_err(|what| message.malformed(what))? {
                    Meaning::Object(body) => {
                        replies.push(Reply {
                            request,
                            kind: incoming.kind,
                            body: body.to_vec(),
                        });
                        false
                    }
                    Meaning::Refused(refusal) => {
                        failure.get_or_insert_with(|| message.refused(refusal));
                        // With its opening refused the batch is not looked at.
                        request == last || (request == 0 && message.flags & ACK == 0)
                    }
                    Meaning::Acknowledged => request == last,
                    Meaning::Done | Meaning::Nothing => false,
                };
                if answered {
                    return failure.map_or(Ok(replies), Err);
                }
            }
        }
    }

    fn send(&mut self, message: &Message, extra_flags: u16) -> Result<u32> {
        self.sequence = self.sequence.wrapping_add(1);
        self.outgoing.clear();
        message.write(self.sequence, extra_flags, &mut self.outgoing);
        self.send_outgoing(message)?;
        Ok(self.sequence)
    }

    fn send_all(&mut self, messages: &[Message], extra_flags: u16) -> Result<u32> {
        let first_sequence = self.sequence.wrapping_add(1);
        self.outgoing.clear();
        for message in messages {
            self.sequence = self.sequence.wrapping_add(1);
            message.write(self.sequence, extra_flags, &mut self.outgoing);
        }
        let (send, receive) = (self.outgoing.len() + BUFFER, messages.len() * ACK_COST);
        if send > ROOM || receive > ROOM {
            self.transport.reserve(send.max(ROOM), receive.max(ROOM));
        }
        self.send_outgoing(&messages[0])?;
        Ok(first_sequence)
    }

    fn send_outgoing(&mut self, message: &Message) -> Result<()> {
        self.transport
            .send(&self.outgoing)
            .map_err(|source| io_error(message, "send netlink request", source))
    }

    /// Receives a datagram into the buffer; grows it if that was too small.
    fn receive(&mut self, message: &Message) -> Result<Fit> {
        let length = self
            .transport
            .receive(&mut self.buffer)
            .map_err(|source| io_error(message, "receive netlink answer", source))?;
        if length <= self.buffer.len() {
            return Ok(Fit::Whole);
        }
        if length > BUFFER_MAX {
            return Err(message.malformed("an answer of more than 16 MiB"));
        }
        self.buffer = Vec::with_capacity(length);
        Ok(Fit::Truncated)
    }
}

/// Whether a datagram fitted the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Whole,
    Truncated,
}

fn io_error(message: &Message, op: &'static str, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::WouldBlock {
        return Error::Timeout {
            op: message.op,
            subject: message.subject.clone(),
            after: ANSWER_WITHIN,
        };
    }
    Error::Io { op, source }
}
