//! Nodes that do not come back, and one that does, too late.

use crate::real::Container;
use crate::support::{
    create, dual, eventually, in_state, in_step, ips, pod, refused, rows, says, sticky, within,
};
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{ClaimMove, Node, NodeRemove, PoolCreate};
use fairway_api::ipam::Allocated;
use fairway_lab::json;
use fairway_tests_cluster::{Cut, Door, Plan, SOON, attachment, on};
use std::net::IpAddr;
use std::time::Duration;

fn remove(node: &str, force: bool, claims_only: bool) -> NodeRemove {
    NodeRemove {
        name: node.into(),
        force,
        claims_only,
    }
}

fn node(door: &Door, name: &str) -> Result<Node> {
    let nodes = door.nodes()?;
    let found = nodes.into_iter().find(|node| node.name == name);
    found.with_context(|| format!("no node {name}"))
}

fn away(door: &Door, name: &str) -> Result<Node> {
    within(SOON * 2, "its lease ends", || {
        let node = node(door, name)?;
        ensure!(node.state == "away", "{node:?}");
        Ok(node)
    })
}

/// ADDs until the pool has no more, of names with numbers that go on after these; what they get comes to it. Where it
/// ends otherwise, all go again.
fn drain(door: &Door, prefix: &str, given: &mut Vec<Allocated>) -> Result<()> {
    let name = |n: usize| format!("{prefix}{n}");
    let end = loop {
        let name = name(given.len());
        match door.add(&attachment(&name), pod("plain", &name)) {
            Ok(more) => given.push(more),
            Err(error) => break error,
        }
        ensure!(given.len() <= 256, "more than the pool has");
    };
    if fairway_tests_cluster::code(&end) == Some(101) {
        return Ok(());
    }
    let many = given.drain(..).len();
    (0..many).try_for_each(|n| door.del(&attachment(&name(n))).map(drop))?;
    Err(end).with_context(|| format!("the {many}th ADD"))
}

/// As many addresses to give of one family as of the other: IPv6 has no broadcast address.
fn even(name: &str, net: u8, length: u8) -> PoolCreate {
    let mut pool = dual(name, net, length, 1);
    let last = (1u32 << (32 - length)) - 1;
    pool.ranges[1].exclude = vec![format!("fd00:80:{net}::{last:x}")];
    pool
}

/// All that the pool gives until it has given these, which rest first: what was given is kept, since what is let go
/// rests as well, and addresses of two families need not come again in the same round.
fn all_given(door: &Door, wanted: &[IpAddr]) -> Result<Vec<Allocated>> {
    let mut given = Vec::new();
    eventually("the addresses rest, then they are had", || {
        drain(door, "d", &mut given)?;
        let all: Vec<IpAddr> = given.iter().flat_map(ips).collect();
        ensure!(
            wanted.iter().all(|ip| all.contains(ip)),
            "{wanted:?} is not in {all:?}"
        );
        Ok(())
    })?;
    Ok(given)
}

#[test]
fn a_node_that_never_returns_gives_its_blocks_and_claims_back() -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        let (one, three) = (bed.door(1), bed.door(3));
        create(bed, even("p", 7, 26))?;
        let db = three.add(&attachment("db"), sticky("prod", "db-0", "never"))?;
        let job = three.add(&attachment("job"), pod("plain", "job"))?;
        in_step(bed)?;
        says(one.node_remove(remove("n3", false, false)), &["n3"])?;
        bed.node(3).kill()?;
        away(&one, "n3")?;
        // Until somebody says so, all stays as it is: its containers may still run.
        refused(
            one.add(&attachment("db2"), sticky("prod", "db-0", "never")),
            11,
            &["prod/db-0", "n3"],
        )?;
        let freed = one.node_remove(remove("n3", false, true))?;
        ensure!((freed.blocks, freed.claims) == (0, 1), "{freed:?}");
        let moved = one.add(&attachment("db3"), sticky("prod", "db-0", "never"))?;
        ensure!(
            moved.addresses == db.addresses,
            "{moved:?} instead of {db:?}"
        );
        ensure!(
            rows(&one)?
                .iter()
                .any(|row| row.ip == ips(&job)[0] && row.state == "live")
        );
        let freed = one.node_remove(remove("n3", false, false))?;
        ensure!(freed.blocks >= 2 && freed.addresses >= 2, "{freed:?}");
        ensure!(node(&one, "n3").is_err(), "it is gone");
        let given = all_given(&one, &ips(&job))?;
        let all: Vec<IpAddr> = given.iter().flat_map(ips).collect();
        let claimed = ips(&db);
        ensure!(
            !claimed.iter().any(|ip| all.contains(ip)),
            "the claim's {claimed:?} is in {all:?}"
        );
        Ok(())
    })
}

