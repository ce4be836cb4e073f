//! The thread: waits for messages, for the kernel's events and for time, and takes a turn after each.
//!
//! Its loop is not that of [`crate::worker`]. Routes are others' to undo at any moment, so there is a pause where too
//! much happens; and what the kernel refuses is tried again here, all of it at once and after longer and longer, since
//! one route may wait for another.

use super::{Beginning, Message, turn::Turn};
use crate::{
    inbox::Inbox,
    worker::{Ears, Started, failed},
};
use fairway_ipam::record::UnderlayRecord;
use fairway_netlink::Handle;
use nix::poll::{PollTimeout, poll};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What the thread is called.
pub(super) const NAME: &str = "routes";
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
    started: Started,
) {
    let begun = Ears::open().and_then(|ears| Ok((ears, Handle::open()?)));
    let (ears, handle) = match begun.map_err(failed(NAME)) {
        Ok(begun) => begun,
        Err(error) => return drop(started.send(Err(error))),
    };
    let mut turn = Turn::new(beginning, handle, found);
    turn.look_around();
    turn.step();
    drop(started.send(Ok(())));
    let worker = Worker {
        turn,
        ears,
        inbox,
        anew: Instant::now() + ANEW,
        again: None,
        pause: AGAIN,
        turns: (Instant::now(), 0),
    };
    worker.run();
}

struct Worker {
    turn: Turn<Handle>,
    ears: Ears,
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
                (false, _) if !self.ears.are_deaf() => (self.again, self.pause) = (None, AGAIN),
                (false, _) => {}
            }
        }
    }

    /// Until there is something to do.
    fn wait(&mut self) {
        let deadlines = [Some(self.anew), self.again, self.turn.deadline()];
        let next = deadlines.into_iter().flatten().min().unwrap_or(self.anew);
        self.inbox
            .wait(next, [self.ears.fd(), self.turn.state.firewall.fd()]);
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
        if self.ears.are_deaf() {
            return;
        }
        self.ears.listen(|event| self.turn.event(event));
        if self.ears.are_deaf() {
            self.subscribe();
        }
    }

    /// Subscribes anew; where that fails, again after a while.
    fn subscribe(&mut self) {
        self.ears.subscribe(|event| self.turn.event(event));
        if self.ears.are_deaf() {
            self.again.get_or_insert(Instant::now() + AGAIN);
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
            if self.ears.are_deaf() {
                self.subscribe();
            }
        }
    }
}
