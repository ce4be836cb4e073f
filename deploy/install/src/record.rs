//! What an earlier call has done to a folder, written down before it was done.
//!
//! It says which names are ours and by what a file is known as ours; more than one digest while an exchange is under
//! way. A file that it does not know is somebody else's.

use crate::disk::failed;
use crate::{ConfName, Disk, InstallError, PluginType, digest::Digest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

const VERSION: u32 = 1;

/// Longer ones are not ours.
pub const LONGEST: u64 = 256 * 1024;

/// Of a folder of plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugins {
    version: u32,
    /// Names that are, or are about to be, ours.
    pub types: BTreeSet<PluginType>,
    /// What our binary is, or was.
    pub binaries: BTreeSet<Digest>,
}

/// Of a folder of configurations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confs {
    version: u32,
    /// Each file of ours, and what is, or was, in it.
    pub files: BTreeMap<ConfName, BTreeSet<Digest>>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            version: VERSION,
            types: BTreeSet::new(),
            binaries: BTreeSet::new(),
        }
    }
}

impl Default for Confs {
    fn default() -> Self {
        Self {
            version: VERSION,
            files: BTreeMap::new(),
        }
    }
}

/// What both have in common.
pub trait Record: DeserializeOwned + Serialize + Default {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong with it; a newer version is.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if head.version != VERSION {
            let found = head.version;
            return Err(format!("version: {found}, this program knows {VERSION}"));
        }
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The one in this file; an empty one where there is none.
    ///
    /// # Errors
    /// Where it cannot be read or understood.
    fn read(path: &Path) -> Result<Self, InstallError> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            opened => {
                let file = opened.map_err(failed("open", path))?;
                let read = file.take(LONGEST).read_to_end(&mut bytes);
                read.map_err(failed("read", path))?
            }
        };
        Self::parse(&bytes).map_err(|reason| InstallError::Record {
            path: path.to_owned(),
            reason,
        })
    }

    /// Writes it, by way of `fresh` in the same folder; durable when this returns.
    ///
    /// # Errors
    /// Where the disk refuses.
    fn write(&self, disk: &Disk, path: &Path, fresh: &Path) -> Result<(), InstallError> {
        let bytes = serde_json::to_vec(self).map_err(|error| InstallError::Record {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        disk.write(fresh, &bytes, 0o600)?;
        disk.replace(fresh, path)?;
        path.parent().map_or(Ok(()), |folder| disk.sync(folder))
    }
}

impl Record for Plugins {}
impl Record for Confs {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_a_record_is_refused_by_field() {
        let digest = "0".repeat(64);
        let good = format!(r#"{{"version":1,"types":["bridge"],"binaries":["{digest}"]}}"#);
        assert_eq!(Plugins::parse(good.as_bytes()).unwrap().types.len(), 1);
        for (text, word) in [
            (good.replace("bridge", "../bridge"), "types"),
            (good.replace(&digest, "00"), "digest"),
            (good.replace(":1", ":2"), "version: 2"),
            (good.replace("types", "kinds"), "kinds"),
            ("{}".to_owned(), "version"),
            ("[".to_owned(), ""),
        ] {
            let error = Plugins::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        let bad = br#"{"version":1,"files":{"x/y.conf":[]}}"#;
        assert!(Confs::parse(bad).unwrap_err().contains("name: "));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(names in proptest::collection::btree_set("[a-z]{1,9}", 0..5)) {
            let names = names.iter().map(|name| name.parse().unwrap()).collect();
            let record = Plugins { types: names, ..Plugins::default() };
            let text = serde_json::to_vec(&record).unwrap();
            prop_assert_eq!(Plugins::parse(&text), Ok(record));
        }
    }
}
