//! Connections are made and taken.

use super::{Config, Core, Note};
use crate::line::{Line, Said};
use crate::socket::{self, Whose};
use fairway_bgp::session::{Connection, Input};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tracing::warn;

/// After an accept that failed: there are no descriptors, mostly.
const AGAIN: Duration = Duration::from_millis(100);

/// Where neighbours connect to.
#[derive(Default)]
pub(super) struct Listeners(HashMap<SocketAddr, Listening>);

struct Listening {
    listener: Arc<TcpListener>,
    task: AbortHandle,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listeners {
    /// Listens where it is wanted and nowhere else, with the keys of all neighbours.
    pub(super) fn set(&mut self, config: &Config, old: &Config, notes: &mpsc::Sender<Note>) {
        self.0.retain(|at, _| config.listen.contains(at));
        for at in &config.listen {
            let known = self.0.contains_key(at);
            if !known {
                match socket::listen(*at) {
                    Ok(listener) => {
                        let listener = Arc::new(listener);
                        let task = tokio::spawn(accept(Arc::clone(&listener), notes.clone()));
                        let task = task.abort_handle();
                        self.0.insert(*at, Listening { listener, task });
                    }
                    Err(error) => {
                        warn!("{at}: neighbours cannot connect: {error}");
                        continue;
                    }
                }
            }
            if let Some(listening) = self.0.get(at) {
                keys(at, &listening.listener, config, old);
            }
        }
    }

    /// Where it listens.
    pub(super) fn all(&self) -> Vec<SocketAddr> {
        let all = self.0.values();
        let all = all.filter_map(|one| one.listener.local_addr().ok());
        all.collect()
    }
}

fn keys(at: &SocketAddr, listener: &TcpListener, config: &Config, old: &Config) {
    let of = |config: &Config| -> Vec<_> {
        let all = config.neighbours.iter().filter_map(|wanted| {
            let settings = wanted.neighbour.settings();
            Some((Whose::peer(settings.peer), settings.password.clone()?))
        });
        all.collect()
    };
    let (wanted, there) = (of(config), of(old));
    let gone = there
        .iter()
        .filter(|(whose, _)| wanted.iter().all(|(other, _)| other != whose));
    let gone = gone.map(|(whose, _)| (*whose, None));
    let come = wanted.iter().map(|(whose, key)| (*whose, Some(key)));
    for (whose, key) in gone.chain(come) {
        if whose.is_ipv4() == at.is_ipv4()
            && let Err(error) = socket::set_key(listener, whose, key)
        {
            warn!("{at}: a neighbour's key cannot be set: {error}");
        }
    }
}

async fn accept(listener: Arc<TcpListener>, notes: mpsc::Sender<Note>) {
    // Out of descriptors it fails at each try, for as long as that lasts.
    let mut failed = false;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                failed = false;
                if notes.send(Note::Accepted(stream)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    warn!("a connection cannot be taken: {error}");
                }
                sleep(AGAIN).await;
            }
        }
    }
}

impl Core {
    pub(super) fn take(&mut self, note: Note) {
        match note {
            Note::Line((address, connection), said) => match said {
                Said::Bytes(bytes, turn) => {
                    self.hear(address, connection, bytes);
                    drop(turn);
                }
                Said::Ended(why) => {
                    self.forget(address, connection);
                    self.handle(address, Input::Closed(connection, why));
                }
                Said::Room => {}
                Said::Stuck => self.handle(address, Input::Blocked(connection)),
                Said::Flowing => self.handle(address, Input::Flowing(connection)),
            },
            Note::Dialed((address, connection), dialed) => self.dialed(address, connection, dialed),
            Note::Accepted(stream) => self.accepted(stream),
        }
    }

    /// An attempt is begun; who asked for it bounds its time.
    pub(super) fn dial(&mut self, address: IpAddr, connection: Connection) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        let settings = peer.wanted.neighbour.settings();
        let (to, from) = (SocketAddr::new(address, settings.port), settings.source);
        let (key, reach) = (settings.password.clone(), peer.wanted.reach());
        let notes = self.notes.0.clone();
        let task = tokio::spawn(async move {
            let dialed = socket::connect(to, from, key.as_ref(), reach).await;
            let _ = notes
                .send(Note::Dialed((address, connection), dialed))
                .await;
        });
        peer.dials.push((connection, task.abort_handle()));
    }

    fn dialed(
        &mut self,
        address: IpAddr,
        connection: Connection,
        dialed: std::io::Result<TcpStream>,
    ) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        let before = peer.dials.len();
        peer.dials.retain(|(other, _)| *other != connection);
        if peer.dials.len() == before {
            // It was given up meanwhile.
            return;
        }
        match dialed {
            Ok(stream) => self.connected(address, connection, stream),
            Err(error) => {
                let why = error.to_string();
                self.handle(address, Input::ConnectFailed(connection, why));
            }
        }
    }

    fn accepted(&mut self, stream: TcpStream) {
        let Ok(from) = stream.peer_addr() else {
            return;
        };
        let address = from.ip();
        let known = self.peers.contains_key(&address);
        if !known && !self.begin_dynamic(address) {
            return;
        }
        let Some(peer) = self.peers.get(&address) else {
            return;
        };
        if let Err(error) = socket::accepted(&stream, peer.wanted.reach()) {
            warn!("neighbour {address}: its connection is not taken: {error}");
            self.forget_over(address);
            return;
        }
        self.accepted = self.accepted.wrapping_add(1);
        self.connected(address, Connection::Theirs(self.accepted), stream);
    }

    fn connected(&mut self, address: IpAddr, connection: Connection, stream: TcpStream) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        let local = stream.local_addr().map(|local| local.ip()).ok();
        let (lines, name) = (self.notes.0.clone(), (address, connection));
        let line = Line::start(stream, name, lines, Note::Line);
        peer.wires
            .insert(connection, super::peer::Wire::new(line, local));
        self.handle(address, Input::Connected(connection));
    }

    /// A connection that has ended.
    fn forget(&mut self, address: IpAddr, connection: Connection) {
        if let Some(peer) = self.peers.get_mut(&address) {
            peer.wires.remove(&connection);
        }
    }
}
