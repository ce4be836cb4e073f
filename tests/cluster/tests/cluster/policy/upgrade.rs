//! Another build of plugins and daemon, put on nodes whose containers talk through the overlay and a policy.
//!
//! The other build is what `FAIRWAY_OTHER_CNI_DIR` and `FAIRWAY_OTHER_BIN_DIR` name, such as an older release. Where they
//! name none, it is this build with a mark behind it: other files that do the same.

use super::objects::{apply, namespace, policy};
use super::workload::plain;
use crate::overlay::life::{lossless, streams};
use crate::overlay::stage::{Pod, network, reaches};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_lab::{bin_dir, json, plugin_dir};
use fairway_tests_cluster::{Bed, Build, Daemon, Plan, SOON, Talk, before, say};
use std::env;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Two files of one build.
struct Release {
    name: &'static str,
    plugins: PathBuf,
    daemon: PathBuf,
}

impl Release {
    fn ours() -> Self {
        Self {
            name: "this",
            plugins: plugin_dir().join("fairway-cni"),
            daemon: bin_dir().join("fairwayd"),
        }
    }

    fn other(scratch: &Path) -> Result<Self> {
        let named = |name| env::var_os(name).map(PathBuf::from);
        if let (Some(cni), Some(bin)) = (
            named("FAIRWAY_OTHER_CNI_DIR"),
            named("FAIRWAY_OTHER_BIN_DIR"),
        ) {
            return Ok(Self {
                name: "another",
                plugins: cni.join("fairway-cni"),
                daemon: bin.join("fairwayd"),
            });
        }
        let marked = |from: &Path| -> Result<PathBuf> {
            let to = scratch.join(from.file_name().context("a file")?);
            fs::copy(from, &to)?;
            let mut file = fs::OpenOptions::new().append(true).open(&to)?;
            file.write_all(b"another build")?;
            Ok(to)
        };
        let ours = Self::ours();
        Ok(Self {
            name: "this one with a mark",
            plugins: marked(&ours.plugins)?,
            daemon: marked(&ours.daemon)?,
        })
    }

    /// Puts it on a node, as the installer and a package do.
    fn put(&self, node: &Daemon, place: &Build) -> Result<()> {
        let install = bin_dir().join("fairway-install");
        let command = node.ns.command(install).args(["plugins", "--to"]);
        let command = command.arg(&place.plugins).arg("--from").arg(&self.plugins);
        command.run()?;
        let fresh = place.daemon.with_extension("fresh");
        // By another process: what is open for writing here is so in children of other tests for a moment, and nobody
        // can start it meanwhile.
        let copy = node.ns.command("cp").arg(&self.daemon).arg(&fresh);
        copy.run()?;
        fs::rename(&fresh, &place.daemon)?;
        Ok(())
    }

    /// Is it what runs on the node?
    fn runs(&self, node: &Daemon, place: &Build) -> Result<()> {
        let pid = node.pid().context("a daemon")?;
        let running = fs::metadata(format!("/proc/{pid}/exe"))?;
        let file = fs::metadata(&place.daemon)?;
        ensure!((running.dev(), running.ino()) == (file.dev(), file.ino()));
        ensure!(
            fs::read(&place.daemon)? == fs::read(&self.daemon)?,
            "the daemon"
        );
        let plugin = fs::read(place.plugins.join("vxlan"))?;
        ensure!(plugin == fs::read(&self.plugins)?, "the plugins");
        Ok(())
    }
}

/// Pods of x may be reached by pods of z.
fn only_z() -> fairway_lab::Value {
    let z = json!({"namespaceSelector": {"matchLabels": {"ns": "z"}}});
    let rules = json!([{"from": [z]}]);
    policy("x", "only-z", json!({"podSelector": {}, "ingress": rules}))
}

fn judged(node: &Daemon, pods: usize) -> Result<()> {
    eventually("it knows its containers", || {
        let endpoints = node.door().endpoints()?;
        let ready = endpoints.iter().filter(|endpoint| endpoint.ready).count();
        ensure!(ready == pods, "{endpoints:?}");
        Ok(())
    })
}

