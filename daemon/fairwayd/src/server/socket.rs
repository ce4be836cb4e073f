//! The socket's file: ours alone, and gone when we are.
//!
//! A daemon that was killed leaves its socket's file behind; it is replaced. One that lives is never
//! replaced, or half of the plugins would speak to a daemon that does not know the other half.

use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};
use tokio::net::UnixListener;

/// Why there is nowhere to listen.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody is there.
    #[error("another fairwayd answers on {}", path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// Something else has that name.
    #[error("{} is there and is no socket", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// A step failed.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// Which step.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The right to listen at a path, for as long as this lives; then the socket's file goes.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    ours: Option<(u64, u64)>,
    _lock: Flock<File>,
}

impl Claim {
    /// Makes the folder (0755, as far as the process lets it) where it is not there, and sees to it that nobody else listens.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub fn new(path: &Path) -> Result<Claim, SocketError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| SocketError::Io { what, path, source }
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        let made = DirBuilder::new().recursive(true).mode(0o755).create(folder);
        made.map_err(failed("make", folder))?;
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let file = options.open(&lock).map_err(failed("open", &lock))?;
        let in_use = || SocketError::InUse {
            path: path.to_owned(),
        };
        let lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => return Err(in_use()),
            Err((_, errno)) => return Err(failed("lock", &lock)(errno.into())),
        };
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("look at", path)(error)),
            Ok(found) if !found.file_type().is_socket() => {
                let path = path.to_owned();
                return Err(SocketError::NoSocket { path });
            }
            Ok(_) if UnixStream::connect(path).is_ok() => return Err(in_use()),
            Ok(_) => {}
        }
        Ok(Claim {
            path: path.to_owned(),
            ours: None,
            _lock: lock,
        })
    }

    /// Listens, root's alone. The file appears by a rename, so that nobody meets one with another mode.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub fn listen(&mut self) -> Result<UnixListener, SocketError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| SocketError::Io { what, path, source }
        };
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &new)(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&new).map_err(failed("listen on", &new))?;
        let mode = Permissions::from_mode(0o600);
        fs::set_permissions(&new, mode).map_err(failed("change", &new))?;
        let found = fs::symlink_metadata(&new).map_err(failed("look at", &new))?;
        fs::rename(&new, &self.path).map_err(failed("make", &self.path))?;
        self.ours = Some((found.dev(), found.ino()));
        Ok(listener)
    }

    /// Removes the socket's file, if it is the one that was made here.
    pub fn remove(&mut self) {
        let ours = self.ours.take();
        let found = fs::symlink_metadata(&self.path);
        let found = found.ok().map(|found| (found.dev(), found.ino()));
        if ours.is_some() && ours == found {
            drop(fs::remove_file(&self.path));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.remove();
    }
}
