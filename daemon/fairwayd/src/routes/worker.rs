//! The thread: waits for messages, for the kernel's events and for time, and takes a turn after each.

use super::{Beginning, Message, turn::Turn};
use crate::error::Error;
use fairway_ipam::record::UnderlayRecord;
use fairway_netlink::{Event, Handle, Monitor};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    io::{self, Read as _},
    os::{fd::AsFd, unix::net::UnixStream},
    time::{Duration, Instant},
};
use tokio::sync::{
    mpsc::{UnboundedReceiver, error::TryRecvError},
    oneshot, watch,
};
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

/// What waited.
struct Taken {
    messages: Vec<Message>,
    /// `Some`: it ends, and whom to tell.
    end: Option<Option<oneshot::Sender<()>>>,
}

struct Worker {
    turn: Turn<Handle>,
    /// None: it has failed, and is to be opened anew.
    monitor: Option<Monitor>,
    inbox: Inbox,
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
            let taken = self.take();
            // A link is told of before whoever made it can speak of it: learned first, nothing has to be
            // listed to find it.
            self.listen();
            for message in taken.messages {
                self.turn.message(message);
            }
            match taken.end {
                Some(Some(done)) => {
                    let _gone = done.send(());
                    return;
                }
                Some(None) => return,
                None => {}
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
        // More than one batch: the bell that rang for the rest is heard already.
        if !self.inbox.messages.is_empty() {
            return;
        }
        let deadlines = [Some(self.anew), self.again, self.turn.deadline()];
        let next = deadlines.into_iter().flatten().min().unwrap_or(self.anew);
        let left = next.saturating_duration_since(Instant::now());
        // Rounded up: a moment too early would be a turn for nothing.
        let left = left + Duration::from_micros(999);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let fds = [
            Some(self.inbox.bell.as_fd()),
            self.monitor.as_ref().map(AsFd::as_fd),
            self.turn.state.firewall.fd(),
        ];
        let fds = fds.into_iter().flatten();
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // A signal is as good a reason to look as any.
        let _ = poll(&mut fds, timeout);
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

    /// Takes what waits.
    fn take(&mut self) -> Taken {
        // First the bell, or a message that comes now would have rung for nothing.
        let mut rings = [0; 256];
        while matches!(self.inbox.bell.read(&mut rings), Ok(256)) {}
        let mut taken = Taken {
            messages: Vec::new(),
            end: None,
        };
        while taken.messages.len() < BATCH {
            match self.inbox.messages.try_recv() {
                Ok(Message::End(done)) => {
                    taken.end = Some(Some(done));
                    return taken;
                }
                Ok(message) => taken.messages.push(message),
                Err(TryRecvError::Empty) => return taken,
                Err(TryRecvError::Disconnected) => {
                    taken.end = Some(None);
                    return taken;
                }
            }
        }
        taken.end = self.inbox.messages.is_closed().then_some(None);
        taken
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
