//! The configuration that a runtime takes, in the folder where it looks for it.
//!
//! containerd hears of files that are written or renamed within the folder, and not of one that is renamed in from
//! another: so the new file is made here, under a name that libcni does not read, and renamed. A file that we did not
//! write, or that somebody has changed since, is neither overwritten nor removed.

use crate::disk::{failed, lock};
use crate::names::CONF_ENDINGS;
use crate::record::{Confs, Record as _};
use crate::{ConfName, Disk, InstallError, digest::Digest};
use fairway_cni::conflist::ConfList;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

#[cfg(test)]
mod tests;

/// Beside the configurations; libcni does not read it.
const RECORD: &str = ".fairway-installed";
const LONGEST: u64 = 1024 * 1024;

/// What is to be in the folder.
#[derive(Debug, Clone)]
pub struct Wanted {
    name: ConfName,
    bytes: Vec<u8>,
    list: ConfList,
    /// May another configuration come before it?
    pub not_first: bool,
}

/// What a call has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was as it should be.
    Nothing,
    /// The file is another one now, or gone.
    Changed,
    /// Somebody has changed the file since it was written: it is left.
    Left,
}

impl Wanted {
    /// Reads a configuration, which must be one.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn read(name: ConfName, path: &Path) -> Result<Self, InstallError> {
        let mut bytes = Vec::new();
        let opened = File::open(path).map_err(failed("open", path))?;
        let read = opened.take(LONGEST).read_to_end(&mut bytes);
        read.map_err(failed("read", path))?;
        let list = ConfList::parse(&bytes).map_err(|error| InstallError::Conf {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            name,
            bytes,
            list,
            not_first: false,
        })
    }

    /// Each plugin's type, and what it would be asked with.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        let of = |(number, kind)| {
            let conf = self.list.plugin(number, &Map::new(), None)?;
            // The first version that has STATUS; to the plugins of this suite older ones are the same.
            let conf = conf.with("cniVersion", Value::from("1.1.0"));
            Some((kind, conf.to_bytes()))
        };
        self.list.types().enumerate().filter_map(of)
    }
}

/// Sees to it that the folder has the configuration, and none that we wrote under another name.
///
/// # Errors
/// Where a file of somebody else's has the name, or would be taken by a runtime in its place.
pub fn put(disk: &Disk, folder: &Path, wanted: &Wanted) -> Result<Done, InstallError> {
    disk.folder(folder, 0o755)?;
    let _lock = lock(folder)?;
    let (path, fresh) = paths(folder, &wanted.name);
    let (at, next) = (folder.join(RECORD), folder.join(format!("{RECORD}.new")));
    let record = Confs::read(&at)?;
    let digest = Digest::of(&wanted.bytes);
    let there = content(&path)?;
    if let Some(there) = &there
        && *there != digest
        && !knows(&record, &wanted.name, there)
    {
        return Err(InstallError::Foreign { path });
    }
    if !wanted.not_first {
        first(folder, &wanted.name, &record)?;
    }

    let mut coming = record.clone();
    let digests = coming.files.entry(wanted.name.clone()).or_default();
    digests.insert(digest.clone());
    if coming != record {
        coming.write(disk, &at, &next)?;
    }
    let mut done = Done::Nothing;
    if there.as_ref() != Some(&digest) {
        disk.write(&fresh, &wanted.bytes, 0o644)?;
        disk.replace(&fresh, &path)?;
        done = Done::Changed;
    }
    let mut settled = Confs::default();
    settled
        .files
        .insert(wanted.name.clone(), BTreeSet::from([digest]));
    for name in coming.files.keys().filter(|name| **name != wanted.name) {
        match take(disk, folder, name, &coming)? {
            Done::Changed => done = Done::Changed,
            Done::Nothing | Done::Left => {}
        }
    }
    if done == Done::Changed {
        disk.sync(folder)?;
    }
    if settled != coming {
        settled.write(disk, &at, &next)?;
    }
    Ok(done)
}

/// Takes away what we wrote.
///
/// # Errors
/// Where the disk refuses.
pub fn remove(disk: &Disk, folder: &Path) -> Result<Done, InstallError> {
    let (at, next) = (folder.join(RECORD), folder.join(format!("{RECORD}.new")));
    if !folder.is_dir() {
        return Ok(Done::Nothing);
    }
    let _lock = lock(folder)?;
    let record = Confs::read(&at)?;
    let mut done = Done::Nothing;
    for name in record.files.keys() {
        let one = take(disk, folder, name, &record)?;
        if done != Done::Left {
            done = one;
        }
    }
    disk.remove(&next)?;
    disk.remove(&at)?;
    disk.sync(folder)?;
    Ok(done)
}

/// Is it there?
///
/// # Errors
/// Says what is there instead.
pub fn check(folder: &Path, wanted: &Wanted) -> Result<(), InstallError> {
    let (path, _) = paths(folder, &wanted.name);
    let reason = match content(&path)? {
        Some(there) if there == Digest::of(&wanted.bytes) => return Ok(()),
        Some(_) => "it is another configuration",
        None => "it is not there",
    };
    Err(InstallError::Missing { path, reason })
}

/// The file, and the one that becomes it.
fn paths(folder: &Path, name: &ConfName) -> (PathBuf, PathBuf) {
    (
        folder.join(name.as_str()),
        folder.join(format!(".{name}.new")),
    )
}

fn content(path: &Path) -> Result<Option<Digest>, InstallError> {
    match Digest::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(failed("read", path)),
    }
}

fn knows(record: &Confs, name: &ConfName, digest: &Digest) -> bool {
    let files = record.files.get(name);
    files.is_some_and(|known| known.contains(digest))
}

fn take(disk: &Disk, folder: &Path, name: &ConfName, record: &Confs) -> Result<Done, InstallError> {
    let (path, fresh) = paths(folder, name);
    disk.remove(&fresh)?;
    match content(&path)? {
        None => Ok(Done::Nothing),
        Some(there) if knows(record, name, &there) => {
            disk.remove(&path)?;
            Ok(Done::Changed)
        }
        Some(_) => Ok(Done::Left),
    }
}

/// Runtimes that use one network take the first file by its name.
fn first(folder: &Path, name: &ConfName, record: &Confs) -> Result<(), InstallError> {
    let entries = fs::read_dir(folder).map_err(failed("read", folder))?;
    let mut others: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|other| CONF_ENDINGS.iter().any(|ending| other.ends_with(ending)))
        .filter(|other| other.as_str() < name.as_str())
        .collect();
    others.retain(|other| !record.files.keys().any(|name| name.as_str() == other));
    match others.iter().min() {
        None => Ok(()),
        Some(other) => Err(InstallError::NotFirst {
            path: folder.join(other),
            name: name.to_string(),
        }),
    }
}
