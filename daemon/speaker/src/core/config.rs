//! Who one is, and who is spoken with.

use super::Core;
use super::peer::Peer;
use crate::socket::Reach;
use fairway_bgp::message::Cease;
use fairway_bgp::session::config::Peer as Place;
use fairway_bgp::session::{Families, Input, Neighbour, RemoteAs, Text};
use fairway_bgp::table::{Filters, Settings};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use tracing::info;

/// Neighbours of prefixes at once, of all of them.
const DYNAMIC: usize = 1_024;

/// Who one is, and who is spoken with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Of the table.
    pub settings: Settings,
    /// Where neighbours may connect to.
    pub listen: Vec<SocketAddr>,
    /// With whom.
    pub neighbours: Vec<Wanted>,
    /// The folder in which sessions that begin are [recorded](fairway_bgp::session::record), each in a file of its own.
    pub record: Option<PathBuf>,
}

/// A neighbour, or all neighbours of a prefix.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// As operators call it.
    pub name: String,
    /// Its session.
    pub neighbour: Neighbour,
    /// What is taken from it and told to it.
    pub filters: Filters,
    /// It is of the same AS, and is told what others of it told (RFC 4456).
    pub client: bool,
    /// Its paths have to begin with its AS.
    pub enforce_first_as: bool,
    /// Own addresses, as next hops of routes of the family that the connection is not of.
    pub next_hops: NextHops,
}

/// An address of each family, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NextHops {
    /// Of IPv4.
    pub v4: Option<Ipv4Addr>,
    /// Of IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl Wanted {
    pub(super) fn reach(&self) -> Reach {
        let settings = self.neighbour.settings();
        let own = settings.local.asn;
        let internal = match &settings.remote_as {
            RemoteAs::Internal => true,
            RemoteAs::Is(asn) => *asn == own,
            RemoteAs::External => false,
            RemoteAs::OneOf(all) => all.iter().all(|asn| *asn == own),
        };
        Reach {
            ttl: settings.ttl,
            external: !internal,
        }
    }

    pub(super) fn place(&self) -> Place {
        self.neighbour.settings().peer
    }
}

impl Core {
    /// Only what differs is touched: a neighbour whose session is to be as it was keeps it.
    pub(super) fn configure(&mut self, config: Config) {
        let old = std::mem::replace(&mut self.config, config);
        self.listeners.set(&self.config, &old, &self.notes.0);
        let mut filters = Vec::new();
        let there: Vec<IpAddr> = self.peers.keys().copied().collect();
        for address in there {
            let Some(wanted) = self.wanted(address) else {
                info!("neighbour {address}: it is not wanted any more");
                self.end(address, Cease::Deconfigured);
                continue;
            };
            let Some(peer) = self.peers.get_mut(&address) else {
                continue;
            };
            let same = Wanted {
                filters: wanted.filters.clone(),
                name: wanted.name.clone(),
                ..peer.wanted.clone()
            };
            match same == wanted {
                true => {
                    if peer.wanted.filters != wanted.filters {
                        filters.extend(peer.id.map(|id| (id, wanted.filters.clone())));
                    }
                    peer.wanted = wanted;
                }
                false => self.end(address, Cease::ConfigChange),
            }
        }
        self.table.change(filters);
        let places = self.config.neighbours.iter().map(Wanted::place);
        let addresses = places.filter_map(|place| match place {
            Place::At(address) => Some(address),
            Place::Within(_) => None,
        });
        let addresses: BTreeSet<IpAddr> = addresses.collect();
        for address in addresses {
            if !self.peers.contains_key(&address)
                && let Some(wanted) = self.wanted(address)
            {
                self.begin(address, wanted, false);
            }
        }
    }

    /// What is wanted of a neighbour at an address: what is said of it alone, or else of the longest prefix.
    pub(super) fn wanted(&self, address: IpAddr) -> Option<Wanted> {
        let rank = |wanted: &Wanted| match wanted.place() {
            Place::At(_) => u16::MAX,
            Place::Within(prefix) => prefix.length().into(),
        };
        let all = self.config.neighbours.iter();
        let all = all.filter(|wanted| wanted.place().has(address));
        let wanted = all.max_by_key(|wanted| rank(wanted))?;
        Some(Wanted {
            neighbour: wanted.neighbour.at(address)?,
            ..wanted.clone()
        })
    }

    /// A session is begun.
    pub(super) fn begin(&mut self, address: IpAddr, wanted: Wanted, dynamic: bool) {
        let seed = fastrand::u64(..);
        let restarted = self.restarted;
        let mut peer = Peer::new(wanted, seed);
        let folder = self.config.record.as_deref();
        peer.record = folder.and_then(|folder| {
            let neighbour = peer.session.neighbour();
            self.records.begin(folder, address, neighbour, seed)
        });
        peer.waited = match restarted {
            Some(_) => peer.wanted.neighbour.families(),
            None => Families::NONE,
        };
        self.peers.insert(address, peer);
        self.handle(address, Input::Start { restarted });
        // Not before: nobody would miss one that has no connection yet.
        if let Some(peer) = self.peers.get_mut(&address) {
            peer.dynamic = dynamic;
        }
    }

    /// A neighbour of a prefix connected.
    pub(super) fn begin_dynamic(&mut self, address: IpAddr) -> bool {
        let dynamic = self.peers.values().filter(|peer| peer.dynamic).count();
        match self.wanted(address) {
            Some(wanted) if dynamic < DYNAMIC => {
                self.begin(address, wanted, true);
                true
            }
            _ => false,
        }
    }

    /// A session is ended, and nothing of it stays.
    pub(super) fn end(&mut self, address: IpAddr, reason: Cease) {
        let text = Text::default();
        self.handle(address, Input::Stop { reason, text });
        if let Some(peer) = self.peers.remove(&address)
            && let Some(id) = peer.id
        {
            self.table.remove(id);
        }
        self.defer_no_longer();
    }
}