#[test]
fn a_claim_is_taken_from_a_node_that_does_not_answer() -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        let (one, two) = (bed.door(1), bed.door(2));
        create(bed, dual("p", 8, 26, 1))?;
        let ipam = json!({"claim": "mine", "release": "never"});
        let held = Container::with(bed, bed.node(3), "held", &ipam)?;
        held.whole()?;
        bed.node(3).cable.cut(Cut::Silent)?;
        let mut facts = pod("prod", "x-1");
        facts.claim = Some(crate::support::by_hand("mine".to_owned()));
        facts.release = Some(crate::support::by_hand("never".to_owned()));
        let ask = |force| ClaimMove {
            name: "mine".into(),
            pool: None,
            node: Some("n2".into()),
            anywhere: false,
            name_to: None,
            force,
        };
        ensure!(
            one.claim_move(ask(false)).is_err()
                || two.add(&attachment("early"), facts.clone()).is_err()
        );
        two.del(&attachment("early"))?;
        let moved = one.claim_move(ask(true))?;
        ensure!(
            moved.holder.is_none() && moved.only.as_deref() == Some("n2"),
            "{moved:?}"
        );
        refused(one.add(&attachment("other"), facts.clone()), 102, &["n2"])?;
        let mut next = ips(&two.add(&attachment("next"), facts)?);
        next.sort_unstable();
        ensure!(next == held.given()?, "{next:?}");
        // The old holder runs on until its node hears of it.
        held.whole()?;
        bed.node(3).cable.mend()?;
        cut_off(&held)?;
        bed.node(3).says("taken away")?;
        two.check(&attachment("next"), &next)?;
        in_step(bed).map(drop)
    })
}

/// Its addresses are gone from its interface, and it reaches nobody; its CHECK says why, its DEL is fine.
fn cut_off(container: &Container) -> Result<()> {
    eventually("the container is cut off", || {
        let shown = container.shown()?;
        ensure!(shown.is_empty(), "it has {shown:?}");
        ensure!(!container.reaches_out(), "it reaches its node");
        Ok(())
    })?;
    container.cni.check(&container.result)?.fails(100)?;
    Ok(())
}

#[test]
fn a_node_that_returns_too_late_takes_nothing_back() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let one = bed.door(1);
        create(bed, even("p", 9, 27))?;
        let held: Vec<_> = (0..3)
            .map(|n| Container::add(bed, bed.node(2), &format!("h{n}")))
            .collect::<Result<_>>()?;
        held.iter().try_for_each(Container::whole)?;
        in_step(bed)?;
        bed.node(2).cable.cut(Cut::Silent)?;
        away(&one, "n2")?;
        one.node_remove(remove("n2", false, false))?;
        let given = all_given(&one, &held[0].given()?)?;
        // It knows of nothing, and its containers run on.
        held.iter().try_for_each(Container::whole)?;
        bed.node(2).cable.mend()?;
        bed.node(2).connected()?;
        held.iter().try_for_each(cut_off)?;
        bed.node(2).says("taken away")?;
        let mut wanted: Vec<IpAddr> = given.iter().flat_map(ips).collect();
        wanted.sort_unstable();
        let listed = in_step(bed)?;
        let live: Vec<_> = in_state(&listed, "live").iter().map(|row| row.ip).collect();
        ensure!(live == wanted, "{live:?} instead of {wanted:?}");
        // Their DEL frees nothing that is others' now.
        for held in &held {
            held.del()?.ok()?;
        }
        ensure!(
            in_state(&in_step(bed)?, "live").len() == wanted.len(),
            "a DEL freed what is another's"
        );
        for (n, given) in given.iter().enumerate() {
            one.check(&attachment(&format!("d{n}")), &ips(given))?;
        }
        Ok(())
    })
}

#[test]
fn a_node_whose_blocks_nobody_took_gets_them_back() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (one, two) = (bed.door(1), bed.door(2));
        create(bed, dual("p", 10, 25, 1))?;
        let held = Container::add(bed, bed.node(2), "h")?;
        in_step(bed)?;
        bed.node(2).cable.cut(Cut::Carrier)?;
        away(&one, "n2")?;
        one.node_remove(remove("n2", false, false))?;
        bed.node(2).cable.mend()?;
        eventually("its blocks are its own again", || {
            let node = node(&one, "n2")?;
            ensure!(
                node.state == "alive" && node.blocks >= 2 && node.live == 2,
                "{node:?}"
            );
            Ok(())
        })?;
        held.whole()?;
        eventually("it is not cut off", || {
            ensure!(held.reaches_out(), "it does not reach its node");
            Ok(())
        })?;
        two.add(&attachment("next"), pod("plain", "next"))?;
        in_step(bed).map(drop)
    })
}

#[test]
fn blocks_come_back_by_themselves_where_an_operator_set_a_time() -> Result<()> {
    let plan = Plan::nodes(2)
        .members(1)
        .settings("reclaim_after = \"1m\"\n");
    on(&plan, |bed| {
        let (one, two) = (bed.door(1), bed.door(2));
        create(bed, dual("p", 11, 28, 1))?;
        let had = two.add(&attachment("h"), pod("plain", "h"))?;
        in_step(bed)?;
        bed.node(2).kill()?;
        let early = one.add(&attachment("x"), pod("plain", "x"));
        ensure!(early.is_err(), "the pool's only block was n2's: {early:?}");
        within(Duration::from_secs(200), "its block comes back", || {
            let given = one.add(&attachment("later"), pod("plain", "later"))?;
            ensure!(!ips(&given).is_empty());
            Ok(())
        })?;
        bed.node(1).says("n2")?;
        bed.node(2).start_connected()?;
        // It hears so from the store, a moment later than it has one.
        eventually("its block is another's", || {
            ensure!(two.check(&attachment("h"), &ips(&had)).is_err());
            Ok(())
        })?;
        bed.node(2).says("10.80.11.0/28")?;
        let rows = in_step(bed)?;
        ensure!(in_state(&rows, "live").len() == 2, "{rows:#?}");
        Ok(())
    })
}
