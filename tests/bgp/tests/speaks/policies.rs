//! What is taken and told, and how: policies, their changes, refreshes, and a node that is emptied.

use crate::bed::{OWN, Ours, SOON, cable, lacks, neighbour, says};
use anyhow::{Result, ensure};
use fairway_bgp::Prefix;
use fairway_bgp::attr::{Community, LargeCommunity};
use fairway_bgp::policy::{Action, Policy, PrefixMatch, Rule, Term};
use fairway_bgp::table::{Drain, Filters};
use fairway_bgp_bed::{Bird, Frr};
use fairway_lab::{Lab, Ns, poll};
use std::sync::Arc;

const BIRD: &str = "10.9.1.2";
const FRR: &str = "10.9.2.2";

fn policy(rules: impl IntoIterator<Item = Rule>) -> Result<Option<Arc<Policy>>> {
    Ok(Some(Arc::new(Policy::new("test", rules)?)))
}

/// Ours with BIRD of another AS and FRR of the same.
struct Trio {
    ours: Ours,
    bird: Bird,
    frr: Frr,
    _lab: Lab,
}

fn bird(ns: &Ns) -> Result<Bird> {
    Bird::start(
        ns,
        "router id 10.9.1.2;
         protocol device {}
         protocol static { ipv4; route 192.0.2.0/24 blackhole; route 198.51.100.0/24 blackhole; }
         protocol bgp own {
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000; connect delay time 1;
           ipv4 { import all; export where source = RTS_STATIC; };
         }",
    )
}

fn frr(ns: &Ns) -> Result<Frr> {
    Frr::start(
        ns,
        "router bgp 65000
          bgp router-id 10.9.2.2
          no bgp network import-check
          neighbor 10.9.2.1 remote-as 65000
          neighbor 10.9.2.1 timers connect 1
          address-family ipv4 unicast
           network 203.0.113.0/24
          exit-address-family",
    )
}

impl Trio {
    fn new() -> Result<Trio> {
        let lab = Lab::new()?;
        let machine = |name| lab.machine(name);
        let (own, one, two) = (machine("own")?, machine("bird")?, machine("frr")?);
        cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
        cable(&lab, (&own, "frr"), (&two, "own"), 2)?;
        let (bird, frr) = (bird(&one)?, frr(&two)?);
        let wanted = vec![
            neighbour(BIRD, 65_001, |_| {})?,
            neighbour(FRR, OWN, |_| {})?,
        ];
        let mut ours = Ours::start(&own, wanted)?;
        ours.originate(&["10.64.0.0/26", "10.64.1.0/26"])?;
        ours.uses("192.0.2.0/24", Some(BIRD))?;
        ours.uses("198.51.100.0/24", Some(BIRD))?;
        ours.uses("203.0.113.0/24", Some(FRR))?;
        let trio = Trio {
            ours,
            bird,
            frr,
            _lab: lab,
        };
        let own = ["10.64.0.0/26", "10.64.1.0/26"];
        says("BIRD", || trio.bird.ask("show route"), &own)?;
        says("FRR", || trio.frr.ask("show bgp ipv4 unicast"), &own)?;
        Ok(trio)
    }

    fn filter(&mut self, change: impl Fn(&mut Filters)) -> Result<()> {
        self.ours.configure(|config| {
            for wanted in &mut config.neighbours {
                change(&mut wanted.filters);
            }
        })
    }

    /// No session began anew.
    fn went_on(&self) -> Result<()> {
        for address in [BIRD, FRR] {
            let counters = self.ours.status(address)?.session.counters;
            ensure!(
                (counters.ups, counters.flaps) == (1, 0),
                "{address}: {counters:#?}"
            );
        }
        Ok(())
    }
}

#[test]
fn other_policies_need_no_other_session() -> Result<()> {
    let mut trio = Trio::new()?;
    let only: Prefix = "192.0.2.0/24".parse()?;
    let only = || Term::Prefixes([PrefixMatch::exact(only)].into_iter().collect());
    let import = policy([Rule::accept("one")
        .when(only())
        .then(Action::LocalPref(333))])?;
    trio.filter(|filters| filters.import.clone_from(&import))?;
    trio.ours.uses("198.51.100.0/24", None)?;
    trio.ours.uses("203.0.113.0/24", None)?;
    let route = || trio.frr.ask("show bgp ipv4 unicast 192.0.2.0/24");
    says("FRR", route, &["localpref 333", "65001"])?;
    lacks(
        "FRR",
        || trio.frr.ask("show bgp ipv4 unicast"),
        &["198.51.100.0"],
    )?;
    let import = policy([Rule::accept("all")])?;
    trio.filter(|filters| filters.import.clone_from(&import))?;
    trio.ours.uses("198.51.100.0/24", Some(BIRD))?;
    trio.ours.uses("203.0.113.0/24", Some(FRR))?;

    let first: Prefix = "10.64.0.0/26".parse()?;
    let first = Term::Prefixes([PrefixMatch::exact(first)].into_iter().collect());
    let marked = |name: &str| {
        Rule::accept(name)
            .when(first.clone())
            .then(Action::Med(Some(55)))
            .then(Action::LocalPref(222))
            .then(Action::AddCommunities(vec![Community(65_000 << 16 | 77)]))
            .then(Action::AddLarge(vec![LargeCommunity {
                global: 65_000,
                local: [1, 2],
            }]))
    };
    // Within the AS, its own in front would look like a loop.
    let outside = marked("outside").when(Term::Internal(false));
    let outside = outside.then(Action::Prepend(2));
    let export = policy([outside, marked("within")])?;
    trio.filter(|filters| filters.export.clone_from(&export))?;
    let route = || trio.bird.ask("show route 10.64.0.0/26 all");
    says(
        "BIRD",
        route,
        &[
            "BGP.as_path: 65000 65000 65000",
            "BGP.med: 55",
            "BGP.community: (65000,77)",
            "BGP.large_community: (65000, 1, 2)",
        ],
    )?;
    lacks("BIRD", || trio.bird.ask("show route"), &["10.64.1.0/26"])?;
    let route = || trio.frr.ask("show bgp ipv4 unicast 10.64.0.0/26");
    let marks = [
        "metric 55",
        "localpref 222",
        "Community: 65000:77",
        "Large Community: 65000:1:2",
    ];
    says("FRR", route, &marks)?;
    let table = || trio.frr.ask("show bgp ipv4 unicast");
    lacks("FRR", table, &["10.64.1.0/26", "192.0.2.0/24"])?;
    let export = policy([Rule::accept("all")])?;
    trio.filter(|filters| filters.export.clone_from(&export))?;
    let table = || trio.frr.ask("show bgp ipv4 unicast");
    says("FRR", table, &["10.64.1.0/26", "192.0.2.0/24"])?;
    let route = || trio.bird.ask("show route 10.64.0.0/26 all");
    lacks("BIRD", route, &["BGP.med", "BGP.community"])?;
    trio.went_on()
}

