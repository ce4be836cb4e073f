//! What peers tell, as bytes: made before anything is measured.
//!
//! As in a table of the internet: some five prefixes to each set of attributes, paths of two to six AS, a fifth of these of
//! four octets, communities on half of the sets. What is told of one prefix is not told of its neighbour: they come in no
//! order.

use anyhow::{Context as _, Result};
use fairway_bgp::attr::{AsPath, Attributes, Community, LargeCommunity, NextHop, Origin};
use fairway_bgp::wire::{self, Coding, Encoded};
use fairway_bgp::{Asn, Net, Prefix};
use std::net::Ipv4Addr;

/// The first address of all.
const FIRST: u32 = 0x1000_0000;
/// Each prefix lies in a /22 of its own.
const STRIDE: u32 = 10;
/// A power of 3: no divisor of how many there are, so that each comes once.
const STEP: u64 = 387_420_489;

/// What was agreed on with each peer.
pub(super) const CODING: Coding = Coding {
    ipv4: true,
    ipv6: false,
    ipv4_by_ipv6: false,
    four_octets: true,
    extended_messages: false,
    enhanced_refresh: false,
    internal: false,
    confederation: false,
    as_sets: false,
};

/// A prefix by its number.
fn prefix(number: u32) -> Option<Prefix> {
    let length = match number % 5 {
        0..3 => 24,
        3 => 23,
        _ => 22,
    };
    Net::new(FIRST + (number << STRIDE), length).map(Prefix::V4)
}

/// And its number by its address.
pub(super) fn number(address: u32) -> u32 {
    address.wrapping_sub(FIRST) >> STRIDE
}

/// Always the same numbers, so that each speaker is told the same.
struct Random(u64);

impl Random {
    /// Less than that.
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % u64::from(end)) as u32
    }

    fn asn(&mut self) -> Result<Asn> {
        let number = match self.below(5) {
            0 => 131_072 + self.below(260_000),
            _ => 1 + self.below(23_000),
        };
        Asn::new(number).context("0")
    }

    fn attributes(&mut self, from: u32) -> Result<Attributes> {
        let mut path = vec![Asn::new(from).context("0")?];
        for _ in 0..=self.below(5) {
            path.push(self.asn()?);
        }
        let origin = match self.below(5) {
            0 => Origin::Incomplete,
            _ => Origin::Igp,
        };
        let mut all = Attributes::new(origin, AsPath::sequence(path));
        all.med = (self.below(4) == 0).then(|| self.below(1000));
        if self.below(2) == 0 {
            let count = 1 + self.below(4);
            let marks = (0..count).map(|_| Community(from << 16 | self.below(10_000)));
            all.communities = marks.collect();
            all.communities.sort_unstable();
            all.communities.dedup();
        }
        if self.below(10) == 0 {
            let local = [self.below(100), self.below(100)];
            all.large = vec![LargeCommunity {
                global: from,
                local,
            }];
        }
        Ok(all)
    }
}

/// All UPDATEs of one peer of so many that have as many prefixes each.
pub(super) fn of(
    peer: u32,
    (asn, address): (u32, Ipv4Addr),
    prefixes: u32,
    total: u32,
) -> Result<Vec<u8>> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ u64::from(peer + 1) << 20);
    let numbers = peer * prefixes..(peer + 1) * prefixes;
    let numbers = numbers.map(|n| (u64::from(n) * STEP % u64::from(total)) as u32);
    let mut all = numbers.filter_map(prefix).peekable();
    let mut bytes = Vec::new();
    while all.peek().is_some() {
        let attributes = random.attributes(asn)?;
        let count = 1 + random.below(9) as usize;
        let encoded = Encoded::new(&attributes, &CODING)?;
        let some = all.by_ref().take(count);
        wire::announce(&encoded, NextHop::V4(address), some, &CODING, &mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_bgp::message::Message;
    use std::collections::HashSet;

    #[test]
    fn all_are_told_once_and_found_by_number() {
        let mut told = HashSet::new();
        for peer in 0..10 {
            let address = Ipv4Addr::new(10, 9, 1, 1);
            let feed = of(peer, (65_001, address), 1000, 10_000).unwrap();
            let (mut left, mut sets) = (&feed[..], 0);
            while let Some(frame) = wire::split(left, &CODING).unwrap() {
                left = &left[frame.bytes().len()..];
                let read = wire::read(&frame, &CODING).unwrap();
                let Some(Message::Update(update)) = read.message else {
                    panic!("{read:?}");
                };
                assert_eq!(read.faults, []);
                sets += 1;
                for announced in update.announced {
                    for prefix in announced.prefixes {
                        let Prefix::V4(net) = prefix else {
                            panic!("{prefix}");
                        };
                        assert!(told.insert(number(net.address())), "{prefix} twice");
                    }
                }
            }
            assert!((150..250).contains(&sets), "{sets}");
        }
        assert_eq!(told, (0..10_000).collect());
    }
}
