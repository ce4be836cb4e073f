//! What decides: one task, with the sessions, their connections and the table.

mod config;
mod connect;
mod hear;
mod obey;
mod peer;
mod record;
mod restart;
mod say;
mod show;
mod status;
mod tell;

pub use config::{Config, NextHops, Wanted};
pub(crate) use say::Bytes;
pub(crate) use show::Listed;
pub use show::{Seen, Which};
pub use status::PeerStatus;

use crate::line::Said;
use crate::speaker::Command;
use connect::Listeners;
use fairway_bgp::Time;
use fairway_bgp::session::{Connection, Families, Input};
use fairway_bgp::table::{Change, Settings, Table};
use peer::Peer;
use record::Records;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::time::SystemTime;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until};

/// What came from outside and waits at most; a neighbour that tells more than is taken waits with the rest.
const NOTES: usize = 64;
/// Of these, how many are taken up before others have their turn.
const AT_ONCE: usize = 64;
/// Prefixes that are looked at in one turn, of what takes long.
const WORK: usize = 16_384;
/// Changes that the node is told at once; some lists of them may wait for it.
const CHANGES: usize = 1_024;

/// A connection, by the address of the neighbour.
pub(crate) type Name = (IpAddr, Connection);

/// Something happened outside.
#[derive(Debug)]
pub(crate) enum Note {
    /// On a connection.
    Line(Name, Said),
    /// An attempt ended.
    Dialed(Name, io::Result<TcpStream>),
    /// Somebody connected.
    Accepted(TcpStream),
}

pub(crate) struct Core {
    config: Config,
    table: Table,
    peers: BTreeMap<IpAddr, Peer>,
    listeners: Listeners,
    notes: (mpsc::Sender<Note>, mpsc::Receiver<Note>),
    /// When time began.
    zero: Instant,
    /// The same, by the wall clock.
    began: SystemTime,
    changes: mpsc::Sender<Vec<Change>>,
    /// The node has as many of them as it takes: it may be that more are to be told when it has read some.
    full: bool,
    told: tell::Told,
    /// Connections of neighbours so far.
    accepted: u32,
    /// This speaker has just restarted, and for these families packets were forwarded meanwhile.
    restarted: Option<Families>,
    records: Records,
}

impl Core {
    /// With nobody to speak with yet.
    pub(crate) fn new(
        settings: Settings,
        changes: mpsc::Sender<Vec<Change>>,
        table: Table,
        restarted: Option<Families>,
    ) -> Core {
        Core {
            config: Config {
                settings,
                listen: Vec::new(),
                neighbours: Vec::new(),
                record: None,
            },
            table,
            peers: BTreeMap::new(),
            listeners: Listeners::default(),
            notes: mpsc::channel(NOTES),
            zero: Instant::now(),
            began: SystemTime::now(),
            changes,
            full: false,
            told: tell::Told::default(),
            accepted: 0,
            restarted,
            records: Records::default(),
        }
    }

    /// Until nobody has commands any more, or it is to leave.
    pub(crate) async fn run(mut self, config: Config, mut commands: mpsc::Receiver<Command>) {
        self.configure(config);
        // With nobody to wait for, there is no restart for whoever comes later.
        self.defer_no_longer();
        loop {
            let more = self.turn();
            let due = self.deadline();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(Command::Leave) => return self.leave().await,
                    Some(command) => self.obey(command),
                    None => break,
                },
                Some(note) = self.notes.1.recv() => self.take(note),
                () = tokio::task::yield_now(), if more => {}
                () = room(&self.changes), if self.full => {}
                () = wait(due) => {}
            }
            for _ in 0..AT_ONCE {
                match self.notes.1.try_recv() {
                    Ok(note) => self.take(note),
                    Err(_) => break,
                }
            }
            self.tick();
        }
        self.farewell().await;
    }

    pub(super) fn now(&self) -> Time {
        Time::after(self.zero.elapsed())
    }

    /// When something has to be done without being asked for.
    fn deadline(&self) -> Option<Instant> {
        let due = self
            .peers
            .values()
            .filter_map(|peer| peer.session.deadline());
        let due = due.min()?;
        Some(self.zero + (due - Time::default()))
    }

    fn tick(&mut self) {
        let now = self.now();
        let due = |peer: &Peer| peer.session.deadline().is_some_and(|due| due <= now);
        let due = self.peers.iter().filter(|(_, peer)| due(peer));
        let due: Vec<IpAddr> = due.map(|(address, _)| *address).collect();
        for address in due {
            self.handle(address, Input::Tick);
        }
    }

    /// A bit of all that is to be done; whether there is more.
    fn turn(&mut self) -> bool {
        let more = self.table.work(WORK);
        let told = self.tell_all();
        more | told | self.tell_node()
    }

    /// The node has as many changes as it takes. After a restart it goes on with what it has until neighbours have told
    /// theirs (RFC 4724, 4.1).
    fn tell_node(&mut self) -> bool {
        if !self.deferred().is_empty() {
            self.full = false;
            return false;
        }
        let room = self.changes.try_reserve();
        self.full = matches!(room, Err(TrySendError::Full(())));
        let Ok(room) = room else {
            return false;
        };
        let changes = self.table.changes(CHANGES);
        let more = changes.len() >= CHANGES;
        if !changes.is_empty() {
            room.send(changes);
        }
        more
    }
}

/// Until the node has read some.
async fn room(changes: &mpsc::Sender<Vec<Change>>) {
    // Where it reads no more, there is no room to be waited for.
    let _ = changes.reserve().await;
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
