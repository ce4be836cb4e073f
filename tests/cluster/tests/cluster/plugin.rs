//! The plugin and the daemon together, as a runtime sees them.

use crate::real::{Container, plugin};
use crate::support::{
    create, dual, eventually, in_state, in_step, ips, pod, pool, range, rows, sticky, within,
};
use anyhow::{Context, Result, ensure};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Cut, Daemon, Plan, attachment, on};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

fn live(daemon: &Daemon) -> Result<usize> {
    Ok(in_state(&rows(&daemon.door())?, "live").len())
}

/// So many addresses are live, as soon as the list says so.
fn soon_live(daemon: &Daemon, wanted: usize) -> Result<()> {
    eventually("the list is right", || {
        let now = live(daemon)?;
        ensure!(now == wanted, "{now} live: {:#?}", rows(&daemon.door())?);
        Ok(())
    })
}

/// Records that the daemon has not worked off.
fn records(daemon: &Daemon) -> Vec<PathBuf> {
    let files = fs::read_dir(daemon.state().join("released"))
        .into_iter()
        .flatten()
        .flatten();
    let files = files.map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect()
}

fn worked_off(daemon: &Daemon) -> Result<()> {
    eventually("the records are worked off", || {
        ensure!(records(daemon).is_empty(), "{:?}", records(daemon));
        Ok(())
    })
}

#[test]
fn a_del_without_the_daemon_is_worked_off() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let node = bed.node(1);
        create(bed, dual("p", 50, 26, 1))?;
        let (stays, goes) = (
            Container::add(bed, node, "stays")?,
            Container::add(bed, node, "goes")?,
        );
        soon_live(node, 4)?;
        node.kill()?;
        goes.del()?.ok().context("DEL without the daemon")?;
        goes.del()?.ok().context("and again")?;
        ensure!(records(node).len() == 1, "{:?}", records(node));
        // ADD leaves nothing behind.
        let ns = bed.lab.container()?;
        let links = node.ns.run("ip -o link")?;
        plugin(node, "new", Some(&ns), &json!({}))
            .add()?
            .fails(11)?;
        let veths = |text: &str| text.matches("veth").count();
        ensure!(
            veths(&node.ns.run("ip -o link")?) == veths(&links)
                && !ns.run("ip -o link")?.contains("eth0")
        );
        node.start()?;
        worked_off(node)?;
        soon_live(node, 2)?;
        stays.whole()?;
        younger(bed, &stays)?;
        in_step(bed).map(drop)
    })
}

/// A record frees nothing that was given after it: of the same boot by its time, of an earlier one at all.
fn younger(bed: &Bed, stays: &Container) -> Result<()> {
    let node = bed.node(1);
    node.kill()?;
    stays.del()?.ok()?;
    let file = records(node).pop().context("a record")?;
    let record = fs::read_to_string(&file)?;
    node.start()?;
    worked_off(node)?;
    // A runtime gives the same attachment addresses again, and then the old record turns up once more.
    let ns = bed.lab.container()?;
    let again = plugin(node, "stays", Some(&ns), &json!({}));
    let result = again.add()?.ok()?;
    let mut earlier: Value = serde_json::from_str(&record)?;
    earlier["boot"] = json!("00000000-0000-4000-8000-000000000000");
    earlier["boottime"] = json!(u64::MAX / 2);
    for text in [record, earlier.to_string()] {
        fs::write(&file, text)?;
        worked_off(node)?;
        soon_live(node, 2).context("a record freed what is younger")?;
        again.check(&result)?.ok()?;
    }
    // Its namespace goes with this function.
    again.del(Some(&result))?.ok()?;
    Ok(())
}

#[test]
fn gc_frees_what_the_runtime_does_not_know_and_nothing_else() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (one, two) = (bed.node(1), bed.node(2));
        create(bed, dual("p", 51, 26, 1))?;
        let kept = Container::add(bed, one, "kept")?;
        let _lost = Container::add(bed, one, "lost")?;
        let _also = Container::with(
            bed,
            one,
            "sticky",
            &json!({"claim": "mine", "release": "never"}),
        )?;
        let other = Container::add(bed, two, "other")?;
        kept.cni.gc(&[("kept", "eth0")])?.ok()?;
        eventually("only what is known is left", || {
            let rows = in_step(bed)?;
            let live: Vec<_> = in_state(&rows, "live")
                .iter()
                .filter_map(|row| row.attachment.as_ref())
                .collect();
            ensure!(
                live.len() == 4
                    && live
                        .iter()
                        .all(|who| ["kept", "other"].contains(&&*who.container)),
                "{rows:#?}"
            );
            ensure!(in_state(&rows, "claimed").len() == 2, "{rows:#?}");
            Ok(())
        })?;
        kept.whole()?;
        other.whole()
    })
}

