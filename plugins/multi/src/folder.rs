//! Networks in a folder: `*.conflist`, then `*.conf` and `*.json`, as the standard orders them (section 3.4.1).
//!
//! A file's own `name` is the network's, whatever the file is called, so no path is ever made of what a workload says.
//! A file that cannot be read is passed over, and told where a network is not found.

use crate::{error::Error, network::Network};
use fairway_cni::{NetworkName, Object};
use serde_json::{Map, Value};
use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

/// Where they are looked for unless configured, after Multus' `/etc/cni/multus/net.d`.
pub(crate) const DEFAULT: &str = "/etc/cni/multi/net.d";

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The networks that can be read, first come first, and what is wrong with the other files.
#[derive(Debug, Default)]
pub struct Found {
    /// In their order.
    pub networks: Vec<Network>,
    /// A line for each file that could not be read.
    pub unread: Vec<String>,
}

impl Found {
    /// The first one of that name.
    pub(crate) fn named(&self, name: &NetworkName) -> Option<&Network> {
        self.networks.iter().find(|network| network.name() == name)
    }
}

/// Reads the folder; one that is not there has nothing.
///
/// # Errors
/// Where it cannot be listed.
pub fn read(folder: &Path) -> Result<Found, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::default()),
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("list", folder))?.path();
        files.extend(rank(&path).map(|rank| (rank, path)));
    }
    files.sort();
    let mut found = Found::default();
    for (_, file) in files {
        match network(&file) {
            Ok(network) => found.networks.push(network),
            Err(reason) => found.unread.push(format!("{}: {reason}", file.display())),
        }
    }
    Ok(found)
}

/// Lists come before single configurations.
fn rank(file: &Path) -> Option<u8> {
    match file.extension()?.to_str()? {
        "conflist" => Some(0),
        "conf" | "json" => Some(1),
        _ => None,
    }
}

fn network(file: &Path) -> Result<Network, String> {
    let meta = fs::metadata(file).map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).and_then(|file| {
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
        Ok(())
    });
    opened.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let raw: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    Network::read(&Object::root(&raw)).map_err(|error| error.to_string())
}
