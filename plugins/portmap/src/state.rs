//! Which ports were chosen for an attachment: a file `DATADIR/NETWORK/CONTAINER:IFNAME`.
//!
//! That a port is not given twice does not hang on it: for that the rules are looked at. It is for whoever wants to
//! know the port, and for CHECK.

use crate::error::Error;
use fairway_cni::{ContainerId, GcAttachments, IfName};
use fairway_iface::Owner;
use fairway_netfilter::ports::Mapping;
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// How the name of a file ends that is not whole yet.
const UNFINISHED: &str = ":new";

/// An attachment's file; it may not be there.
#[derive(Debug)]
pub(crate) struct Chosen {
    path: PathBuf,
}

impl Chosen {
    pub(crate) fn at(folder: &Path, owner: Owner<'_>) -> Self {
        let name = format!("{}:{}", owner.container_id, owner.ifname);
        let path = folder.join(owner.network).join(name);
        Chosen { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, op: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = self.path.clone();
        move |source| Error::State { op, path, source }
    }

    /// Writes the mappings; nobody ever sees half of them. Where it fails, nothing of it stays.
    pub(crate) fn write(&self, mappings: &[Mapping]) -> Result<(), Error> {
        let list: Vec<Value> = mappings.iter().map(to_json).collect();
        let text = json!({"portMappings": list}).to_string();
        let name = self.unfinished();
        let write = || {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&name, text)?;
            fs::rename(&name, &self.path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&name);
            self.failed("write")(error)
        })
    }

    /// What it says; nothing where it is not there, or not whole.
    pub(crate) fn read(&self) -> Result<Vec<Mapping>, Error> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read")(error)),
        };
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        let list = value["portMappings"].as_array().into_iter().flatten();
        Ok(list.filter_map(from_json).collect())
    }

    /// Where it is while it is written; a kill leaves it there. No attachment's file: an interface's name has no colon.
    fn unfinished(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(UNFINISHED);
        name.into()
    }

    /// Removes it, and its folder with the last one.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        for path in [&self.unfinished(), &self.path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(self.failed("remove")(error));
                }
                _ => {}
            }
        }
        if let Some(folder) = self.path.parent() {
            // Others' files are in it, or it will be of use again.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

fn to_json(mapping: &Mapping) -> Value {
    let mut value = json!({
        "hostPort": mapping.host_port,
        "containerPort": mapping.container_port,
        "protocol": mapping.protocol.name(),
    });
    if let Some(ip) = mapping.host_ip {
        value["hostIP"] = json!(ip.to_string());
    }
    value
}

fn from_json(value: &Value) -> Option<Mapping> {
    let port = |key: &str| u16::try_from(value[key].as_u64()?).ok();
    Some(Mapping {
        host_port: port("hostPort")?,
        container_port: port("containerPort")?,
        protocol: value["protocol"].as_str()?.parse().ok()?,
        host_ip: match value.get("hostIP") {
            Some(ip) => Some(ip.as_str()?.parse().ok()?),
            None => None,
        },
    })
}

/// Removes the files of a network's attachments that the runtime no longer knows.
pub(crate) fn collect(folder: &Path, network: &str, valid: &GcAttachments) -> Vec<Error> {
    let folder = folder.join(network);
    let failed = |op, source| Error::State {
        op,
        path: folder.clone(),
        source,
    };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![failed("read", error)],
    };
    let mut errors = Vec::new();
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                errors.push(failed("read", error));
                continue;
            }
        };
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.map(|name| name.strip_suffix(UNFINISHED).unwrap_or(name));
        let Some((id, ifname)) = name.and_then(parts) else {
            continue;
        };
        if !valid.contains(id.as_str(), ifname.as_str()) {
            let path = folder.join(name.unwrap_or_default());
            errors.extend(Chosen { path }.remove().err());
        }
    }
    errors
}

/// Container and interface of a file's name; none where it is something else's.
fn parts(name: &str) -> Option<(ContainerId, IfName)> {
    let (id, ifname) = name.split_once(':')?;
    Some((id.parse().ok()?, ifname.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_netfilter::ports::Protocol;

    fn owner(container_id: &str) -> Owner<'_> {
        Owner {
            network: "net",
            container_id,
            ifname: "eth0",
        }
    }

    #[test]
    fn what_is_written_is_read_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mappings = [
            Mapping {
                host_port: 30_000,
                container_port: 80,
                protocol: Protocol::Udp,
                host_ip: Some("fd00::1".parse().unwrap()),
            },
            Mapping {
                host_port: 30_001,
                container_port: 81,
                protocol: Protocol::Tcp,
                host_ip: None,
            },
        ];
        let chosen = Chosen::at(folder.path(), owner("c1"));
        assert!(chosen.read().unwrap().is_empty());
        for _ in 0..2 {
            chosen.write(&mappings).unwrap();
            assert_eq!(chosen.read().unwrap(), mappings);
        }
        for _ in 0..2 {
            chosen.remove().unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let chosen = Chosen::at(folder.path(), owner("c1"));
        // In its place is what no file can be renamed to.
        fs::create_dir_all(chosen.path()).unwrap();
        assert!(chosen.write(&[]).is_err());
        let network = chosen.path().parent().unwrap();
        let left: Vec<_> = fs::read_dir(network).unwrap().flatten().collect();
        assert!(
            left.iter().all(|entry| entry.path() == chosen.path()),
            "{left:?}"
        );
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn half_a_file_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let chosen = Chosen::at(folder.path(), owner("c1"));
        chosen.write(&[]).unwrap();
        for text in ["", "{", "[]", r#"{"portMappings": [{"hostPort": 70000}]}"#] {
            fs::write(chosen.path(), text).unwrap();
            assert!(chosen.read().unwrap().is_empty(), "{text}");
        }
    }

    #[test]
    fn gc_leaves_the_valid_ones() {
        let folder = tempfile::tempdir().unwrap();
        for id in ["c1", "c2"] {
            Chosen::at(folder.path(), owner(id)).write(&[]).unwrap();
        }
        let foreign = folder.path().join("net/fd00:1::2");
        fs::write(&foreign, "").unwrap();
        let unfinished = folder.path().join("net/c3:eth0:new");
        fs::write(&unfinished, "{").unwrap();
        let valid = [("c1".parse().unwrap(), "eth0".parse().unwrap())];
        let valid: GcAttachments = valid.into_iter().collect();
        assert!(collect(folder.path(), "other", &GcAttachments::default()).is_empty());
        assert!(collect(folder.path(), "net", &valid).is_empty());
        assert!(Chosen::at(folder.path(), owner("c1")).path().exists());
        assert!(!Chosen::at(folder.path(), owner("c2")).path().exists());
        assert!(foreign.exists() && !unfinished.exists());
    }
}
