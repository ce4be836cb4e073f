//! What is said of oneself, what is wrong with a neighbour, and what both agree on.

use super::*;
use crate::message::{Capability, GracefulRestart, OpenError, Role};

/// What the neighbour is told of its OPEN, or what was agreed on.
fn answer(here: Settings, open: Open) -> Result<Agreed, Notification> {
    let mut bench = Bench::new(here, &there());
    bench.open = open;
    bench.start();
    bench.give(Input::Connected(OURS));
    let out = bench.raw(Input::Received(OURS, Message::Open(bench.open.clone())));
    match out.first() {
        Some(Output::Send(_, Message::Notification(said))) => Err(said.clone()),
        Some(Output::Send(_, Message::Keepalive)) => Ok(bench.session.status().agreed.unwrap()),
        _ => panic!("{out:?}"),
    }
}

fn agree(here: Settings, there: Settings) -> Agreed {
    answer(here, open_of(&there)).unwrap()
}

#[test]
fn all_that_one_can_do_is_said() {
    let mut settings = both_families(graceful(here()));
    settings.families[0].ipv6_next_hops = true;
    settings.families[1].forwarding = false;
    let open = open_of(&settings);
    assert_eq!(
        open.capabilities,
        [
            Capability::Multiprotocol(1, 1),
            Capability::Multiprotocol(2, 1),
            Capability::Refresh,
            Capability::ExtendedNextHop(vec![(1, 1, 2)]),
            Capability::ExtendedMessage,
            Capability::GracefulRestart(GracefulRestart {
                restarting: false,
                notification: true,
                seconds: 120,
                families: vec![(V4, true), (V6, false)],
            }),
            Capability::FourOctets(Asn::new(65001).unwrap()),
            Capability::EnhancedRefresh,
        ]
    );
    assert_eq!((open.asn.get(), open.router.get()), (65001, 10));
    assert_eq!(open.hold_time.seconds(), 90);
}

#[test]
fn nothing_is_said_that_is_not_to_be() {
    let bare = Settings {
        abilities: config::Abilities {
            four_octets: false,
            refresh: false,
            enhanced_refresh: false,
            extended_messages: false,
        },
        graceful: Graceful::OFF,
        ..here()
    };
    let open = open_of(&bare);
    assert_eq!(open.capabilities, [Capability::Multiprotocol(1, 1)]);
    let agreed = agree(bare, there());
    assert!(!agreed.four_octets && !agreed.extended_messages);
    assert_eq!(agreed.refresh, RefreshAbility::None);
    assert_eq!(agreed.graceful, None);
    // Either side alone is not enough.
    assert!(agree(here(), there()).four_octets);
}

#[test]
fn the_as_has_to_be_the_one_that_is_wanted() {
    let asn = |number| Asn::new(number).unwrap();
    let bad = Err(said(Reason::Open(OpenError::PeerAs)));
    for (wanted, found, ok) in [
        (RemoteAs::Is(asn(65002)), 65002, true),
        (RemoteAs::Is(asn(65002)), 65003, false),
        (RemoteAs::Internal, 65001, true),
        (RemoteAs::Internal, 65002, false),
        (RemoteAs::External, 65002, true),
        (RemoteAs::External, 65001, false),
        (RemoteAs::OneOf(vec![asn(1), asn(65002)]), 65002, true),
        (RemoteAs::OneOf(vec![asn(1), asn(65002)]), 65003, false),
    ] {
        let settings = Settings {
            remote_as: wanted.clone(),
            ..here()
        };
        let open = Open {
            asn: asn(found),
            ..open_of(&there())
        };
        let answer = answer(settings, open).map(|agreed| agreed.internal);
        let expected = if ok { Ok(found == 65001) } else { bad.clone() };
        assert_eq!(answer, expected, "{wanted:?} {found}");
    }
}

#[test]
fn an_identifier_is_there_once_in_an_as() {
    let own = RouterId::new(10).unwrap();
    let any = Settings {
        remote_as: RemoteAs::OneOf([65001, 65002].map(|asn| Asn::new(asn).unwrap()).to_vec()),
        ..here()
    };
    for (asn, ok) in [(65001, false), (65002, true)] {
        let open = Open {
            asn: Asn::new(asn).unwrap(),
            router: own,
            ..open_of(&there())
        };
        let answer = answer(any.clone(), open);
        match ok {
            true => assert_eq!(answer.unwrap().remote.router, own),
            false => assert_eq!(answer.unwrap_err(), said(Reason::Open(OpenError::RouterId))),
        }
    }
}

