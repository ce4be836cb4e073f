//! When next hops of BGP are looked up anew: after each change of the kernel's that may lead elsewhere, and not more often
//! than ten times a second, so that a routing daemon which changes thousands of routes costs no more than that.

use crate::{alias, hops::Hops};
use fairway_fib::names;
use fairway_ipam::Cidr;
use fairway_netlink::{Event, Link, Route};
use fairway_rib::route::Gateway;
use ipnetwork::IpNetwork;
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Where the kernel could not be asked.
const AGAIN: Duration = Duration::from_millis(500);

/// See the module's head.
pub(super) struct Follow {
    hops: Hops,
    due: Option<Instant>,
    last: Option<Instant>,
}

impl Follow {
    pub(super) fn new(hops: Hops) -> Follow {
        Follow {
            hops,
            due: None,
            last: None,
        }
    }

    /// When to look at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// They may be reached in other ways than before.
    pub(super) fn may_differ(&mut self) {
        let after = self.last.map(|last| last + PAUSE);
        let at = after.unwrap_or_else(Instant::now);
        self.due = Some(self.due.map_or(at, |known| known.min(at)));
    }

    /// What lies in pools is no router.
    pub(super) fn set_pools(&mut self, pools: Vec<Cidr>) {
        if self.hops.set_pools(pools) {
            self.may_differ();
        }
    }

    /// Looks, if it is time to; whether any is reached in another way. Who speaks BGP is told.
    pub(super) fn look(&mut self) -> bool {
        let now = Instant::now();
        if self.due.is_none_or(|at| at > now) {
            return false;
        }
        (self.due, self.last) = (None, Some(now));
        let anew = self.hops.anew();
        if anew.failed {
            self.due = Some(now + AGAIN);
        }
        anew.other
    }

    /// The gateways that a next hop is reached by.
    pub(super) fn by(&self, to: IpAddr) -> Vec<Gateway> {
        let answer = self.hops.answer(to);
        answer.map_or_else(|_| Vec::new(), |reached| reached.by)
    }
}

/// May next hops be reached in other ways after that? Not by what is ours, and not by what comes with a container.
pub(super) fn concerns(event: &Event, is_containers: impl Fn(u32) -> bool) -> bool {
    match event {
        Event::LinkChanged(link) | Event::LinkGone(link) => !is_ours(link),
        Event::AddressChanged(address) | Event::AddressGone(address) => {
            !is_containers(address.index)
        }
        Event::RouteChanged { routes, .. } | Event::RouteGone(routes) => {
            routes.iter().any(may_lead_on)
        }
        Event::RuleChanged(rule) | Event::RuleGone(rule) => rule.protocol != names::PROTOCOL,
        Event::NexthopChanged(hop) | Event::NexthopGone(hop) => hop.protocol != names::PROTOCOL,
        Event::ListAnew => true,
        _ => false,
    }
}

/// Is a link the overlay's, or one that containers hang on?
pub(super) fn is_ours(link: &Link) -> bool {
    let alias = link.alias.as_deref();
    alias.is_some_and(|text| alias::marks(text) || text == names::ALIAS)
}

/// Every link has those of its own addresses and of groups; nothing is beyond them.
fn may_lead_on(route: &Route) -> bool {
    let inward = match route.dst {
        IpNetwork::V4(_) => false,
        IpNetwork::V6(net) => net.ip().is_unicast_link_local() || net.ip().is_multicast(),
    };
    !inward && route.protocol != names::PROTOCOL && !names::is_table(route.table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_netlink::{Family, Rule, RuleAction};

    fn route(to: &str) -> Route {
        Route::to(to.parse().unwrap())
    }

    #[test]
    fn what_is_ours_and_what_comes_with_a_container_changes_no_next_hop() {
        let concerns = |event: Event| concerns(&event, |index| index == 7);
        let changed = |route: Route| Event::RouteChanged {
            routes: vec![route],
            replaced: false,
        };
        assert!(concerns(changed(route("0.0.0.0/0"))));
        assert!(concerns(Event::RouteGone(vec![route("2001:db8::/32")])));
        assert!(concerns(Event::ListAnew));
        for inward in ["fe80::/64", "fe80::1/128", "ff00::/8"] {
            assert!(!concerns(changed(route(inward))), "{inward}");
        }
        assert!(!concerns(changed(Route {
            table: names::TABLES + 5,
            ..route("203.0.113.0/24")
        })));
        assert!(!concerns(changed(Route {
            protocol: names::PROTOCOL,
            ..route("203.0.113.0/24")
        })));
        let link = |alias: Option<&str>| {
            let mut link = Link::new(7, "x");
            link.alias = alias.map(str::to_owned);
            Event::LinkChanged(link)
        };
        assert!(concerns(link(None)));
        assert!(!concerns(link(Some("fairway:net/c1/eth0"))));
        assert!(!concerns(link(Some(names::ALIAS))));
        let rule = |protocol| Rule {
            protocol,
            ..Rule::new(Family::V4, 100, RuleAction::Lookup(254))
        };
        assert!(concerns(Event::RuleGone(rule(3))));
        assert!(!concerns(Event::RuleGone(rule(names::PROTOCOL))));
    }

    #[test]
    fn many_changes_are_one_look_and_none_is_missed() {
        let mut follow = Follow::new(Hops::new());
        assert!(follow.due().is_none() && !follow.look());
        follow.may_differ();
        // The first is looked at once.
        assert!(follow.due().is_some_and(|at| at <= Instant::now()));
        follow.look();
        assert!(follow.due().is_none());
        let before = Instant::now();
        (0..1_000).for_each(|_| follow.may_differ());
        let due = follow.due().unwrap();
        assert!(due <= before + PAUSE);
        // What changes before the look is in it.
        follow.may_differ();
        assert_eq!(follow.due(), Some(due));
    }
}
