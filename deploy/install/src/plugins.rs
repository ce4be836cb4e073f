//! The plugins' binary under the names of its types, in the folder where a runtime looks for plugins.
//!
//! A runtime may start any of them at any moment: at each a name leads to a whole program, the one before or the new
//! one, and what runs meanwhile goes on with the file that it was started from. What other plugins had under these
//! names lies in `.fairway/kept` and comes back by [`remove`]. A newer file of somebody else's that has come since, as
//! by another package's upgrade, is kept in the place of the older one.
//!
//! The names are links to one file, so whoever writes into one of them in its place (`cp`) writes into all. Therefore
//! the new file gets the binary's own name last: until then whatever is one file with that is known as ours, whatever
//! stands in it by now.

use crate::disk::{failed, lock};
use crate::names::BINARY;
use crate::record::{Plugins, Record as _};
use crate::{Disk, InstallError, PluginType, digest::Digest};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[cfg(test)]
mod tests;

/// What is to be in a folder.
#[derive(Debug, Clone)]
pub struct Wanted {
    bytes: Vec<u8>,
    digest: Digest,
    types: BTreeSet<PluginType>,
}

/// What a call has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Names that lead to another program now.
    pub changed: Vec<String>,
    /// Names whose former file is kept aside from now on.
    pub kept: Vec<String>,
    /// Names that have their former file back.
    pub restored: Vec<String>,
    /// Names of ours that somebody else has taken since, and keeps.
    pub left: Vec<String>,
}

impl Wanted {
    /// The binary in this file under all names that it knows, or under these.
    ///
    /// # Errors
    /// Where it does not run on this node, or is no plugin of that name.
    pub fn of(binary: &Path, only: Option<&[PluginType]>) -> Result<Self, InstallError> {
        let bytes = fs::read(binary).map_err(failed("read", binary))?;
        let unfit = |reason: String| InstallError::Unfit {
            path: binary.to_owned(),
            reason,
        };
        // Piped, not null: a root folder in the making has no /dev/null.
        let mut list = Command::new(binary);
        let list = list.arg("--list").stdin(Stdio::piped()).output();
        let list = list.map_err(|error| unfit(error.to_string()))?;
        if !list.status.success() {
            return Err(unfit(format!("`--list`: {}", list.status)));
        }
        let text = String::from_utf8_lossy(&list.stdout).into_owned();
        let types = text.split_whitespace().map(str::parse);
        let types: BTreeSet<PluginType> = types.collect::<Result<_, _>>()?;
        if types.is_empty() {
            return Err(unfit("`--list` names no plugin".to_owned()));
        }
        let mut wanted = Self {
            digest: Digest::of(&bytes),
            bytes,
            types,
        };
        if let Some(only) = only {
            if let Some(kind) = only.iter().find(|kind| !wanted.types.contains(kind)) {
                return Err(InstallError::NoSuchType {
                    kind: kind.to_string(),
                    path: binary.to_owned(),
                });
            }
            wanted.types = only.iter().cloned().collect();
        }
        Ok(wanted)
    }

    /// The names.
    pub fn types(&self) -> impl Iterator<Item = &PluginType> {
        self.types.iter()
    }
}

/// Sees to it that the folder has the plugins; what is as it should be is not touched.
///
/// # Errors
/// Where the disk refuses, or what stands in the way can not be kept aside.
pub fn put(disk: &Disk, folder: &Path, wanted: &Wanted) -> Result<Changes, InstallError> {
    disk.folder(folder, 0o755)?;
    let _lock = lock(folder)?;
    let place = Place::of(folder);
    disk.folder(&place.own, 0o700)?;
    disk.folder(&place.kept, 0o700)?;
    disk.remove(&place.fresh)?;
    disk.remove(&place.next)?;

    let mut record = Plugins::read(&place.record)?;
    let before = record.clone();
    record.binaries.insert(wanted.digest.clone());
    record.types.extend(wanted.types.iter().cloned());
    if record != before {
        record.write(disk, &place.record, &place.fresh)?;
    }

    let mut changes = Changes::default();
    let current = digest(&place.binary).as_ref() == Some(&wanted.digest);
    let source = match current {
        true => &place.binary,
        false => {
            disk.write(&place.next, &wanted.bytes, 0o755)?;
            &place.next
        }
    };
    // All of it is safe before the first name leads elsewhere.
    for kind in &wanted.types {
        place.keep_aside(disk, kind, &record, &mut changes)?;
    }
    if !changes.kept.is_empty() {
        disk.sync(&place.kept)?;
    }
    for kind in &wanted.types {
        place.link(disk, kind, source, &wanted.digest, &mut changes)?;
    }
    let former: Vec<_> = record.types.difference(&wanted.types).cloned().collect();
    for kind in &former {
        place.give_back(disk, kind, &record, &mut changes)?;
    }
    if !current {
        disk.replace(&place.next, &place.binary)?;
        changes.changed.push(BINARY.to_owned());
    }
    if changes != Changes::default() {
        disk.sync(folder)?;
    }
    let mut done = Plugins::default();
    done.types = wanted.types.clone();
    done.binaries = BTreeSet::from([wanted.digest.clone()]);
    if done != record {
        done.write(disk, &place.record, &place.fresh)?;
    }
    Ok(changes)
}

