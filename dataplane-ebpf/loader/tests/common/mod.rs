//! Mounts and links that live as long as a test's threads.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks, and each test uses a part of this"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use fairway_dataplane::abi::{Config, Endpoint};
use fairway_dataplane::{Dataplane, Options, Sizes};
use fairway_lab::{Lab, Ns, Value, serde_json, tempfile};
use fairway_netlink::{Handle, NetNs, Netlink};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Runs a test with mounts of its own, and a folder for pins.
pub fn with_pins(test: impl FnOnce(&Path) + Send) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("pins");
    let done = std::thread::scope(|scope| {
        let body = || {
            unshare(CloneFlags::CLONE_NEWNS).expect("needs root");
            let none: Option<&str> = None;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
            test(&root);
        };
        scope.spawn(body).join()
    });
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

/// Sizes that are filled in a moment.
pub fn sizes() -> Sizes {
    Sizes {
        track_open: 4096,
        track_new: 4096,
        ..Sizes::default()
    }
}

pub fn options(root: &Path) -> Options {
    Options {
        sizes: sizes(),
        pins: Some(root.to_owned()),
    }
}

pub fn config(epoch: u32) -> Config {
    Config {
        epoch,
        ..Config::default()
    }
}

/// The file of a map in a generation.
pub fn pin(root: &Path, generation: u64, map: &str) -> String {
    let folder = root.join(format!("generation-{generation}"));
    let files = std::fs::read_dir(&folder).unwrap();
    let file = files
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.strip_prefix(map)
                .is_some_and(|rest| rest.starts_with("-v"))
        })
        .unwrap_or_else(|| panic!("no {map} in {}", folder.display()));
    file.to_str().unwrap().to_owned()
}

/// What is in a folder of pins.
pub fn names(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // The kernel's own.
    names.retain(|name| !name.ends_with(".debug"));
    names.sort();
    names
}

/// What bpftool says a map holds.
pub fn dumped(file: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let entries = bpftool(&["map", "dump", "pinned", file]);
    let entries = entries.as_array().unwrap().iter();
    entries
        .map(|entry| (bytes(&entry["key"]), bytes(&entry["value"])))
        .collect()
}

fn bytes(list: &Value) -> Vec<u8> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list}")).iter();
    list.map(|byte| {
        let text = byte.as_str().unwrap().trim_start_matches("0x");
        u8::from_str_radix(text, 16).unwrap()
    })
    .collect()
}

pub fn bpftool(args: &[&str]) -> Value {
    let output = Command::new("bpftool")
        .arg("-j")
        .args(args)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "bpftool {args:?}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
}

/// A node and a container, 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2.
pub struct Pair {
    pub lab: Lab,
    pub container: Ns,
    /// The index of the node's end, `v`.
    pub link: u32,
    pub endpoint: Endpoint,
}

impl Pair {
    pub fn new() -> Self {
        let lab = Lab::new().unwrap();
        let container = lab.container().unwrap();
        let (node, peer) = (lab.node(), container.path());
        node.run(&format!(
            "ip link add v type veth peer name eth0 netns {}",
            peer.display()
        ))
        .unwrap();
        for (ns, link, ip) in [(node, "v", 1), (&container, "eth0", 2)] {
            ns.addr(link, &format!("10.0.0.{ip}/24")).unwrap();
            ns.addr(link, &format!("fd00::{ip}/64")).unwrap();
        }
        container.up("lo").unwrap();
        let found = |ns: &Ns, link| {
            let mut handle = handle(ns);
            handle.link_by_name(link).unwrap().unwrap()
        };
        let (near, far) = (found(node, "v"), found(&container, "eth0"));
        let endpoint = Endpoint {
            identity: 2,
            flags: Endpoint::OPEN,
            mtu: 1500,
            v4: u32::from_ne_bytes([10, 0, 0, 2]),
            v6: {
                let octets = "fd00::2".parse::<std::net::Ipv6Addr>().unwrap().octets();
                fairway_dataplane::abi::Addr::from_octets(octets).0
            },
            mac: far.mac.unwrap().0,
            host_mac: near.mac.unwrap().0,
            ..Endpoint::default()
        };
        Self {
            lab,
            container,
            link: near.index,
            endpoint,
        }
    }

    /// Both ends come up; nothing was sent before.
    pub fn up(&self) {
        self.lab.node().up("v").unwrap();
        self.container.up("eth0").unwrap();
    }

    pub fn handle(&self) -> Handle {
        handle(self.lab.node())
    }

    /// Both know each other's hardware address, so that nobody asks for it.
    pub fn introduce(&self) {
        let text = |mac: [u8; 6]| mac.map(|byte| format!("{byte:02x}")).join(":");
        let (near, far) = (text(self.endpoint.host_mac), text(self.endpoint.mac));
        for net in ["10.0.0.", "fd00::"] {
            let neighbour = |ns: &Ns, host: u8, mac: &str, link: &str| {
                let line = format!("ip neigh replace {net}{host} lladdr {mac} dev {link}");
                ns.run(&line).unwrap();
            };
            neighbour(self.lab.node(), 2, &far, "v");
            neighbour(&self.container, 1, &near, "eth0");
        }
    }

    /// What a generation needs so that everything passes.
    pub fn open(&self, dataplane: &mut Dataplane, epoch: u32) {
        dataplane.set_config(&config(epoch)).unwrap();
        dataplane.put_endpoint(self.link, &self.endpoint).unwrap();
    }
}

pub fn handle(ns: &Ns) -> Handle {
    Handle::open_in(&NetNs::open(ns.path()).unwrap()).unwrap()
}
