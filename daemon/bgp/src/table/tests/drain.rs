//! A node that is emptied.

use super::*;
use crate::attr::Community;

#[test]
fn a_drained_node_warns_and_then_withdraws_what_is_its_own() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    table
        .announce(
            from,
            &attributes(&[65_001]),
            hop(1),
            &[prefix("10.9.0.0/16")],
        )
        .unwrap();
    table.originate(Source::Block, prefix("10.1.0.0/26"), attributes(&[]));
    table.originate(Source::Claim, prefix("fd00::7/128"), attributes(&[]));
    let [out, inside] = [external(2), internal(3)].map(|neighbour| table.add(neighbour).unwrap());
    let mut all = [out, inside].map(|peer| (peer, Receiver::default()));
    for (peer, _) in &all {
        table.join(*peer, Family::Ipv4);
        table.join(*peer, Family::Ipv6);
    }
    let mut listen = |table: &mut Table| {
        for (peer, receiver) in &mut all {
            receiver.lines = 0;
            receiver.listen(table, *peer, Family::Ipv4);
            receiver.listen(table, *peer, Family::Ipv6);
        }
        all.each_ref().map(|(_, receiver)| receiver.clone())
    };
    assert_eq!(listen(&mut table).map(|heard| heard.lines), [3, 3]);
    table.changes(100);

    table.drain(Drain::Announced);
    let [out, inside] = listen(&mut table);
    assert_eq!((out.lines, inside.lines), (2, 2));
    for net in ["10.1.0.0/26", "fd00::7/128"].map(prefix) {
        for heard in [&out, &inside] {
            let communities = &heard.knows[&net].attributes.communities;
            assert_eq!(communities, &[Community::GRACEFUL_SHUTDOWN]);
        }
        assert_eq!(inside.knows[&net].attributes.local_pref, Some(0));
        assert_eq!(out.knows[&net].attributes.local_pref, None);
    }

    table.drain(Drain::Withdrawn);
    for heard in listen(&mut table) {
        assert_eq!(heard.lines, 2);
        assert_eq!(
            heard.knows.keys().copied().collect::<Vec<_>>(),
            [prefix("10.9.0.0/16")]
        );
    }
    let why = table.why_told(inside_of(&table), prefix("10.1.0.0/26"));
    assert_eq!(why, Err(NotTold::Drained));
    // One that comes now is told nothing of it either, and the node has what it had.
    let late = table.add(external(5)).unwrap();
    table.join(late, Family::Ipv4);
    assert_eq!(super::listen(&mut table, late).knows.len(), 1);
    assert!(table.changes(100).is_empty());
    assert_eq!(table.best(prefix("10.1.0.0/26"))[0].source, Source::Block);

    table.drain(Drain::Off);
    for heard in listen(&mut table) {
        assert_eq!((heard.lines, heard.knows.len()), (2, 3));
    }
}

fn inside_of(table: &Table) -> PeerId {
    let mut all = (0..10).map(PeerId);
    let inside = all.find(|id| {
        let neighbour = table.neighbour(*id);
        neighbour.is_some_and(|neighbour| neighbour.relation == Relation::Internal)
    });
    inside.unwrap()
}

#[test]
fn who_is_about_to_go_is_the_last_choice() {
    let mut table = table();
    let [going, staying] = [1, 2].map(|last| table.add(external(last)).unwrap());
    let net = [prefix("10.0.0.0/8")];
    let mut set = attributes(&[65_001]);
    table.announce(going, &set, hop(1), &net).unwrap();
    table
        .announce(staying, &attributes(&[65_002, 5, 6]), hop(2), &net)
        .unwrap();
    assert_eq!(table.best(net[0])[0].peer, Some(going));
    set.communities = vec![Community::GRACEFUL_SHUTDOWN];
    table.announce(going, &set, hop(1), &net).unwrap();
    assert_eq!(table.best(net[0])[0].peer, Some(staying));
    let fates = table.why(net[0]);
    assert_eq!(fates[1].outcome, Outcome::Lost(Step::LocalPref));
    // Whatever policy says of preference.
    let rule = Rule::accept("strong").then(Action::LocalPref(500));
    let strong = Arc::new(Policy::new("strong", [rule]).unwrap());
    table.change([(going, filters(strong, open()))]);
    work(&mut table);
    assert_eq!(table.best(net[0])[0].peer, Some(staying));
}
