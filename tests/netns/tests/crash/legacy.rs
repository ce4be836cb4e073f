//! iptables-legacy: the one backend that is a program of its own, which goes on when the plugin that runs
//! it is killed.

use crate::rounds::at;
use fairway_lab::poll;
use fairway_tests_netns::{Bed, Cni, Result, State, Step, Traced, ensure, json, require};
use fairway_tests_netns::{Error, Feature, SOON};
use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
};

const PROGRAM: &str = "/usr/sbin/xtables-legacy-multi";
const NAMES: [&str; 6] = [
    "iptables",
    "iptables-save",
    "iptables-restore",
    "ip6tables",
    "ip6tables-save",
    "ip6tables-restore",
];

/// Rules of both families, listed by the legacy programs.
fn rules(bed: &Bed) -> Result<String> {
    let listed = bed
        .node()
        .sh("iptables-legacy-save -t nat; ip6tables-legacy-save -t nat")?;
    let lines = listed
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains('['));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// Does a program of iptables-legacy run in the node's namespace?
fn runs_on(bed: &Bed) -> bool {
    let inode = |path: &Path| fs::metadata(path).map(|found| found.ino()).ok();
    let node = inode(&bed.node().path());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let program = fs::canonicalize(PROGRAM).ok();
    processes.map(|entry| entry.path()).any(|process| {
        let runs = fs::read_link(process.join("exe")).ok();
        runs.is_some() && runs == program && inode(&process.join("ns/net")) == node
    })
}

#[test]
fn bridge_with_iptables_legacy() -> Result {
    if !require(Feature::Iptables)? || !Path::new(PROGRAM).exists() {
        return Ok(());
    }
    let bed = Bed::new()?;
    let bin = bed.scratch().join("bin");
    fs::create_dir(&bin).map_err(os)?;
    NAMES
        .iter()
        .try_for_each(|name| symlink(PROGRAM, bin.join(name)))
        .map_err(os)?;
    let path = format!("{}:/usr/sbin:/usr/bin", bin.display());
    let legacy = |cni: Cni| cni.env("PATH", path.clone());

    let traced = Traced::new(bed.scratch())?;
    let conf = bed.conf(
        "bridge",
        json!({"isDefaultGateway": true, "ipMasq": true, "ipMasqBackend": "iptables"}),
    );
    let (other, ns) = (bed.container()?, bed.container()?);
    legacy(bed.cni("resident", &other, &conf)).add()?.ok()?;
    let cni = legacy(bed.cni("victim", &ns, &conf));
    let under = legacy(bed.cni_in(traced.dir(), "victim", &ns, &conf));
    cni.add()?.ok()?;
    ensure(
        rules(&bed)?.contains("10.1.0.3"),
        "rules in the legacy table",
    )?;
    cni.del(None)?.ok()?;

    let (before, ruled) = (State::take(&bed, &[&ns])?, rules(&bed)?);
    ensure(
        ruled.contains("10.1.0.2") && !ruled.contains("10.1.0.3"),
        "the resident's rules alone",
    )?;
    let clean = |step: &Step| -> Result {
        // What the killed plugin had begun goes on without it; only then is the call next.
        poll(SOON, "the legacy programs to end", || !runs_on(&bed))?;
        cni.del(None)?.ok()?;
        before.about_unchanged().map_err(|error| at(step, &error))?;
        let now = rules(&bed)?;
        ensure(
            now == ruled,
            format!("{step}: the legacy rules to be as before, not\n{now}"),
        )
    };
    let adds = traced.steps(&under, "ADD")?;
    cni.del(None)?.ok()?;
    for step in &adds {
        let killed = traced.kill(&under, "ADD", step)?;
        ensure(killed, "the kill to come before the end of the call")?;
        clean(step)?;
    }
    cni.add()?.ok()?;
    for step in &traced.steps(&under, "DEL")? {
        cni.add()?.ok()?;
        let killed = traced.kill(&under, "DEL", step)?;
        ensure(killed, "the kill to come before the end of the call")?;
        clean(step)?;
    }
    before.unchanged()
}

fn os(source: std::io::Error) -> Error {
    Error::Os {
        what: "links to the legacy programs".to_owned(),
        source,
    }
}
