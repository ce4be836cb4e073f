//! An older plugin and an older netctl at today's daemon.

use super::tap::{self, Tap};
use super::{each, lacks};
use crate::real::{Container, plugin};
use crate::support::{create, dual, eventually, in_state, rows};
use anyhow::{Result, ensure};
use fairway_lab::{Value, json, serde_json};
use fairway_tests_cluster::{Bed, Daemon, Plan, bin_dir, on};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What of an answer is the same each time: by the field's name.
fn same(path: &str) -> bool {
    let names = ["code", "pool", "cidr", "state", "prefix", "vni"];
    names.iter().any(|name| path.ends_with(&format!(".{name}")))
}

/// The programs' whole conversation: ADD, CHECK, STATUS, GC and DEL of plugins, and what administrators ask.
fn talk(bed: &Bed, node: &Daemon, socket: &Path) -> Result<()> {
    let netctl = |line: &str| {
        let command = node.ns.command(bin_dir().join("netctl"));
        let words = line.split(' ').map(str::to_owned);
        command.args(words).env("FAIRWAY_SOCKET", socket).output()
    };
    netctl("claim create ops/db --pool p")?;
    netctl("network create apps --pool apps")?;
    let mut live = Vec::new();
    for (name, ipam) in [
        ("plain", json!({})),
        ("kept", json!({"claim": "ops/db", "release": "never"})),
    ] {
        let ns = bed.lab.container()?;
        let cni = plugin(node, name, Some(&ns), &ipam);
        let cni = cni.env("FAIRWAY_SOCKET", socket.display().to_string());
        let result = cni.add()?.ok()?;
        cni.check(&result)?.ok()?;
        cni.status()?.ok()?;
        live.push((ns, cni, result));
    }
    for line in [
        "pool ls",
        "network ls",
        "claim ls",
        "ipam ls",
        "ipam check",
        "node ls",
        "route ls",
        "endpoint ls",
        "policy ls",
        "policy status",
        "rate ls",
        "status",
        "pool create p --cidr 10.1.0.0/16",
        "pool create bad --cidr 10.80.190.0/28",
        "claim rm nobody",
    ] {
        netctl(line)?;
    }
    let valid = [("plain", "eth0"), ("kept", "eth0")];
    live[0].1.gc(&valid)?.ok()?;
    for (_, cni, result) in &live {
        cni.del(Some(result))?.ok()?;
        cni.del(None)?.ok()?;
    }
    netctl("claim rm ops/db")?;
    Ok(())
}

/// Which address was given in place of which: a plugin asks on with what it was given.
type Given = BTreeMap<String, Value>;

fn note(old: &Value, new: &Value, given: &mut Given) {
    let ips = |answer: &Value| -> Vec<Value> {
        let addresses = answer["ok"]["addresses"].as_array();
        let ips = addresses
            .into_iter()
            .flatten()
            .map(|address| address["ip"].clone());
        ips.filter(Value::is_string).collect()
    };
    for (old, new) in ips(old).iter().zip(ips(new)) {
        given.extend(old.as_str().map(|old| (old.to_owned(), new)));
    }
}

fn instead(value: &Value, given: &Given) -> Value {
    match value {
        Value::String(text) => given.get(text).unwrap_or(value).clone(),
        Value::Array(all) => all.iter().map(|value| instead(value, given)).collect(),
        Value::Object(all) => {
            let fields = all
                .iter()
                .map(|(key, value)| (key.clone(), instead(value, given)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn stage(bed: &Bed) -> Result<&Daemon> {
    create(bed, dual("p", 190, 26, 1))?;
    create(bed, dual("apps", 191, 26, 1))?;
    Ok(bed.node(1))
}

fn record(folder: &Path) -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let node = stage(bed)?;
        let to = node.door().socket;
        let tap = Tap::new(to.with_extension("tap"), to)?;
        talk(bed, node, &tap.socket)?;
        let mut text = String::new();
        for call in tap.said() {
            text.push_str(&format!("{call}\n"));
        }
        Ok(fs::write(folder.join("calls.jsonl"), text)?)
    })
}

fn read(version: &Path) -> Result<()> {
    let text = fs::read_to_string(version.join("calls.jsonl"))?;
    on(&Plan::nodes(1).members(1), |bed| {
        let node = stage(bed)?;
        let socket = node.door().socket;
        let mut wrong = Vec::new();
        let mut methods = BTreeSet::new();
        let mut given = BTreeMap::new();
        for line in text.lines() {
            let call: Value = serde_json::from_str(line)?;
            let method = call["ask"]["method"].as_str().unwrap_or_default();
            methods.insert(method.to_owned());
            let ask = instead(&call["ask"], &given);
            let once = || -> Result<(Value, Vec<String>)> {
                let (answer, mut found) = (tap::ask(&socket, &ask)?, Vec::new());
                lacks("", &call["answer"], &answer, &same, &mut found);
                Ok((answer, found))
            };
            let (answer, found) = match method.ends_with(".list") {
                false => once()?,
                // A list has what the store was told of, a moment later.
                true => eventually("the list is as it was", || {
                    let (answer, found) = once()?;
                    ensure!(found.is_empty(), "{method}{found:?}");
                    Ok((answer, found))
                })?,
            };
            note(&call["answer"], &answer, &mut given);
            wrong.extend(found.into_iter().map(|what| format!("{method}{what}")));
        }
        ensure!(wrong.is_empty(), "{wrong:#?}");
        for method in [
            "ipam.allocate",
            "ipam.check",
            "ipam.gc",
            "ipam.release",
            "ipam.status",
            "pool.list",
            "daemon.info",
        ] {
            ensure!(
                methods.contains(method),
                "{method} was not recorded: {methods:?}"
            );
        }
        eventually("what they had is free", || {
            let rows = rows(&node.door())?;
            ensure!(in_state(&rows, "live").is_empty(), "{rows:#?}");
            Ok(())
        })?;
        // Today's programs are none the worse for it.
        Container::add(bed, node, "today")?.del()?.ok()?;
        Ok(())
    })
}

#[test]
fn older_plugins_and_an_older_netctl_are_answered() -> Result<()> {
    each(record, read)
}

/// Not even guessed at: the caller hears which versions there are.
#[test]
fn who_speaks_a_newer_version_is_told_so() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let socket = bed.door(1).socket;
        let answer = tap::ask(
            &socket,
            &json!({"v": 2, "method": "pool.list", "how": "new"}),
        )?;
        ensure!(answer["error"]["code"] == 1, "{answer}");
        let words = answer["error"]["message"].as_str().unwrap_or_default();
        ensure!(words.contains('2') && words.contains('1'), "{answer}");
        Ok(())
    })
}
