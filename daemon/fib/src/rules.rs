//! Whose packets look in which table.
//!
//! | preference | packets | look |
//! |---|---|---|
//! | 24999 | of this machine, to a prefix in a pool that somebody else's route knows | in the main table |
//! | 25000 | out of the overlay, with the VNI of a network | in its table |
//! | 25001 | the same, not found there | in the fence |
//! | 25002 | from a container's address | in its network's table |
//! | 25003 | the same, not found there | in the fence |
//! | 25004 | of this machine, or through it, to a container's address | in its network's table |
//! | 25005 | out of the overlay, anything else; only where nobody else sees to that | nowhere |
//!
//! The fence is a table in which all pools are unreachable: what a network's own table does not know of
//! other networks' containers is nowhere, whatever the main table says. The number of rules goes with the
//! number of pools and not with that of containers, since each packet passes all of them.
//!
//! The rule at 25005 has to be the last: when the kernel checks the source of a packet that goes into the
//! overlay, it asks the rules for the way back, as though that came out of it without a VNI. And it is the
//! makeshift of a node that tracks no connections. It drops answers as well: to a client outside that
//! connected to a port of this node, was sent on to a container of another node, and hides behind this
//! node's address. Where sources are checked (`rp_filter`), it drops what such a client sends, too, since
//! there is no way back by the overlay for the check to find. Where the node's firewall drops what is
//! neither for a container nor an answer ([`Fib::guarded`](crate::Fib::guarded)), there is no such rule.
//! Networks do not meet by that: the fences come before it.

use crate::{
    names,
    settings::{Settings, Tenant},
};
use fairway_netlink::{Family, Route, Rule, RuleAction};
use ipnetwork::IpNetwork;
use std::collections::HashSet;

/// All rules that are wanted. `foreign`: prefixes in pools to which this machine's own packets go as before.
/// `guarded`: somebody else drops what comes out of the overlay for nobody.
pub(crate) fn rules(
    settings: &Settings,
    foreign: impl Iterator<Item = IpNetwork>,
    guarded: bool,
) -> HashSet<Rule> {
    let mut rules: HashSet<Rule> = foreign
        .map(|prefix| Rule {
            iif: Some("lo".to_owned()),
            dst: Some(prefix),
            ..rule(
                Family::of(prefix.ip()),
                names::FOREIGN,
                RuleAction::Lookup(Route::MAIN),
            )
        })
        .collect();
    for tenant in &settings.tenants {
        for family in [Family::V4, Family::V6] {
            for (priority, table) in [
                (names::FROM_OVERLAY, names::table(tenant.vni)),
                (names::OVERLAY_FENCE, names::TABLES),
            ] {
                rules.insert(Rule {
                    iif: Some(names::DEVICE.to_owned()),
                    tun_id: Some(u64::from(tenant.vni.number())),
                    ..rule(family, priority, RuleAction::Lookup(table))
                });
            }
        }
        for prefix in &tenant.prefixes {
            rules.extend(of_prefix(tenant, *prefix));
        }
    }
    if !settings.tenants.is_empty() && !guarded {
        for family in [Family::V4, Family::V6] {
            rules.insert(Rule {
                iif: Some(names::DEVICE.to_owned()),
                ..rule(family, names::OVERLAY_REST, RuleAction::Blackhole)
            });
        }
    }
    rules
}

fn of_prefix(tenant: &Tenant, prefix: IpNetwork) -> [Rule; 3] {
    let family = Family::of(prefix.ip());
    let table = RuleAction::Lookup(names::table(tenant.vni));
    let fence = RuleAction::Lookup(names::TABLES);
    let from = |priority, action| Rule {
        src: Some(prefix),
        ..rule(family, priority, action)
    };
    [
        from(names::FROM_CONTAINERS, table),
        from(names::CONTAINER_FENCE, fence),
        Rule {
            dst: Some(prefix),
            ..rule(family, names::TO_CONTAINERS, table)
        },
    ]
}

fn rule(family: Family, priority: u32, action: RuleAction) -> Rule {
    Rule {
        protocol: names::PROTOCOL,
        ..Rule::new(family, priority, action)
    }
}

/// All prefixes of pools.
pub(crate) fn pools(settings: &Settings) -> Vec<IpNetwork> {
    let tenants = settings.tenants.iter();
    tenants
        .flat_map(|tenant| tenant.prefixes.iter().copied())
        .collect()
}
