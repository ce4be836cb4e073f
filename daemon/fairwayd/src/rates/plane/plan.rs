//! What a way's limits are to the kernel: pure.
//!
//! Where departure times are kept, the program waits for all limits of the chain. Where a qdisc keeps one rate by
//! itself, that is the least of the chain, and the program only sees to what the qdisc cannot: limits that are
//! shared with others, and packets a second. Those it keeps by dropping, which at a container's own end costs
//! nothing: the packet has not left its socket.

use super::{LimitKey, Means, Wanted, WayKey};
use fairway_dataplane::abi::Slot;
use fairway_rates::Allowance;

/// What the program is told of a way: its limits in order, and how they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) limits: Vec<Kept>,
    /// The first place is nobody's: what a qdisc keeps that cannot be told of classes.
    pub(super) skips: bool,
    pub(super) flags: u32,
    pub(super) dscp: u32,
}

/// A limit that the program keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) key: LimitKey,
    pub(super) allowance: Allowance,
    /// Others have it too, and it is kept by dropping: each is to get its share.
    pub(super) shared: bool,
}

pub(super) fn plan(key: &WayKey, wanted: &Wanted, means: Means) -> Plan {
    let marks = match wanted.dscp {
        Some(_) => Slot::DSCP,
        None => 0,
    };
    let (limits, flags) = match means {
        // Nobody is turned away by a queue, so nobody's share needs looking after.
        Means::Edt => {
            let waits = |part| Kept {
                shared: false,
                ..whole(part)
            };
            (wanted.chain.iter().map(waits).collect(), Slot::DEPART)
        }
        Means::Police => (wanted.chain.iter().map(whole).collect(), 0),
        Means::Htb => {
            let kept = Allowance {
                packets: None,
                ..wanted.least
            };
            let kept = Kept {
                key: LimitKey::Kept(key.clone()),
                allowance: kept,
                shared: false,
            };
            let limits = [kept]
                .into_iter()
                .chain(wanted.chain.iter().filter_map(rest));
            (limits.collect(), Slot::CLASSES)
        }
        Means::Tbf | Means::None => (wanted.chain.iter().filter_map(rest).collect(), 0),
    };
    Plan {
        limits,
        skips: means == Means::Tbf,
        flags: flags | marks,
        dscp: u32::from(wanted.dscp.unwrap_or(0)),
    }
}

fn whole(part: &super::Part) -> Kept {
    Kept {
        key: part.key(),
        allowance: part.allowance,
        shared: part.shared,
    }
}

/// What a qdisc that keeps to the least rate leaves to be kept.
fn rest(part: &super::Part) -> Option<Kept> {
    let mut kept = whole(part);
    if !kept.shared {
        part.allowance.packets?;
        kept.allowance = Allowance {
            packets: part.allowance.packets,
            ..Allowance::default()
        };
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::super::{Part, Place};
    use super::*;
    use fairway_ipam::AttachmentId;
    use fairway_rates::{Direction, Scope};

    fn key() -> WayKey {
        let attachment = AttachmentId {
            network: "net".to_owned(),
            container: "c".to_owned(),
            ifname: "eth0".to_owned(),
        };
        (attachment, Direction::Ingress)
    }

    fn part(number: u32, rate: Option<&str>, packets: Option<u32>, shared: bool) -> Part {
        Part {
            number,
            scope: Scope::Container,
            of: String::new(),
            allowance: Allowance {
                rate: rate.map(|rate| rate.parse().unwrap()),
                burst: None,
                packets,
            },
            shared,
        }
    }

    fn wanted(chain: Vec<Part>) -> Wanted {
        let all = chain.iter().map(|part| part.allowance);
        Wanted {
            place: Place::Host {
                index: 1,
                link: "a".to_owned(),
                alias: String::new(),
            },
            host: None,
            least: all.fold(Allowance::default(), Allowance::and),
            chain,
            dscp: Some(46),
        }
    }

    #[test]
    fn departures_wait_for_all() {
        let chain = vec![
            part(1, Some("100M"), Some(10), false),
            part(2, Some("20M"), None, true),
        ];
        let plan = plan(&key(), &wanted(chain.clone()), Means::Edt);
        let all = chain.iter().map(|part| Kept {
            key: part.key(),
            allowance: part.allowance,
            shared: false,
        });
        assert_eq!(plan.limits, all.collect::<Vec<_>>());
        assert_eq!(plan.flags, Slot::DEPART | Slot::DSCP);
        assert_eq!(plan.dscp, 46);
    }

    #[test]
    fn a_qdisc_keeps_the_least_and_the_program_what_is_shared() {
        let chain = vec![
            part(1, Some("100M"), Some(10), false),
            part(2, Some("20M"), None, true),
            part(3, Some("500M"), None, false),
        ];
        let plan = plan(&key(), &wanted(chain), Means::Htb);
        let of = |key, rate: Option<&str>, packets, shared| Kept {
            key,
            allowance: part(0, rate, packets, false).allowance,
            shared,
        };
        assert_eq!(
            plan.limits,
            [
                of(LimitKey::Kept(key()), Some("20M"), None, false),
                of(part(1, None, None, false).key(), None, Some(10), false),
                of(part(2, None, None, false).key(), Some("20M"), None, true),
            ]
        );
        assert_eq!(plan.flags & Slot::CLASSES, Slot::CLASSES);
        assert!(plan.limits.len() <= Slot::LIMITS);
    }
}
