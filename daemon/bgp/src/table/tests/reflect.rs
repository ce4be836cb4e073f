//! Who is told what whom told (RFC 4271, 9.2; RFC 4456), and with which attributes.

use super::*;
use crate::attr::{Community, ExtendedCommunity};

const NET: &str = "10.0.0.0/8";

/// One tells, another hears.
fn passed(from: Neighbour, to: Neighbour, set: &Attributes) -> Result<Route, NotTold> {
    let mut table = table();
    let from = table.add(from).unwrap();
    let to = table.add(to).unwrap();
    table.join(to, Family::Ipv4);
    table.announce(from, set, hop(77), &[prefix(NET)]).unwrap();
    let knows = listen(&mut table, to).knows;
    let why = table.why_told(to, prefix(NET));
    assert_eq!(why.as_ref().ok(), knows.get(&prefix(NET)));
    why.map(|route| Route::clone(&route))
}

#[test]
fn who_hears_what_whom_told() {
    let kinds = [external(1), internal(2), client(3)];
    let others = [external(11), internal(12), client(13)];
    for from in &kinds {
        let set = match from.relation {
            Relation::External => attributes(&[65_001]),
            _ => attributes(&[65_099]),
        };
        for to in &others {
            let told = passed(from.clone(), to.clone(), &set);
            let hears = match (from.relation, to.relation) {
                (Relation::Internal, Relation::Internal) => Err(NotTold::Internal),
                _ => Ok(()),
            };
            let pair = (from.relation, to.relation);
            assert_eq!(
                told.as_ref().map(|_| ()).map_err(|why| *why),
                hears,
                "{pair:?}"
            );
            let Ok(route) = told else { continue };
            let reflected =
                from.relation != Relation::External && to.relation != Relation::External;
            let Attributes {
                originator,
                clusters,
                ..
            } = route.attributes;
            let by = reflected.then_some(from.router);
            assert_eq!(originator, by, "{pair:?}");
            let list: Vec<_> = reflected.then_some(router(1000)).into_iter().collect();
            assert_eq!(clusters, list, "{pair:?}");
        }
    }
}

#[test]
fn a_reflector_adds_to_what_is_there() {
    let mut set = attributes(&[65_099]);
    set.originator = Some(router(55));
    set.clusters = vec![router(66)];
    set.med = Some(5);
    let route = passed(client(3), client(4), &set).unwrap();
    assert_eq!(route.attributes.originator, Some(router(55)));
    assert_eq!(route.attributes.clusters, [router(1000), router(66)]);
    assert_eq!(route.attributes.local_pref, Some(100));
    assert_eq!(route.attributes.med, Some(5));
    assert_eq!(route.attributes.as_path, path(&[65_099]));
    assert_eq!(route.next_hop, Some(hop(77)));
}

#[test]
fn what_leaves_the_as_leaves_its_own_things_there() {
    let mut set = attributes(&[65_099]);
    set.originator = Some(router(55));
    set.clusters = vec![router(66)];
    set.med = Some(5);
    set.local_pref = Some(200);
    set.communities = vec![Community(1)];
    set.extended = vec![
        ExtendedCommunity(1),
        ExtendedCommunity(0x4000_0000_0000_0001),
    ];
    let route = passed(internal(3), external(4), &set).unwrap();
    let mut wanted = attributes(&[ME, 65_099]);
    wanted.communities = vec![Community(1)];
    wanted.extended = vec![ExtendedCommunity(1)];
    assert_eq!(route.attributes, wanted);
    assert_eq!(route.next_hop, Some(hop(254)));
    // Within the AS all of it stays.
    let inside = passed(external(9), internal(4), &{
        let mut set = set.clone();
        set.as_path = path(&[65_009]);
        set
    });
    let inside = inside.unwrap();
    assert_eq!(inside.attributes.extended, set.extended);
    assert_eq!(inside.attributes.med, Some(5));
    // But what another AS says of preference means nothing here.
    assert_eq!(inside.attributes.local_pref, Some(100));
    assert_eq!(inside.attributes.originator, None);
    assert_eq!(inside.next_hop, Some(hop(77)));
}

#[test]
fn a_next_hop_on_a_shared_network_is_told_as_it_is() {
    let shared = |text: &str| Neighbour {
        shared: vec![prefix(text)],
        ..external(4)
    };
    let hop_of = |to| {
        passed(external(1), to, &attributes(&[65_001]))
            .unwrap()
            .next_hop
    };
    assert_eq!(hop_of(shared("192.0.2.0/24")), Some(hop(77)));
    assert_eq!(hop_of(shared("192.0.3.0/24")), Some(hop(254)));
}

