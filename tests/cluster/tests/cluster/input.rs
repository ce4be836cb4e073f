//! What is wrong is refused by name, changes nothing, and loses nothing.

use crate::support::{
    by_hand, create, dual, eventually, in_step, ips, pod, pool, range, refused, says, sticky,
};
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{ClaimCreate, IpamAudit, PoolCreate, PoolRemove, PoolSet};
use fairway_tests_cluster::{Bed, Plan, Stop, attachment, on};
use std::time::Duration;

fn v4(name: &str, cidr: &str, block: u8) -> PoolCreate {
    pool(name, vec![range(cidr, block)], 1)
}

fn claim(name: &str, addresses: &[&str]) -> Result<ClaimCreate> {
    Ok(ClaimCreate {
        name: name.into(),
        pool: "p".into(),
        addresses: addresses
            .iter()
            .map(|ip| ip.parse())
            .collect::<Result<_, _>>()?,
        release: None,
        handover: None,
        app: None,
        set: None,
    })
}

#[test]
fn what_is_wrong_is_named_and_changes_nothing() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (one, two) = (bed.door(1), bed.door(2));
        create(bed, dual("p", 20, 26, 1))?;
        let held = one.add(&attachment("a"), pod("plain", "a"))?;
        in_step(bed)?;
        let before = bed
            .etcd
            .etcdctl(&["get", "--prefix", "/fairway/v1/pools"])?;
        says(
            two.pool_create(v4("q", "10.80.20.32/27", 28)),
            &["ranges[0].cidr", "10.80.20.0/26", "p"],
        )?;
        says(
            two.pool_create(v4("q", "10.80.0.0/16", 28)),
            &["ranges[0].cidr", "p"],
        )?;
        let twice = pool(
            "q",
            vec![range("10.90.0.0/24", 28), range("10.90.0.0/28", 28)],
            1,
        );
        says(two.pool_create(twice), &["ranges[1].cidr", "10.90.0.0/24"])?;
        says(
            two.pool_create(v4("q", "10.90.0.0/28", 27)),
            &["ranges[0].block", "/27"],
        )?;
        says(
            two.pool_create(v4("q", "11.0.0.0/8", 9)),
            &["ranges[0].block"],
        )?;
        says(
            two.pool_create(v4("q", "10.90.0.1/24", 28)),
            &["10.90.0.1/24"],
        )?;
        says(
            two.pool_create(v4("q", "10.90.0.0/33", 28)),
            &["10.90.0.0/33"],
        )?;
        says(two.pool_create(v4("Q!", "10.90.0.0/24", 28)), &["Q!"])?;
        says(two.pool_create(v4("p", "10.90.0.0/24", 28)), &["p"])?;
        says(two.pool_create(pool("q", vec![], 1)), &["ranges"])?;
        let overlapping = PoolSet {
            name: "p".into(),
            add: vec![range("10.80.20.0/27", 28)],
            replace: vec![],
            drain: vec![],
            undrain: vec![],
            remove: vec![],
            phase: None,
            settings: Default::default(),
        };
        says(two.pool_set(overlapping), &["10.80.20.0/27"])?;
        let absent = PoolRemove {
            name: "nowhere".into(),
            wait: false,
        };
        says(two.pool_remove(absent), &["nowhere"])?;
        let after = bed
            .etcd
            .etcdctl(&["get", "--prefix", "/fairway/v1/pools"])?;
        ensure!(before == after, "{before} became {after}");
        claims(bed)?;
        requests(bed)?;
        one.check(&attachment("a"), &ips(&held))?;
        ensure!(in_step(bed)?.len() == 2, "{:#?}", in_step(bed)?);
        Ok(())
    })
}

fn claims(bed: &Bed) -> Result<()> {
    let (one, two) = (bed.door(1), bed.door(2));
    says(
        two.claim_create(claim("c", &["10.99.0.1"])?),
        &["10.99.0.1"],
    )?;
    says(
        two.claim_create(claim("c", &["10.80.20.5", "10.80.20.6"])?),
        &["10.80.20"],
    )?;
    says(two.claim_create(claim("a b", &[])?), &["a b"])?;
    let taken = one.list(Default::default())?;
    let taken = taken
        .iter()
        .find(|row| row.ip.is_ipv4())
        .context("a's")?
        .ip
        .to_string();
    says(two.claim_create(claim("c", &[&taken])?), &[&taken])?;
    let mut elsewhere = claim("c", &[])?;
    elsewhere.pool = "nowhere".into();
    says(two.claim_create(elsewhere), &["nowhere"])?;
    let mut bad = claim("c", &[])?;
    bad.release = Some("sometimes".into());
    says(two.claim_create(bad), &["sometimes"])?;
    ensure!(two.claims(Default::default())?.is_empty());
    Ok(())
}

