//! Debian's packages on a node that its systemd has started: the daemon as a service, through its whole life.

mod node;

use anyhow::{Context as _, Result, ensure};
use fairway_lab::{flow::Flow, poll};
use node::{Node, SOON, UNIT, address, bridge, network};
use std::fs;

#[test]
fn a_package_starts_the_daemon_and_systemd_hears_that_it_answers() -> Result<()> {
    let node = Node::installed()?;
    ensure!(node.state()? == "active", "{}", node.screen());
    ensure!(node.property(UNIT, "Type")? == "notify");
    ensure!(node.property(UNIT, "UnitFileState")? == "enabled");
    // Whoever starts after it finds a daemon that answers: each time, with nothing waited for, and however often.
    for _ in 0..6 {
        node.run(&["systemctl", "stop", UNIT])?;
        ensure!(node.state()? == "inactive", "{}", node.screen());
        ensure!(node.netctl("pool ls").is_err(), "somebody answers");
        node.run(&["systemctl", "start", UNIT])?;
        node.netctl("pool ls")?;
    }
    ensure!(
        node.property(UNIT, "StartLimitIntervalUSec")? == "0",
        "it is given up"
    );
    // Settings that cannot be are said once, and do not keep systemd busy.
    node.settings("nodde = \"n1\"\n")?;
    ensure!(
        node.run(&["systemctl", "restart", UNIT]).is_err(),
        "it was taken"
    );
    ensure!(node.state()? == "failed", "{}", node.screen());
    ensure!(
        node.property(UNIT, "NRestarts")? == "0",
        "{}",
        node.screen()
    );
    // What it said on its way out comes by way of the journal, which is written beside.
    let said = poll(SOON, "it is said which", || node.screen().contains("nodde"));
    ensure!(said.is_ok(), "{}", node.screen());
    node.settings("node = \"n1\"\n")?;
    node.run(&["systemctl", "start", UNIT])?;
    poll(SOON, "it is in the list", || {
        node.netctl("node ls").is_ok_and(|list| list.contains("n1"))
    })?;
    Ok(())
}

#[test]
fn containers_outlive_its_end_however_it_comes() -> Result<()> {
    let node = Node::installed()?;
    node.netctl("pool create pods --cidr 10.31.0.0/16 --cidr fd31::/64")?;
    let conf = bridge();
    let stays = node.add("stays", &conf)?;
    let pings = Flow::start(&node.ns, address(&stays)?.parse()?)?;
    // Nobody here waits for as long as the unit does.
    let short = node.path("/etc/systemd/system/fairwayd.service.d");
    fs::create_dir_all(&short)?;
    fs::write(short.join("short.conf"), "[Service]\nWatchdogSec=3s\n")?;
    node.run(&["systemctl", "daemon-reload"])?;

    for (what, line) in [
        ("killed", &["systemctl", "kill", "--signal=KILL", UNIT][..]),
        ("started again", &["systemctl", "restart", UNIT]),
        (
            "hung",
            &[
                "systemctl",
                "kill",
                "--signal=STOP",
                "--kill-whom=main",
                UNIT,
            ],
        ),
        (
            "renewed",
            &[
                "dpkg",
                "--force-unsafe-io",
                "--force-depends",
                "--force-confold",
                "--install",
                "/tmp/plugins.deb",
                "/tmp/daemon.deb",
            ],
        ),
    ] {
        let old = node.process()?;
        node.run(line).context(what)?;
        node.renewed(old).context(what)?;
        node.check("stays", &conf, &stays).context(what)?;
        let new = node.add("new", &conf).context(what)?;
        ensure!(address(&new)? != address(&stays)?, "{what}: {new}");
        node.del("new", &conf).context(what)?;
    }
    let pings = pings.end()?;
    ensure!(pings.lost == 0 && pings.sent >= 100, "{pings:?}");

    // Gone while nobody answers, its address is free when somebody does.
    node.run(&["systemctl", "stop", UNIT])?;
    node.del("stays", &conf)?;
    node.run(&["systemctl", "start", UNIT])?;
    let live = || {
        node.netctl("-o json ipam ls")
            .map(|list| list.contains("\"live\""))
    };
    poll(SOON, "the address is back", || {
        live().is_ok_and(|live| !live)
    })?;
    Ok(())
}

