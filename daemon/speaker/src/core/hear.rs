//! What neighbours send.

use super::Core;
use fairway_bgp::session::{Connection, Input};
use fairway_bgp::wire::{self, Read};
use std::net::IpAddr;

impl Core {
    /// Whole messages are taken up one by one: how one is read may follow from the one before.
    pub(super) fn hear(&mut self, address: IpAddr, connection: Connection, bytes: Vec<u8>) {
        let Some(peer) = self.peers.get_mut(&address) else {
            return;
        };
        let Some(wire) = peer.wires.get_mut(&connection) else {
            return;
        };
        let mut all = std::mem::take(&mut wire.rest);
        match all.is_empty() {
            true => all = bytes,
            false => all.extend_from_slice(&bytes),
        }
        let mut left = all.as_slice();
        while let Some((input, taken)) = self.message(address, connection, left) {
            let (bytes, rest) = left.split_at_checked(taken).unwrap_or_default();
            left = rest;
            if let Some(input) = input {
                self.handle_bytes(address, input, bytes);
            }
        }
        // It may be closed by what was said.
        let peer = self.peers.get_mut(&address);
        if let Some(wire) = peer.and_then(|peer| peer.wires.get_mut(&connection)) {
            wire.rest = match left.len() == all.len() {
                true => all,
                false => left.to_vec(),
            };
        }
    }

    /// The next message, and how long it is; none where it is not all there, or where nobody listens.
    fn message(
        &mut self,
        address: IpAddr,
        connection: Connection,
        bytes: &[u8],
    ) -> Option<(Option<Input>, usize)> {
        let peer = self.peers.get_mut(&address)?;
        let wire = peer.wires.get(&connection)?;
        if bytes.is_empty() {
            return None;
        }
        let frame = match wire::split(bytes, &wire.coding) {
            Ok(frame) => frame?,
            Err(said) => return Some((Some(Input::Malformed(connection, said)), bytes.len())),
        };
        let taken = frame.bytes().len();
        match wire::read(&frame, &wire.coding) {
            Ok(Read { message, faults }) => {
                peer.faults += faults.len() as u64;
                peer.last_fault = faults.last().copied().or(peer.last_fault);
                let input = message.map(|message| Input::Received(connection, message));
                Some((input, taken))
            }
            Err(said) => Some((Some(Input::Malformed(connection, said)), taken)),
        }
    }
}
