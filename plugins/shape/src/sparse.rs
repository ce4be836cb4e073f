//! Which packets go first.
//!
//! Whatever overtakes its own flow looks like a loss to TCP, so of TCP only what carries no data goes first: a
//! SYN, before which there is nothing, and a bare acknowledgement, whose length is that of its headers exactly.
//! "Shorter than 64 bytes" would not do: the last bytes of a file fit into that, and they would come
//! before the rest of it. Nor may a FIN or a reset, for they end what comes before them.
//!
//! UDP below 256 bytes goes first as well: name lookups, voice, games, QUIC's acknowledgements. A flow of both
//! long and short datagrams is reordered while there is a queue; the protocols that do that number what they send.

#[cfg(test)]
use fairway_netlink::TcHandle;
use fairway_netlink::{U32Filter, U32Key};

use crate::tree::{HANDLE, SPARSE};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const ARP: u16 = 0x0806;

const ICMP: u32 = 1;
const TCP: u32 = 6;
const UDP: u32 = 17;
const ICMPV6: u32 = 58;

/// Lengths of TCP's header in words of four bytes, the usual ones first: with time stamps, without, and
/// with both and one to three ranges of SACK.
const WORDS: [u32; 11] = [8, 5, 11, 13, 15, 10, 12, 14, 6, 7, 9];

/// ACK, and none of URG, RST, SYN and FIN. PSH may be.
const BARE_MASK: u32 = 0x0037_0000;
const BARE: u32 = 0x0010_0000;
const SYN: u32 = 0x0002_0000;

const fn key(offset: u8, mask: u32, value: u32) -> U32Key {
    U32Key {
        offset,
        mask,
        value,
    }
}

/// The filters of a tree, in their order: the first priority is IPv4, then IPv6, then ARP.
pub(crate) fn filters() -> Vec<U32Filter> {
    let mut filters = Vec::new();
    for (priority, protocol, keys) in [(1, IPV4, v4()), (2, IPV6, v6()), (3, ARP, arp())] {
        filters.extend((1..).zip(keys).map(|(node, keys)| U32Filter {
            parent: HANDLE,
            priority,
            node,
            protocol,
            class: SPARSE,
            keys,
        }));
    }
    filters
}

/// The priorities that are ours.
pub(crate) const PRIORITIES: [u16; 3] = [1, 2, 3];

fn v4() -> Vec<Vec<U32Key>> {
    let protocol = |number: u32| key(8, 0x00ff_0000, number << 16);
    // No options: version and length of header in one byte.
    let plain = key(0, 0x0f00_0000, 0x0500_0000);
    // Neither a fragment behind the first, nor a first one.
    let whole = key(4, 0x0000_3fff, 0);
    let syn = key(32, SYN, SYN);
    let short = key(0, 0x0000_ff00, 0);
    let bare = WORDS.map(|words| {
        let length = key(0, 0x0f00_ffff, 0x0500_0000 | (20 + 4 * words));
        let header = key(32, 0xf000_0000 | BARE_MASK, words << 28 | BARE);
        vec![length, protocol(TCP), whole, header]
    });
    let mut all = vec![
        vec![protocol(ICMP)],
        vec![protocol(UDP), short, whole],
        vec![protocol(TCP), plain, whole, syn],
    ];
    all.extend(bare);
    all
}

/// Without extension headers; what has one is rare, and goes with the rest.
fn v6() -> Vec<Vec<U32Key>> {
    let next = |number: u32| key(4, 0x0000_ff00, number << 8);
    let bare = WORDS.map(|words| {
        let length = key(4, 0xffff_ff00, (4 * words) << 16 | TCP << 8);
        let header = key(52, 0xf000_0000 | BARE_MASK, words << 28 | BARE);
        vec![length, header]
    });
    let mut all = vec![
        vec![next(ICMPV6)],
        vec![key(4, 0xff00_ff00, UDP << 8)],
        vec![next(TCP), key(52, SYN, SYN)],
    ];
    all.extend(bare);
    all
}

fn arp() -> Vec<Vec<U32Key>> {
    vec![vec![key(0, 0, 0)]]
}

/// Where a packet of these bytes would go, by the filters as the kernel reads them; for tests.
#[cfg(test)]
pub(crate) fn class_of(protocol: u16, packet: &[u8]) -> Option<TcHandle> {
    let word = |at: u8| {
        let bytes = packet.get(usize::from(at)..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let agrees = |key: &U32Key| word(key.offset).is_some_and(|w| w & key.mask == key.value);
    let all = filters().into_iter();
    let mut fits = all.filter(|f| f.protocol == protocol && f.keys.iter().all(agrees));
    fits.next().map(|filter| filter.class)
}
