//! What an interface was like before: `DATADIR/CONTAINER_IFNAME.json`, as the reference plugin writes and reads it, and
//! beside it the network, which that passes over.

use crate::error::Error;
use crate::settings::Settings;
use fairway_cni::{Failure, GcAttachments};
use fairway_iface::Owner;
use fairway_netlink::Netlink;
use serde_json::{Map, Value, json};
use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// An attachment's file; it may not be there.
#[derive(Debug)]
pub(crate) struct Backup {
    path: PathBuf,
}

impl Backup {
    pub(crate) fn at(folder: &Path, owner: Owner<'_>) -> Self {
        let name = format!("{}_{}.json", owner.container_id, owner.ifname);
        Backup {
            path: folder.join(name),
        }
    }

    fn failed(&self, op: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = self.path.clone();
        move |source| Error::File { op, path, source }
    }

    /// Keeps what is not kept yet, and says whether nothing was: what an ADD before this one found is older, and
    /// therefore the truth.
    pub(crate) fn keep(&self, network: &str, before: &Settings) -> Result<bool, Error> {
        let known = self.read()?;
        let new = known.is_none();
        let all = known.unwrap_or_default().or(before.clone());
        let text = to_json(network, &all).to_string();
        let name = self.unfinished();
        let write = || {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&name, text)?;
            fs::rename(&name, &self.path)
        };
        write().map_err(self.failed("write"))?;
        Ok(new)
    }

    /// Whether anything may have been kept; what cannot be told is told by reading.
    pub(crate) fn is_there(&self) -> bool {
        self.path.try_exists().unwrap_or(true)
    }

    /// What was kept; half a file says nothing.
    pub(crate) fn read(&self) -> Result<Option<Settings>, Error> {
        match fs::read(&self.path) {
            Ok(text) => Ok(from_json(
                &serde_json::from_slice(&text).unwrap_or_default(),
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read")(error)),
        }
    }

    /// Puts back what was kept, each by itself, if there still is an interface of that name.
    pub(crate) fn restore(&self, container: &mut dyn Netlink, ifname: &str) -> Vec<Failure> {
        let before = match self.read() {
            Ok(Some(before)) => before,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![error.into()],
        };
        let link = match container.link_by_name(ifname) {
            Ok(Some(link)) => link,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![Error::from(error).into()],
        };
        let each = before.changes().into_iter().map(|(field, value, change)| {
            container
                .change_link(link.index, &change)
                .map_err(|source| Error::Refused {
                    field,
                    value,
                    source,
                })
        });
        each.filter_map(|done| done.err().map(Failure::from))
            .collect()
    }

    /// Where it is while it is written; a kill leaves it there.
    fn unfinished(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        name.into()
    }

    pub(crate) fn remove(&self) -> Result<(), Error> {
        for path in [&self.unfinished(), &self.path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(self.failed("remove")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn to_json(network: &str, settings: &Settings) -> Value {
    let mut object = Map::new();
    object.insert("network".into(), json!(network));
    if let Some(mac) = settings.mac {
        object.insert("mac".into(), json!(mac.to_string()));
    }
    if let Some(mtu) = settings.mtu {
        object.insert("mtu".into(), json!(mtu));
    }
    for (key, flag) in [
        ("promisc", settings.promisc),
        ("allmulti", settings.allmulti),
    ] {
        if let Some(on) = flag {
            object.insert(key.into(), json!(on));
        }
    }
    if let Some(length) = settings.tx_queue_len {
        object.insert("txQLen".into(), json!(length));
    }
    Value::Object(object)
}

fn from_json(value: &Value) -> Option<Settings> {
    let object = value.as_object()?;
    let number = |key: &str| u32::try_from(object.get(key)?.as_u64()?).ok();
    let flag = |key: &str| object.get(key)?.as_bool();
    let mac = object.get("mac").and_then(Value::as_str);
    Some(Settings {
        mac: mac.and_then(|mac| mac.parse().ok()),
        mtu: number("mtu").filter(|mtu| *mtu != 0),
        promisc: flag("promisc"),
        allmulti: flag("allmulti"),
        tx_queue_len: number("txQLen"),
    })
}

/// Removes the files of a network's attachments that the runtime no longer knows. Those of the reference plugin do not
/// say whose they are, and stay.
pub(crate) fn collect(folder: &Path, network: &str, valid: &GcAttachments) -> Vec<Error> {
    let failed = |op, path: &Path, source| Error::File {
        op,
        path: path.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![failed("read", folder, error)],
    };
    let mut errors = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.and_then(|name| name.strip_suffix(".json")) else {
            continue;
        };
        // Both halves may hold the sign that parts them.
        let known = name
            .match_indices('_')
            .any(|(at, _)| valid.contains(&name[..at], &name[at + 1..]));
        let text = fs::read(&path).unwrap_or_default();
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        if !known && value["network"] == *network {
            errors.extend(Backup { path }.remove().err());
        }
    }
    errors
}
