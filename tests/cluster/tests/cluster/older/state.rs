//! What an older daemon has left behind when it was killed: its journal, its store, records of plugins.

use super::{each, lacks};
use crate::real::plugin;
use crate::support::{
    by_hand, create, dual, eventually, in_state, in_step, ips, pod, rows, sticky,
};
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::NetworkCreate;
use fairway_api::ipam::Facts;
use fairway_lab::{Ns, Value, json, serde_json};
use fairway_tests_cluster::{Bed, Daemon, Plan, attachment, before};
use std::fs;
use std::net::IpAddr;
use std::path::Path;

/// Nobody looks for containers, since those of the record are not there.
const SETTINGS: &str = "[sweep]\nevery = \"1h\"\ngrace = \"1h\"\nfirst_grace = \"1h\"\n";

/// The node's daemon, at the boot in which it was recorded, on one of the stores.
fn stage<'a>(bed: &'a Bed, store: &str) -> Result<&'a Daemon> {
    let node = bed.node(1);
    match store {
        "etcd" => bed.configure(node, SETTINGS)?,
        _ => node.configure(SETTINGS)?,
    }
    node.reboot()?;
    Ok(node)
}

/// How the daemon tells of it.
fn told(node: &Daemon) -> Result<Value> {
    let door = node.door();
    let list = |state| -> Result<Value> {
        let mut rows = rows(&door)?;
        rows.retain(|row| row.state == state);
        rows.sort_by_key(|row| row.ip);
        Ok(serde_json::to_value(rows)?)
    };
    let networks = serde_json::to_value(door.networks()?)?;
    let names: Vec<_> = door.pools()?.into_iter().map(|pool| pool.name).collect();
    Ok(
        json!({"live": list("live")?, "claimed": list("claimed")?, "networks": networks, "pools": names}),
    )
}

fn holds(ip: &[IpAddr], told: &Value, state: &str) -> bool {
    let rows = told[state].as_array().into_iter().flatten();
    let there: Vec<IpAddr> = rows
        .filter_map(|row| row["ip"].as_str()?.parse().ok())
        .collect();
    ip.iter().all(|ip| there.contains(ip))
}

fn tar(args: &[&str], folder: &Path) -> Result<()> {
    let folder = folder.to_str().context("a path")?;
    Ns::host()?
        .command("tar")
        .args(["-C", folder])
        .args(args)
        .run()?;
    Ok(())
}

fn record(folder: &Path, store: &str) -> Result<()> {
    before(&Plan::nodes(1).members(1), |bed| {
        let node = stage(bed, store)?;
        node.start_connected()?;
        let door = node.door();
        create(bed, dual("p", 192, 26, 3600))?;
        create(bed, dual("apps", 193, 26, 3600))?;
        door.network_create(NetworkCreate {
            name: "apps".into(),
            pools: vec!["apps".into()],
            vni: None,
            imports: Vec::new(),
        })?;
        door.add(&attachment("plain"), Facts::default())?;
        door.add(
            &attachment("labelled"),
            Facts {
                pool: Some(by_hand("apps".into())),
                ..pod("web", "a")
            },
        )?;
        door.add(&attachment("holder"), sticky("web", "db-0", "never"))?;
        // Kept for a pod that is away.
        door.add(&attachment("away"), sticky("web", "db-1", "never"))?;
        door.del(&attachment("away"))?;
        let ns = bed.lab.container()?;
        let gone = plugin(node, "gone", Some(&ns), &json!({}));
        gone.add()?.ok()?;
        let before = told(node)?;
        eventually("the store knows", || in_step(bed).map(drop))?;
        node.kill()?;
        // Told to nobody.
        gone.del(None)?.ok()?;
        let text = serde_json::to_string_pretty(&before)? + "\n";
        fs::write(folder.join(format!("{store}.json")), text)?;
        let at = folder.join(format!("{store}.tar.gz"));
        tar(
            &["-czf", at.to_str().context("a path")?, "."],
            &node.state(),
        )?;
        if store == "etcd" {
            let all = bed.etcd.etcdctl(&["get", "--prefix", "/fairway/"])?;
            fs::write(folder.join("etcd.txt"), all)?;
        }
        Ok(())
    })
}

