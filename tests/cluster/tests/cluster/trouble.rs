//! Stores that do not let us: full, behind bad certificates, with another password.

use crate::support::{create, dual, eventually, in_step, ips, pod, refused};
use anyhow::{Context, Result, ensure};
use fairway_api::ipam::Allocated;
use fairway_etcd_bed::{Authority, Flaw};
use fairway_tests_cluster::{Bed, Daemon, Plan, SOON, attachment, before, on};
use std::fs;

/// Containers from the time when all was well.
fn well(bed: &Bed, net: u8) -> Result<Allocated> {
    create(bed, dual("p", net, 26, 1))?;
    let held = bed.door(1).add(&attachment("a"), pod("plain", "a"))?;
    in_step(bed)?;
    Ok(held)
}

/// The store is of no use now: the daemon names the reason, keeps what it has, and goes on in its blocks.
fn bears(daemon: &Daemon, held: &Allocated, words: &[&str]) -> Result<()> {
    daemon.start()?;
    for word in words {
        daemon.says(word)?;
    }
    let door = daemon.door();
    ensure!(!door.info()?.connected, "it says that it is connected");
    door.check(&attachment("a"), &ips(held))?;
    let more = door.add(&attachment("more"), pod("plain", "more"))?;
    door.del(&attachment("more"))?;
    ensure!(ips(&more) != ips(held));
    Ok(())
}

/// All is as it was.
fn well_again(bed: &Bed, held: &Allocated) -> Result<()> {
    bed.node(1).stop()?;
    bed.configure(bed.node(1), "")?;
    bed.node(1).start_connected()?;
    bed.door(1).check(&attachment("a"), &ips(held))?;
    eventually("a later container gets an address", || {
        Ok(bed
            .door(1)
            .add(&attachment("later"), pod("plain", "later"))?)
    })?;
    in_step(bed).map(drop)
}

#[test]
fn a_full_store_loses_nothing() -> Result<()> {
    let plan = Plan::nodes(2)
        .members(1)
        .store(|options| options.quota(2 * 1024 * 1024));
    on(&plan, |bed| {
        let held = well(bed, 30)?;
        let junk = "x".repeat(100_000);
        let mut number = 0;
        let full = loop {
            if let Err(error) = bed
                .etcd
                .etcdctl(&["put", &format!("/junk/{number}"), &junk])
            {
                break error.to_string();
            }
            number += 1;
            ensure!(number < 100, "no end of space");
        };
        ensure!(full.contains("space exceeded"), "{full}");
        let one = bed.door(1);
        let more = one
            .add(&attachment("b"), pod("plain", "b"))
            .context("inside its block")?;
        bed.node(1).says("space")?;
        // What needs the store is refused by name.
        let mut facts = pod("prod", "db-0");
        facts.release = Some(crate::support::by_hand("never".into()));
        refused(one.add(&attachment("db"), facts), 11, &["space"])?;
        one.del(&attachment("a"))?;
        bed.node(1).kill()?;
        bed.node(1).start()?;
        one.check(&attachment("b"), &ips(&more))?;
        bed.etcd.etcdctl(&["del", "--prefix", "/junk/"])?;
        let status = bed.etcd.etcdctl(&["endpoint", "status", "-w", "json"])?;
        let revision = status.split("\"revision\":").nth(1).context("a revision")?;
        let revision: String = revision.chars().take_while(char::is_ascii_digit).collect();
        bed.etcd.etcdctl(&["compact", &revision])?;
        bed.etcd.etcdctl(&["defrag"])?;
        bed.etcd.etcdctl(&["alarm", "disarm"])?;
        let rows = eventually("all is told to the store", || {
            let rows = in_step(bed)?;
            let live = crate::support::in_state(&rows, "live").len();
            ensure!(live == 2, "{rows:#?}");
            Ok(rows)
        })?;
        ensure!(
            ips(&more)
                .iter()
                .all(|ip| rows.iter().any(|row| row.ip == *ip)),
            "{rows:#?}"
        );
        ensure!(ips(&held) != ips(&more));
        eventually("claims are had again", || {
            let mut facts = pod("prod", "db-0");
            facts.release = Some(crate::support::by_hand("never".into()));
            Ok(one.add(&attachment("db"), facts)?)
        })
        .map(drop)
    })
}

