//! Arbitrary messages, of those that a coding can tell.

use fairway_bgp::attr::{
    Aggregator, AsPath, Attributes, Community, ExtendedCommunity, LargeCommunity, NextHop, Origin,
    Segment, Unknown,
};
use fairway_bgp::message::{
    Announced, Capability, GracefulRestart, Message, Notification, Open, Reason, Refresh,
    RefreshKind, Role, Update,
};
use fairway_bgp::wire::Coding;
use fairway_bgp::{Asn, Family, HoldTime, Net, Prefix, RouterId};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Any, but for a confederation with numbers of two octets: its segments are not in AS4_PATH, so that what was between
/// other segments is lost (RFC 6793, 4.2.2).
pub(crate) fn coding() -> impl Strategy<Value = Coding> {
    any::<[bool; 9]>().prop_map(|[a, b, c, d, e, f, g, h, i]| Coding {
        ipv4: a,
        ipv6: b,
        ipv4_by_ipv6: c,
        four_octets: d,
        extended_messages: e,
        enhanced_refresh: f,
        internal: g,
        confederation: h && d,
        as_sets: i,
    })
}

/// With a coding that can tell it.
pub(crate) fn message() -> impl Strategy<Value = (Coding, Message)> {
    coding().prop_flat_map(|coding| {
        let message = prop_oneof![
            2 => open().prop_map(Message::Open),
            6 => update(coding).prop_map(Message::Update),
            1 => notification().prop_map(Message::Notification),
            1 => Just(Message::Keepalive),
            1 => refresh(coding),
        ];
        (Just(coding), message)
    })
}

fn asn() -> impl Strategy<Value = Asn> {
    prop_oneof![1..=0xFFFFu32, 1..=u32::MAX, Just(23_456), 65_535..65_538u32]
        .prop_map(|number| Asn::new(number).unwrap())
}

fn router() -> impl Strategy<Value = RouterId> {
    (1..=u32::MAX).prop_map(|number| RouterId::new(number).unwrap())
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=most)
}

fn open() -> impl Strategy<Value = Open> {
    let hold_time = any::<u16>().prop_filter_map("no hold time", HoldTime::new);
    let fixed = (asn(), hold_time, router(), any::<bool>());
    (fixed, vec(capability(), 0..12)).prop_map(|((asn, hold_time, router, told), mut all)| {
        if told || asn.is_long() {
            all.insert(all.len() / 2, Capability::FourOctets(asn));
        }
        Open {
            asn,
            hold_time,
            router,
            capabilities: all,
        }
    })
}

fn capability() -> impl Strategy<Value = Capability> {
    let family = prop::sample::select(Family::ALL.to_vec());
    let restart = (
        any::<(bool, bool)>(),
        0..4096u16,
        vec((family, any::<bool>()), 0..62),
    );
    let restart =
        restart.prop_map(
            |((restarting, notification), seconds, families)| GracefulRestart {
                restarting,
                notification,
                seconds,
                families,
            },
        );
    let roles = vec![
        Role::Provider,
        Role::RouteServer,
        Role::RouteServerClient,
        Role::Customer,
        Role::Peer,
    ];
    prop_oneof![
        any::<(u16, u8)>().prop_map(|(afi, safi)| Capability::Multiprotocol(afi, safi)),
        Just(Capability::Refresh),
        vec(any::<(u16, u16, u16)>(), 0..=42).prop_map(Capability::ExtendedNextHop),
        Just(Capability::ExtendedMessage),
        restart.prop_map(Capability::GracefulRestart),
        Just(Capability::EnhancedRefresh),
        prop::sample::select(roles).prop_map(Capability::Role),
        (71..=255u8, bytes(255)).prop_map(|(code, value)| Capability::Unknown {
            code,
            value: value.into(),
        }),
    ]
}

fn notification() -> impl Strategy<Value = Notification> {
    (any::<(u8, u8)>(), bytes(300))
        .prop_map(|((code, subcode), data)| Notification::of(Reason::of(code, subcode), &data))
}

fn refresh(coding: Coding) -> BoxedStrategy<Message> {
    let families = families(coding);
    if families.is_empty() {
        return Just(Message::Keepalive).boxed();
    }
    let kinds = match coding.enhanced_refresh {
        true => vec![RefreshKind::Wanted, RefreshKind::Begin, RefreshKind::End],
        false => vec![RefreshKind::Wanted],
    };
    let of = (prop::sample::select(families), prop::sample::select(kinds));
    of.prop_map(|(family, kind)| Message::Refresh(Refresh { family, kind }))
        .boxed()
}

fn families(coding: Coding) -> Vec<Family> {
    let all = Family::ALL.into_iter();
    all.filter(|family| coding.speaks(*family)).collect()
}

pub(crate) fn prefix(family: Family) -> BoxedStrategy<Prefix> {
    match family {
        Family::Ipv4 => (any::<u32>(), 0..=32u8)
            .prop_map(|(address, length)| Prefix::V4(Net::new(address, length).unwrap()))
            .boxed(),
        Family::Ipv6 => (any::<u128>(), 0..=128u8)
            .prop_map(|(address, length)| Prefix::V6(Net::new(address, length).unwrap()))
            .boxed(),
    }
}

/// Prefixes of the families that are told, those of IPv4 first.
fn withdrawn(coding: Coding) -> impl Strategy<Value = Vec<Prefix>> {
    let most = |family| if coding.speaks(family) { 40 } else { 0 };
    let of = |family| vec(prefix(family), 0..=most(family));
    (of(Family::Ipv4), of(Family::Ipv6)).prop_map(|(ipv4, ipv6)| [ipv4, ipv6].concat())
}