/// What the systemd unit leaves a daemon, as setpriv has it.
fn capabilities() -> Result<String> {
    let unit = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/systemd/fairwayd.service"
    );
    let text = fs::read_to_string(unit)?;
    let mut lines = text.lines();
    let set = lines.find_map(|line| line.strip_prefix("CapabilityBoundingSet="));
    let set = set.context("a set of capabilities")?.split(' ');
    let kept = set.map(|name| name.trim_start_matches("CAP_").to_lowercase());
    let kept: Vec<_> = kept.map(|name| format!(",+{name}")).collect();
    ensure!(kept.len() > 3, "{kept:?}");
    Ok(format!("-all{}", kept.concat()))
}

fn exchange(bed: &Bed) -> Result<()> {
    let others = bed.lab.scratch().join("other");
    fs::create_dir(&others)?;
    let (ours, other) = (Release::ours(), Release::other(&others)?);
    say(format!("the other build is {}", other.name));
    let mut places = Vec::new();
    for daemon in &bed.daemons {
        let folder = bed.lab.scratch().join(format!("{}-programs", daemon.name));
        let place = Build {
            daemon: folder.join("fairwayd"),
            plugins: folder.join("cni"),
        };
        fs::create_dir(&folder)?;
        ours.put(daemon, &place)?;
        daemon.runs(place.clone());
        daemon.lacks(&capabilities()?);
        daemon.start_connected()?;
        places.push(place);
    }
    network(bed, "net", 158, "always")?;
    apply(
        &bed.door(1),
        &["x", "z"].map(|ns| namespace(ns, json!({"ns": ns}))),
    )?;
    apply(&bed.door(1), &[only_z()])?;
    let server = plain(bed, 1, "x", "server")?;
    let client = plain(bed, 2, "z", "client")?;
    for ip in &server.ips {
        reaches(&client, *ip, SOON)?;
    }
    let pings = streams(&[&client, &server])?;
    let mut talks = Vec::new();
    for (number, ip) in server.ips.iter().enumerate() {
        let port = 7000 + u16::try_from(number)?;
        talks.push(Talk::start(&client.ns, (&server.ns, *ip), port)?);
    }

    // What one build has made, the other checks and deletes.
    let mut late: Vec<Pod> = Vec::new();
    for (round, release) in [&other, &ours, &other].into_iter().enumerate() {
        for (number, (node, place)) in bed.daemons.iter().zip(&places).enumerate() {
            // New plugins and the old daemon, for as long as it takes.
            release.put(node, place)?;
            let name = format!("late-{round}-{number}");
            let between = Pod::add(bed, number + 1, &name, "net")?;
            match round % 2 {
                0 => node.stop()?,
                _ => node.kill()?,
            }
            node.start_connected()?;
            release.runs(node, place)?;
            let pod = if number == 0 { &server } else { &client };
            judged(node, 2)?;
            for pod in [pod, &between] {
                pod.cni.check(&pod.result)?.ok()?;
            }
            late.push(between);
        }
        talks.iter().try_for_each(Talk::goes_on)?;
        for pod in late.drain(..) {
            pod.del()?;
        }
    }
    lossless(pings)?;
    for pod in [&server, &client] {
        pod.cni.check(&pod.result)?.ok()?;
        pod.del()?;
    }
    for (node, place) in bed.daemons.iter().zip(&places) {
        let install = bin_dir().join("fairway-install");
        let command = node.ns.command(install).args(["remove", "--plugins"]);
        command.arg(&place.plugins).run()?;
        ensure!(fs::read_dir(&place.plugins)?.next().is_none());
    }
    Ok(())
}

#[test]
fn an_upgrade_and_a_downgrade_lose_no_packet() -> Result<()> {
    before(&Plan::nodes(2).members(1), exchange)
}