#[test]
fn families_are_those_of_both() {
    let spoken = |here: Settings, there: Settings| agree(here, there).families();
    let ipv6 = |settings: Settings| Settings {
        families: vec![FamilySettings::new(V6)],
        ..settings
    };
    let only4 = Families::from_iter([V4]);
    let only6 = Families::from_iter([V6]);
    assert_eq!(spoken(both_families(here()), there()), only4);
    assert_eq!(spoken(both_families(here()), ipv6(there())), only6);
    let both = spoken(both_families(here()), both_families(there()));
    assert_eq!(both, Families::from_iter(Family::ALL));
}

#[test]
fn whoever_names_no_family_speaks_ipv4() {
    let mut open = open_of(&there());
    let named = |one: &Capability| matches!(one, Capability::Multiprotocol(..));
    open.capabilities.retain(|one| !named(one));
    let agreed = answer(both_families(here()), open.clone()).unwrap();
    assert_eq!(agreed.families(), Families::from_iter([V4]));
    // Whoever names only others does not.
    open.capabilities.push(Capability::Multiprotocol(25, 70));
    let refused = answer(both_families(here()), open).unwrap_err();
    assert_eq!(refused.reason, Reason::Open(OpenError::Capability));
}

#[test]
fn what_is_wanted_of_a_neighbour_is_told_it() {
    let ipv6 = Settings {
        families: vec![FamilySettings::new(V6)],
        ..here()
    };
    let refused = answer(ipv6, open_of(&there())).unwrap_err();
    assert_eq!(refused.reason, Reason::Open(OpenError::Capability));
    assert_eq!(refused.data, [1, 4, 0, 2, 0, 1]);
    let mut required = both_families(here());
    required.families[1].required = true;
    let refused = answer(required.clone(), open_of(&there())).unwrap_err();
    assert_eq!(refused.data, [1, 4, 0, 2, 0, 1]);
    assert!(answer(required, open_of(&both_families(there()))).is_ok());
}

#[test]
fn next_hops_of_ipv6_for_ipv4() {
    let with = |settings: Settings| {
        let mut settings = both_families(settings);
        settings.families[0].ipv6_next_hops = true;
        settings
    };
    let hops = |here, there| -> Vec<bool> {
        let agreed = agree(here, there);
        agreed
            .families
            .iter()
            .map(|one| one.ipv6_next_hops)
            .collect()
    };
    assert_eq!(hops(with(here()), with(there())), [true, false]);
    assert_eq!(hops(with(here()), both_families(there())), [false, false]);
    assert_eq!(hops(both_families(here()), with(there())), [false, false]);
}

#[test]
fn how_routes_can_be_asked_for() {
    let refresh = |plain, enhanced| {
        let mut open = open_of(&there());
        open.capabilities.retain(|one| match one {
            Capability::Refresh => plain,
            Capability::EnhancedRefresh => enhanced,
            _ => true,
        });
        answer(here(), open).unwrap().refresh
    };
    assert_eq!(refresh(true, true), RefreshAbility::Enhanced);
    assert_eq!(refresh(true, false), RefreshAbility::Plain);
    assert_eq!(refresh(false, true), RefreshAbility::None);
}

#[test]
fn restarts_are_agreed_on_by_both() {
    let helper = here();
    let agreed = agree(
        both_families(helper.clone()),
        both_families(graceful(there())),
    );
    let both = agreed.graceful.clone().unwrap();
    assert_eq!(both.ours.families, []);
    assert_eq!(both.theirs.families, [(V4, true), (V6, true)]);
    assert!(both.notification());
    assert_eq!(agreed.kept(), Families::from_iter(Family::ALL));
    // What is not spoken is not kept.
    let agreed = agree(helper, both_families(graceful(there())));
    assert_eq!(agreed.kept(), Families::from_iter([V4]));
    let off = Settings {
        graceful: Graceful::OFF,
        ..there()
    };
    assert_eq!(agree(graceful(here()), off).graceful, None);
    let mut quiet = graceful(there());
    quiet.graceful.notification = false;
    let agreed = agree(graceful(here()), quiet);
    assert!(!agreed.graceful.unwrap().notification());
}

#[test]
fn what_nobody_here_knows_does_no_harm() {
    let mut open = open_of(&there());
    open.capabilities.push(Capability::Role(Role::Customer));
    open.capabilities.push(Capability::Unknown {
        code: 99,
        value: Box::new([1, 2, 3]),
    });
    let agreed = answer(here(), open).unwrap();
    assert_eq!(agreed.role, Some(Role::Customer));
    assert_eq!(
        Agreed {
            role: None,
            ..agreed
        },
        agree(here(), there())
    );
}
