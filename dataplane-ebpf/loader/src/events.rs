//! What the programs tell of packets and flows.

use std::os::fd::{AsFd, BorrowedFd};

use aya::maps::{MapData, RingBuf};
use fairway_dataplane_abi::{Addr, FlowEvent};

/// The ring buffer's end to read from. Its descriptor is readable while events wait.
pub struct Events {
    ring: RingBuf<MapData>,
}

impl Events {
    pub(crate) const fn new(ring: RingBuf<MapData>) -> Self {
        Self { ring }
    }

    /// The next event; none if there is none yet. Records of another length than [`FlowEvent`] are skipped.
    pub fn next_event(&mut self) -> Option<FlowEvent> {
        loop {
            let record = self.ring.next()?;
            if let Some(event) = decode(&record) {
                return Some(event);
            }
        }
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// Reads a record, field by field in the order of [`FlowEvent`].
fn decode(record: &[u8]) -> Option<FlowEvent> {
    if record.len() != size_of::<FlowEvent>() {
        return None;
    }
    let mut rest = record;
    Some(FlowEvent {
        at: u64::from_ne_bytes(take(&mut rest)?),
        link: u32::from_ne_bytes(take(&mut rest)?),
        kind: u32::from_ne_bytes(take(&mut rest)?),
        reason: u32::from_ne_bytes(take(&mut rest)?),
        rule: u32::from_ne_bytes(take(&mut rest)?),
        direction: u16::from_ne_bytes(take(&mut rest)?),
        source_port: u16::from_ne_bytes(take(&mut rest)?),
        destination_port: u16::from_ne_bytes(take(&mut rest)?),
        protocol: u8::from_ne_bytes(take(&mut rest)?),
        zero: u8::from_ne_bytes(take(&mut rest)?),
        source: Addr::from_octets(take(&mut rest)?),
        destination: Addr::from_octets(take(&mut rest)?),
        length: u32::from_ne_bytes(take(&mut rest)?),
        missed: u32::from_ne_bytes(take(&mut rest)?),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_field_by_field() {
        let mut record: Vec<u8> = Vec::new();
        record.extend(7_u64.to_ne_bytes());
        for word in [1_u32, 2, 3, 4] {
            record.extend(word.to_ne_bytes());
        }
        for port in [5_u16, 6, 7] {
            record.extend(port.to_ne_bytes());
        }
        record.extend([8, 0]);
        record.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1]);
        record.extend([0xfd; 16]);
        record.extend(9_u32.to_ne_bytes());
        record.extend(10_u32.to_ne_bytes());
        let event = decode(&record).unwrap();
        assert_eq!(
            (event.at, event.link, event.kind, event.reason),
            (7, 1, 2, 3)
        );
        assert_eq!((event.rule, event.direction, event.protocol), (4, 5, 8));
        assert_eq!((event.source_port, event.destination_port), (6, 7));
        assert!(event.source.is_v4() && event.destination.octets() == [0xfd; 16]);
        assert_eq!((event.length, event.missed), (9, 10));
        assert_eq!(decode(&record[1..]), None);
    }
}
