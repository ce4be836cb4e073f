//! Routes as they are kept: some fifty octets, where the types that are worked with take some hundreds in several pieces.
//!
//! Nothing is lost, and two routes are equal where their octets are. It is no wire format: nobody else reads it.

use super::store::Route;
use crate::attr::{
    Aggregator, AsPath, Attributes, Community, ExtendedCommunity, LargeCommunity, NextHop, Origin,
    Segment, Unknown,
};
use crate::{Asn, RouterId};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is there, in the first two octets; the lowest two bits are the origin.
mod bit {
    pub(super) const MED: u16 = 1 << 2;
    pub(super) const LOCAL_PREF: u16 = 1 << 3;
    pub(super) const ATOMIC_AGGREGATE: u16 = 1 << 4;
    pub(super) const AGGREGATOR: u16 = 1 << 5;
    pub(super) const ORIGINATOR: u16 = 1 << 6;
    pub(super) const COMMUNITIES: u16 = 1 << 7;
    pub(super) const EXTENDED: u16 = 1 << 8;
    pub(super) const LARGE: u16 = 1 << 9;
    pub(super) const CLUSTERS: u16 = 1 << 10;
    pub(super) const UNKNOWN: u16 = 1 << 11;
    pub(super) const V4: u16 = 1 << 12;
    pub(super) const V6: u16 = 1 << 13;
    pub(super) const LINK: u16 = 1 << 14;
}

/// Octets of a route, at the end of `out`.
pub(super) fn pack(route: &Route, out: &mut Vec<u8>) {
    let Attributes {
        origin,
        as_path,
        med,
        local_pref,
        atomic_aggregate,
        aggregator,
        communities,
        extended,
        large,
        originator,
        clusters,
        unknown,
    } = &route.attributes;
    let hop = match route.next_hop {
        None => 0,
        Some(NextHop::V4(_)) => bit::V4,
        Some(NextHop::V6(_, None)) => bit::V6,
        Some(NextHop::V6(_, Some(_))) => bit::V6 | bit::LINK,
    };
    let there = [
        (bit::MED, med.is_some()),
        (bit::LOCAL_PREF, local_pref.is_some()),
        (bit::ATOMIC_AGGREGATE, *atomic_aggregate),
        (bit::AGGREGATOR, aggregator.is_some()),
        (bit::ORIGINATOR, originator.is_some()),
        (bit::COMMUNITIES, !communities.is_empty()),
        (bit::EXTENDED, !extended.is_empty()),
        (bit::LARGE, !large.is_empty()),
        (bit::CLUSTERS, !clusters.is_empty()),
        (bit::UNKNOWN, !unknown.is_empty()),
    ];
    let there = there.into_iter().filter(|(_, there)| *there);
    let bits = there.fold(hop | *origin as u16, |all, (bit, _)| all | bit);
    out.extend_from_slice(&bits.to_be_bytes());
    count(as_path.segments().len(), out);
    for segment in as_path.segments() {
        let kind = match segment {
            Segment::Set(_) => 1,
            Segment::Sequence(_) => 2,
            Segment::ConfedSequence(_) => 3,
            Segment::ConfedSet(_) => 4,
        };
        out.push(kind);
        list(segment.all(), out, |asn| asn.get().to_be_bytes());
    }
    match route.next_hop {
        None => {}
        Some(NextHop::V4(ip)) => out.extend_from_slice(&ip.octets()),
        Some(NextHop::V6(ip, link)) => {
            out.extend_from_slice(&ip.octets());
            out.extend(link.iter().flat_map(Ipv6Addr::octets));
        }
    }
    out.extend(med.iter().chain(local_pref).flat_map(|n| n.to_be_bytes()));
    if let Some(Aggregator { asn, router }) = aggregator {
        out.extend_from_slice(&asn.get().to_be_bytes());
        out.extend_from_slice(&router.octets());
    }
    out.extend(originator.iter().flat_map(|id| id.get().to_be_bytes()));
    if !communities.is_empty() {
        list(communities, out, |mark| mark.0.to_be_bytes());
    }
    if !extended.is_empty() {
        list(extended, out, |mark| mark.0.to_be_bytes());
    }
    if !large.is_empty() {
        count(large.len(), out);
        for LargeCommunity { global, local } in large {
            let [first, second] = local;
            out.extend(
                [global, first, second]
                    .into_iter()
                    .flat_map(|n| n.to_be_bytes()),
            );
        }
    }
    if !clusters.is_empty() {
        list(clusters, out, |id| id.get().to_be_bytes());
    }
    if !unknown.is_empty() {
        count(unknown.len(), out);
        for Unknown { code, value } in unknown {
            out.push(*code);
            count(value.len(), out);
            out.extend_from_slice(value);
        }
    }
}

