//! Whole operations on real folders.

mod behaviour;
mod boot;
mod killed;
mod model;
mod trust;

use crate::{
    error::AllocError,
    identity::Identity,
    pool::{add, del, exhausted, gc, holdings},
    range::RangeSet,
    record::Record,
    request::Request,
    store::Store,
};
use fairway_cni::{ContainerId, Field, IfName, NetworkName, asked::Place};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Once,
    time::Duration,
};

/// A network of its own, with what the plugin would be told about it.
pub(crate) struct Net {
    dir: tempfile::TempDir,
    sets: Vec<RangeSet>,
    boot: u8,
}

/// A folder, in memory where there is room: these tests make thousands of files.
///
/// Those that killed test runs have left are removed: whose name holds a process that is no more.
pub(crate) fn scratch() -> tempfile::TempDir {
    static SWEPT: Once = Once::new();
    const PREFIX: &str = "fairway-host-local-";
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    SWEPT.call_once(|| {
        for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            let owner = name
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.split('-').next());
            if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    });
    let prefix = format!("{PREFIX}{}-", std::process::id());
    tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(parent)
        .unwrap()
}

fn id(name: &str) -> ContainerId {
    name.parse().unwrap()
}

fn eth0() -> IfName {
    "eth0".parse().unwrap()
}

impl Net {
    fn new(ranges: Value) -> Self {
        let read =
            |(index, set)| RangeSet::from_json(&Field::new(set, format!("ipam.ranges[{index}]")));
        let sets = ranges.as_array().unwrap().iter().enumerate().map(read);
        Net {
            dir: scratch(),
            sets: sets.collect::<Result<_, _>>().unwrap(),
            boot: 1,
        }
    }

    pub(crate) fn store(&self) -> Store {
        let spans = self
            .sets
            .iter()
            .flat_map(RangeSet::ranges)
            .map(|range| range.span())
            .collect();
        let name: NetworkName = "net".parse().unwrap();
        let identity = Identity {
            boot: Some([self.boot; 16]),
            machine: Some([9; 16]),
        };
        Store::new(self.dir.path(), &name, spans)
            .with_identity(identity)
            .with_wait(Duration::from_secs(10))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("net").join(name)
    }

    pub(crate) fn add(&self, name: &str) -> Result<Vec<String>, AllocError> {
        let wanted = vec![None; self.sets.len()];
        let given = add(&self.store(), &self.sets, &wanted, &id(name), &eth0())?;
        Ok(given.iter().map(ToString::to_string).collect())
    }

    pub(crate) fn add_exactly(&self, name: &str, ip: &str) -> Result<Vec<String>, AllocError> {
        let request = Request {
            ip: ip.parse().unwrap(),
            field: "runtimeConfig.ips[0]".to_owned(),
            place: Place::RuntimeConfig,
        };
        let given = add(
            &self.store(),
            &self.sets,
            &[Some(&request)],
            &id(name),
            &eth0(),
        )?;
        Ok(given.iter().map(ToString::to_string).collect())
    }

    pub(crate) fn del(&self, name: &str) {
        assert!(del(&self.store(), &id(name), &eth0()).unwrap().is_empty());
    }

    fn gc(&self, valid: &[&str]) {
        let valid = valid.iter().map(|id| (*id, "eth0"));
        assert!(gc(&self.store(), valid).unwrap().is_empty());
    }

    fn holdings(&self, name: &str) -> Vec<String> {
        let held = holdings(&self.store(), &id(name), &eth0()).unwrap();
        held.iter().map(ToString::to_string).collect()
    }

    fn full(&self) -> bool {
        exhausted(&self.store(), &self.sets).unwrap().is_some()
    }

    /// The reference plugin's way: no index, no care.
    fn foreign(&self, ip: &str, content: &str) {
        self.file(ip, content);
        self.file("last_reserved_ip.0", ip);
    }

    fn file(&self, name: &str, content: &str) {
        fs::create_dir_all(self.dir.path().join("net")).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    /// Address files and what is in them.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let Ok(dir) = fs::read_dir(self.dir.path().join("net")) else {
            return BTreeMap::new();
        };
        let entries = dir.map(|entry| entry.unwrap());
        let address = entries.filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.parse::<IpAddr>().is_ok())
        });
        let read = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            (
                name,
                String::from_utf8(fs::read(entry.path()).unwrap()).unwrap(),
            )
        };
        address.map(read).collect()
    }

    /// Does the index agree with the files, without their being read?
    fn sound(&self) {
        for (ip, content) in self.files() {
            if let Record::Owner {
                id,
                ifname: Some(_),
            } = Record::parse(content.as_bytes())
            {
                assert!(
                    self.holdings(id.as_str()).contains(&ip),
                    "{ip} of {id} is not found"
                );
            }
        }
    }
}

pub(crate) fn small() -> Net {
    Net::new(json!([[{"subnet": "10.0.0.0/29"}]]))
}

fn dual() -> Net {
    Net::new(json!([[{"subnet": "10.0.0.0/29"}], [{"subnet": "fd00::/120"}]]))
}
