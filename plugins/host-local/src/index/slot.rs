//! One address in the index: whose it is, by a hash of the container's id, and which file says so.

use super::bytes::{Reader, put, put_mark};
use crate::{
    mark::Mark,
    span::{address, number},
};
use std::net::IpAddr;

/// Bytes of a slot.
pub(crate) const SLOT: usize = 64;

const FREE: u8 = 0;
const USED: u8 = 1;
const GONE: u8 = 2;

const V6: u8 = 1;
const EARLIER_BOOT: u8 = 2;
const SETTLED: u8 = 4;

/// An address that has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// See [`key_of`].
    pub key: u64,
    /// The address.
    pub ip: IpAddr,
    /// Its file when it was indexed.
    pub mark: Mark,
    /// The file's size in bytes.
    pub size: u32,
    /// The file was indexed under an earlier boot and has not changed since: its container is dead.
    pub earlier_boot: bool,
    /// Whoever changes the file from now on changes its mark. Not so of one that had just been made when
    /// it was indexed: see [`Mark::settled`].
    pub settled: bool,
}

/// What a place for a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing, and never anything that a search has to go past.
    Free,
    /// Nothing any more; a search goes on.
    Gone,
    /// An address.
    Used(Slot),
}

impl Place {
    /// Reads a place; anything that cannot be one counts as gone.
    pub fn decode(bytes: &[u8]) -> Place {
        let reader = Reader(bytes);
        let flags = reader.u8(53);
        match (reader.u8(52), address(flags & V6 != 0, reader.u128(8))) {
            (FREE, _) => Place::Free,
            (USED, Some(ip)) => Place::Used(Slot {
                key: reader.u64(0),
                ip,
                mark: reader.mark(24),
                size: reader.u32(48),
                earlier_boot: flags & EARLIER_BOOT != 0,
                settled: flags & SETTLED != 0,
            }),
            _ => Place::Gone,
        }
    }

    /// The bytes of the place.
    pub fn encode(&self) -> [u8; SLOT] {
        let mut bytes = [0; SLOT];
        let state = match self {
            Place::Free => FREE,
            Place::Gone => GONE,
            Place::Used(slot) => {
                put(&mut bytes, 0, &slot.key.to_le_bytes());
                put(&mut bytes, 8, &number(slot.ip).to_le_bytes());
                put_mark(&mut bytes, 24, &slot.mark);
                put(&mut bytes, 48, &slot.size.to_le_bytes());
                let v6 = if slot.ip.is_ipv6() { V6 } else { 0 };
                let earlier = if slot.earlier_boot { EARLIER_BOOT } else { 0 };
                let settled = if slot.settled { SETTLED } else { 0 };
                put(&mut bytes, 53, &[v6 | earlier | settled]);
                USED
            }
        };
        put(&mut bytes, 52, &[state]);
        bytes
    }
}

/// The key under which a container's addresses are found: FNV-1a, 64 bits, stirred.
///
/// Two containers may share one: who has the address is read from its file.
pub fn key_of(container_id: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in container_id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // FNV's upper bits, which choose the page, hardly depend on the last bytes of a short name.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_slot() -> impl Strategy<Value = Slot> {
        let ip = prop_oneof![
            any::<u32>().prop_map(|n| IpAddr::V4(n.into())),
            any::<u128>().prop_map(|n| IpAddr::V6(n.into()))
        ];
        (
            any::<u64>(),
            ip,
            any::<(u64, i64, i64)>(),
            any::<u32>(),
            any::<(bool, bool)>(),
        )
            .prop_map(
                |(key, ip, (ino, ctime, mtime), size, (earlier_boot, settled))| Slot {
                    key,
                    ip,
                    mark: Mark { ino, ctime, mtime },
                    size,
                    earlier_boot,
                    settled,
                },
            )
    }

    proptest! {
        #[test]
        fn there_and_back(slot in any_slot()) {
            prop_assert_eq!(Place::decode(&Place::Used(slot).encode()), Place::Used(slot));
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            Place::decode(&bytes);
        }
    }

    #[test]
    fn nothing() {
        for place in [Place::Free, Place::Gone] {
            assert_eq!(Place::decode(&place.encode()), place);
        }
        assert_eq!(Place::decode(&[0; SLOT]), Place::Free);
    }

    #[test]
    fn keys_spread() {
        let pages = 1000u128;
        let mut count = vec![0; 1000];
        for n in 0..50_000 {
            let page = (u128::from(key_of(&format!("c{n}"))) * pages) >> 64;
            count[usize::try_from(page).unwrap()] += 1;
        }
        assert!(count.iter().all(|n| (10..110).contains(n)), "{count:?}");
    }
}