#[test]
fn certificates_that_are_no_good_are_named() -> Result<()> {
    let plan = Plan::nodes(1).members(1).store(|options| options.tls());
    on(&plan, |bed| {
        let held = well(bed, 31)?;
        let node = bed.node(1);
        let strange = bed.lab.scratch().join("strange-ca.pem");
        fs::write(&strange, Authority::new("somebody")?.pem())?;
        let own = |flaw| bed.certificates("n1", flaw);
        let good = own(Flaw::None)?;
        let pki = bed.etcd.pki().context("TLS")?;
        let wrong_ca = good.replace(&format!("{:?}", pki.ca()), &format!("{strange:?}"));
        ensure!(wrong_ca != good);
        useless_from_the_start(bed, &held)?;
        node.stop()?;
        let store = bed.store();
        node.configure(&format!("{store}{wrong_ca}"))?;
        bears(node, &held, &["certificate"])?;
        node.stop()?;
        bed.configure(node, "")?;
        own(Flaw::Stranger)?;
        bears(node, &held, &["certificate"])?;
        own(Flaw::None)?;
        expires(bed, &held)?;
        well_again(bed, &held)
    })
}

/// What is in the files is of no use when the daemon starts: it serves all the same, and takes what is good
/// without being told. A file that is not there is a wrong path.
fn useless_from_the_start(bed: &Bed, held: &Allocated) -> Result<()> {
    let node = bed.node(1);
    let pki = bed.etcd.pki().context("TLS")?;
    let files = pki.issue("n1", Flaw::None)?;
    let text = fs::read_to_string(&files.cert)?;
    let (half, _) = text.split_at(text.len() / 2);
    let spoil = |how| -> Result<()> {
        match how {
            "has expired" => drop(pki.issue("n1", Flaw::Expired)?),
            "is not valid yet" => drop(pki.issue("n1", Flaw::NotYet)?),
            "is not the key of" => {
                pki.issue("n1", Flaw::None)?;
                fs::write(&files.cert, &text)?;
            }
            _ => fs::write(&files.cert, half)?,
        }
        Ok(())
    };
    for how in [
        "has expired",
        "is not valid yet",
        "is not the key of",
        "is no PEM",
    ] {
        node.stop()?;
        spoil(how)?;
        bears(node, held, &["--etcd-", "n1.", how]).context(how)?;
        bed.certificates("n1", Flaw::None)?;
        node.connected().context(how)?;
        in_step(bed)?;
    }
    node.stop()?;
    fs::remove_file(&files.key)?;
    node.launch()?;
    node.says("--etcd-key")?;
    node.says("No such file")?;
    eventually("it ends", || {
        ensure!(node.ended());
        Ok(())
    })?;
    bed.certificates("n1", Flaw::None)?;
    Ok(())
}

/// A certificate expires while the daemon runs, which shows with the next connection; once there is a good
/// one, the daemon takes it without being told.
fn expires(bed: &Bed, held: &Allocated) -> Result<()> {
    let node = bed.node(1);
    node.stop()?;
    node.start_connected()?;
    let said = node.log().matches("expired").count();
    bed.certificates("n1", Flaw::Expired)?;
    bed.etcd.kill(0)?;
    bed.etcd.restart(0)?;
    bed.etcd.wait_ready(SOON)?;
    eventually("it says that its certificate has expired", || {
        ensure!(
            node.log().matches("expired").count() > said,
            "{}",
            node.log()
        );
        Ok(())
    })?;
    node.door().check(&attachment("a"), &ips(held))?;
    node.door().add(&attachment("b"), pod("plain", "b"))?;
    bed.certificates("n1", Flaw::None)?;
    node.connected()?;
    in_step(bed).map(drop)
}

#[test]
fn a_member_whose_certificate_has_expired_is_named() -> Result<()> {
    let plan = Plan::nodes(1)
        .members(1)
        .store(|options| options.flawed_tls(Flaw::Expired));
    before(&plan, |bed| {
        let node = bed.node(1);
        node.start()?;
        node.says("expired")?;
        ensure!(!node.door().info()?.connected);
        refused(
            node.door().add(&attachment("a"), pod("plain", "a")),
            11,
            &["store"],
        )
        .map(drop)
    })
}

#[test]
fn a_password_that_is_wrong_is_named() -> Result<()> {
    let plan = Plan::nodes(1)
        .members(1)
        .store(|options| options.auth("secret"));
    before(&plan, |bed| {
        bed.etcd.add_user("fairway", "right", "/fairway/v1/")?;
        let node = bed.node(1);
        let user =
            |password: &str| format!("etcd_user = \"fairway\"\netcd_password = \"{password}\"\n");
        bed.configure(node, &user("right"))?;
        node.start_connected()?;
        let held = well(bed, 32)?;
        node.stop()?;
        bed.configure(node, &user("wrong"))?;
        bears(node, &held, &["auth"])?;
        ensure!(
            !node.log().contains("\"wrong\""),
            "the log holds the password"
        );
        node.stop()?;
        // Without any, the store says so too.
        bed.configure(node, "")?;
        bears(node, &held, &["user"])?;
        node.stop()?;
        bed.configure(node, &user("right"))?;
        node.start_connected()?;
        node.door().check(&attachment("a"), &ips(&held))?;
        in_step(bed).map(drop)
    })
}
