//! The thread: waits for messages, for the kernel's events, for flows and for time, and takes a turn after each.

use super::{Beginning, FlowLog, Message, publish, turn::Turn};
use crate::{
    error::Error,
    inbox::{BATCH, Inbox},
};
use fairway_netlink::{Event, Handle, Monitor};
use std::{
    io,
    os::fd::AsFd as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc::UnboundedSender, oneshot};
use tracing::{error, warn};

/// What is there is compared with what should be at least so often.
const LOOK: Duration = Duration::from_secs(30);
/// After something has failed.
const AGAIN: Duration = Duration::from_millis(500);

/// Runs until told to end, or until nobody is there to tell anything.
pub(super) fn run(
    beginning: Beginning,
    inbox: Inbox<Message>,
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
    inbox: Inbox<Message>,
    /// When what is there is compared with what should be.
    look: Instant,
}

impl Worker {
    fn run(mut self) {
        loop {
            self.wait();
            let taken = self.inbox.take();
            // A link is told of before whoever made it can speak of it.
            self.listen();
            for message in taken.messages {
                self.turn.message(message);
            }
            if let Some(end) = taken.end {
                let _gone = end.map(|done| done.send(()));
                return;
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
        let mut next = self.look;
        if self.monitor.is_none() {
            next = next.min(Instant::now() + AGAIN);
        }
        let next = self.turn.deadline().map_or(next, |at| at.min(next));
        let monitor = self.monitor.as_ref().map(|monitor| monitor.as_fd());
        self.inbox.wait(next, [monitor, self.turn.events()]);
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
