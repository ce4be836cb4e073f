//! Records on disk: one file for each container, `STATEDIR/NETWORK/CONTAINER@IFNAME`.
//!
//! A file is written under another name and then renamed, so that it is there whole or not at all. It is not synced:
//! what it speaks of ends with the kernel, but for addresses, and those have their own ways out of a lost DEL. No
//! path is made of what has not been parsed into a name, and a name holds no slash.

use crate::{error::Error, record::Record};
use fairway_cni::{Attachment, NetworkName, Object};
use serde_json::{Map, Value};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Where records are unless configured.
pub(crate) const DEFAULT: &str = "/var/lib/cni/fairway-multi";

/// Before the name of a file that is being written; no container's name begins so.
const NEW: &str = ".new-";
/// The longest name of a file, in bytes (ext4, xfs, btrfs, tmpfs).
const LONGEST_NAME: usize = 255;
/// The longest record that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// The records of one configuration's containers.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    network: NetworkName,
}

impl Store {
    /// Below `root`, those of the configuration `network`.
    pub fn new(root: PathBuf, network: NetworkName) -> Self {
        Store { root, network }
    }

    fn file(&self, attachment: &Attachment) -> PathBuf {
        self.folder().join(name(attachment))
    }

    /// Below which those of all configurations are.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where they are.
    pub fn folder(&self) -> PathBuf {
        self.root.join(self.network.as_str())
    }

    fn passing(&self, attachment: &Attachment) -> PathBuf {
        self.folder().join(format!("{NEW}{}", name(attachment)))
    }

    /// Can a file bear the container's name?
    ///
    /// # Errors
    /// Where none can.
    pub fn must_fit(&self, attachment: &Attachment) -> Result<(), Error> {
        let rest = NEW.len() + 1 + attachment.ifname.as_str().len();
        let max = LONGEST_NAME - rest;
        match attachment.container_id.as_str().len() <= max {
            true => Ok(()),
            false => Err(Error::LongName { max }),
        }
    }

    /// What is known of a container.
    ///
    /// # Errors
    /// Where there is a record that cannot be read, or makes no sense.
    pub fn read(&self, attachment: &Attachment) -> Result<Option<Record>, Error> {
        let file = self.file(attachment);
        let Some(record) = read(&file)? else {
            return Ok(None);
        };
        if record.attachment != *attachment || record.network != self.network {
            return Err(damaged(&file, "is about another container"));
        }
        Ok(Some(record))
    }

    /// Writes a record down, in the place of the container's former one.
    ///
    /// # Errors
    /// Where that cannot be.
    pub fn write(&self, record: &Record) -> Result<(), Error> {
        let folder = self.folder();
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&folder)
            .map_err(Error::io("make", &folder))?;
        let passing = self.passing(&record.attachment);
        let content = record.to_json().to_string();
        let written = open_new(&passing).and_then(|mut file| file.write_all(content.as_bytes()));
        written.map_err(Error::io("write", &passing))?;
        let file = self.file(&record.attachment);
        fs::rename(&passing, &file).map_err(Error::io("rename", &passing))
    }

    /// Forgets a container; nothing to do where nothing is known.
    ///
    /// # Errors
    /// Where its file cannot be removed.
    pub fn remove(&self, attachment: &Attachment) -> Result<(), Error> {
        // The record goes last: whoever still finds it does all of the rest again.
        for file in [self.passing(attachment), self.file(attachment)] {
            remove(&file)?;
        }
        Ok(())
    }

    /// Whom there are records of, also ones that make no sense.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn list(&self) -> Result<Vec<Attachment>, Error> {
        let names = list(&self.folder())?;
        let begun = |name: &String| name.strip_prefix(NEW).map(ToOwned::to_owned);
        let mut attachments: Vec<_> = names
            .iter()
            .filter_map(|name| attachment(&begun(name).unwrap_or_else(|| name.clone())))
            .collect();
        attachments.sort_by_cached_key(name);
        attachments.dedup();
        Ok(attachments)
    }

    /// Of which configurations there may be records below `root`.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub fn networks(root: &Path) -> Result<Vec<NetworkName>, Error> {
        let names = list(root)?.into_iter();
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    /// The records of other configurations' containers, so far as they make sense.
    ///
    /// # Errors
    /// Where a folder cannot be listed.
    pub fn others(&self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for network in Store::networks(&self.root)? {
            if network == self.network {
                continue;
            }
            let other = Store::new(self.root.clone(), network);
            for attachment in other.list()? {
                records.extend(other.read(&attachment)?);
            }
        }
        Ok(records)
    }
}

fn name(attachment: &Attachment) -> String {
    // A container's name has no "@", an interface's may have one.
    format!("{}@{}", attachment.container_id, attachment.ifname)
}

fn attachment(name: &str) -> Option<Attachment> {
    let (container, ifname) = name.split_once('@')?;
    Some(Attachment {
        container_id: container.parse().ok()?,
        ifname: ifname.parse().ok()?,
    })
}

fn open_new(file: &Path) -> io::Result<fs::File> {
    // Configurations may hold secrets.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(file)
}

fn read(file: &Path) -> Result<Option<Record>, Error> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(file);
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", file)(error)),
    };
    let mut bytes = Vec::new();
    let read = opened.take(LONGEST).read_to_end(&mut bytes);
    read.map_err(Error::io("read", file))?;
    let raw: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(file, error))?;
    let record = Record::from_json(&Object::root(&raw)).map_err(|error| damaged(file, error))?;
    Ok(Some(record))
}

fn damaged(file: &Path, reason: impl ToString) -> Error {
    Error::Damaged {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}

fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", file)(error))
        }
        _ => Ok(()),
    }
}

/// What is in a folder, in order; nothing where there is no folder.
fn list(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list", folder))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests;