/// Seven bits an octet, the lowest first; the last one has no eighth.
fn count(mut number: usize, out: &mut Vec<u8>) {
    while number > 0x7F {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn list<T, const N: usize>(all: &[T], out: &mut Vec<u8>, octets: impl Fn(&T) -> [u8; N]) {
    count(all.len(), out);
    out.extend(all.iter().flat_map(octets));
}

/// The route again. None only of octets that are none of [`pack`]'s.
pub(super) fn unpack(bytes: &[u8]) -> Option<Route> {
    let mut left = Left(bytes);
    let bits = u16::from_be_bytes(left.array()?);
    let has = |bit| bits & bit != 0;
    let origin = match bits & 3 {
        0 => Origin::Igp,
        1 => Origin::Egp,
        _ => Origin::Incomplete,
    };
    let mut segments = Vec::new();
    for _ in 0..left.count()? {
        let [kind] = left.array()?;
        let all = left.list(|octets| Asn::new(u32::from_be_bytes(octets)))?;
        segments.push(match kind {
            1 => Segment::Set(all),
            2 => Segment::Sequence(all),
            3 => Segment::ConfedSequence(all),
            _ => Segment::ConfedSet(all),
        });
    }
    let next_hop = match (has(bit::V4), has(bit::V6)) {
        (true, _) => Some(NextHop::V4(Ipv4Addr::from_octets(left.array()?))),
        (false, true) => {
            let ip = Ipv6Addr::from_octets(left.array()?);
            let link = left.one(has(bit::LINK), |octets| Some(Ipv6Addr::from_octets(octets)))?;
            Some(NextHop::V6(ip, link))
        }
        (false, false) => None,
    };
    let mut attributes = Attributes::new(origin, AsPath::new(segments));
    let number = |octets| Some(u32::from_be_bytes(octets));
    let router = |octets| RouterId::new(u32::from_be_bytes(octets));
    attributes.med = left.one(has(bit::MED), number)?;
    attributes.local_pref = left.one(has(bit::LOCAL_PREF), number)?;
    attributes.atomic_aggregate = has(bit::ATOMIC_AGGREGATE);
    if has(bit::AGGREGATOR) {
        let asn = Asn::new(u32::from_be_bytes(left.array()?))?;
        let router = Ipv4Addr::from_octets(left.array()?);
        attributes.aggregator = Some(Aggregator { asn, router });
    }
    attributes.originator = left.one(has(bit::ORIGINATOR), router)?;
    if has(bit::COMMUNITIES) {
        attributes.communities = left.list(|octets| Some(Community(u32::from_be_bytes(octets))))?;
    }
    if has(bit::EXTENDED) {
        let mark = |octets| Some(ExtendedCommunity(u64::from_be_bytes(octets)));
        attributes.extended = left.list(mark)?;
    }
    if has(bit::LARGE) {
        for _ in 0..left.count()? {
            let [global, first, second] = [left.array()?, left.array()?, left.array()?];
            let local = [first, second].map(u32::from_be_bytes);
            let global = u32::from_be_bytes(global);
            attributes.large.push(LargeCommunity { global, local });
        }
    }
    if has(bit::CLUSTERS) {
        attributes.clusters = left.list(router)?;
    }
    if has(bit::UNKNOWN) {
        for _ in 0..left.count()? {
            let [code] = left.array()?;
            let length = left.count()?;
            let value = left.take(length)?.into();
            attributes.unknown.push(Unknown { code, value });
        }
    }
    left.0.is_empty().then_some(Route {
        attributes,
        next_hop,
    })
}

struct Left<'a>(&'a [u8]);

impl<'a> Left<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn count(&mut self) -> Option<usize> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let [octet] = self.array()?;
            number |= usize::from(octet & 0x7F).checked_shl(shift)?;
            if octet & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    /// Nothing, where it is not there; none, where it should be and is not.
    fn one<T, const N: usize>(
        &mut self,
        there: bool,
        of: impl Fn([u8; N]) -> Option<T>,
    ) -> Option<Option<T>> {
        match there {
            true => of(self.array()?).map(Some),
            false => Some(None),
        }
    }

    fn list<T, const N: usize>(&mut self, of: impl Fn([u8; N]) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        let (all, _) = self.take(count.checked_mul(N)?)?.as_chunks();
        all.iter().map(|octets| of(*octets)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    fn asn() -> impl Strategy<Value = Asn> {
        (1..=u32::MAX).prop_map(|number| Asn::new(number).unwrap())
    }

    fn router() -> impl Strategy<Value = RouterId> {
        (1..=u32::MAX).prop_map(|number| RouterId::new(number).unwrap())
    }

    fn as_path() -> impl Strategy<Value = AsPath> {
        let segment = (0..4, vec(asn(), 1..300)).prop_map(|(kind, all)| match kind {
            0 => Segment::Set(all),
            1 => Segment::Sequence(all),
            2 => Segment::ConfedSequence(all),
            _ => Segment::ConfedSet(all),
        });
        vec(segment, 0..4).prop_map(AsPath::new)
    }

    fn next_hop() -> impl Strategy<Value = NextHop> {
        let v6 = || any::<u128>().prop_map(Ipv6Addr::from_bits);
        prop_oneof![
            any::<u32>().prop_map(|ip| NextHop::V4(Ipv4Addr::from_bits(ip))),
            (v6(), option::of(v6())).prop_map(|(ip, link)| NextHop::V6(ip, link)),
        ]
    }

    fn route() -> impl Strategy<Value = Route> {
        let origin = prop::sample::select(vec![Origin::Igp, Origin::Egp, Origin::Incomplete]);
        let aggregator = (asn(), any::<u32>()).prop_map(|(asn, ip)| Aggregator {
            asn,
            router: Ipv4Addr::from_bits(ip),
        });
        let large = any::<(u32, [u32; 2])>();
        let large = large.prop_map(|(global, local)| LargeCommunity { global, local });
        let unknown = (any::<u8>(), vec(any::<u8>(), 0..300));
        let unknown = unknown.prop_map(|(code, value)| Unknown {
            code,
            value: value.into(),
        });
        let marks = (
            vec(any::<u32>().prop_map(Community), 0..3),
            vec(any::<u64>().prop_map(ExtendedCommunity), 0..3),
            vec(large, 0..3),
        );
        let rare = (
            option::of(aggregator),
            option::of(router()),
            vec(router(), 0..3),
            vec(unknown, 0..3),
        );
        let numbers = any::<(Option<u32>, Option<u32>, bool)>();
        let all = (
            (origin, as_path(), option::of(next_hop())),
            numbers,
            marks,
            rare,
        );
        all.prop_map(|((origin, as_path, next_hop), numbers, marks, rare)| {
            let (med, local_pref, atomic_aggregate) = numbers;
            let (communities, extended, large) = marks;
            let (aggregator, originator, clusters, unknown) = rare;
            let attributes = Attributes {
                origin,
                as_path,
                med,
                local_pref,
                atomic_aggregate,
                aggregator,
                communities,
                extended,
                large,
                originator,
                clusters,
                unknown,
            };
            Route {
                attributes,
                next_hop,
            }
        })
    }

    proptest! {
        #[test]
        fn nothing_is_lost(route in route()) {
            let mut bytes = Vec::new();
            pack(&route, &mut bytes);
            prop_assert_eq!(unpack(&bytes), Some(route));
            bytes.pop();
            prop_assert_eq!(unpack(&bytes), None);
        }

        #[test]
        fn no_octets_are_too_much(bytes in vec(any::<u8>(), 0..60)) {
            if let Some(route) = unpack(&bytes) {
                let mut again = Vec::new();
                pack(&route, &mut again);
                prop_assert_eq!(unpack(&again), Some(route));
            }
        }
    }

    #[test]
    fn a_usual_route_is_small() {
        let path = [65_001, 3_356, 1_299, 131_072].map(|number| Asn::new(number).unwrap());
        let mut attributes = Attributes::new(Origin::Igp, AsPath::sequence(path));
        attributes.communities = vec![Community(1), Community(2)];
        let next_hop = Some(NextHop::V4(Ipv4Addr::LOCALHOST));
        let mut bytes = Vec::new();
        pack(
            &Route {
                attributes,
                next_hop,
            },
            &mut bytes,
        );
        assert_eq!(bytes.len(), 34);
    }
}
