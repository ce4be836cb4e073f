//! Counters of links: `struct rtnl_link_stats64` of `linux/if_link.h`, which has grown at its end.

use super::link::HEADER;
use crate::raw::attr::{Attrs, TooLong, Writer};
use crate::traffic::{LinkTraffic, TrafficCount};

const IFLA_STATS64: u16 = 23;
/// The namespace that the index is of, as the asker's numbers it.
const IFLA_TARGET_NETNSID: u16 = 46;

/// Asks for a link with its counters.
pub(crate) fn get(index: u32, nsid: Option<i32>) -> Result<Vec<u8>, TooLong> {
    let mut header = [0; HEADER];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    let mut body = Writer::with_header(&header);
    if let Some(nsid) = nsid {
        body.put(IFLA_TARGET_NETNSID, &nsid.to_ne_bytes());
    }
    body.finish()
}

/// Reads an RTM_NEWLINK. None without counters.
pub(crate) fn decode(body: &[u8]) -> Option<LinkTraffic> {
    let stats = Attrs::after(HEADER, body).find_kind(IFLA_STATS64)?;
    let number = |place: usize| {
        let bytes = stats.value.get(place * 8..)?.first_chunk()?;
        Some(u64::from_ne_bytes(*bytes))
    };
    let count = |packets, bytes, dropped| {
        Some(TrafficCount {
            packets: number(packets)?,
            bytes: number(bytes)?,
            dropped: number(dropped)?,
        })
    };
    Some(LinkTraffic {
        received: count(0, 2, 6)?,
        sent: count(1, 3, 7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(numbers: u64) -> Vec<u8> {
        let mut body = Writer::with_header(&[0; HEADER]);
        let stats: Vec<u8> = (0..numbers).flat_map(u64::to_ne_bytes).collect();
        body.put(3, b"eth0\0").put(IFLA_STATS64, &stats);
        body.finish().unwrap()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn another_namespace_is_named_by_its_number() {
        let own = get(7, None).unwrap();
        assert_eq!(own, [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let other = get(2, Some(5)).unwrap();
        assert_eq!(other[16..], [8, 0, 46, 0, 5, 0, 0, 0]);
    }

    #[test]
    fn counters_are_read_by_their_places() {
        let count = |packets, bytes, dropped| TrafficCount {
            packets,
            bytes,
            dropped,
        };
        let wanted = LinkTraffic {
            received: count(0, 2, 6),
            sent: count(1, 3, 7),
        };
        // As long as they were once, and as they are now.
        for numbers in [23, 24, 25, 40] {
            assert_eq!(decode(&answer(numbers)), Some(wanted));
        }
        for numbers in [0, 7] {
            assert_eq!(decode(&answer(numbers)), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }
}
