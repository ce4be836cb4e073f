//! The node that a plugin runs on, its containers, and what the suite knows of the plugin; `calls` are made there.
//!
//! For a chained plugin the suite itself is the plugin before: it makes a bridge on the node and a pair of links for
//! each container, by `ip`, and tells of them as `prevResult`.

mod calls;

use crate::{
    Profile, SuiteError,
    call::clipped,
    check::{Because, Outcome, wrong},
    profile::MASTER,
    stand_in,
};
use fairway_ephemeral::{Cmd, Lab, Mounts, Ns, Snapshot};
use serde_json::{Map, Value};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

/// Where plugins keep what they know; there the node has mounts of its own.
const KEPT: [&str; 2] = ["/run/cni", "/var/lib/cni"];
/// How long traces may take to go that the kernel takes away by itself.
const SETTLES: Duration = Duration::from_secs(3);
const BRIDGE: &str = "staged0";
/// One that was not set would be the lowest of the ports', and change whenever one of those comes or goes.
const BRIDGE_MAC: &str = "02:00:00:e6:00:01";

/// The plugin.
pub(crate) struct Subject {
    pub(crate) kind: String,
    pub(crate) binary: PathBuf,
    pub(crate) profile: Profile,
    pub(crate) conf: Map<String, Value>,
    pub(crate) limit: Duration,
    pub(crate) env: Vec<(String, String)>,
    /// `CNI_PATH`.
    pub(crate) path: String,
}

/// See the module's head.
pub(crate) struct Stage {
    pub(crate) subject: Subject,
    lab: Lab,
    /// Where the node's wires end.
    outside: Ns,
    mounts: Mounts,
    made: AtomicU32,
    /// Attached once and for all, so that what is the node's, such as a bridge, is there and as it is with containers.
    resident: OnceLock<Container>,
    /// An ADD has succeeded: one that fails is the plugin's fault, and not what another check is about.
    works: AtomicBool,
}

/// A container and the interface that it is to have.
#[derive(Clone)]
pub(crate) struct Container {
    pub(crate) number: u32,
    pub(crate) id: String,
    pub(crate) ifname: String,
    pub(crate) ns: Ns,
}

/// What may be left behind.
pub(crate) struct State {
    node: Snapshot,
    files: BTreeSet<String>,
}

impl Stage {
    pub(crate) fn new(mut subject: Subject, helper: &Path) -> Result<Self, SuiteError> {
        let lab = Lab::new()?;
        let bin = lab.scratch().join("bin");
        let made = fs::create_dir(&bin)
            .and_then(|()| std::os::unix::fs::symlink(helper, bin.join(stand_in::NAME)));
        made.map_err(SuiteError::Mounts)?;
        subject.path = format!("{}:{}", bin.display(), subject.path);
        let stage = Stage {
            subject,
            outside: lab.machine("outside")?,
            lab,
            mounts: Mounts::over(&KEPT).map_err(SuiteError::Mounts)?,
            made: AtomicU32::new(0),
            resident: OnceLock::new(),
            works: AtomicBool::new(false),
        };
        stage.lay_out()?;
        Ok(stage)
    }

    fn lay_out(&self) -> fairway_ephemeral::Result {
        let node = self.node();
        no_dad(node)?;
        self.lab.wire(node, MASTER, &self.outside, "eth0")?;
        node.addr(MASTER, "192.0.2.1/24")?;
        node.addr(MASTER, "2001:db8::1/64")?;
        node.run(&format!(
            "ip route add default via 192.0.2.254 dev {MASTER}"
        ))?;
        node.run(&format!(
            "ip route add default via 2001:db8::fe dev {MASTER}"
        ))?;
        if self.subject.profile == Profile::Chained {
            node.run(&format!(
                "ip link add {BRIDGE} address {BRIDGE_MAC} type bridge"
            ))?;
            node.up(BRIDGE)?;
            node.addr(BRIDGE, "10.230.0.1/16")?;
            node.addr(BRIDGE, "fd00:230::1/64")?;
        }
        Ok(())
    }

