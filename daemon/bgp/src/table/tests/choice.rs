//! Each step of the choice: two paths that are alike but for what the step looks at.

use super::*;

type Told = (Neighbour, Attributes, u8);

/// Costs are the last octet of the next hop.
fn costly(settings: Settings) -> Table {
    Table::new(settings, |hop: NextHop| match hop {
        NextHop::V4(ip) if ip.octets()[3] == 0 => None,
        NextHop::V4(ip) => Some(ip.octets()[3].into()),
        NextHop::V6(..) => None,
    })
}

fn told(table: &mut Table, all: &[Told]) -> Vec<PeerId> {
    let ids = all.iter().map(|(neighbour, set, to)| {
        let id = table.add(neighbour.clone()).unwrap();
        table
            .announce(id, set, hop(*to), &[prefix("10.0.0.0/8")])
            .unwrap();
        id
    });
    ids.collect()
}

fn with(all: &[u32], change: impl FnOnce(&mut Attributes)) -> Attributes {
    let mut set = attributes(all);
    change(&mut set);
    set
}

/// The first of both is the better one; whoever comes first, and the step is the reason.
#[test]
fn each_step() {
    let path = [65_001, 65_009];
    let clusters = |all: &[u32]| {
        let all: Vec<_> = all.iter().copied().map(router).collect();
        with(&path, |set| {
            set.clusters = all;
            set.originator = Some(router(77));
        })
    };
    let one = |number| neighbour(number, 65_001, Relation::External);
    let originator = |number| with(&path, |set| set.originator = Some(router(number)));
    let high = Neighbour {
        address: "192.0.2.200".parse().unwrap(),
        ..one(4)
    };
    let steps: Vec<(Step, Told, Told)> = vec![
        (
            Step::LocalPref,
            (
                internal(4),
                with(&[1, 2, 3], |set| set.local_pref = Some(101)),
                9,
            ),
            (internal(5), with(&[1], |_| ()), 1),
        ),
        // None is 100.
        (
            Step::LocalPref,
            (internal(4), with(&[1, 2, 3], |_| ()), 9),
            (internal(5), with(&[1], |set| set.local_pref = Some(99)), 1),
        ),
        (
            Step::PathLength,
            (
                one(4),
                with(&[65_001, 1], |set| set.origin = Origin::Incomplete),
                9,
            ),
            (one(3), with(&[65_001, 1, 2], |_| ()), 1),
        ),
        (
            Step::Origin,
            (
                one(4),
                with(&path, |set| (set.origin, set.med) = (Origin::Egp, Some(9))),
                9,
            ),
            (
                one(3),
                with(&path, |set| set.origin = Origin::Incomplete),
                1,
            ),
        ),
        (
            Step::Med,
            (internal(4), with(&path, |set| set.med = Some(1)), 9),
            (one(3), with(&path, |set| set.med = Some(2)), 1),
        ),
        // None is 0.
        (
            Step::Med,
            (internal(4), with(&path, |_| ()), 9),
            (one(3), with(&path, |set| set.med = Some(1)), 1),
        ),
        (
            Step::External,
            (one(4), attributes(&path), 9),
            (internal(3), attributes(&path), 1),
        ),
        // MEDs of different AS are not compared.
        (
            Step::External,
            (one(4), with(&path, |set| set.med = Some(9)), 9),
            (internal(3), with(&[65_002, 1], |_| ()), 1),
        ),
        (
            Step::Cost,
            (one(4), attributes(&path), 1),
            (one(3), attributes(&path), 2),
        ),
        (
            Step::RouterId,
            (one(3), attributes(&path), 1),
            (one(4), attributes(&path), 1),
        ),
        (
            Step::RouterId,
            (internal(9), originator(3), 1),
            (internal(4), attributes(&path), 1),
        ),
        (
            Step::RouterId,
            (internal(4), attributes(&path), 1),
            (internal(3), originator(5), 1),
        ),
        (
            Step::Clusters,
            (internal(4), clusters(&[8]), 1),
            (internal(3), clusters(&[1, 2]), 1),
        ),
        (
            Step::Address,
            (one(4), attributes(&path), 1),
            (high, attributes(&path), 1),
        ),
    ];
    for (step, better, worse) in steps {
        for order in [[0, 1], [1, 0]] {
            let mut table = costly(settings());
            let pair = [better.clone(), worse.clone()];
            let all = order.map(|at: usize| pair[at].clone());
            let ids = told(&mut table, &all);
            let fates = table.why(prefix("10.0.0.0/8"));
            let best = ids[usize::from(order[0] != 0)];
            let all: Vec<_> = fates.iter().map(|fate| (fate.peer, fate.outcome)).collect();
            assert_eq!(all[0], (Some(best), Outcome::Best), "{step:?} {order:?}");
            assert_eq!(all[1].1, Outcome::Lost(step), "{order:?}");
            assert_eq!(table.best(prefix("10.0.0.0/8"))[0].peer, Some(best));
        }
    }
}