#[test]
fn status_tells_what_an_add_would_meet() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let node = bed.node(1);
        let status = plugin(node, "s", None, &json!({}));
        let refusal = status.status()?;
        ensure!(refusal.ok().is_err(), "there is no pool");
        create(bed, pool("p", vec![range("10.87.0.0/29", 29)], 1))?;
        eventually("there is one", || Ok(status.status()?.ok()?))?;
        let mut held = Vec::new();
        while held.len() < 8 {
            match Container::add(bed, node, &format!("c{}", held.len())) {
                Ok(container) => held.push(container),
                Err(_) => break,
            }
        }
        let ns = bed.lab.container()?;
        plugin(node, "full", Some(&ns), &json!({}))
            .add()?
            .fails(101)?;
        eventually("the pool is short", || Ok(status.status()?.fails(50)?))?;
        node.cable.cut(Cut::Silent)?;
        within(Duration::from_secs(60), "and the store is away", || {
            Ok(status.status()?.fails(51)?)
        })?;
        held.pop().context("one")?.del()?.ok()?;
        within(Duration::from_secs(60), "one is free in its block", || {
            Ok(status.status()?.ok()?)
        })?;
        node.cable.mend()?;
        node.connected()?;
        node.kill()?;
        let code = status.status()?.error.map(|error| error.code);
        ensure!(
            code.is_some_and(|code| [11, 50, 51].contains(&code)),
            "{code:?}"
        );
        Ok(())
    })
}

#[test]
fn containers_that_vanish_are_swept() -> Result<()> {
    let plan = Plan::nodes(1)
        .members(1)
        .settings("[sweep]\nevery = \"1s\"\ngrace = \"2s\"\nfirst_grace = \"1s\"\n");
    on(&plan, |bed| {
        let node = bed.node(1);
        create(bed, dual("p", 52, 26, 1))?;
        let stays = Container::add(bed, node, "stays")?;
        let goes = Container::add(bed, node, "goes")?;
        let sticky = Container::with(
            bed,
            node,
            "sticky",
            &json!({"claim": "mine", "release": "never"}),
        )?;
        let had = sticky.given()?;
        soon_live(node, 6)?;
        node.kill()?;
        // Namespaces and links are gone, and nobody ever says DEL.
        drop((goes, sticky));
        node.start()?;
        soon_live(node, 2)?;
        stays.whole()?;
        let again = Container::with(
            bed,
            node,
            "sticky2",
            &json!({"claim": "mine", "release": "never"}),
        )?;
        ensure!(
            again.given()? == had,
            "{:?} instead of {had:?}",
            again.given()?
        );
        // One that vanishes while the daemon runs is found as well.
        drop(stays);
        soon_live(node, 2)?;
        again.whole()?;
        in_step(bed).map(drop)
    })
}

#[test]
fn what_an_earlier_boot_left_is_swept() -> Result<()> {
    let plan = Plan::nodes(1)
        .members(1)
        .settings("[sweep]\nfirst_grace = \"1s\"\n");
    on(&plan, |bed| {
        let node = bed.node(1);
        create(bed, dual("p", 53, 26, 1))?;
        // Nothing is known of where they are, so only the boot tells that they are gone.
        let sure = |name: &str| {
            node.door()
                .add(&attachment(name), sticky("prod", name, "never"))
        };
        sure("db-0")?;
        sure("db-1")?;
        let plain = node.door().add(&attachment("plain"), pod("plain", "x"))?;
        let seen = Container::add(bed, node, "seen")?;
        node.kill()?;
        node.start()?;
        soon_live(node, 8).context("a restart is no reboot")?;
        node.kill()?;
        // A DEL whose record lay there when the power went.
        seen.del()?.ok()?;
        let again = Container::add(bed, node, "more").err();
        ensure!(again.is_some(), "the daemon is not there");
        node.reboot()?;
        node.start()?;
        worked_off(node)?;
        soon_live(node, 0)?;
        let rows = in_step(bed)?;
        let claimed: Vec<_> = in_state(&rows, "claimed")
            .iter()
            .map(|row| row.ip)
            .collect();
        ensure!(claimed.len() == 4, "the two claims are kept: {rows:#?}");
        ensure!(
            !ips(&plain).iter().any(|ip| claimed.contains(ip)),
            "{rows:#?}"
        );
        let moved = node
            .door()
            .add(&attachment("db-1-again"), sticky("prod", "db-1", "never"))?;
        ensure!(
            ips(&moved).iter().all(|ip| claimed.contains(ip)),
            "{moved:?}"
        );
        // What is given in this boot stays.
        node.kill()?;
        node.start()?;
        soon_live(node, 2)?;
        node.door().check(&attachment("db-1-again"), &ips(&moved))?;
        Ok(())
    })
}
