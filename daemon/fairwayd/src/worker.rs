//! Threads that keep the kernel in step: each waits for messages, for the kernel's events and for time, and takes a
//! turn after each.

use crate::{
    code::Coded as _,
    error::Error,
    inbox::{self, BATCH, Inbox, Outbox},
    news::news,
};
use fairway_netlink::{Event, Monitor};
use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// After something has failed.
const AGAIN: Duration = Duration::from_millis(500);

/// Is told how the thread has begun.
pub(crate) type Started = oneshot::Sender<Result<(), Error>>;

/// Starts a thread, in the network namespace of the caller; comes back when it has begun.
///
/// # Errors
/// Where there can be none, or it cannot begin.
pub(crate) async fn start<M: Send + 'static>(
    what: &'static str,
    run: impl FnOnce(Inbox<M>, Started) + Send + 'static,
) -> Result<Outbox<M>, Error> {
    let (started, start) = oneshot::channel();
    let failed = |source| Error::System { what, source };
    let (outbox, inbox) = inbox::pair().map_err(failed)?;
    let thread = std::thread::Builder::new().name(what.to_owned());
    let spawned = thread.spawn(move || run(inbox, started));
    spawned.map_err(failed)?;
    let gone = |_| failed(io::Error::other("the thread has ended"));
    start.await.map_err(gone)??;
    Ok(outbox)
}

/// In the words of whoever starts a thread.
pub(crate) fn failed(what: &'static str) -> impl Fn(fairway_netlink::Error) -> Error {
    move |error| Error::System {
        what,
        source: io::Error::other(error),
    }
}

/// What the kernel tells.
pub(crate) struct Ears {
    /// None: it has failed, and is to be opened anew.
    monitor: Option<Monitor>,
}

impl Ears {
    /// To be had before anything is listed: nothing is between then.
    pub(crate) fn open() -> Result<Ears, fairway_netlink::Error> {
        let monitor = Some(Monitor::open()?);
        Ok(Ears { monitor })
    }

    /// Readable when there is something to hear.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.monitor.as_ref().map(|monitor| monitor.as_fd())
    }

    /// Is nothing heard any more? Then it is to be subscribed anew.
    pub(crate) fn are_deaf(&self) -> bool {
        self.monitor.is_none()
    }

    /// Takes what the kernel tells.
    pub(crate) fn listen(&mut self, mut hear: impl FnMut(&Event)) {
        let Some(monitor) = &mut self.monitor else {
            return;
        };
        for _ in 0..BATCH {
            match monitor.try_next() {
                Ok(Some(event)) => hear(&event),
                Ok(None) => return,
                Err(error) => {
                    news!(error, code = error.number(), "{error}; subscribing anew");
                    self.monitor = None;
                    return;
                }
            }
        }
    }

    /// Subscribes anew: what was missed is to be listed.
    pub(crate) fn subscribe(&mut self, mut hear: impl FnMut(&Event)) {
        match Monitor::open() {
            Ok(monitor) => {
                self.monitor = Some(monitor);
                hear(&Event::ListAnew);
            }
            Err(error) => news!(
                warn,
                code = error.number(),
                "changes in the kernel are not told: {error}"
            ),
        }
    }
}

/// What a thread does when something has come.
pub(crate) trait Turn {
    /// What it is told.
    type Message;

    /// What is there is compared with what should be at least so often.
    const LOOK: Duration;

    /// Takes a message.
    fn message(&mut self, message: Self::Message);

    /// Takes what the kernel tells. A link is told of before whoever made it can speak of it.
    fn event(&mut self, event: &Event);

    /// What is there may be another by now.
    fn doubt(&mut self);

    /// Brings all into step.
    fn step(&mut self);

    /// When to do that at the latest.
    fn deadline(&self) -> Option<Instant>;

    /// Readable when there is a reason to.
    fn readable(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Runs until told to end, or until nobody is there to tell anything.
///
/// The kernel is asked again where it has not let itself be heard; what it refuses is for the turn to try again.
pub(crate) fn run<T: Turn>(
    what: &'static str,
    begin: impl FnOnce() -> Result<T, Error>,
    inbox: Inbox<T::Message>,
    started: Started,
) {
    let ears = Ears::open().map_err(failed(what));
    let begun = ears.and_then(|ears| Ok((ears, begin()?)));
    let (ears, turn) = match begun {
        Ok(begun) => begun,
        Err(error) => return drop(started.send(Err(error))),
    };
    drop(started.send(Ok(())));
    let worker = Worker {
        turn,
        ears,
        inbox,
        look: Instant::now(),
    };
    worker.run();
}

struct Worker<T: Turn> {
    turn: T,
    ears: Ears,
    inbox: Inbox<T::Message>,
    /// When what is there is compared with what should be.
    look: Instant,
}

impl<T: Turn> Worker<T> {
    fn run(mut self) {
        loop {
            self.wait();
            let taken = self.inbox.take();
            self.ears.listen(|event| self.turn.event(event));
            for message in taken.messages {
                self.turn.message(message);
            }
            if let Some(end) = taken.end {
                let _gone = end.map(|done| done.send(()));
                return;
            }
            if Instant::now() >= self.look {
                self.look = Instant::now() + T::LOOK;
                self.turn.doubt();
            }
            if self.ears.are_deaf() {
                self.ears.subscribe(|event| self.turn.event(event));
            }
            self.turn.step();
        }
    }

    /// Until there is something to do.
    fn wait(&self) {
        let mut next = self.look;
        if self.ears.are_deaf() {
            next = next.min(Instant::now() + AGAIN);
        }
        let next = self.turn.deadline().map_or(next, |at| at.min(next));
        self.inbox
            .wait(next, [self.ears.fd(), self.turn.readable()]);
    }
}
