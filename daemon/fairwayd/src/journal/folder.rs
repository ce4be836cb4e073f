//! The daemon's own folder: locked, so that two daemons cannot share it.

use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The name of the journal in it.
const JOURNAL: &str = "journal.redb";
const LOCK: &str = "fairwayd.lock";

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another daemon has it.
    #[error("{}: another fairwayd uses this folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It cannot be made, locked or changed.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The daemon's folder, for as long as this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Folder {
    /// Makes the folder (0700) where it is not there, and locks it.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn lock(path: &Path) -> Result<Folder, FolderError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::Io { path, source }
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(io(path))?;
        let lock = path.join(LOCK);
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let file = options.open(&lock).map_err(io(&lock))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Folder {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(FolderError::InUse {
                path: path.to_owned(),
            }),
            Err((_, errno)) => Err(io(&lock)(errno.into())),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Gives a damaged journal another name, and says which. It is never deleted: it is evidence.
    ///
    /// # Errors
    /// Where the folder cannot be changed.
    pub fn set_aside(&self) -> Result<PathBuf, FolderError> {
        let names = (1u32..).map(|n| self.path.join(format!("{JOURNAL}.corrupt-{n}")));
        let free = names.into_iter().find(|path| !path.exists());
        let free = free.unwrap_or_else(|| self.path.join(format!("{JOURNAL}.corrupt")));
        let renamed = fs::rename(self.journal(), &free).and_then(|()| sync(&self.path));
        renamed
            .map(|()| free.clone())
            .map_err(|source| FolderError::Io { path: free, source })
    }

    /// Removes the journal.
    ///
    /// # Errors
    /// Where the folder cannot be changed.
    pub fn remove_journal(&self) -> Result<(), FolderError> {
        match fs::remove_file(self.journal()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FolderError::Io {
                path: self.journal(),
                source,
            }),
            _ => Ok(()),
        }
    }
}

/// Makes a folder's names durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
