//! A neighbour: its session, its connections, its place in the table.

use super::config::Wanted;
use super::record::Record;
use super::{Core, say};
use crate::line::Line;
use fairway_bgp::attr::NextHop;
use fairway_bgp::message::{Message, Update};
use fairway_bgp::session::{Agreed, Connection, Event, Families, Input, Output, Session, State};
use fairway_bgp::table::{Neighbour, PeerId, Relation};
use fairway_bgp::wire::{self, Coding};
use fairway_bgp::{Family, Prefix};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use tokio::task::AbortHandle;
use tracing::{debug, info, warn};

/// Connections of a neighbour on which the last is being said, at once.
const CLOSING: usize = 4;

pub(super) struct Peer {
    pub(super) wanted: Wanted,
    /// It came by itself, and goes by itself.
    pub(super) dynamic: bool,
    pub(super) session: Session,
    pub(super) wires: HashMap<Connection, Wire>,
    /// Connections on which the last is being said.
    closing: VecDeque<AbortHandle>,
    /// Attempts that are under way.
    pub(super) dials: Vec<(Connection, AbortHandle)>,
    /// In the table, from its first session on.
    pub(super) id: Option<PeerId>,
    /// What was agreed on, what of it is told, and by which connection.
    pub(super) spoken: Families,
    pub(super) joined: Families,
    pub(super) up: Option<Connection>,
    /// Its routes of these are waited for, since this speaker restarted.
    pub(super) waited: Families,
    pub(super) faults: u64,
    pub(super) last_fault: Option<wire::Fault>,
    /// Where it is written down, if it is.
    pub(super) record: Option<Record>,
}

pub(super) struct Wire {
    pub(super) line: Line,
    /// The own address.
    pub(super) local: Option<IpAddr>,
    pub(super) coding: Coding,
    /// The beginning of a message.
    pub(super) rest: Vec<u8>,
}

impl Wire {
    pub(super) fn new(line: Line, local: Option<IpAddr>) -> Wire {
        Wire {
            line,
            local,
            coding: Coding::default(),
            rest: Vec::new(),
        }
    }
}

impl Peer {
    pub(super) fn new(wanted: Wanted, seed: u64) -> Peer {
        Peer {
            session: Session::new(wanted.neighbour.clone(), seed),
            wanted,
            dynamic: false,
            wires: HashMap::new(),
            closing: VecDeque::new(),
            dials: Vec::new(),
            id: None,
            spoken: Families::NONE,
            joined: Families::NONE,
            up: None,
            waited: Families::NONE,
            faults: 0,
            last_fault: None,
            record: None,
        }
    }

    /// Nobody would miss it. One that is held down, or stopped since it told too much, would be back at once.
    fn is_over(&self) -> bool {
        self.dynamic
            && self.session.state() == State::Active
            && self.wires.is_empty()
            && self.dials.is_empty()
            && self.session.status().stale.is_empty()
    }

    /// The own address of the connection, or else one of the family, or where that is allowed (RFC 8950) of the other.
    fn own_hop(&self, family: Family, agreed: &Agreed, local: Option<IpAddr>) -> Option<NextHop> {
        let hops = self.wanted.next_hops;
        let v6 = |ip| NextHop::V6(ip, None);
        match (family, local) {
            (Family::Ipv4, Some(IpAddr::V4(ip))) => Some(NextHop::V4(ip)),
            (Family::Ipv6, Some(IpAddr::V6(ip))) => Some(v6(ip)),
            (Family::Ipv6, _) => hops.v6.map(v6),
            (Family::Ipv4, Some(IpAddr::V6(ip))) if agreed.coding().ipv4_by_ipv6 => Some(v6(ip)),
            (Family::Ipv4, _) => hops.v4.map(NextHop::V4),
        }
    }

    /// As the table sees it.
    fn place(&self, address: IpAddr, agreed: &Agreed, local: Option<IpAddr>) -> Neighbour {
        let relation = match (agreed.internal, self.wanted.client) {
            (false, _) => Relation::External,
            (true, false) => Relation::Internal,
            (true, true) => Relation::Client,
        };
        let own_hops =
            [Family::Ipv4, Family::Ipv6].map(|family| self.own_hop(family, agreed, local));
        let limit = |family| {
            let settings = self.wanted.neighbour.settings();
            let mut families = settings.families.iter().filter(|one| one.family == family);
            let limit = families.next()?.limit?;
            // Where it is only warned of, all are taken.
            matches!(limit.over, fairway_bgp::session::config::Over::Down { .. })
                .then_some(limit.prefixes)
        };
        Neighbour {
            address,
            asn: agreed.remote.asn,
            local: Some(agreed.local.asn),
            router: agreed.remote.router,
            relation,
            filters: self.wanted.filters.clone(),
            own_hops,
            adjacent: !agreed.internal && self.wanted.neighbour.settings().ttl.is_one_hop(),
            shared: Vec::<Prefix>::new(),
            most: [Family::Ipv4, Family::Ipv6].map(limit),
            enforce_first_as: self.wanted.enforce_first_as,
        }
    }
}

impl Core {
    /// Tells a session what happened, and does what it says.
    pub(super) fn handle(&mut self, address: IpAddr, input: Input) {
        self.handle_bytes(address, input, &[]);
    }

    /// Likewise, of a message that came as these bytes.
    pub(super) fn handle_bytes(&mut self, address: IpAddr, input: Input, bytes: &[u8]) {
        let now = self.now();
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        if let Some(record) = &mut peer.record {
            record.pen.told(now, &input, bytes);
        }
        let mut out = Vec::new();
        peer.session.handle(now, input, &mut out);
        if let Some(record) = &mut peer.record {
            record.pen.answered(&out);
            if !self.records.write(record) {
                peer.record = None;
            }
        }
        for output in out {
            self.act(address, output);
        }
        self.forget_over(address);
    }

