//! How neighbours do.

use super::Core;
use fairway_bgp::session::Status;
use fairway_bgp::table::Counts;
use fairway_bgp::{Family, Time, wire};
use std::net::IpAddr;
use std::time::SystemTime;

/// How a neighbour does.
#[derive(Debug, Clone)]
pub struct PeerStatus {
    /// Where it is.
    pub address: IpAddr,
    /// As operators call it.
    pub name: String,
    /// The moment of all this.
    pub now: Time,
    /// By the wall clock, when the speaker's own was at zero.
    pub zero: SystemTime,
    /// Its session.
    pub session: Status,
    /// Prefixes: those that it told, of them those that were taken, and those that it was told.
    pub routes: Vec<(Family, Counts, usize)>,
    /// What was wrong in its UPDATEs and could be borne (RFC 7606), so often.
    pub faults: u64,
    /// The last of it.
    pub last_fault: Option<wire::Fault>,
}

impl PeerStatus {
    /// A moment of the speaker's clock, by the wall clock.
    pub fn wall(&self, at: Time) -> SystemTime {
        self.zero + (at - Time::default())
    }
}

impl Core {
    pub(super) fn status(&self) -> Vec<PeerStatus> {
        let all = self.peers.iter().map(|(address, peer)| PeerStatus {
            address: *address,
            name: peer.wanted.name.clone(),
            now: self.now(),
            zero: self.began,
            session: peer.session.status(),
            routes: Family::ALL
                .into_iter()
                .filter_map(|family| {
                    let id = peer.id?;
                    let told = self.table.told_count(id, family);
                    Some((family, self.table.counts(id, family), told))
                })
                .collect(),
            faults: peer.faults,
            last_fault: peer.last_fault,
        });
        all.collect()
    }
}