fn read(version: &Path, store: &str) -> Result<()> {
    let old: Value = serde_json::from_slice(&fs::read(version.join(format!("{store}.json")))?)?;
    before(&Plan::nodes(1).members(1), |bed| {
        let node = stage(bed, store)?;
        fs::create_dir_all(node.state())?;
        let from = version.join(format!("{store}.tar.gz"));
        tar(&["-xzf", from.to_str().context("a path")?], &node.state())?;
        if store == "etcd" {
            let text = fs::read_to_string(version.join("etcd.txt"))?;
            let lines: Vec<_> = text.lines().collect();
            for pair in lines.chunks(2) {
                bed.etcd.etcdctl(&["put", pair[0], pair[1]])?;
            }
        }
        // Of a form that is newer than any: it is left alone, and all else goes on.
        let record = node
            .state()
            .join("released/0123456789abcdef0123456789abcdef.json");
        fs::write(&record, r#"{"version": 9, "how": "new"}"#)?;
        node.start_connected()?;
        let door = node.door();
        eventually("the record is worked off", || {
            let rows = rows(&door)?;
            let names = |row: &fairway_api::admin::AddressRow| {
                row.attachment
                    .as_ref()
                    .is_some_and(|who| who.container == "gone")
            };
            ensure!(!in_state(&rows, "live").into_iter().any(names), "{rows:#?}");
            Ok(())
        })?;
        ensure!(record.exists(), "a record of a newer form is gone");
        fs::remove_file(&record)?;

        // All else is as it was.
        let mut wanted = old.clone();
        let live = wanted["live"].as_array_mut().context("live")?;
        live.retain(|row| row["attachment"]["container"] != "gone");
        ensure!(live.len() == 6, "{live:#?}");
        // An entry's number is the daemon's own; a start may give it the attachment's.
        let same = |path: &str| !path.ends_with(".seq");
        // A list has what the store was told of, a moment later.
        eventually("all else is as it was", || {
            let mut found = Vec::new();
            lacks("", &wanted, &told(node)?, &same, &mut found);
            ensure!(found.is_empty(), "{found:#?}");
            Ok(())
        })?;
        eventually("all is in step", || in_step(bed).map(drop))?;

        // Nobody gets what somebody has, and each workload its own again.
        for number in 0..8 {
            let new = ips(&door.add(&attachment(&format!("new{number}")), pod("web", "new"))?);
            ensure!(!new.iter().any(|ip| holds(&[*ip], &old, "live")), "{new:?}");
            ensure!(
                !new.iter().any(|ip| holds(&[*ip], &old, "claimed")),
                "{new:?}"
            );
        }
        let back = ips(&door.add(&attachment("back"), sticky("web", "db-1", "never"))?);
        ensure!(back.len() == 2 && holds(&back, &old, "claimed"), "{back:?}");
        let freed = door.del(&attachment("plain"))?.addresses;
        ensure!(freed.len() == 2 && holds(&freed, &old, "live"), "{freed:?}");
        let live = old["live"].as_array().into_iter().flatten();
        let held = live.filter(|row| row["attachment"]["container"] == "holder");
        let held = held.map(|row| Ok(row["ip"].as_str().context("an address")?.parse()?));
        let held = held.collect::<Result<Vec<IpAddr>>>()?;
        ensure!(held.len() == 2, "{old}");
        door.check(&attachment("holder"), &held)?;
        Ok(())
    })
}

#[test]
fn todays_daemon_goes_on_with_an_older_journal_and_store() -> Result<()> {
    each(|to| record(to, "embedded"), |from| read(from, "embedded"))
}

#[test]
fn todays_daemon_goes_on_with_what_an_older_one_put_into_etcd() -> Result<()> {
    each(|to| record(to, "etcd"), |from| read(from, "etcd"))
}
