//! Another codec, of people who never saw this one: it reads what is written here as what was meant, and what it writes is
//! read here so. Without sets and confederations, which it does not have.

use crate::common::{asn, read_all, together, update, write};
use crate::strategies;
use crate::treatments::{LEFT_OUT, WITHDRAWN, rows, with};
use fairway_bgp::attr::{Attributes, NextHop, Origin, Segment};
use fairway_bgp::message::{Announced, Capability, Message, Open, RefreshKind, Update};
use fairway_bgp::wire::{self, Coding};
use fairway_bgp::{Family, Prefix};
use proptest::prelude::*;
use rustbgpd_wire as other;
use rustbgpd_wire::PathAttribute;
use std::net::{IpAddr, Ipv4Addr};

/// Those for which it gives no meaning of its own to types that are not known here.
fn message() -> impl Strategy<Value = (Coding, Message)> {
    strategies::message().prop_filter_map("sets", |(coding, mut message)| {
        if let Message::Update(Update {
            attributes: Some(attributes),
            ..
        }) = &mut message
        {
            attributes.unknown.retain(|unknown| unknown.code >= 200);
        }
        (!coding.as_sets && !coding.confederation).then_some((coding, message))
    })
}

fn limit(coding: &Coding) -> u16 {
    if coding.extended_messages {
        65_535
    } else {
        4096
    }
}

/// What it says an UPDATE has, sorted: withdrawn, announced with next hops, attributes without those of the next hops.
type Said = (Vec<String>, Vec<String>, Vec<PathAttribute>);

fn said(bytes: &[u8], coding: &Coding) -> Said {
    let mut bytes = bytes::Bytes::copy_from_slice(bytes);
    let (mut withdrawn, mut announced, mut attributes) = (Vec::new(), Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let decoded = other::decode_message(&mut bytes, limit(coding)).unwrap();
        let other::Message::Update(update) = decoded else {
            panic!("{decoded:?}");
        };
        let parsed = update.parse_revised(coding.four_octets, coding.internal, false, &[]);
        let parsed = parsed.unwrap();
        assert_eq!(parsed.malformed, []);
        let parsed = parsed.update;
        withdrawn.extend(
            parsed
                .withdrawn
                .iter()
                .map(|e| show(other::Prefix::V4(e.prefix))),
        );
        let hop = parsed
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                PathAttribute::NextHop(ip) => Some(format!("{ip} None")),
                _ => None,
            });
        announced.extend(parsed.announced.iter().map(|e| {
            format!(
                "{} {}",
                show(other::Prefix::V4(e.prefix)),
                hop.clone().unwrap()
            )
        }));
        let mut these = Vec::new();
        for attribute in parsed.attributes {
            match attribute {
                PathAttribute::NextHop(_) => {}
                PathAttribute::MpUnreachNlri(of) => {
                    withdrawn.extend(of.withdrawn.iter().map(|e| show(e.prefix)));
                }
                PathAttribute::MpReachNlri(of) => announced.extend(of.announced.iter().map(|e| {
                    format!(
                        "{} {} {:?}",
                        show(e.prefix),
                        of.next_hop,
                        of.link_local_next_hop
                    )
                })),
                attribute => these.push(flat(attribute)),
            }
        }
        these.sort_by_key(PathAttribute::type_code);
        if !these.is_empty() {
            attributes = these;
        }
    }
    withdrawn.sort();
    announced.sort();
    (withdrawn, announced, attributes)
}

fn show(prefix: other::Prefix) -> String {
    format!("{}/{}", prefix.addr_string(), prefix.prefix_len())
}

