//! Rules of policy routing, against the kernel and `ip rule`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use common::{in_new_netns, json, run};
use fairway_netlink::{Error, Event, Family, Handle, Monitor, Netlink, Rule, RuleAction};
use serde_json::Value;

const OURS: u8 = 77;
/// One that is not among the 255 that a rule's header has room for, and would be
/// negative as a signed number.
const TABLE: u32 = 2_500_004_096;
const BOTH: [Family; 2] = [Family::V4, Family::V6];

fn rule(family: Family, priority: u32, action: RuleAction) -> Rule {
    Rule {
        protocol: OURS,
        ..Rule::new(family, priority, action)
    }
}

/// One of each sort.
fn several(family: Family) -> Vec<Rule> {
    let net = match family {
        Family::V4 => "10.1.0.0/16",
        Family::V6 => "fd00:1::/32",
    };
    let net = Some(net.parse().unwrap());
    let vx = Some("fairway.vx".to_owned());
    let lookup = RuleAction::Lookup(TABLE);
    vec![
        Rule {
            iif: vx.clone(),
            tun_id: Some(4096),
            ..rule(family, 100, lookup)
        },
        Rule {
            iif: vx.clone(),
            tun_id: Some(u64::from(u32::MAX) + 5),
            ..rule(family, 100, RuleAction::Lookup(7))
        },
        Rule {
            iif: vx,
            ..rule(family, 101, RuleAction::Blackhole)
        },
        Rule {
            src: net,
            ..rule(family, 102, lookup)
        },
        Rule {
            dst: net,
            ..rule(family, 102, lookup)
        },
        rule(family, 103, RuleAction::Unreachable),
        rule(family, 104, RuleAction::Prohibit),
        rule(family, u32::MAX, lookup),
    ]
}

fn shown(family: Family) -> Vec<Value> {
    let shown = match family {
        Family::V4 => json("ip -j -d rule"),
        Family::V6 => json("ip -6 -j -d rule"),
    };
    shown.as_array().unwrap().clone()
}

fn with_priority(family: Family, priority: u32) -> Vec<Value> {
    let mut shown = shown(family);
    shown.retain(|rule| rule["priority"] == priority);
    shown
}

#[test]
fn each_sort_is_as_ip_shows_it() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let wanted: Vec<_> = BOTH.into_iter().flat_map(several).collect();
        for rule in &wanted {
            handle.add_rule(rule).unwrap();
            assert!(handle.add_rule(rule).unwrap_err().is_exists(), "{rule}");
        }
        assert_eq!(handle.rules(Some(OURS)).unwrap(), wanted);
        for (family, src) in BOTH.into_iter().zip(["10.1.0.0", "fd00:1::"]) {
            let tunnels = with_priority(family, 100);
            assert_eq!(tunnels.len(), 2);
            assert_eq!(tunnels[0]["iif"], "fairway.vx");
            assert_eq!(tunnels[0]["tun_id"], 4096);
            assert_eq!(tunnels[0]["table"], TABLE.to_string());
            assert_eq!(tunnels[0]["protocol"], OURS.to_string());
            assert_eq!(tunnels[1]["tun_id"], u64::from(u32::MAX) + 5);
            assert_eq!(tunnels[1]["table"], "7");
            let dropped = &with_priority(family, 101)[0];
            assert_eq!(dropped["iif"], "fairway.vx");
            assert_eq!(dropped["action"], "blackhole");
            let prefixes = with_priority(family, 102);
            assert_eq!(
                (&prefixes[0]["src"], &prefixes[1]["src"]),
                (&src.into(), &"all".into())
            );
            assert_eq!(prefixes[1]["dst"], src);
            assert_eq!(prefixes[0]["table"], TABLE.to_string());
            assert_eq!(with_priority(family, 103)[0]["action"], "unreachable");
            assert_eq!(with_priority(family, 104)[0]["action"], "prohibit");
        }
        for rule in &wanted {
            assert!(handle.delete_rule(rule).unwrap(), "{rule}");
            assert!(!handle.delete_rule(rule).unwrap(), "{rule}");
        }
        assert_eq!(handle.rules(Some(OURS)).unwrap(), []);
        assert_eq!((shown(BOTH[0]).len(), shown(BOTH[1]).len()), (3, 2));
    });
}