/// Takes the plugins away again and puts back what was there before. A folder without them is left as it is.
///
/// # Errors
/// Where the disk refuses.
pub fn remove(disk: &Disk, folder: &Path) -> Result<Changes, InstallError> {
    let place = Place::of(folder);
    let mut changes = Changes::default();
    if !place.own.is_dir() {
        return Ok(changes);
    }
    let _lock = lock(folder)?;
    let record = Plugins::read(&place.record)?;
    for kind in &record.types {
        place.give_back(disk, kind, &record, &mut changes)?;
    }
    if digest(&place.binary).is_some_and(|digest| record.binaries.contains(&digest)) {
        disk.remove(&place.binary)?;
        changes.changed.push(BINARY.to_owned());
    }
    disk.sync(folder)?;
    disk.remove(&place.fresh)?;
    disk.remove(&place.next)?;
    if place.kept.is_dir() {
        disk.remove_folder(&place.kept)?;
    }
    disk.remove(&place.record)?;
    disk.remove_folder(&place.own)?;
    Ok(changes)
}

/// Is all of it there?
///
/// # Errors
/// Names the first file that is not as it should be.
pub fn check(folder: &Path, wanted: &Wanted) -> Result<(), InstallError> {
    let binary = folder.join(BINARY);
    let names = wanted.types.iter().map(|kind| folder.join(kind.as_str()));
    for path in std::iter::once(binary.clone()).chain(names) {
        let linked = path != binary && inode(&path) == inode(&binary);
        if !linked && digest(&path).as_ref() != Some(&wanted.digest) {
            let reason = "it is not this version's plugin";
            return Err(InstallError::Missing { path, reason });
        }
    }
    Ok(())
}

struct Place {
    folder: PathBuf,
    binary: PathBuf,
    own: PathBuf,
    kept: PathBuf,
    record: PathBuf,
    /// A file in the making, that will be given another name.
    fresh: PathBuf,
    /// The binary that comes.
    next: PathBuf,
}

/// What stands under a name.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Ours,
    Foreign,
}

impl Place {
    fn of(folder: &Path) -> Self {
        let own = folder.join(".fairway");
        Self {
            folder: folder.to_owned(),
            binary: folder.join(BINARY),
            kept: own.join("kept"),
            record: own.join("record.json"),
            fresh: own.join("fresh"),
            next: own.join("next"),
            own,
        }
    }

    fn found(&self, path: &Path, record: &Plugins) -> Result<Found, InstallError> {
        let meta = match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            meta => meta.map_err(failed("look at", path))?,
        };
        if !(meta.is_file() || meta.is_symlink()) {
            let path = path.to_owned();
            return Err(InstallError::NoFile { path });
        }
        let known = || digest(path).is_some_and(|digest| record.binaries.contains(&digest));
        match inode(path).is_some_and(|own| Some(own) == inode(&self.binary)) || known() {
            true => Ok(Found::Ours),
            false => Ok(Found::Foreign),
        }
    }

    fn keep_aside(
        &self,
        disk: &Disk,
        kind: &PluginType,
        record: &Plugins,
        changes: &mut Changes,
    ) -> Result<(), InstallError> {
        let at = self.folder.join(kind.as_str());
        if self.found(&at, record)? == Found::Foreign {
            disk.twin(&at, &self.fresh)?;
            disk.replace(&self.fresh, &self.kept.join(kind.as_str()))?;
            changes.kept.push(kind.to_string());
        }
        Ok(())
    }

    fn link(
        &self,
        disk: &Disk,
        kind: &PluginType,
        source: &Path,
        wanted: &Digest,
        changes: &mut Changes,
    ) -> Result<(), InstallError> {
        let at = self.folder.join(kind.as_str());
        let same = |path: &Path| inode(&at).is_some() && inode(&at) == inode(path);
        // One file with the older binary need not be read; a copy, or a link to elsewhere, will do if it is the same.
        if same(source) || (!same(&self.binary) && digest(&at).as_ref() == Some(wanted)) {
            return Ok(());
        }
        disk.twin(source, &self.fresh)?;
        disk.replace(&self.fresh, &at)?;
        changes.changed.push(kind.to_string());
        Ok(())
    }

    fn give_back(
        &self,
        disk: &Disk,
        kind: &PluginType,
        record: &Plugins,
        changes: &mut Changes,
    ) -> Result<(), InstallError> {
        let (at, kept) = (
            self.folder.join(kind.as_str()),
            self.kept.join(kind.as_str()),
        );
        let there = self.found(&at, record)?;
        let aside = kept.symlink_metadata().is_ok();
        let told = match there {
            Found::Foreign => {
                disk.remove(&kept)?;
                &mut changes.left
            }
            _ if aside => {
                disk.replace(&kept, &at)?;
                &mut changes.restored
            }
            Found::Nothing => return Ok(()),
            Found::Ours => {
                disk.remove(&at)?;
                &mut changes.changed
            }
        };
        told.push(kind.to_string());
        Ok(())
    }
}

fn digest(path: &Path) -> Option<Digest> {
    Digest::read(path).ok()
}

/// What a name leads to, links followed.
fn inode(path: &Path) -> Option<(u64, u64)> {
    let meta = fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino()))
}