/// Programs in the kernel, tables of routes, other containers' namespaces: with no more than the unit leaves it.
#[test]
fn what_the_unit_leaves_it_is_enough() -> Result<()> {
    let node = Node::new()?;
    node.install()?;
    node.settings("node = \"n1\"\nunderlay = \"eth0\"\n")?;
    node.run(&["systemctl", "restart", UNIT])?;
    node.netctl("pool create apps --cidr 10.63.0.0/16 --cidr fd63::/64")?;
    node.netctl("network create apps --pool apps")?;
    let conf = network();
    let front = node.add("front", &conf)?;
    let db = node.add("db", &conf)?;
    let to = address(&db)?;
    ensure!(node.reaches("front", &to)?, "{}", node.screen());
    let deny = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "closed", "namespace": "web"}, "spec": {"podSelector": {}}}"#;
    node.fed(&["netctl", "apply", "-f", "-"], deny)?;
    poll(SOON, "the policy holds", || {
        node.reaches("front", &to).is_ok_and(|yes| !yes)
    })?;
    // A restart opens nothing, and keeps the rate.
    let old = node.process()?;
    node.run(&["systemctl", "restart", UNIT])?;
    node.renewed(old)?;
    ensure!(!node.reaches("front", &to)?, "it is open");
    node.check("front", &conf, &front)?;
    node.netctl("delete NetworkPolicy web/closed")?;
    poll(SOON, "it is open again", || {
        node.reaches("front", &to).is_ok_and(|yes| yes)
    })?;
    node.run(&["journalctl", "--sync"])?;
    let words = node.run(&["journalctl", "--no-pager", "--output=cat", "--unit", UNIT])?;
    let refused =
        |line: &&str| line.contains("not permitted") || line.contains("Permission denied");
    let refused: Vec<_> = words.lines().filter(refused).collect();
    ensure!(refused.is_empty(), "{refused:?}");
    for id in ["front", "db"] {
        node.del(id, &conf)?;
    }
    Ok(())
}

#[test]
fn a_purge_leaves_nothing() -> Result<()> {
    let node = Node::new()?;
    let (before, links) = (node.files()?, node.ns.run("ip -o link")?);
    node.install()?;
    node.settings("node = \"n1\"\nunderlay = \"eth0\"\n")?;
    node.run(&["systemctl", "restart", UNIT])?;
    node.netctl("pool create apps --cidr 10.63.0.0/16")?;
    node.netctl("network create apps --pool apps")?;
    let conf = network();
    node.add("web", &conf)?;
    // Removed, it has ended, and what containers have stays.
    node.dpkg(&["--remove", "fairway"])?;
    ensure!(node.state()? == "inactive", "{}", node.screen());
    ensure!(node.path("/var/lib/fairway/journal.redb").exists());
    node.install()?;
    ensure!(node.state()? == "active", "{}", node.screen());
    node.del("web", &conf)?;
    // As the documentation has it.
    node.run(&["systemctl", "stop", UNIT])?;
    node.run(&["fairwayd", "--cleanup"])?;
    node.dpkg(&["--purge", "fairway", "fairway-cni-plugins"])?;
    ensure!(node.property(UNIT, "LoadState")? == "not-found");
    let after = node.files()?;
    let left: Vec<_> = after.iter().filter(|path| !before.contains(path)).collect();
    ensure!(left.is_empty(), "left: {left:#?}");
    // Of empty folders dpkg takes those along whose packages it does not know.
    let gone = before.iter().filter(|path| !after.contains(path));
    let gone: Vec<_> = gone.filter(|path| !path.starts_with("d ")).collect();
    ensure!(gone.is_empty(), "gone: {gone:#?}");
    ensure!(
        node.ns.run("ip -o link")? == links,
        "{}",
        node.ns.run("ip -o link")?
    );
    let tables = node.ns.run("ip rule")? + &node.ns.run("ip route show table all proto 250")?;
    ensure!(!tables.contains("25000"), "{tables}");
    node.end()
}
