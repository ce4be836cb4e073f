//! The few things that are done to a disk, each of which is whole or not there at all.
//!
//! Each step goes by [`Disk::step`], so that a test can end a call before any one of them, as a kill would.

use crate::InstallError;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

/// The disk, as this crate uses it.
#[derive(Debug, Default)]
pub struct Disk {
    #[cfg(test)]
    pub(crate) left: Option<std::cell::Cell<usize>>,
}

pub(crate) fn failed<'a>(
    what: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> InstallError + use<'a> {
    move |source| InstallError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

impl Disk {
    /// The one of this machine.
    pub fn real() -> Self {
        Self::default()
    }

    #[cfg(test)]
    fn step(&self, what: &'static str, path: &Path) -> Result<(), InstallError> {
        let Some(left) = &self.left else {
            return Ok(());
        };
        match left.get().checked_sub(1) {
            Some(fewer) => {
                left.set(fewer);
                Ok(())
            }
            None => Err(InstallError::Killed(format!("{what} {}", path.display()))),
        }
    }

    #[cfg(not(test))]
    fn step(&self, _: &'static str, _: &Path) -> Result<(), InstallError> {
        Ok(())
    }

    fn on(
        &self,
        what: &'static str,
        path: &Path,
        act: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), InstallError> {
        self.step(what, path)?;
        act().map_err(failed(what, path))
    }

    pub(crate) fn folder(&self, path: &Path, mode: u32) -> Result<(), InstallError> {
        if path.is_dir() {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(mode);
        self.on("make", path, || builder.create(path))
    }

    /// Writes a file that nobody looks at yet, down to the disk.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), InstallError> {
        let open = || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(mode);
            let file = options.open(path)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        };
        self.step("create", path)?;
        let mut file = open().map_err(failed("create", path))?;
        // Killed between the two halves, there is half a file.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        self.on("write", path, || file.write_all(first))?;
        self.on("write", path, || file.write_all(second))?;
        self.on("sync", path, || file.sync_all())
    }

    /// Has two names lead to one file; where the file system cannot, to two that are the same.
    pub(crate) fn twin(&self, from: &Path, to: &Path) -> Result<(), InstallError> {
        self.on("link", to, || {
            if fs::hard_link(from, to).is_ok() {
                return Ok(());
            }
            if from.is_symlink() {
                return symlink(fs::read_link(from)?, to);
            }
            fs::copy(from, to)?;
            File::open(to)?.sync_all()
        })
    }

    /// Puts a file in the place of another. Where both were one file, a rename does nothing: then the first name is
    /// still there, and is taken away.
    pub(crate) fn replace(&self, from: &Path, to: &Path) -> Result<(), InstallError> {
        self.on("rename", from, || fs::rename(from, to))?;
        match from.symlink_metadata() {
            Ok(_) => self.remove(from),
            Err(_) => Ok(()),
        }
    }

    /// Takes a file away, if it is there.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), InstallError> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.on("remove", path, || fs::remove_file(path))
    }

    /// Takes an empty folder away.
    pub(crate) fn remove_folder(&self, path: &Path) -> Result<(), InstallError> {
        self.on("remove", path, || fs::remove_dir(path))
    }

    /// Renames in this folder outlive the machine's power.
    pub(crate) fn sync(&self, folder: &Path) -> Result<(), InstallError> {
        self.on("sync", folder, || File::open(folder)?.sync_all())
    }
}

/// Nobody else changes this folder by way of this crate as long as the file lives.
pub(crate) fn lock(folder: &Path) -> Result<File, InstallError> {
    let locked = File::open(folder).and_then(|file| file.lock().map(|()| file));
    locked.map_err(failed("lock", folder))
}