/// With one segment, however many it takes, and without the flag of a long length.
fn flat(attribute: PathAttribute) -> PathAttribute {
    match attribute {
        PathAttribute::AsPath(path) => {
            let all = path.segments.into_iter().flat_map(|segment| match segment {
                other::AsPathSegment::AsSequence(all) | other::AsPathSegment::AsSet(all) => all,
            });
            let all = all.collect::<Vec<_>>();
            let segments = (!all.is_empty()).then_some(other::AsPathSegment::AsSequence(all));
            let segments = segments.into_iter().collect();
            PathAttribute::AsPath(other::AsPath { segments })
        }
        PathAttribute::Unknown(raw) => PathAttribute::Unknown(other::RawAttribute {
            flags: raw.flags & !0x10,
            ..raw
        }),
        attribute => attribute,
    }
}

/// Attributes as it has them; `most` AS to a segment.
fn theirs(attributes: &Attributes, most: usize) -> Vec<PathAttribute> {
    let segments = attributes
        .as_path
        .segments()
        .iter()
        .flat_map(|segment| match segment {
            Segment::Sequence(all) => all.chunks(most),
            other => panic!("{other:?}"),
        });
    let segments = segments
        .map(|all| other::AsPathSegment::AsSequence(all.iter().map(|asn| asn.get()).collect()));
    let mut all = vec![
        PathAttribute::Origin(match attributes.origin {
            Origin::Igp => other::Origin::Igp,
            Origin::Egp => other::Origin::Egp,
            Origin::Incomplete => other::Origin::Incomplete,
        }),
        PathAttribute::AsPath(other::AsPath {
            segments: segments.collect(),
        }),
    ];
    all.extend(attributes.med.map(PathAttribute::Med));
    all.extend(attributes.local_pref.map(PathAttribute::LocalPref));
    all.extend(
        attributes
            .atomic_aggregate
            .then_some(PathAttribute::AtomicAggregate),
    );
    all.extend(attributes.aggregator.map(|of| {
        PathAttribute::Aggregator(other::Aggregator {
            asn: of.asn.get(),
            router_id: of.router,
            partial: false,
        })
    }));
    if !attributes.communities.is_empty() {
        let marks = attributes.communities.iter().map(|mark| mark.0);
        all.push(PathAttribute::Communities(marks.collect()));
    }
    let ip = |id: fairway_bgp::RouterId| Ipv4Addr::from_bits(id.get());
    all.extend(
        attributes
            .originator
            .map(|id| PathAttribute::OriginatorId(ip(id))),
    );
    if !attributes.clusters.is_empty() {
        let clusters = attributes.clusters.iter().map(|id| ip(*id));
        all.push(PathAttribute::ClusterList(clusters.collect()));
    }
    if !attributes.extended.is_empty() {
        let marks = attributes.extended.iter();
        let marks = marks.map(|mark| other::ExtendedCommunity::new(mark.0));
        all.push(PathAttribute::ExtendedCommunities(marks.collect()));
    }
    if !attributes.large.is_empty() {
        let marks = attributes.large.iter().map(|mark| {
            let [first, second] = mark.local;
            other::LargeCommunity::new(mark.global, first, second)
        });
        all.push(PathAttribute::LargeCommunities(marks.collect()));
    }
    all.extend(attributes.unknown.iter().map(|unknown| {
        PathAttribute::Unknown(other::RawAttribute {
            flags: 0xE0,
            type_code: unknown.code,
            data: bytes::Bytes::copy_from_slice(&unknown.value),
        })
    }));
    all
}

fn meant(update: &Update) -> Said {
    let mut withdrawn: Vec<_> = update.withdrawn.iter().map(Prefix::to_string).collect();
    let announced = update.announced.iter().flat_map(|announced| {
        let link = match announced.next_hop {
            NextHop::V6(_, link) => link,
            NextHop::V4(_) => None,
        };
        let prefixes = announced.prefixes.iter();
        prefixes.map(move |prefix| format!("{prefix} {} {link:?}", announced.next_hop.address()))
    });
    let mut announced = announced.collect::<Vec<_>>();
    withdrawn.sort();
    announced.sort();
    let attributes = update
        .attributes
        .iter()
        .flat_map(|attributes| theirs(attributes, usize::MAX));
    (withdrawn, announced, attributes.collect())
}

