//! A client that blocks: for the plugins and `netctl`.
//!
//! It has no runtime and no thread: a plugin lives for a few milliseconds, and starting a runtime costs
//! more than the call. Every step has an end in time. What can go wrong is told apart, since the callers
//! act differently: a plugin's DEL answers success where nobody is there, and leaves a record; where the
//! connection broke, the daemon may have done the work.

mod error;
mod stream;
#[cfg(test)]
mod tests;

pub use error::{Breakage, ClientError};

use crate::{
    frame::{self, FrameError},
    ipam::{Allocate, Allocated},
    message::{Body, Method, Progress, Request, VERSION},
    parts::Parts,
    trace::Trace,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{path::Path, time::Duration};
use stream::Stream;

/// How long connecting may take, unless the caller says.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the next frame of an answer may take, unless the caller says.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection to the daemon. One call at a time.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    answer: Duration,
    trace: Option<Trace>,
    /// A call failed half-way: what comes next may be the answer to that one.
    spent: bool,
}

/// An allocation that is promised and not durable yet.
///
/// Dropped without [`Pending::wait`], the daemon still makes it durable: release it, or wait.
#[derive(Debug)]
#[must_use = "the addresses may be used by others until this was waited for"]
pub struct Pending {
    client: Client,
    early: Option<Allocated>,
}

impl Client {
    /// Connects; `timeout` is at least a millisecond.
    ///
    /// # Errors
    /// [`ClientError::NotThere`], [`ClientError::Denied`], [`ClientError::TimedOut`].
    pub fn connect(socket: &Path, timeout: Duration) -> Result<Client, ClientError> {
        Ok(Client {
            stream: Stream::connect(socket, timeout)?,
            answer: ANSWER_TIMEOUT,
            trace: None,
            spent: false,
        })
    }

    /// How long each frame of an answer may take, instead of [`ANSWER_TIMEOUT`]. The daemon sends progress
    /// at least every [`crate::PROGRESS_EVERY`] in long work; an `ipam.allocate` that waits for a claim
    /// sends nothing while it waits.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Client {
        self.answer = timeout;
        self
    }

    /// What the daemon is to know the requests by.
    #[must_use]
    pub fn traced(mut self, trace: Trace) -> Client {
        self.trace = Some(trace);
        self
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn call<T: DeserializeOwned>(&mut self, method: Method) -> Result<T, ClientError> {
        self.call_with(method, |_| {})
    }

    /// Asks, shows how far it is, and waits for the answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn call_with<T: DeserializeOwned>(
        &mut self,
        method: Method,
        on_progress: impl FnMut(&Progress),
    ) -> Result<T, ClientError> {
        self.send(method, false)?;
        match self.answer(on_progress)? {
            Answer::Ok(value) => self.typed(value),
            Answer::Early(_) | Answer::Part(_) => Err(self.out_of_step()),
        }
    }

    /// Asks for a list of any length, which comes in parts, and waits for all of it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn list<T: DeserializeOwned>(
        &mut self,
        method: Method,
        on_progress: impl FnMut(&Progress),
    ) -> Result<Vec<T>, ClientError> {
        self.whole(method, on_progress)
    }

    /// The same for whatever is made of lists.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn whole<T: Parts + DeserializeOwned>(
        &mut self,
        method: Method,
        mut on_progress: impl FnMut(&Progress),
    ) -> Result<T, ClientError> {
        self.send(method, true)?;
        let mut all = T::default();
        loop {
            // Each part becomes rows at once: as values they are several times as large.
            let (value, last) = match self.answer(&mut on_progress)? {
                Answer::Part(value) => (value, false),
                Answer::Ok(value) => (value, true),
                Answer::Early(_) => return Err(self.out_of_step()),
            };
            for row in self.typed::<T>(value)?.rows() {
                all.push(row);
            }
            if last {
                return Ok(all);
            }
        }
    }

    /// Asks for addresses and gives them before they are durable, so that links can be made meanwhile.
    /// Nothing may be reported to the runtime before [`Pending::wait`].
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn allocate_early(
        mut self,
        mut request: Allocate,
    ) -> Result<(Allocated, Pending), ClientError> {
        request.early = true;
        self.send(Method::Allocate(Box::new(request)), false)?;
        let (value, early) = match self.answer(|_| {})? {
            Answer::Ok(value) => (value, false),
            Answer::Early(value) => (value, true),
            Answer::Part(_) => return Err(self.out_of_step()),
        };
        let allocated: Allocated = self.typed(value)?;
        let early = early.then(|| allocated.clone());
        Ok((
            allocated,
            Pending {
                client: self,
                early,
            },
        ))
    }

    fn send(&mut self, method: Method, parts: bool) -> Result<(), ClientError> {
        if self.spent {
            return Err(self.stream.broken(Breakage::Spent));
        }
        let request = Request {
            v: VERSION,
            trace: self.trace,
            parts,
            method,
        };
        let frame = frame::encode(&request, frame::MAX_REQUEST).map_err(ClientError::Unsendable)?;
        self.spent = true;
        self.stream.send(&frame, self.answer)
    }

    fn answer(&mut self, mut on_progress: impl FnMut(&Progress)) -> Result<Answer, ClientError> {
        self.spent = true;
        loop {
            let body = self.stream.receive(self.answer)?;
            let reply = frame::reply(&body).map_err(|error| match error {
                FrameError::Version { theirs, ours } => {
                    let socket = self.stream.path.clone();
                    ClientError::Version {
                        socket,
                        theirs,
                        ours,
                    }
                }
                error => self.stream.broken(Breakage::Frame(error)),
            })?;
            match reply.body {
                Body::Progress(progress) => on_progress(&progress),
                Body::Early(value) => return Ok(Answer::Early(value)),
                Body::Part(value) => return Ok(Answer::Part(value)),
                Body::Ok(value) => {
                    self.spent = false;
                    return Ok(Answer::Ok(value));
                }
                Body::Error(refusal) => {
                    self.spent = false;
                    return Err(ClientError::Refused(refusal));
                }
            }
        }
    }

    fn typed<T: DeserializeOwned>(&self, value: Value) -> Result<T, ClientError> {
        serde_json::from_value(value).map_err(|error| self.stream.broken(Breakage::Answer(error)))
    }

    fn out_of_step(&mut self) -> ClientError {
        self.spent = true;
        self.stream.broken(Breakage::OutOfStep)
    }
}

impl Pending {
    /// Waits until the allocation is durable; gives the connection back.
    ///
    /// # Errors
    /// Where it did not become durable, or that is not known: what was given early is not the
    /// container's then.
    pub fn wait(mut self) -> Result<Client, ClientError> {
        if let Some(early) = self.early {
            match self.client.answer(|_| {})? {
                Answer::Ok(value) if self.client.typed::<Allocated>(value.clone())? == early => {}
                Answer::Ok(_) | Answer::Early(_) | Answer::Part(_) => {
                    return Err(self.client.out_of_step());
                }
            }
        }
        Ok(self.client)
    }
}

enum Answer {
    Early(Value),
    Part(Value),
    Ok(Value),
}