#[test]
fn an_address_on_a_link_stays_there() {
    let both = NextHop::V6(
        "fd00::77".parse().unwrap(),
        Some("fe80::77".parse().unwrap()),
    );
    let net = prefix("fd01::/48");
    for (shared, link) in [("fd00::/64", true), ("fd09::/64", false)] {
        let mut table = table();
        let from = table.add(external(1)).unwrap();
        let shared = vec![prefix(shared)];
        let to = table
            .add(Neighbour {
                shared,
                ..internal(2)
            })
            .unwrap();
        table.join(to, Family::Ipv6);
        table
            .announce(from, &attributes(&[65_001]), both, &[net])
            .unwrap();
        let mut heard = Receiver::default();
        heard.listen(&mut table, to, Family::Ipv6);
        let Some(NextHop::V6(global, local)) = heard.knows[&net].next_hop else {
            panic!("no IPv6 next hop");
        };
        assert_eq!(global, "fd00::77".parse::<std::net::Ipv6Addr>().unwrap());
        assert_eq!(local.is_some(), link);
    }
}

#[test]
fn policy_changes_the_next_hop() {
    use crate::policy::HopChange;
    let hop_of = |relation: Neighbour, change| {
        let family = Term::Family(Family::Ipv4);
        let rule = Rule::accept("hop")
            .when(family)
            .then(Action::NextHop(change));
        let export = Arc::new(Policy::new("hop", [rule]).unwrap());
        let to = Neighbour {
            filters: filters(open(), export),
            ..relation
        };
        passed(external(1), to, &attributes(&[65_001]))
            .unwrap()
            .next_hop
    };
    assert_eq!(hop_of(external(4), HopChange::Unchanged), Some(hop(77)));
    assert_eq!(hop_of(internal(4), HopChange::Own), Some(hop(254)));
    assert_eq!(
        hop_of(internal(4), HopChange::Address(hop(5))),
        Some(hop(5))
    );
}

#[test]
fn what_has_no_next_hop_is_not_told() {
    let nowhere = Neighbour {
        own_hops: [None, None],
        ..external(4)
    };
    let told = passed(external(1), nowhere, &attributes(&[65_001]));
    assert_eq!(told.unwrap_err(), NotTold::NoNextHop);
}

#[test]
fn communities_that_say_who_may_not_be_told() {
    let all = [
        (Community::NO_EXPORT, [false, true, true]),
        (Community::NO_EXPORT_SUBCONFED, [false, true, true]),
        (Community::NO_ADVERTISE, [false, false, false]),
        (Community::GRACEFUL_SHUTDOWN, [true, true, true]),
        (Community::BLACKHOLE, [true, true, true]),
    ];
    for (community, told) in all {
        let mut set = attributes(&[65_001]);
        set.communities = vec![community];
        let to = [external(11), internal(12), client(13)];
        for (to, told) in to.into_iter().zip(told) {
            let relation = to.relation;
            let passed = passed(external(1), to, &set);
            assert_eq!(passed.is_ok(), told, "{community} {relation:?}");
        }
    }
    let mut set = attributes(&[65_001]);
    set.communities = vec![Community::NO_ADVERTISE];
    let why = passed(external(1), internal(2), &set).unwrap_err();
    assert_eq!(why.to_string(), "refused: it bears NO_ADVERTISE");
}

#[test]
fn a_community_that_policy_adds_is_for_the_neighbour_to_honour() {
    let rule = Rule::accept("mark").then(Action::AddCommunities(vec![Community::NO_EXPORT]));
    let export = Arc::new(Policy::new("mark", [rule]).unwrap());
    let to = Neighbour {
        filters: filters(open(), export),
        ..external(4)
    };
    let route = passed(external(1), to, &attributes(&[65_001])).unwrap();
    assert_eq!(route.attributes.communities, [Community::NO_EXPORT]);
}

#[test]
fn own_routes_are_told_with_what_they_have() {
    let mut set = attributes(&[]);
    set.med = Some(30);
    let mut table = table();
    table.originate(Source::Block, prefix(NET), set);
    let [out, inside] = [external(1), internal(2)].map(|neighbour| {
        let id = table.add(neighbour).unwrap();
        table.join(id, Family::Ipv4);
        listen(&mut table, id).knows[&prefix(NET)].clone()
    });
    assert_eq!(out.attributes.as_path, path(&[ME]));
    assert_eq!(
        (out.attributes.med, out.attributes.local_pref),
        (Some(30), None)
    );
    assert_eq!(out.next_hop, Some(hop(254)));
    assert!(inside.attributes.as_path.is_empty());
    assert_eq!(
        (inside.attributes.med, inside.attributes.local_pref),
        (Some(30), Some(100))
    );
}
