//! This speaker restarts (RFC 4724, 4.1): it leaves without a word, so that neighbours keep its routes, and when it is back
//! it tells nothing of a family until neighbours have told all of theirs. Else they would be told what is best of the
//! little that is there by then, or that nothing is.

use super::Core;
use super::obey::FAREWELL;
use fairway_bgp::Family;
use fairway_bgp::session::{Complete, Families};
use std::net::IpAddr;
use tokio::time::sleep;
use tracing::{debug, info};

impl Core {
    /// Families of which some neighbour's routes are waited for.
    pub(super) fn deferred(&self) -> Families {
        if self.restarted.is_none() {
            return Families::NONE;
        }
        let waited = self.peers.values().flat_map(|peer| peer.waited.iter());
        waited.collect()
    }

    /// A neighbour's routes of the family are not waited for any longer.
    pub(super) fn complete(&mut self, address: IpAddr, family: Family, why: Complete) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        if peer.waited.remove(family) {
            debug!("neighbour {address}: {family} is not waited for any longer: {why:?}");
            self.defer_no_longer();
        }
    }

    /// Whoever is up is told what need not wait any more.
    pub(super) fn defer_no_longer(&mut self) {
        if self.restarted.is_none() {
            return;
        }
        if self.deferred().is_empty() {
            info!("the restart is over: neighbours and the node are told of routes");
            self.restarted = None;
        }
        let up = self.peers.iter().filter(|(_, peer)| peer.up.is_some());
        let up: Vec<IpAddr> = up.map(|(address, _)| *address).collect();
        for address in up {
            self.join(address);
        }
    }

    /// A neighbour is told all of what was agreed on and need not wait.
    pub(super) fn join(&mut self, address: IpAddr) {
        let deferred = self.deferred();
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        let Some(id) = peer.id else { return };
        for family in peer.spoken.except(deferred).except(peer.joined).iter() {
            self.table.join(id, family);
            peer.joined.insert(family);
        }
    }

    /// All connections end, and nobody is told why.
    pub(super) async fn leave(&mut self) {
        for (_, peer) in std::mem::take(&mut self.peers) {
            peer.dials.iter().for_each(|(_, task)| task.abort());
            let wires = peer.wires.into_values();
            wires.for_each(|wire| drop(wire.line.close()));
        }
        sleep(FAREWELL).await;
    }
}