fn same_open(open: &Open, theirs: &other::OpenMessage) {
    assert_eq!(theirs.version, 4);
    assert_eq!(theirs.my_as, open.asn.short());
    assert_eq!(theirs.hold_time, open.hold_time.seconds());
    assert_eq!(
        theirs.bgp_identifier,
        Ipv4Addr::from_bits(open.router.get())
    );
    assert_eq!(theirs.capabilities.len(), open.capabilities.len());
    for (own, theirs) in open.capabilities.iter().zip(&theirs.capabilities) {
        match (own, theirs) {
            (Capability::Refresh, other::Capability::RouteRefresh)
            | (Capability::ExtendedMessage, other::Capability::ExtendedMessage)
            | (Capability::EnhancedRefresh, other::Capability::EnhancedRouteRefresh) => {}
            (Capability::FourOctets(own), other::Capability::FourOctetAs { asn }) => {
                assert_eq!(own.get(), *asn);
            }
            (
                Capability::Multiprotocol(own, sub),
                other::Capability::MultiProtocol { afi, safi },
            ) => {
                assert_eq!((*own, *sub), (*afi as u16, *safi as u8));
            }
            (Capability::Role(own), other::Capability::Role { role }) => {
                assert_eq!(format!("{own:?}"), format!("{role:?}"));
            }
            (
                Capability::GracefulRestart(own),
                other::Capability::GracefulRestart {
                    restart_state,
                    notification,
                    restart_time,
                    families,
                },
            ) => {
                assert_eq!(
                    (own.restarting, own.notification, own.seconds),
                    (*restart_state, *notification, *restart_time)
                );
                let families = families.iter().map(|of| {
                    let family = Family::of(of.afi as u16, of.safi as u8).unwrap();
                    (family, of.forwarding_preserved)
                });
                assert_eq!(own.families, families.collect::<Vec<_>>());
            }
            // Of families that it does not know, and others that are not known here.
            (
                Capability::Multiprotocol(..)
                | Capability::ExtendedNextHop(_)
                | Capability::Unknown { .. },
                _,
            ) => {}
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn it_reads_what_is_written((coding, message) in message()) {
        let mut bytes = Vec::new();
        if wire::write(&message, &coding, &mut bytes).is_err() {
            return Ok(());
        }
        if let Message::Update(update) = &message {
            prop_assert_eq!(said(&bytes, &coding), meant(update));
            return Ok(());
        }
        let mut rest = bytes::Bytes::from(bytes);
        match (&message, other::decode_message(&mut rest, limit(&coding)).unwrap()) {
            (Message::Open(open), other::Message::Open(theirs)) => same_open(open, &theirs),
            (Message::Notification(own), other::Message::Notification(theirs)) => {
                let (code, subcode) = own.reason.codes();
                prop_assert_eq!((theirs.code.as_u8(), theirs.subcode), (code, subcode));
                prop_assert_eq!(&theirs.data[..], &own.data[..]);
            }
            (Message::Keepalive, other::Message::Keepalive) => {}
            (Message::Refresh(own), other::Message::RouteRefresh(theirs)) => {
                let kind = match own.kind {
                    RefreshKind::Wanted => 0,
                    RefreshKind::Begin => 1,
                    RefreshKind::End => 2,
                };
                let (afi, safi) = (own.family.afi(), own.family.safi());
                prop_assert_eq!((theirs.afi_raw, theirs.safi_raw, theirs.subtype_raw), (afi, safi, kind));
            }
            other => panic!("{other:?}"),
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn what_it_writes_is_read(
        (coding, attributes) in strategies::coding().prop_flat_map(|coding| {
            let coding = Coding { as_sets: false, confederation: false, ..coding };
            (Just(coding), strategies::attributes(coding))
        }),
        prefixes in prop::collection::vec(strategies::prefix(Family::Ipv4), 1..20),
    ) {
        let mut attributes = attributes;
        attributes.unknown.retain(|unknown| unknown.code >= 200);
        let coding = Coding { ipv4: true, extended_messages: true, ..coding };
        let entry = |prefix: &Prefix| match (prefix.address(), prefix.length()) {
            (IpAddr::V4(ip), length) => other::Ipv4NlriEntry {
                path_id: 0,
                prefix: other::Ipv4Prefix::new(ip, length),
            },
            other => panic!("{other:?}"),
        };
        let announced = prefixes.iter().map(entry).collect::<Vec<_>>();
        let ip = Ipv4Addr::new(10, 0, 0, 1);
        let mut theirs = theirs(&attributes, 255);
        theirs.push(PathAttribute::NextHop(ip));
        let mode = other::Ipv4UnicastMode::Body;
        let built = other::UpdateMessage::try_build(
            &announced, &[], &theirs, coding.four_octets, false, mode,
        );
        let built = other::Message::Update(built.unwrap());
        let bytes = other::encode_message_with_limit(&built, 65_535).unwrap();
        let read = read_all(&bytes, &coding).into_iter().map(|read| {
            assert_eq!(read.faults, []);
            match read.message {
                Some(Message::Update(update)) => update,
                other => panic!("{other:?}"),
            }
        });
        prop_assert_eq!(together(read), Update {
            attributes: Some(attributes),
            announced: vec![Announced { next_hop: NextHop::V4(ip), prefixes }],
            ..Update::default()
        });
    }
}

/// Whether it is as strict as it is meant to be: a number that it is not told is not taken for another.
#[test]
fn it_tells_one_from_another() {
    let of = |number| {
        let attributes = Attributes::new(
            Origin::Igp,
            fairway_bgp::attr::AsPath::sequence([asn(number)]),
        );
        let update = Update {
            attributes: Some(attributes),
            announced: vec![Announced {
                next_hop: NextHop::V4(Ipv4Addr::new(10, 0, 0, 1)),
                prefixes: crate::common::prefixes(["10.0.0.0/8"]),
            }],
            ..Update::default()
        };
        let coding = Coding::default();
        said(&write(&Message::Update(update.clone()), &coding), &coding)
    };
    assert_eq!(of(65536), of(65536));
    assert_ne!(of(65536), of(65537));
    assert_ne!(of(65536), of(23456));
}

/// That it does the same about malformed attributes, but for what it leaves to others: what a value may be, whether the
/// neighbour tells such an attribute, and a segment that is empty.
#[test]
fn it_treats_errors_alike() {
    let elsewhere = |name: &str, wrong: &str| {
        name == "an empty segment"
            || wrong == "value is not allowed"
            || wrong.starts_with("not expected")
    };
    let mut alike = 0;
    for (table, treatment) in [
        (WITHDRAWN, other::ErrorDisposition::TreatAsWithdraw),
        (LEFT_OUT, other::ErrorDisposition::AttributeDiscard),
    ] {
        // It has no sets.
        for (name, coding, attribute, code, wrong) in
            rows(table).filter(|(_, coding, ..)| !coding.as_sets)
        {
            let bytes = update("", &with(&coding, code, attribute), "08 0a");
            let mut bytes = bytes::Bytes::from(bytes);
            let Ok(other::Message::Update(update)) = other::decode_message(&mut bytes, 4096) else {
                panic!("{name}");
            };
            let parsed = update.parse_revised(coding.four_octets, coding.internal, false, &[]);
            let all = parsed.unwrap().malformed;
            let all = all.iter().map(|of| (of.type_code, of.disposition));
            let all = all.collect::<Vec<_>>();
            if !(all.is_empty() && elsewhere(name, wrong)) {
                assert_eq!(all, [(code, treatment)], "{name}");
                alike += 1;
            }
        }
    }
    assert!(alike > 60, "{alike}");
}
