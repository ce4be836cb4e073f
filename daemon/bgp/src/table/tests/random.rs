//! Whatever happens in whatever order.

use super::model::{Both, Event, prefixes};
use super::*;
use crate::attr::Community;
use proptest::collection::vec;
use proptest::prelude::*;

const PEERS: usize = 7;

fn sets() -> impl Strategy<Value = Vec<Attributes>> {
    // Most are alike in most, so that every step of the choice is come to.
    let asns = prop_oneof![4 => Just(65_001), 4 => Just(65_002), 4 => Just(65_003), 1 => Just(ME)];
    let path = (
        prop_oneof![Just(65_001), Just(65_002)],
        vec(asns, 0..2),
        prop::bool::weighted(0.15),
    );
    let origin = prop_oneof![
        8 => Just(Origin::Igp),
        1 => Just(Origin::Egp),
        1 => Just(Origin::Incomplete)
    ];
    let communities = prop_oneof![
        9 => Just(vec![]),
        1 => Just(vec![Community::NO_EXPORT]),
        1 => Just(vec![Community::NO_ADVERTISE]),
        1 => Just(vec![Community::GRACEFUL_SHUTDOWN]),
    ];
    let cluster = prop_oneof![4 => Just(vec![]), 2 => vec(1u32..3, 1..3), 1 => Just(vec![1000])];
    let few = |often, last| prop::option::weighted(often, 1u32..last);
    let set = (
        path,
        origin,
        few(0.5, 4),
        few(0.2, 4),
        communities,
        few(0.4, 8),
        cluster,
    )
        .prop_map(
            |((first, rest, empty), origin, med, preference, communities, originator, clusters)| {
                let path: Vec<u32> = std::iter::once(first).chain(rest).collect();
                let mut set = attributes(if empty { &[] } else { &path });
                set.origin = origin;
                set.med = med;
                set.local_pref = preference.map(|value| 98 + value);
                set.communities = communities;
                set.originator = originator.map(router);
                set.clusters = clusters.into_iter().map(router).collect();
                set
            },
        );
    vec(set, 2..12)
}

fn event() -> impl Strategy<Value = Event> {
    let peer = || 0..PEERS;
    let prefix = || 0..prefixes().len();
    let own = || 0usize..4;
    let policy = || prop_oneof![Just(0usize), 0usize..8];
    // Those of one announcement are of one family.
    let some = prop_oneof![vec(0usize..4, 1..4), vec(4usize..6, 1..3)];
    prop_oneof![
        30 => (peer(), 0usize..12, 0usize..3, some).prop_map(|(a, b, c, d)| Event::Announce(a, b, c, d)),
        10 => (peer(), prefix()).prop_map(|(a, b)| Event::Withdraw(a, b)),
        2 => (own(), prefix(), 0usize..12).prop_map(|(a, b, c)| Event::Originate(a, b, c)),
        4 => (own(), prefix()).prop_map(|(a, b)| Event::Retract(a, b)),
        10 => peer().prop_map(Event::Join),
        2 => peer().prop_map(Event::Leave),
        2 => peer().prop_map(Event::Refresh),
        2 => peer().prop_map(Event::Remove),
        2 => peer().prop_map(Event::Stale),
        2 => peer().prop_map(Event::Purge),
        4 => (vec(peer(), 1..4), policy(), policy()).prop_map(|(a, b, c)| Event::Change(a, b, c)),
        1 => (0usize..3).prop_map(Event::Drain),
        2 => (0usize..3, prop::option::of(0u32..4)).prop_map(|(a, b)| Event::Reach(a, b)),
        12 => (peer(), 1usize..5).prop_map(|(a, b)| Event::Tell(a, b)),
        3 => (1usize..5).prop_map(Event::Changes),
        6 => (1usize..5).prop_map(Event::Work),
        3 => Just(Event::Check),
    ]
}

fn run(settings: Settings, sets: Vec<Attributes>, events: Vec<Event>) {
    let mut both = Both::new(settings, sets);
    assert_eq!(both.peers(), PEERS);
    for event in &events {
        both.apply(event);
    }
    both.check();
    both.end();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn it_says_what_the_naive_one_says(
        sets in sets(),
        always_compare_med in any::<bool>(),
        (multipath, multipath_relax) in (1usize..4, any::<bool>()),
        events in vec(event(), 1..120),
    ) {
        let settings = Settings { always_compare_med, multipath, multipath_relax, ..settings() };
        run(settings, sets, events);
    }

    #[test]
    fn the_choice_does_not_depend_on_who_came_first(
        sets in sets(),
        order in Just((0..PEERS).collect::<Vec<_>>()).prop_shuffle(),
        which in vec((0usize..12, 0usize..3), PEERS),
    ) {
        let best = |order: &[usize]| {
            let mut both = Both::new(settings(), sets.clone());
            for peer in order {
                let (set, hop) = which[*peer];
                both.apply(&Event::Announce(*peer, set, hop, vec![1]));
            }
            let best = both.table.best(prefixes()[1]);
            best.into_iter().map(|best| (best.peer, Route::clone(&best.route))).collect::<Vec<_>>()
        };
        prop_assert_eq!(best(&(0..PEERS).collect::<Vec<_>>()), best(&order));
    }
}