    pub(crate) fn node(&self) -> &Ns {
        self.lab.node()
    }

    /// A command on the node, in its mounts.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Cmd {
        let command = self.node().command("nsenter");
        command.arg(self.mounts.flag()).arg("--").arg(program)
    }

    /// What the stand-in has given out and was asked lies there.
    pub(crate) fn stand_in(&self) -> PathBuf {
        self.lab.scratch().join("ipam")
    }

    /// Where no namespace is, whatever else is on the machine.
    pub(crate) fn nowhere(&self) -> PathBuf {
        self.lab.scratch().join("lost-long-ago")
    }

    /// Does the plugin get its addresses from the stand-in?
    pub(crate) fn has_stand_in(&self) -> bool {
        self.subject
            .conf
            .get("ipam")
            .is_some_and(|ipam| ipam["type"] == stand_in::NAME)
    }

    /// A fresh container.
    pub(crate) fn container(&self) -> Outcome<Container> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let ns = self.lab.container()?;
        no_dad(&ns)?;
        let ifname = if self.subject.kind == "loopback" {
            "lo"
        } else {
            "eth0"
        };
        let container = Container {
            number,
            id: format!("conformance-{number}"),
            ifname: ifname.to_owned(),
            ns,
        };
        if self.subject.profile == Profile::Chained {
            self.attach(&container)?;
        }
        if self.subject.kind == "host-device" {
            let spare = format!("spare{number}");
            self.lab.wire(self.node(), &spare, &self.outside, &spare)?;
        }
        Ok(container)
    }

    /// What the plugin before a chained one would have done.
    fn attach(&self, container: &Container) -> Outcome {
        let (number, node) = (container.number, self.node());
        let port = format!("staged0p{number}");
        self.lab.wire(node, &port, &container.ns, "eth0")?;
        node.run(&format!("ip link set {port} master {BRIDGE}"))?;
        for (address, gateway) in staged(number) {
            container.ns.addr("eth0", &address)?;
            container
                .ns
                .run(&format!("ip route add default via {gateway} dev eth0"))?;
        }
        container.ns.up("lo")?;
        Ok(())
    }

    /// Before an ADD for a container that had one: the plugin before a chained one would have made its addresses and
    /// routes anew, whatever became of them.
    pub(crate) fn renew(&self, container: &Container) -> Outcome {
        if self.subject.profile != Profile::Chained {
            return Ok(());
        }
        container.ns.run("ip addr flush dev eth0 scope global")?;
        for (address, gateway) in staged(container.number) {
            container.ns.addr("eth0", &address)?;
            let line = format!("ip route replace default via {gateway} dev eth0");
            container.ns.run(&line)?;
        }
        Ok(())
    }

    /// What GC must leave alone besides what a check is about.
    pub(crate) fn resident(&self) -> Option<&Container> {
        self.resident.get()
    }

    /// What is there, once it has come to rest: links come up, and addresses with them, a moment later.
    pub(crate) fn state(&self) -> Outcome<State> {
        let node = Snapshot::settled(self.node(), SETTLES)?;
        Ok(State {
            node,
            files: self.files()?,
        })
    }

    /// Files in the plugin's folders.
    fn files(&self) -> Outcome<BTreeSet<String>> {
        let scratch = self.lab.scratch();
        let find = self.command("find").args(KEPT).arg(scratch);
        let find = find
            .args(["-type", "f", "-not", "-path"])
            .arg(self.stand_in().join("*"));
        Ok(find.run()?.lines().map(ToOwned::to_owned).collect())
    }

    /// What the stand-in has given to a container.
    pub(crate) fn given(&self, container: &Container) -> Vec<u32> {
        let owner = stand_in::owner(&container.id, &container.ifname);
        let held = stand_in::held(&self.stand_in()).into_iter();
        held.filter(|(_, held)| *held == owner)
            .map(|(number, _)| number)
            .collect()
    }

    /// How often the stand-in was asked for a verb about a container; about none with `None`.
    pub(crate) fn asked(&self, verb: &str, container: Option<&Container>) -> usize {
        let log = fs::read_to_string(self.stand_in().join("log")).unwrap_or_default();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let owner = container.map(|container| stand_in::owner(&container.id, &container.ifname));
        lines
            .filter(|line| {
                line["verb"] == verb && owner.as_ref().is_none_or(|owner| line["owner"] == **owner)
            })
            .count()
    }

    /// Makes a verb of the stand-in fail while `f` runs.
    pub(crate) fn refusing<T>(&self, verb: &str, f: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let told = self.stand_in().join(format!("refuse-{verb}"));
        let made = fs::create_dir_all(self.stand_in()).and_then(|()| fs::write(&told, ""));
        made.map_err(|error| Because::Bed(format!("the stand-in cannot be told: {error}")))?;
        let outcome = f();
        let removed = fs::remove_file(&told);
        removed.map_err(|error| Because::Bed(format!("the stand-in cannot be told: {error}")))?;
        outcome
    }
}