/// The example of RFC 3345 and of every vendor's manual: two by two, each is better than another. Which wins must not
/// depend on who came first.
#[test]
fn meds_are_compared_within_one_as_and_all_at_once() {
    let all = |order: [usize; 3]| {
        let mut table = costly(settings());
        let three = [
            (external(1), with(&[65_001, 9], |set| set.med = Some(10)), 5),
            (
                neighbour(3, 65_001, Relation::External),
                with(&[65_001, 9], |set| set.med = Some(5)),
                7,
            ),
            (external(2), with(&[65_002, 9], |set| set.med = Some(7)), 6),
        ];
        let ids = told(&mut table, &order.map(|at| three[at].clone()));
        let fates = table.why(prefix("10.0.0.0/8"));
        let place = |id| order[ids.iter().position(|other| Some(*other) == id).unwrap()];
        fates
            .iter()
            .map(|fate| (place(fate.peer), fate.outcome))
            .collect::<Vec<_>>()
    };
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        assert_eq!(
            all(order),
            [
                (2, Outcome::Best),
                (1, Outcome::Lost(Step::Cost)),
                (0, Outcome::Lost(Step::Med)),
            ]
        );
    }
}

#[test]
fn meds_of_all_are_compared_where_that_is_wanted() {
    let settings = Settings {
        always_compare_med: true,
        ..settings()
    };
    let mut table = costly(settings);
    let ids = told(
        &mut table,
        &[
            (external(1), with(&[65_001], |set| set.med = Some(2)), 1),
            (external(2), with(&[65_002], |set| set.med = Some(1)), 2),
        ],
    );
    let fates = table.why(prefix("10.0.0.0/8"));
    assert_eq!(fates[0].peer, Some(ids[1]));
    assert_eq!(fates[1].outcome, Outcome::Lost(Step::Med));
}

#[test]
fn own_routes_come_first_and_the_nearer_kind_before_the_farther() {
    let mut table = costly(settings());
    let net = prefix("10.0.0.0/8");
    let strong = with(&[1], |set| set.local_pref = Some(500));
    told(&mut table, &[(internal(4), strong, 1)]);
    for source in [Source::Pool, Source::Block, Source::Claim, Source::Chosen] {
        table.originate(source, net, attributes(&[]));
    }
    let outcomes: Vec<_> = table
        .why(net)
        .iter()
        .map(|fate| (fate.source, fate.outcome))
        .collect();
    assert_eq!(outcomes[0], (Source::Claim, Outcome::Best));
    let lost = |source, step| assert!(outcomes.contains(&(source, Outcome::Lost(step))));
    lost(Source::Chosen, Step::Source);
    lost(Source::Block, Step::Source);
    lost(Source::Pool, Step::Source);
    lost(Source::Neighbour, Step::Own);
    for source in Source::OWN {
        table.retract(source, net);
    }
    assert_eq!(table.why(net)[0].outcome, Outcome::Best);
}

#[test]
fn what_is_not_reached_is_not_chosen() {
    let mut table = costly(settings());
    told(
        &mut table,
        &[
            (external(1), attributes(&[65_001]), 0),
            (external(2), attributes(&[65_002, 1]), 1),
        ],
    );
    let fates = table.why(prefix("10.0.0.0/8"));
    assert_eq!(fates[0].outcome, Outcome::Best);
    assert_eq!(fates[1].outcome, Outcome::Unfit(Unfit::NextHop));
    assert_eq!(fates[1].outcome.to_string(), "its next hop is not reached");
}