#[test]
fn those_of_others_stay() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let kernels = handle.rules(None).unwrap();
        let priorities: Vec<_> = kernels.iter().map(|rule| rule.priority).collect();
        assert_eq!(priorities, [0, 32766, 32767, 0, 32766]);
        assert!(kernels.iter().all(|rule| rule.protocol == 2));
        assert_eq!(kernels[0].action, RuleAction::Lookup(255));

        run("ip rule add priority 100 iif vx table 7 protocol 78");
        run("ip rule add priority 100 not from 10.0.0.0/8 table 7 protocol 77");
        run("ip rule add priority 100 fwmark 3 goto 32766 protocol 77");
        run("ip rule add priority 100 from 10.0.0.0/8 goto 32766 protocol 78");
        let others = shown(Family::V4);
        let ours = Rule {
            iif: Some("vx".into()),
            ..rule(Family::V4, 100, RuleAction::Lookup(7))
        };
        assert!(!handle.delete_rule(&ours).unwrap());
        let bare = rule(Family::V4, 100, RuleAction::Lookup(7));
        assert!(!handle.delete_rule(&bare).unwrap());
        assert_eq!(shown(Family::V4), others);
        // Those that cannot be told whole are not told.
        assert_eq!(handle.rules(Some(OURS)).unwrap(), []);
        assert_eq!(handle.rules(Some(78)).unwrap().len(), 1);
        for rule in several(Family::V4) {
            handle.add_rule(&rule).unwrap();
        }
        for rule in handle.rules(Some(OURS)).unwrap() {
            assert!(handle.delete_rule(&rule).unwrap());
        }
        assert_eq!(shown(Family::V4), others);
    });
}

#[test]
fn a_similar_one_does_not_go_in_its_place() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        for family in BOTH {
            let bare = rule(family, 100, RuleAction::Lookup(7));
            let more = Rule {
                iif: Some("vx".into()),
                ..bare.clone()
            };
            let prefixed = Rule {
                src: several(family)[3].src,
                ..bare.clone()
            };
            handle.add_rule(&prefixed).unwrap();
            assert!(handle.add_rule(&bare).unwrap_err().is_exists());
            assert!(!handle.delete_rule(&bare).unwrap());
            assert!(handle.delete_rule(&prefixed).unwrap());
            handle.add_rule(&more).unwrap();
            assert!(!handle.delete_rule(&bare).unwrap());
            handle.add_rule(&bare).unwrap();
            let refused = handle.delete_rule(&bare);
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
            assert_eq!(with_priority(family, 100).len(), 2);
            assert!(handle.delete_rule(&more).unwrap());
            assert!(handle.delete_rule(&bare).unwrap());
            assert_eq!(with_priority(family, 100).len(), 0);
        }
    });
}

#[test]
fn what_the_kernel_would_take_for_another_is_not_sent() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let before = handle.rules(None).unwrap();
        let plain = rule(Family::V4, 100, RuleAction::Lookup(7));
        let from = |net: &str| Rule {
            src: Some(net.parse().unwrap()),
            ..plain.clone()
        };
        let named = |name: &str| Rule {
            iif: Some(name.into()),
            ..plain.clone()
        };
        let tunnel = Rule {
            tun_id: Some(0),
            ..plain.clone()
        };
        for rule in [
            from("0.0.0.0/0"),
            from("10.0.0.1/8"),
            from("fd00::/8"),
            named(""),
            named("sixteen-bytes-xx"),
            tunnel,
            rule(Family::V4, 100, RuleAction::Lookup(0)),
            rule(Family::V4, 100, RuleAction::Other(3)),
        ] {
            let refused = handle.add_rule(&rule);
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
            assert!(!handle.delete_rule(&rule).unwrap());
        }
        assert_eq!(handle.rules(None).unwrap(), before);
    });
}

#[test]
fn the_monitor_tells_of_them() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let mut monitor = Monitor::open().unwrap();
        let mut next = || monitor.try_next().unwrap();
        for wanted in BOTH.into_iter().flat_map(several) {
            handle.add_rule(&wanted).unwrap();
            assert_eq!(next(), Some(Event::RuleChanged(wanted.clone())));
            assert!(handle.delete_rule(&wanted).unwrap());
            assert_eq!(next(), Some(Event::RuleGone(wanted)));
            assert_eq!(next(), None);
        }
        run("ip rule add priority 100 iif vx tun_id 9 table 2500004096 protocol 77");
        let theirs = Rule {
            iif: Some("vx".into()),
            tun_id: Some(9),
            ..rule(Family::V4, 100, RuleAction::Lookup(TABLE))
        };
        assert_eq!(next(), Some(Event::RuleChanged(theirs.clone())));
        run("ip rule del priority 100");
        assert_eq!(next(), Some(Event::RuleGone(theirs)));
    });
}

#[test]
fn many_are_listed_whole() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let wanted: Vec<_> = (1..=2000)
            .map(|vni| Rule {
                iif: Some("fairway.vx".into()),
                tun_id: Some(vni),
                ..rule(Family::V6, 100, RuleAction::Lookup(TABLE + vni as u32))
            })
            .collect();
        for rule in &wanted {
            handle.add_rule(rule).unwrap();
        }
        assert_eq!(handle.rules(Some(OURS)).unwrap(), wanted);
    });
}
