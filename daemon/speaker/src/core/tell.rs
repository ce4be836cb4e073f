//! What neighbours are told: as much as their connections have room for.

use super::Core;
use super::say::{Bytes, shared};
use fairway_bgp::Family;
use fairway_bgp::session::Input;
use fairway_bgp::table::Batch;
use fairway_bgp::wire::{self, Coding, Encoded, Unwritable};
use std::collections::VecDeque;
use std::net::IpAddr;
use tracing::warn;

/// Prefixes that a neighbour is told at once.
const BATCH: usize = 2_048;
/// Batches that a neighbour is told before others have their turn.
const TURN: usize = 8;
/// Batches that are kept as bytes: neighbours that are told the same are told it one after the other.
const KEPT: usize = 8;

/// Batches as bytes.
#[derive(Default)]
pub(super) struct Told(VecDeque<(u64, Coding, Bytes, u64)>);

impl Told {
    /// The bytes of a batch, and how many UPDATEs they are.
    fn bytes(&mut self, batch: &Batch, coding: &Coding, to: IpAddr) -> (Bytes, u64) {
        let serial = batch.serial();
        let known = self
            .0
            .iter()
            .find(|(other, for_whom, ..)| (*other, for_whom) == (serial, coding));
        if let Some((_, _, bytes, updates)) = known {
            return (Bytes::clone(bytes), *updates);
        }
        let (bytes, updates) = encode(batch, coding, to);
        let bytes = shared(bytes);
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0
            .push_back((serial, *coding, Bytes::clone(&bytes), updates));
        (bytes, updates)
    }
}

/// What cannot be told is withdrawn, since it may have been told before.
fn encode(batch: &Batch, coding: &Coding, to: IpAddr) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    let mut updates = 0;
    let mut gone = batch.withdrawn();
    let mut come = Vec::new();
    for (route, prefixes) in batch.announced() {
        let told = Encoded::new(&route.attributes, coding).and_then(|attributes| {
            let hop = route.next_hop.ok_or(Unwritable::NoAttributes)?;
            let all = prefixes.iter().copied();
            wire::announce(&attributes, hop, all, coding, &mut come)
        });
        match told {
            Ok(messages) => updates += messages,
            Err(error) => {
                let (first, count) = (prefixes.first(), prefixes.len());
                let first = first.map(ToString::to_string).unwrap_or_default();
                warn!(
                    "neighbour {to}: {first} and {} more cannot be told: {error}",
                    count.saturating_sub(1)
                );
                gone.extend(prefixes);
            }
        }
    }
    match wire::withdraw(gone, coding, &mut bytes) {
        Ok(messages) => updates += messages,
        Err(error) => warn!("neighbour {to}: routes cannot be withdrawn: {error}"),
    }
    bytes.append(&mut come);
    (bytes, updates as u64)
}

impl Core {
    /// A turn of each neighbour; whether one has more to be told, and room for it.
    pub(super) fn tell_all(&mut self) -> bool {
        let up = self.peers.iter().filter(|(_, peer)| peer.up.is_some());
        let up: Vec<IpAddr> = up.map(|(address, _)| *address).collect();
        let mut more = false;
        for address in up {
            for family in Family::ALL {
                more |= self.tell(address, family);
            }
        }
        more
    }

    fn tell(&mut self, address: IpAddr, family: Family) -> bool {
        for _ in 0..TURN {
            let Some(peer) = self
                .peers
                .get(&address)
                .filter(|peer| peer.joined.contains(family))
            else {
                return false;
            };
            let (Some(id), Some(connection)) = (peer.id, peer.up) else {
                return false;
            };
            let Some(wire) = peer
                .wires
                .get(&connection)
                .filter(|wire| wire.line.has_room())
            else {
                return false;
            };
            let Some(told) = self.table.tell(id, family, BATCH) else {
                return false;
            };
            let mut wrote = 0;
            if !told.batch.is_empty() {
                let (bytes, updates) = self.told.bytes(&told.batch, &wire.coding, address);
                wire.line.send(bytes);
                wrote = updates;
            }
            if wrote > 0 {
                self.handle(address, Input::Wrote(connection, wrote));
            }
            if told.end_of_rib || told.end_of_refresh {
                self.handle(address, Input::Told(family));
            }
        }
        true
    }
}
