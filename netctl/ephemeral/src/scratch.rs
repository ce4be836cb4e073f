//! A folder for one lab's files.
//!
//! It goes with the lab. A killed process cannot remove it, so each folder is locked while its
//! owner lives (the kernel drops the lock with the process), and the first lab of a process
//! removes those that nobody holds any more.

use crate::{Error, Result};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;
use tempfile::TempDir;

const PREFIX: &str = "fairway-lab-";
/// A folder is made a moment before it is locked.
const FRESH: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Scratch {
    dir: TempDir,
    _lock: File,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&std::env::temp_dir(), FRESH));
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir();
        let dir = dir.map_err(Error::os("a scratch folder"))?;
        let lock = File::open(dir.path()).and_then(|file| file.lock().map(|()| file));
        let _lock = lock.map_err(Error::os("a lock on the scratch folder"))?;
        Ok(Self { dir, _lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes folders without an owner; one that cannot be removed is the next sweep's.
fn sweep(temp: &Path, fresh: Duration) {
    for entry in fs::read_dir(temp).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if ours && age().is_some_and(|age| age >= fresh) {
            let path = entry.path();
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_without_an_owner_are_swept() {
        let temp = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = temp.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("file"), "").unwrap();
            path
        };
        let (held, left, other) = (make("fairway-lab-a"), make("fairway-lab-b"), make("other"));
        let lock = File::open(&held).unwrap();
        lock.lock().unwrap();
        sweep(temp.path(), FRESH);
        assert!(left.exists(), "too fresh to tell");
        sweep(temp.path(), Duration::ZERO);
        assert!(held.exists() && other.exists() && !left.exists());
        drop(lock);
        sweep(temp.path(), Duration::ZERO);
        assert!(!held.exists());
    }
}
