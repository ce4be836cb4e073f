//! A folder, and plugins called on it as a runtime calls them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

use fairway_lab::{Cni, Lab, Ns, Value, json};
use std::{collections::BTreeMap, fs, io::Write as _, net::IpAddr, path::Path};

pub struct Bed {
    lab: Lab,
    container: Ns,
    ranges: Value,
}

impl Bed {
    pub fn new(ranges: Value) -> Self {
        let lab = Lab::new().unwrap();
        Bed {
            container: lab.container().unwrap(),
            lab,
            ranges,
        }
    }

    /// Calls of `program` for a container.
    pub fn call(&self, program: &str, id: &str) -> Cni {
        let program = Path::new(program);
        let kind = program.file_name().unwrap().to_str().unwrap();
        Cni::new(self.lab.node(), program.parent().unwrap(), kind)
            .container(id)
            .netns(&self.container)
            .config(json!({
                "cniVersion": "1.0.0", "name": "net", "type": "bridge",
                "ipam": {"type": "host-local", "dataDir": self.dir(), "ranges": self.ranges}
            }))
    }

    /// The addresses that an ADD gives.
    pub fn add(&self, program: &str, id: &str) -> Vec<String> {
        let result = self.call(program, id).add().unwrap().ok().unwrap();
        addresses(&result)
    }

    pub fn del(&self, program: &str, id: &str) {
        self.call(program, id).del(None).unwrap().ok().unwrap();
    }

    pub fn node(&self) -> &Ns {
        self.lab.node()
    }

    /// `dataDir`.
    pub fn dir(&self) -> &Path {
        self.lab.scratch()
    }

    pub fn folder(&self) -> std::path::PathBuf {
        self.dir().join("net")
    }

    /// Address files and what is in them.
    pub fn files(&self) -> BTreeMap<IpAddr, String> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.folder()).unwrap() {
            let entry = entry.unwrap();
            let Ok(ip) = entry.file_name().to_str().unwrap().parse() else {
                continue;
            };
            match fs::read_to_string(entry.path()) {
                Ok(content) => _ = files.insert(ip, content),
                // Another process may be at work.
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
            }
        }
        files
    }
}

pub fn addresses(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().unwrap();
    ips.iter()
        .map(|ip| ip["address"].as_str().unwrap().to_owned())
        .collect()
}

/// Ours.
pub const OURS: &str = env!("CARGO_BIN_EXE_host-local-alone");

/// The reference plugin, or `None` with a word on it.
pub fn theirs(test: &str) -> Option<String> {
    let path = fairway_lab::reference_dir().join("host-local");
    if path.exists() {
        return Some(path.to_str().unwrap().to_owned());
    }
    let path = path.display();
    let _ = writeln!(
        std::io::stdout(),
        "SKIP {test}: no reference plugin {path} (containernetworking-plugins)"
    );
    None
}