#[test]
fn routes_are_told_anew_when_they_are_asked_for() -> Result<()> {
    let mut trio = Trio::new()?;
    trio.ours.lost()?;
    let counters = |address: &str| Ok(trio.ours.status(address)?.session.counters);
    type Counts = fairway_bgp::session::Counters;
    let grows =
        |what: &str, address: &str, of: fn(&Counts) -> u64, do_: &dyn Fn() -> Result<()>| {
            let before: Result<Counts> = counters(address);
            let before = of(&before?);
            do_()?;
            let more = || {
                let now: Result<Counts> = counters(address);
                now.is_ok_and(|now| of(&now) > before)
            };
            poll(SOON, what, more)?;
            Result::<()>::Ok(())
        };
    let ask_bird = |line: &str| trio.bird.ask(line).map(drop);
    let ask_frr = |line: &str| trio.frr.ask(line).map(drop);
    // They ask.
    grows("BIRD's request", BIRD, |c| c.received.refresh, &|| {
        ask_bird("reload in own")
    })?;
    // Beginning and end (RFC 7313).
    grows("the end is told", BIRD, |c| c.sent.refresh / 2, &|| {
        ask_bird("reload in own")
    })?;
    grows("all is told to BIRD", BIRD, |c| c.sent.update, &|| {
        ask_bird("reload in own")
    })?;
    grows("all is told to FRR", FRR, |c| c.sent.update, &|| {
        ask_frr("clear bgp ipv4 unicast * soft in")
    })?;
    // They tell without being asked.
    grows("BIRD tells all", BIRD, |c| c.received.update, &|| {
        ask_bird("reload out own")
    })?;
    grows("FRR tells all", FRR, |c| c.received.update, &|| {
        ask_frr("clear bgp ipv4 unicast * soft out")
    })?;
    // Ours asks.
    for address in [BIRD, FRR] {
        grows("it tells all", address, |c| c.received.update, &|| {
            trio.ours.refresh(address)
        })?;
    }
    let table = || trio.frr.ask("show bgp ipv4 unicast");
    let all = [
        "10.64.0.0/26",
        "10.64.1.0/26",
        "192.0.2.0/24",
        "198.51.100.0/24",
    ];
    says("FRR", table, &all)?;
    says("BIRD", || trio.bird.ask("show route"), &all)?;
    let lost = trio.ours.lost()?;
    ensure!(lost.is_empty(), "{lost:?} went meanwhile");
    trio.went_on()
}

#[test]
fn a_node_is_emptied_and_filled_again() -> Result<()> {
    let trio = Trio::new()?;
    let bird = || trio.bird.ask("show route 10.64.0.0/26 all");
    let frr = || trio.frr.ask("show bgp ipv4 unicast 10.64.0.0/26");
    let table = || trio.frr.ask("show bgp ipv4 unicast");
    trio.ours.drain(Drain::Announced)?;
    says("BIRD", bird, &["BGP.community: (65535,0)"])?;
    says("FRR", frr, &["localpref 0", "graceful-shutdown"])?;
    // What others told is not ours to drain.
    lacks(
        "FRR",
        || trio.frr.ask("show bgp ipv4 unicast 192.0.2.0/24"),
        &["graceful-shutdown"],
    )?;
    trio.ours.drain(Drain::Withdrawn)?;
    lacks("BIRD", || trio.bird.ask("show route"), &["10.64."])?;
    lacks("FRR", table, &["10.64."])?;
    says("FRR", table, &["192.0.2.0/24"])?;
    trio.ours.drain(Drain::Off)?;
    says("BIRD", bird, &["10.64.0.0/26"])?;
    lacks("BIRD", bird, &["(65535,0)"])?;
    says("FRR", table, &["10.64.0.0/26", "10.64.1.0/26"])?;
    trio.went_on()
}