    /// A neighbour of a prefix that is gone leaves nothing.
    pub(super) fn forget_over(&mut self, address: IpAddr) {
        if self.peers.get(&address).is_some_and(Peer::is_over)
            && let Some(peer) = self.peers.remove(&address)
        {
            if let Some(id) = peer.id {
                self.table.remove(id);
            }
            self.defer_no_longer();
        }
    }

    fn act(&mut self, address: IpAddr, output: Output) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        match output {
            Output::Connect(connection) => self.dial(address, connection),
            Output::Send(connection, message) => peer.send(address, connection, &message),
            Output::Close(connection) => {
                if let Some(wire) = peer.wires.remove(&connection) {
                    peer.close(wire.line);
                }
                peer.dials.retain(|(other, task)| {
                    let stays = *other != connection;
                    if !stays {
                        task.abort();
                    }
                    stays
                });
            }
            Output::Up(connection, agreed) => self.up(address, connection, &agreed),
            Output::Down { why, kept } => {
                info!("neighbour {address}: down: {why}");
                self.down(address, kept);
            }
            Output::Update(update) => self.learn(address, update),
            Output::MarkStale(family) => {
                if let Some(id) = peer.id {
                    self.table.mark_stale(id, family);
                }
            }
            Output::DropStale(family) => {
                if let Some(id) = peer.id {
                    self.table.purge_stale(id, family);
                }
            }
            Output::RefreshWanted(family) => {
                if let Some(id) = peer.id {
                    self.table.refresh(id, family);
                }
            }
            Output::Complete(family, why) => self.complete(address, family, why),
            Output::Event(event) => log(address, &event),
        }
    }

    fn up(&mut self, address: IpAddr, connection: Connection, agreed: &Agreed) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        let Some(wire) = peer.wires.get_mut(&connection) else {
            return;
        };
        wire.coding = agreed.coding();
        let local = wire.local;
        let place = peer.place(address, agreed, local);
        // Routes that were kept are those of the same speaker, told under the same terms.
        let stays = peer.id.filter(|id| {
            let there = self.table.neighbour(*id);
            there.is_some_and(|there| {
                let one = |n: &Neighbour| (n.asn, n.router, n.relation, n.own_hops);
                one(there) == one(&place)
            })
        });
        if stays.is_none() {
            if let Some(id) = peer.id.take() {
                self.table.remove(id);
            }
            peer.id = self.table.add(place);
        }
        if peer.id.is_none() {
            warn!("neighbour {address}: there are too many neighbours; it is told nothing");
            return;
        }
        peer.up = Some(connection);
        peer.spoken = agreed.families();
        self.join(address);
        info!("neighbour {address}: up, AS {}", agreed.remote.asn);
    }

    fn down(&mut self, address: IpAddr, kept: Families) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        peer.up = None;
        peer.spoken = Families::NONE;
        peer.joined = Families::NONE;
        let Some(id) = peer.id else {
            return;
        };
        if kept.is_empty() {
            self.table.remove(id);
            peer.id = None;
            return;
        }
        for family in Family::ALL {
            self.table.leave(id, family);
            match kept.contains(family) {
                true => self.table.mark_stale(id, family),
                false => self.table.purge(id, family),
            }
        }
    }

    fn learn(&mut self, address: IpAddr, update: Update) {
        let Some(id) = self.peers.get(&address).and_then(|peer| peer.id) else {
            return;
        };
        let mut touched = Families::NONE;
        let first = update.withdrawn.iter();
        touched = first.fold(touched, |mut all, prefix| {
            all.insert(prefix.family());
            all
        });
        self.table.withdraw(id, &update.withdrawn);
        let mut over = None;
        if let Some(attributes) = &update.attributes {
            for announced in &update.announced {
                if let Some(prefix) = announced.prefixes.first() {
                    touched.insert(prefix.family());
                }
                let (hop, prefixes) = (announced.next_hop, &announced.prefixes);
                let taken = self.table.announce(id, attributes, hop, prefixes);
                over = taken.err().or(over);
            }
        }
        for family in touched.iter() {
            let told = self.table.counts(id, family).received;
            let more = over.as_ref().filter(|over| over.family == family);
            let told = more.map_or(told, |over| over.most.saturating_add(1));
            self.handle(address, Input::Prefixes(family, told));
        }
    }
}

impl Peer {
    /// Who connects again and again, and closes nothing, must not have all descriptors.
    fn close(&mut self, line: Line) {
        self.closing.push_back(line.close());
        if self.closing.len() > CLOSING
            && let Some(oldest) = self.closing.pop_front()
        {
            oldest.abort();
        }
    }

    fn send(&mut self, address: IpAddr, connection: Connection, message: &Message) {
        let Some(wire) = self.wires.get(&connection) else {
            return;
        };
        let mut bytes = Vec::new();
        match wire::write(message, &wire.coding, &mut bytes) {
            Ok(()) => wire.line.send(say::shared(bytes)),
            Err(error) => warn!("neighbour {address}: a message cannot be written: {error}"),
        }
    }
}

fn log(address: IpAddr, event: &Event) {
    match event {
        Event::State { .. } => debug!("neighbour {address}: {event}"),
        Event::ConnectFailed(_) | Event::Refused(..) => debug!("neighbour {address}: {event}"),
        Event::Fault(_) | Event::Notified(_) | Event::Near { .. } | Event::NoRefresh(_) => {
            warn!("neighbour {address}: {event}");
        }
    }
}
