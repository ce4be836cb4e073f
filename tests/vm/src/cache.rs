//! The folder in which the downloaded kernel outlives a run.
//!
//! Several test processes may start at once on an empty cache, and any of them may be
//! killed half-way. So an entry is built aside, under a lock, and renamed into place
//! when it is whole: what has its final name is complete.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::VmError;

const ASIDE: &str = ".new-";

/// A cache folder; every entry in it is whole.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The user's: `$FAIRWAY_CACHE/vm`, else `$XDG_CACHE_HOME/fairway/vm`, else
    /// `$HOME/.cache/fairway/vm`.
    ///
    /// # Errors
    /// [`VmError::NoCacheFolder`] where none of the three is set.
    pub fn of_user() -> Result<Self, VmError> {
        let set = |name| env::var_os(name).filter(|v: &OsString| !v.is_empty());
        let base = set("FAIRWAY_CACHE")
            .map(PathBuf::from)
            .or_else(|| set("XDG_CACHE_HOME").map(|d| PathBuf::from(d).join("fairway")))
            .or_else(|| set("HOME").map(|d| PathBuf::from(d).join(".cache/fairway")))
            .ok_or(VmError::NoCacheFolder)?;
        Ok(Self::at(base.join("vm")))
    }

    /// One in this folder, which need not exist yet.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The entry `name`; `make` fills the folder that it gets where there is none yet.
    ///
    /// # Errors
    /// What `make` answers, and failures to lock or to rename.
    pub fn get(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> Result<(), VmError>,
    ) -> Result<PathBuf, VmError> {
        let entry = self.folder.join(name);
        if entry.exists() {
            return Ok(entry);
        }
        self.locked(|| {
            if entry.exists() {
                return Ok(());
            }
            self.sweep()?;
            let aside = tempfile::Builder::new()
                .prefix(ASIDE)
                .tempdir_in(&self.folder)
                .map_err(VmError::file("make a folder in", &self.folder))?;
            make(aside.path())?;
            fs::rename(aside.keep(), &entry).map_err(VmError::file("rename into", &entry))
        })?;
        Ok(entry)
    }

    /// Runs `work` while no other process works on this cache.
    ///
    /// # Errors
    /// What `work` answers, and failures to lock.
    pub fn locked<T>(&self, work: impl FnOnce() -> Result<T, VmError>) -> Result<T, VmError> {
        fs::create_dir_all(&self.folder).map_err(VmError::file("create", &self.folder))?;
        let path = self.folder.join("lock");
        let lock = File::create(&path).map_err(VmError::file("create", &path))?;
        lock.lock().map_err(VmError::file("lock", &path))?;
        work() // the lock goes with the file
    }

    /// Takes away what a killed process left half-built; the lock is held.
    fn sweep(&self) -> Result<(), VmError> {
        let entries = fs::read_dir(&self.folder).map_err(VmError::file("read", &self.folder))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(ASIDE) {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(VmError::file("remove", &path))?;
            }
        }
        Ok(())
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn made_once_however_many_ask() {
        let dir = tempfile::tempdir().unwrap();
        let made = AtomicU32::new(0);
        thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    let entry = Cache::at(dir.path().join("deep/er"))
                        .get("x", |d| {
                            made.fetch_add(1, Ordering::SeqCst);
                            fs::write(d.join("a"), "1").unwrap();
                            Ok(())
                        })
                        .unwrap();
                    assert_eq!(fs::read(entry.join("a")).unwrap(), b"1");
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn a_failure_leaves_no_entry_and_the_next_try_sweeps() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_owned());
        cache
            .get("x", |_| Err(VmError::NoCacheFolder))
            .expect_err("must not pass");
        assert!(!dir.path().join("x").exists());
        fs::create_dir(dir.path().join(".new-dead")).unwrap(); // as after SIGKILL
        cache.get("x", |_| Ok(())).unwrap();
        assert!(!dir.path().join(".new-dead").exists());
        assert!(dir.path().join("x").is_dir());
    }
}