impl State {
    /// The node must be as it was.
    pub(crate) fn unchanged(&self, stage: &Stage, after: &str) -> Outcome {
        if let Err(error) = self.node.unchanged(stage.node(), SETTLES) {
            return match error {
                fairway_ephemeral::Error::Differ { diff, .. } => wrong(format!(
                    "after {after} the node is not as it was: {}",
                    shortened(&diff)
                )),
                other => Err(other.into()),
            };
        }
        let files = stage.files()?;
        let more: Vec<_> = files.difference(&self.files).map(String::as_str).collect();
        match more.is_empty() {
            true => Ok(()),
            false => wrong(format!(
                "after {after} there are files that were not: {}",
                more.join(", ")
            )),
        }
    }
}

impl Container {
    /// `CNI_NETNS`.
    pub(crate) fn sandbox(&self) -> String {
        self.ns.path().display().to_string()
    }

    /// Gives it an interface of the name that the plugin's is to have.
    pub(crate) fn occupy(&self) -> Outcome {
        let line = format!("ip link add {} type veth peer name other0", self.ifname);
        self.ns.run(&line)?;
        Ok(())
    }

    /// Its namespace goes, as far as links stand in there alone, and takes along what those have asked of the node's, such
    /// as an address to listen to. Links whose other end is on the node stay: those are the plugin's to remove.
    pub(crate) fn lose(&self) -> Outcome {
        let links = self.ns.json("ip -j -d link show")?;
        for link in links.as_array().into_iter().flatten() {
            let kind = link["linkinfo"]["info_kind"].as_str();
            if let (Some(kind), Some(name)) = (kind, link["ifname"].as_str())
                && kind != "veth"
            {
                // Tunnels that each namespace has from the kernel stay as long as it does.
                let _ = self.ns.run(&format!("ip link del {name}"));
            }
        }
        Ok(())
    }

    /// The same container, another interface.
    pub(crate) fn with_ifname(&self, ifname: &str) -> Container {
        Container {
            ifname: ifname.to_owned(),
            ..self.clone()
        }
    }
}

/// The first lines of a difference, each of a length that people read.
fn shortened(diff: &str) -> String {
    /// So many tell what it is about.
    const LINES: usize = 12;
    let lines: Vec<_> = diff.lines().collect();
    let shown = lines.iter().take(LINES).map(|line| clipped(line, 120));
    let mut text = shown.collect::<Vec<_>>().join("\n");
    if lines.len() > LINES {
        text.push_str(&format!("\n… and {} lines more", lines.len() - LINES));
    }
    text
}

/// Addresses and gateways of a staged container.
fn staged(number: u32) -> [(String, String); 2] {
    let number = number + 1;
    let v4 = format!("10.230.{}.{}/16", number >> 8, number & 255);
    let v6 = format!("fd00:230::{number:x}/64");
    [
        (v4, "10.230.0.1".to_owned()),
        (v6, "fd00:230::1".to_owned()),
    ]
}

/// Duplicate address detection takes a second or two each time, and nobody else is on these wires.
fn no_dad(ns: &Ns) -> fairway_ephemeral::Result {
    ns.set_sysctl("ipv6/conf/default/accept_dad", "0")
}
