//! What the pods of a run differ by: their network.

use super::overlay;
use anyhow::{Context as _, Result};
use fairway_lab::{Value, json, reference_dir};
use fairway_tests_interop::host::Host;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Pods in the node's own network namespace: no plugin is called, and no namespace is made.
pub(super) const HOST: &str = "host";
/// A namespace of its own, and plugins that do nothing.
pub(super) const NOTHING: &str = "nothing";
/// The reference's bridge, host-local and portmap.
pub(super) const REFERENCE: &str = "reference";
/// Ours of the same names.
pub(super) const BRIDGE: &str = "bridge";
/// Our overlay: vxlan, addresses of the daemon, portmap.
pub(super) const OVERLAY: &str = "overlay";

/// In the order of their turns.
pub(super) const ALL: [&str; 5] = [HOST, NOTHING, REFERENCE, BRIDGE, OVERLAY];

/// The types that the runtime calls.
const TYPES: [&str; 4] = ["loopback", "bridge", "vxlan", "portmap"];

/// Answers like a plugin.
const SILENT: &str = r#"#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion": "0.3.1", "interfaces": [{"name": "'"$CNI_IFNAME"'", "sandbox": "'"$CNI_NETNS"'"}],
 "ips": [{"version": "4", "interface": 0, "address": "10.9.9.9/32"}]}'
"#;

/// Folders as the runtime is to have them.
#[derive(Debug)]
pub(super) struct Sides {
    /// Where the runtime finds plugins: the front under each name.
    pub(super) front: PathBuf,
    /// A folder of plugins for each side.
    pub(super) folders: PathBuf,
    /// What the front notes.
    pub(super) calls: PathBuf,
    /// Names of those with a network, and the folder with its configuration.
    pub(super) handlers: Vec<(String, PathBuf)>,
}

impl Sides {
    /// Lays all of it out; addresses of host-local are kept below `disk`.
    pub(super) fn new(host: &Host, disk: &Path) -> Result<Self> {
        let work = host.work();
        let sides = Self {
            front: work.join("front"),
            folders: work.join("sides"),
            calls: work.join("front-calls"),
            handlers: Vec::new(),
        };
        fs::create_dir(&sides.folders)?;
        fs::create_dir(&sides.front)?;
        let program = std::env::current_exe()?.with_file_name("fairway-bench-front");
        let first = sides.front.join(TYPES[0]);
        fs::copy(&program, &first).with_context(|| program.display().to_string())?;
        for kind in &TYPES[1..] {
            fs::hard_link(&first, sides.front.join(kind))?;
        }
        let ours = host.plugins().dir();
        for (name, folder) in [
            (REFERENCE, &*reference_dir()),
            (BRIDGE, ours),
            (OVERLAY, ours),
        ] {
            std::os::unix::fs::symlink(folder, sides.folders.join(name))?;
        }
        silent(&sides.folders.join(NOTHING))?;
        sides.configured(work, disk)
    }

    fn configured(mut self, work: &Path, disk: &Path) -> Result<Self> {
        for side in &ALL[1..] {
            let folder = work.join(format!("net-{side}"));
            fs::create_dir(&folder)?;
            let text = list(side, disk).to_string();
            fs::write(folder.join("10.conflist"), &text)?;
            // The runtime wants to know of a usual network as well, which is nobody's here.
            if *side == NOTHING {
                fs::write(work.join("net.d/10.conflist"), &text)?;
            }
            self.handlers.push(((*side).to_owned(), folder));
        }
        Ok(self)
    }
}

fn silent(folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    for kind in TYPES {
        let path = folder.join(kind);
        fs::write(&path, SILENT)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// What administrators write: a bridge that masquerades, or our network, and ports of the host behind it.
fn list(side: &str, disk: &Path) -> Value {
    let portmap = json!({"type": "portmap", "capabilities": {"portMappings": true}});
    let (version, plugins) = match side {
        NOTHING => ("0.3.1", json!([{"type": "bridge"}])),
        OVERLAY => ("1.0.0", json!([overlay::plugin(), portmap])),
        _ => ("1.0.0", json!([bridge(side, &disk.join(side)), portmap])),
    };
    json!({"cniVersion": version, "name": side, "plugins": plugins})
}

/// The bridge, the same for both makers but for what stands on the node.
pub(super) fn bridge(side: &str, data: &Path) -> Value {
    let (name, subnet) = match side {
        REFERENCE => ("br-reference", "10.72.0.0/16"),
        _ => ("br-fairway", "10.76.0.0/16"),
    };
    json!({
        "type": "bridge", "bridge": name, "isDefaultGateway": true, "ipMasq": true,
        "ipam": {"type": "host-local", "dataDir": data, "ranges": [[{"subnet": subnet}]]},
    })
}
