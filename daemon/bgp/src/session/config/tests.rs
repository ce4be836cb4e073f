use super::*;
use crate::session::tests::{here, secs};

fn refused(change: impl Fn(&mut Settings)) -> String {
    let mut settings = here();
    change(&mut settings);
    Neighbour::new(settings).unwrap_err().to_string()
}

fn limit(prefixes: u32, warn_at: u8) -> Option<Limit> {
    let over = Over::Warn;
    Some(Limit {
        prefixes,
        warn_at,
        over,
    })
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    assert!(Neighbour::new(here()).is_ok());
    let ipv6 = FamilySettings::new(Family::Ipv6);
    for (found, error) in [
        (refused(|s| s.port = 0), "port: 0 is none"),
        (
            refused(|s| s.peer = Peer::At("0.0.0.0".parse().unwrap())),
            "peer: no neighbour can be at it",
        ),
        (
            refused(|s| s.peer = Peer::At("ff02::1".parse().unwrap())),
            "peer: no neighbour can be at it",
        ),
        (
            refused(|s| s.source = Some("fd00::1".parse().unwrap())),
            "source: it is not of the neighbour's address family",
        ),
        (
            refused(|s| s.remote_as = RemoteAs::OneOf(Vec::new())),
            "remote_as: there is none",
        ),
        (
            refused(|s| s.retry.first = Duration::ZERO),
            "retry: 0 is none",
        ),
        (
            refused(|s| s.idle_hold.most = Duration::from_secs(1)),
            "idle_hold: the first time is more than the most",
        ),
        (refused(|s| s.families.clear()), "families: there is none"),
        (
            refused(|s| s.families.push(FamilySettings::new(Family::Ipv4))),
            "families: ipv4-unicast is there twice",
        ),
        (
            refused(|s| {
                s.families = vec![FamilySettings {
                    ipv6_next_hops: true,
                    ..ipv6.clone()
                }];
            }),
            "ipv6_next_hops: routes of ipv6-unicast always have next hops of IPv6",
        ),
        (
            refused(|s| s.families[0].limit = limit(0, 80)),
            "limit.prefixes: 0 is none",
        ),
        (
            refused(|s| s.families[0].limit = limit(1, 0)),
            "limit.warn_at: 0 is none",
        ),
        (
            refused(|s| s.families[0].limit = limit(1, 101)),
            "limit.warn_at: 101 is more than 100",
        ),
        (
            refused(|s| {
                s.abilities.four_octets = false;
                s.local.asn = Asn::new(65536).unwrap();
            }),
            "four_octets: AS 65536 has more than two octets",
        ),
        (
            refused(|s| s.abilities.refresh = false),
            "enhanced_refresh: there is none without refresh",
        ),
        (
            refused(|s| s.graceful.restart_time = 4096),
            "restart_time: 4096 is more than 4095",
        ),
        (
            refused(|s| s.graceful.stale_time = Duration::ZERO),
            "stale_time: 0 is none",
        ),
        (
            refused(|s| s.graceful.deferral = Duration::ZERO),
            "deferral: 0 is none",
        ),
        (refused(|s| s.ttl = Ttl::Hops(0)), "ttl: 0 is none"),
        (refused(|s| s.ttl = Ttl::Security(0)), "ttl: 0 is none"),
        (
            refused(|s| s.ttl = Ttl::Security(255)),
            "ttl: 255 is more than 254",
        ),
    ] {
        assert_eq!(found, error);
    }
}

#[test]
fn passwords_have_the_length_that_linux_takes() {
    assert!(Password::new(&[1; 80]).is_ok());
    for key in [&b""[..], &[b'x'; 81]] {
        let error = Password::new(key).unwrap_err();
        assert_eq!(error.field, "password");
        assert!(!error.to_string().contains('x'), "{error}");
    }
    let password = Password::new(b"hunter2").unwrap();
    assert_eq!(format!("{password:?}"), "Password(…)");
    assert_eq!(password.key(), b"hunter2");
}

#[test]
fn how_far_away_a_neighbour_may_be() {
    for (ttl, least, external, internal) in [
        (Ttl::Usual, None, Some(1), None),
        (Ttl::Hops(3), None, Some(3), Some(3)),
        (Ttl::Security(1), Some(255), Some(255), Some(255)),
        (Ttl::Security(254), Some(2), Some(255), Some(255)),
    ] {
        assert_eq!(ttl.least(), least);
        assert_eq!(ttl.sent(true), external);
        assert_eq!(ttl.sent(false), internal);
    }
}

#[test]
fn a_prefix_makes_neighbours_of_those_in_it_and_waits_for_them() {
    let mut settings = here();
    settings.peer = Peer::Within("192.0.2.0/24".parse().unwrap());
    let all = Neighbour::new(settings).unwrap();
    assert!(all.settings().passive);
    let one = all.at("192.0.2.7".parse().unwrap()).unwrap();
    assert_eq!(one.settings().peer, Peer::At("192.0.2.7".parse().unwrap()));
    assert!(one.settings().passive);
    assert_eq!(all.at("192.0.3.7".parse().unwrap()), None);
    assert_eq!(all.at("fd00::1".parse().unwrap()), None);
}

#[test]
fn times_double_up_to_the_most() {
    let times = Backoff {
        first: secs(3),
        most: secs(20),
    };
    let found: Vec<_> = (0..6).map(|n| times.after(n).as_secs()).collect();
    assert_eq!(found, [0, 3, 6, 12, 20, 20]);
    assert_eq!(times.after(u32::MAX), secs(20));
}

#[test]
fn when_there_is_a_warning() {
    for (prefixes, share, at) in [(100, 80, 80), (1, 1, 1), (u32::MAX, 100, u32::MAX)] {
        assert_eq!(limit(prefixes, share).unwrap().warning(), at);
    }
}
