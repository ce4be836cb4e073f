//! The thread: waits for messages, for the kernel's events, for flows and for time, and takes a turn after each.

use super::{Beginning, FlowLog, Message, publish, turn::Turn};
use crate::error::Error;
use fairway_netlink::{Event, Handle, Monitor};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    io::{self, Read as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, error::TryRecvError},
    oneshot,
};
use tracing::{error, warn};

/// What is there is compared with what should be at least so often.
const LOOK: Duration = Duration::from_secs(30);
/// After something has failed.
const AGAIN: Duration = Duration::from_millis(500);
/// So many events or messages are taken before the kernel is brought into step.
const BATCH: usize = 4096;

/// What the thread is handed.
pub(super) struct Inbox {
    pub(super) messages: UnboundedReceiver<Message>,
    /// Readable when there may be a message.
    pub(super) bell: UnixStream,
}

/// Runs until told to end, or until nobody is there to tell anything.
pub(super) fn run(
    beginning: Beginning,
    inbox: Inbox,
    orders: UnboundedSender<publish::Order>,
    flows: Arc<FlowLog>,
    started: oneshot::Sender<Result<(), Error>>,
) {
    // Subscribed first, listed after: nothing is between.
    let failed = |error: fairway_netlink::Error| Error::System {
        what: "policy",
        source: io::Error::other(error),
    };
    let begun = || {
        let monitor = Monitor::open().map_err(failed)?;
        let handle = Handle::open().map_err(failed)?;
        Ok((monitor, Turn::new(beginning, handle, orders, flows)?))
    };
    let (monitor, turn) = match begun() {
        Ok(begun) => begun,
        Err(error) => return drop(started.send(Err(error))),
    };
    let mut worker = Worker {
        turn,
        monitor: Some(monitor),
        inbox,
        look: Instant::now(),
    };
    // What is there already goes on as it was from the first moment.
    worker.turn.step();
    drop(started.send(Ok(())));
    worker.run();
}

struct Worker {
    turn: Turn,
    /// None: it has failed, and is to be opened anew.
    monitor: Option<Monitor>,
    inbox: Inbox,
    /// When what is there is compared with what should be.
    look: Instant,
}

impl Worker {
    fn run(mut self) {
        loop {
            self.wait();
            let (messages, end) = self.take();
            // A link is told of before whoever made it can speak of it.
            self.listen();
            for message in messages {
                self.turn.message(message);
            }
            match end {
                End::Told(done) => {
                    let _gone = done.send(());
                    return;
                }
                End::Alone => return,
                End::No => {}
            }
            if Instant::now() >= self.look {
                self.look = Instant::now() + LOOK;
                self.turn.doubt();
            }
            if self.monitor.is_none() {
                self.subscribe();
            }
            self.turn.step();
        }
    }

    /// Until there is something to do.
    fn wait(&self) {
        // More than one batch: the bell that rang for the rest is heard already.
        if !self.inbox.messages.is_empty() {
            return;
        }
        let mut next = self.look;
        if self.monitor.is_none() {
            next = next.min(Instant::now() + AGAIN);
        }
        let next = self.turn.deadline().map_or(next, |at| at.min(next));
        // Rounded up: a moment too early would be a turn for nothing.
        let left = next.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let fds = [
            Some(self.inbox.bell.as_fd()),
            self.monitor.as_ref().map(|monitor| monitor.as_fd()),
            self.turn.events(),
        ];
        let fds = fds.into_iter().flatten();
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // A signal is as good a reason to look as any.
        let _ = poll(&mut fds, timeout);
    }

    /// Takes what waits.
    fn take(&mut self) -> (Vec<Message>, End) {
        // First the bell, or a message that comes now would have rung for nothing.
        let mut rings = [0; 256];
        while matches!(self.inbox.bell.read(&mut rings), Ok(256)) {}
        let mut taken = Vec::new();
        while taken.len() < BATCH {
            match self.inbox.messages.try_recv() {
                Ok(Message::End(done)) => return (taken, End::Told(done)),
                Ok(message) => taken.push(message),
                Err(TryRecvError::Empty) => return (taken, End::No),
                Err(TryRecvError::Disconnected) => return (taken, End::Alone),
            }
        }
        (taken, End::No)
    }

    /// Takes what the kernel tells.
    fn listen(&mut self) {
        let Some(monitor) = &mut self.monitor else {
            return;
        };
        for _ in 0..BATCH {
            match monitor.try_next() {
                Ok(Some(event)) => self.turn.event(&event),
                Ok(None) => return,
                Err(error) => {
                    error!("{error}; subscribing anew");
                    self.monitor = None;
                    return;
                }
            }
        }
    }

    fn subscribe(&mut self) {
        match Monitor::open() {
            Ok(monitor) => {
                self.monitor = Some(monitor);
                self.turn.event(&Event::ListAnew);
            }
            Err(error) => warn!("{error}"),
        }
    }
}

enum End {
    No,
    Told(oneshot::Sender<()>),
    /// Nobody is there any more.
    Alone,
}
