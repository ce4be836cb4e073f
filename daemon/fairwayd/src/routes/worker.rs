//! The thread: waits for messages, for the kernel's events and for time, and takes a turn after each.

use super::{Beginning, Message, turn::Turn};
use crate::{
    error::Error,
    inbox::{BATCH, Inbox},
};
use fairway_ipam::record::UnderlayRecord;
use fairway_netlink::{Event, Handle, Monitor};
use nix::poll::{PollTimeout, poll};
use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};
use tracing::{error, warn};

/// Everything is listed anew at least so often, since a message may have been missed and nobody knows.
const ANEW: Duration = Duration::from_secs(180);
/// After the kernel has refused something.
const AGAIN: Duration = Duration::from_millis(500);
/// Between two tries of the same at most.
const LONGEST: Duration = Duration::from_secs(15);
/// So often a second the kernel is brought into step at most: what is beyond that is done together, and two
/// programs that undo each other's work do not take a processor each.
const TURNS: u32 = 500;

/// Runs until told to end, or until nobody is there to tell anything.
pub(super) fn run(
    beginning: Beginning,
    inbox: Inbox<Message>,
    found: watch::Sender<Option<UnderlayRecord>>,
    started: oneshot::Sender<Result<(), Error>>,
) {
    // Subscribed first, listed after: nothing is between.
    let begun = Monitor::open().and_then(|monitor| Ok((monitor, Handle::open()?)));
    let (monitor, handle) = match begun {
        Ok(begun) => begun,
        Err(error) => return drop(started.send(Err(failed(error)))),
    };
    let mut turn = Turn::new(beginning, handle, found);
    turn.look_around();
    turn.step();
    drop(started.send(Ok(())));
    let worker = Worker {
        turn,
        monitor: Some(monitor),
        inbox,
        anew: Instant::now() + ANEW,
        again: None,
        pause: AGAIN,
        turns: (Instant::now(), 0),
    };
    worker.run();
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::System {
        what: "routes",
        source: io::Error::other(error),
    }
}

struct Worker {
    turn: Turn<Handle>,
    /// None: it has failed, and is to be opened anew.
    monitor: Option<Monitor>,
    inbox: Inbox<Message>,
    /// When all is listed anew.
    anew: Instant,
    /// When what was refused is tried again.
    again: Option<Instant>,
    pause: Duration,
    /// Turns since a moment less than a second ago.
    turns: (Instant, u32),
}

impl Worker {
    fn run(mut self) {
        loop {
            self.wait();
            self.breathe();
            let taken = self.inbox.take();
            // A link is told of before whoever made it can speak of it: learned first, nothing has to be
            // listed to find it.
            self.listen();
            for message in taken.messages {
                self.turn.message(message);
            }
            if let Some(end) = taken.end {
                let _gone = end.map(|done| done.send(()));
                return;
            }
            self.tick();
            let refused = self.turn.step();
            match (refused, self.again) {
                (true, None) => {
                    self.again = Some(Instant::now() + self.pause);
                    self.pause = (self.pause * 2).min(LONGEST);
                }
                (true, Some(_)) => {}
                (false, _) if self.monitor.is_some() => (self.again, self.pause) = (None, AGAIN),
                (false, _) => {}
            }
        }
    }

    /// Until there is something to do.
    fn wait(&mut self) {
        let deadlines = [Some(self.anew), self.again, self.turn.deadline()];
        let next = deadlines.into_iter().flatten().min().unwrap_or(self.anew);
        let monitor = self.monitor.as_ref().map(AsFd::as_fd);
        self.inbox
            .wait(next, [monitor, self.turn.state.firewall.fd()]);
    }

    /// Where too much happens, a little pause.
    fn breathe(&mut self) {
        let (since, turns) = &mut self.turns;
        *turns += 1;
        if since.elapsed() >= Duration::from_secs(1) {
            (*since, *turns) = (Instant::now(), 0);
        } else if *turns > TURNS {
            let rest = PollTimeout::from(20_u8);
            let _ = poll(&mut [], rest);
        }
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
                    return self.subscribe();
                }
            }
        }
    }

    /// Subscribes anew; where that fails, again after a while.
    fn subscribe(&mut self) {
        match Monitor::open() {
            Ok(monitor) => {
                self.monitor = Some(monitor);
                self.turn.event(&Event::ListAnew);
            }
            Err(error) => {
                warn!("{error}");
                self.again.get_or_insert(Instant::now() + AGAIN);
            }
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if now >= self.anew {
            self.anew = now + ANEW;
            self.turn.doubt();
        }
        if self.again.is_some_and(|at| now >= at) {
            self.again = None;
            self.turn.doubt();
            if self.monitor.is_none() {
                self.subscribe();
            }
        }
    }
}