fn requests(bed: &Bed) -> Result<()> {
    let (one, two) = (bed.door(1), bed.door(2));
    let add = |facts| two.add(&attachment("bad"), facts);
    let mut facts = pod("plain", "bad");
    facts.pool = Some(by_hand("nowhere".into()));
    says(add(facts), &["nowhere"])?;
    let asks = |ip: &str| -> Result<_> {
        let mut facts = pod("plain", "bad");
        facts.addresses = vec![by_hand(ip.parse()?)];
        Ok(facts)
    };
    refused(add(asks("10.99.0.1")?), 102, &["10.99.0.1"])?;
    let taken = one.list(Default::default())?;
    let row = taken.iter().find(|row| row.ip.is_ipv4()).context("a's")?;
    refused(
        add(asks(&row.ip.to_string())?),
        102,
        &[&row.ip.to_string(), "n1", "a"],
    )?;
    says(add(sticky("prod", "db-0", "sometimes")), &["sometimes"])?;
    let mut facts = sticky("prod", "db-0", "never");
    facts.handover = Some(by_hand("perhaps".into()));
    says(add(facts), &["perhaps"])?;
    refused(one.add(&attachment("a"), pod("plain", "a")), 103, &["a"])?;
    Ok(())
}

#[test]
fn records_of_a_newer_version_are_left_alone() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let one = bed.door(1);
        create(bed, v4("p", "10.85.0.0/27", 28))?;
        let newer = |key: &str, what: &str| -> Result<(String, String)> {
            let (key, value) = (
                format!("/fairway/v1/{key}"),
                format!("{{\"version\":2,{what}}}"),
            );
            bed.etcd.etcdctl(&["put", &key, &value])?;
            Ok((key, value))
        };
        let records = [
            newer("pools/future", "\"shape\":\"other\"")?,
            newer("blocks/p/10.85.0.16/28", "\"mine\":true")?,
            newer("claims/p/prod/db-0", "\"of\":\"later\"")?,
        ];
        bed.node(1).says("/fairway/v1/pools/future")?;
        bed.node(1).says("newer")?;
        says(
            one.pool_create(v4("future", "10.86.0.0/24", 28)),
            &["future"],
        )?;
        says(
            bed.door(2)
                .add(&attachment("db"), sticky("prod", "db-0", "never")),
            &["prod/db-0", "newer"],
        )?;
        // The first block is to be had, the second is not.
        let mut given = Vec::new();
        let full = loop {
            let name = format!("a{}", given.len());
            match one.add(&attachment(&name), pod("plain", &name)) {
                Ok(more) => given.extend(ips(&more)),
                Err(error) => break error,
            }
            ensure!(given.len() <= 16, "{given:?}");
        };
        ensure!(given.len() >= 13, "{given:?}, then {full}");
        let second = |ip: &std::net::IpAddr| {
            ip.to_string()
                .parse()
                .is_ok_and(|v4: std::net::Ipv4Addr| v4.octets()[3] >= 16)
        };
        ensure!(!given.iter().any(second), "{given:?}");
        let audit = one.audit(IpamAudit {
            pool: None,
            fix: true,
        })?;
        for (key, value) in &records {
            let end = key.rsplit("v1/").next().unwrap_or_default();
            ensure!(
                audit
                    .findings
                    .iter()
                    .any(|finding| finding.text.contains(end)),
                "{key}: {:#?}",
                audit.findings
            );
            let now = bed.etcd.etcdctl(&["get", key, "--print-value-only"])?;
            ensure!(now.trim() == value, "{key} was {value}, is {now}");
        }
        // When the newer version has gone, so has the trouble.
        for (key, _) in &records {
            bed.etcd.etcdctl(&["del", key])?;
        }
        eventually("the second block can be had", || {
            let name = format!("b{}", given.len());
            Ok(one.add(&attachment(&name), pod("plain", &name))?)
        })?;
        in_step(bed).map(drop)
    })
}

#[test]
fn a_second_daemon_of_the_same_name_is_refused() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        create(bed, dual("p", 21, 26, 1))?;
        let held = bed.door(1).add(&attachment("a"), pod("plain", "a"))?;
        let (first, second) = (bed.node(1), bed.node(2));
        second.kill()?;
        bed.configure(second, "")?;
        rename(bed, "n2", "n1")?;
        second.launch()?;
        second.says("n1")?;
        let quiet = Stop::default();
        quiet.pause(Duration::from_secs(3));
        let given = second.door().add(&attachment("b"), pod("plain", "b"));
        ensure!(given.is_err(), "the second n1 gives {given:?}");
        ensure!(!second.log().contains("panicked"), "{}", second.log());
        first.door().check(&attachment("a"), &ips(&held))?;
        first.door().add(&attachment("c"), pod("plain", "c"))?;
        ensure!(first.door().info()?.connected);
        // With a name of its own it is welcome.
        second.kill()?;
        rename(bed, "n1", "n2")?;
        second.start_connected()?;
        eventually("it gives addresses", || {
            Ok(second.door().add(&attachment("b"), pod("plain", "b"))?)
        })?;
        in_step(bed).map(drop)
    })
}

/// In the second node's settings.
fn rename(bed: &Bed, from: &str, to: &str) -> Result<()> {
    let file = bed.lab.scratch().join("n2/fairwayd.toml");
    let text = std::fs::read_to_string(&file)?;
    let text = text.replacen(
        &format!("node = \"{from}\""),
        &format!("node = \"{to}\""),
        1,
    );
    Ok(std::fs::write(&file, text)?)
}