#[test]
fn equal_ones_are_used_beside_each_other() {
    for (most, used) in [(1, 1), (2, 2), (8, 3)] {
        let mut table = Table::new(
            Settings {
                multipath: most,
                multipath_relax: true,
                ..settings()
            },
            |_| Some(1),
        );
        let ids = told(
            &mut table,
            &[
                (external(4), attributes(&[65_004]), 4),
                (external(3), attributes(&[65_003]), 3),
                (external(2), attributes(&[65_002]), 2),
                // The same way once more.
                (
                    neighbour(5, 65_002, Relation::External),
                    attributes(&[65_002]),
                    2,
                ),
                (external(1), attributes(&[65_001, 9]), 1),
            ],
        );
        let best = table.best(prefix("10.0.0.0/8"));
        let peers: Vec<_> = best.iter().filter_map(|best| best.peer).collect();
        assert_eq!(peers, [ids[2], ids[1], ids[0]][..used]);
        let changes = table.changes(10);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].best.len(), used);
        let fates = table.why(prefix("10.0.0.0/8"));
        let beside = fates
            .iter()
            .filter(|fate| fate.outcome == Outcome::Beside)
            .count();
        assert_eq!(beside, used - 1);
        // One that is worse changes nothing; one that is used and goes does.
        table.withdraw(ids[4], &[prefix("10.0.0.0/8")]);
        assert_eq!(table.changes(10).len(), 0);
        table.withdraw(ids[0], &[prefix("10.0.0.0/8")]);
        assert_eq!(table.changes(10).len(), usize::from(used == 3));
    }
}

#[test]
fn an_equal_announcement_is_no_change() {
    let mut table = table();
    let ids = told(&mut table, &[(external(1), attributes(&[65_001]), 1)]);
    assert_eq!(table.changes(10).len(), 1);
    let net = [prefix("10.0.0.0/8")];
    table
        .announce(ids[0], &attributes(&[65_001]), hop(1), &net)
        .unwrap();
    assert_eq!(table.changes(10).len(), 0);
    table
        .announce(ids[0], &attributes(&[65_001]), hop(2), &net)
        .unwrap();
    assert_eq!(table.changes(10).len(), 1);
    // What comes and goes between two looks is one change.
    table.withdraw(ids[0], &net);
    table
        .announce(ids[0], &attributes(&[65_001]), hop(3), &net)
        .unwrap();
    table.withdraw(ids[0], &net);
    let changes = table.changes(10);
    assert!(changes.len() == 1 && changes[0].best.is_empty());
}

#[test]
fn other_ways_through_other_as_are_used_only_where_that_is_wanted() {
    for (multipath_relax, used) in [(false, 2), (true, 3)] {
        let settings = Settings {
            multipath: 8,
            multipath_relax,
            ..settings()
        };
        let mut table = Table::new(settings, |_| Some(1));
        let from = |last, number| neighbour(last, number, Relation::External);
        let ids = told(
            &mut table,
            &[
                (from(1, 65_001), attributes(&[65_001, 9]), 1),
                (from(2, 65_002), attributes(&[65_002, 9]), 2),
                (from(3, 65_001), attributes(&[65_001, 9]), 3),
            ],
        );
        let best = table.best(prefix("10.0.0.0/8"));
        assert_eq!(best.len(), used);
        assert_eq!(best[0].peer, Some(ids[0]));
        let fates = table.why(prefix("10.0.0.0/8"));
        let of = |id| {
            fates
                .iter()
                .find(|fate| fate.peer == Some(id))
                .unwrap()
                .outcome
        };
        assert_eq!(of(ids[2]), Outcome::Beside);
        let other = match multipath_relax {
            true => Outcome::Beside,
            false => Outcome::Lost(Step::RouterId),
        };
        assert_eq!(of(ids[1]), other);
    }
}
