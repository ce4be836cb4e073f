//! The index's file: found, checked for size, replaced as a whole.

use super::{
    Index,
    header::{Header, PAGE},
    storage::Storage,
};
use crate::stage::replace;
use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
    unistd::{UnlinkatFlags, unlinkat},
};
use std::{
    fs::{DirBuilder, File},
    io::{self, Write as _},
    os::{fd::OwnedFd, unix::fs::DirBuilderExt as _},
    path::{Path, PathBuf},
};

/// The folder beside the networks' folders; their names begin with a letter or digit.
const FOLDER: &str = ".fairway";

/// Where an index is kept.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    folder: PathBuf,
    network: String,
}

impl Home {
    pub(crate) fn new(data_dir: &Path, network: &str) -> Self {
        Home {
            folder: data_dir.join(FOLDER),
            network: network.to_owned(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(&self.network)
    }

    /// Opens the index; `None` where there is none that can be read and written.
    pub(crate) fn load(&self) -> Option<Index> {
        let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = File::from(open(&self.path(), flags, Mode::empty()).ok()?);
        let size = file.metadata().ok()?.len();
        let storage = Storage::File(file);
        let mut page = [0; PAGE];
        storage.read(0, &mut page).ok()?;
        let header = Header::decode(&page).filter(|header| header.size() == size)?;
        Some(Index {
            home: self.clone(),
            header,
            storage,
            broken: false,
        })
    }

    /// Puts an index with this content in the place of the one there may be.
    ///
    /// Written under another name (no network's either) and renamed, so that nobody sees a half of it and
    /// the old one, with what it knows of earlier boots, stays until the new one is whole.
    pub(super) fn write(&self, image: &[u8]) -> io::Result<File> {
        let folder = self.folder_fd()?;
        let new = format!("{}~", self.network);
        let _ = unlinkat(&folder, new.as_str(), UnlinkatFlags::NoRemoveDir);
        let written = write_new(&folder, &new, image).and_then(|file| {
            crate::crash::point();
            replace(&folder, &new, &self.network)?;
            crate::crash::point();
            Ok(file)
        });
        if written.is_err() {
            let _ = unlinkat(&folder, new.as_str(), UnlinkatFlags::NoRemoveDir);
        }
        written
    }

    fn folder_fd(&self) -> io::Result<OwnedFd> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let open = || open(&self.folder, flags, Mode::empty());
        match open() {
            Err(Errno::ENOENT) => {
                // Another network's first operation may make it at the same moment.
                let made = DirBuilder::new().mode(0o700).create(&self.folder);
                open().map_err(|errno| made.err().unwrap_or(errno.into()))
            }
            other => Ok(other?),
        }
    }
}

fn write_new(folder: &OwnedFd, name: &str, image: &[u8]) -> io::Result<File> {
    let flags =
        OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let mut file = File::from(openat(folder, name, flags, mode)?);
    crate::crash::point();
    file.write_all(image)?;
    Ok(file)
}