fn update(coding: Coding) -> impl Strategy<Value = Update> {
    let families = families(coding);
    let announced = families
        .iter()
        .map(|family| option::of(announced(*family, coding)));
    let end_of_rib = match families.is_empty() {
        true => Just(None).boxed(),
        false => option::of(prop::sample::select(families.clone())).boxed(),
    };
    let parts = (
        withdrawn(coding),
        attributes(coding),
        announced.collect::<Vec<_>>(),
        end_of_rib,
    );
    parts.prop_map(|(withdrawn, attributes, announced, end_of_rib)| {
        let announced = announced.into_iter().flatten().collect::<Vec<_>>();
        Update {
            withdrawn,
            attributes: (!announced.is_empty()).then_some(attributes),
            announced,
            end_of_rib,
        }
    })
}

fn announced(family: Family, coding: Coding) -> impl Strategy<Value = Announced> {
    let ipv6 = family == Family::Ipv6;
    (
        next_hop(ipv6, coding.ipv4_by_ipv6),
        vec(prefix(family), 1..200),
    )
        .prop_map(|(next_hop, prefixes)| Announced { next_hop, prefixes })
}

fn next_hop(ipv6: bool, either: bool) -> BoxedStrategy<NextHop> {
    let of_ipv4 = (1..=223u8, any::<[u8; 3]>())
        .prop_filter("loopback", |(first, _)| *first != 127)
        .prop_map(|(a, [b, c, d])| NextHop::V4(Ipv4Addr::new(a, b, c, d)));
    let link = any::<u64>().prop_map(|low| Ipv6Addr::from_bits(0xFE80 << 112 | u128::from(low)));
    let global = any::<u128>().prop_map(|low| Ipv6Addr::from_bits(1 << 125 | low >> 3));
    let of_ipv6 = (global, option::of(link)).prop_map(|(ip, link)| NextHop::V6(ip, link));
    match (ipv6, either) {
        (true, _) => of_ipv6.boxed(),
        (false, true) => prop_oneof![of_ipv4, of_ipv6].boxed(),
        (false, false) => of_ipv4.boxed(),
    }
}

pub(crate) fn attributes(coding: Coding) -> impl Strategy<Value = Attributes> {
    let origins = vec![Origin::Igp, Origin::Egp, Origin::Incomplete];
    let aggregator = (asn(), any::<u32>()).prop_map(|(asn, router)| Aggregator {
        asn,
        router: Ipv4Addr::from_bits(router),
    });
    let internal = coding.internal;
    let of_rfc_4271 = (
        prop::sample::select(origins),
        path(coding),
        any::<Option<u32>>(),
        any::<Option<u32>>(),
        any::<bool>(),
        option::of(aggregator),
    );
    let marks = (
        btree_set(any::<u32>(), 0..80),
        btree_set(any::<u64>(), 0..40),
        btree_set(any::<(u32, [u32; 2])>(), 0..30),
    );
    let code = any::<u8>().prop_filter("known", |code| !matches!(code, 1..=10 | 14..=18 | 32));
    let unknown = btree_map(code, bytes(300), 0..4);
    let rest = (option::of(router()), vec(router(), 0..5), unknown);
    (of_rfc_4271, marks, rest).prop_map(
        move |(of_rfc_4271, marks, (originator, clusters, unknown))| {
            let (origin, as_path, med, local_pref, atomic_aggregate, aggregator) = of_rfc_4271;
            let (communities, extended, large) = marks;
            let large = large.into_iter();
            let unknown = unknown.into_iter();
            Attributes {
                origin,
                as_path,
                med,
                local_pref: local_pref.filter(|_| internal || coding.confederation),
                atomic_aggregate,
                aggregator,
                communities: communities.into_iter().map(Community).collect(),
                extended: extended.into_iter().map(ExtendedCommunity).collect(),
                large: large
                    .map(|(global, local)| LargeCommunity { global, local })
                    .collect(),
                originator: originator.filter(|_| internal),
                clusters: clusters.into_iter().filter(|_| internal).collect(),
                unknown: unknown
                    .map(|(code, value)| Unknown {
                        code,
                        value: value.into(),
                    })
                    .collect(),
            }
        },
    )
}

/// No two sequences follow each other: they would be read as one.
fn path(coding: Coding) -> impl Strategy<Value = AsPath> {
    let kinds = match (coding.as_sets, coding.confederation) {
        (false, false) => vec![0],
        (true, false) => vec![0, 1],
        (false, true) => vec![0, 2],
        (true, true) => vec![0, 1, 2, 3],
    };
    let all = prop_oneof![20 => vec(asn(), 1..6), 1 => vec(asn(), 250..=255)];
    vec((prop::sample::select(kinds), all), 0..4).prop_map(|segments| {
        let mut path: Vec<(i32, Vec<Asn>)> = Vec::new();
        for (kind, all) in segments {
            match path.last_mut() {
                Some((0, last)) if kind == 0 => last.extend(all),
                Some((2, last)) if kind == 2 => last.extend(all),
                _ => path.push((kind, all)),
            }
        }
        AsPath::new(path.into_iter().map(|(kind, all)| match kind {
            0 => Segment::Sequence(all),
            1 => Segment::Set(all),
            2 => Segment::ConfedSequence(all),
            _ => Segment::ConfedSet(all),
        }))
    })
}
