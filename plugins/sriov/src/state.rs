//! Who has which virtual function: a file each, and a lock each, in a folder of the node's.
//!
//! A file is whole or not there: it is written aside and renamed. Locks are files that stay; the kernel drops one with
//! the process that has it, however that ends.

use crate::{Error, claim::Claim, pci::PciAddress};
use fairway_cni::Object;
use serde_json::Value;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where it is, unless a test says otherwise.
const FOLDER: &str = "/var/lib/cni/fairway-sriov";
/// How long a lock is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(20);
/// The most that is read of a file, in bytes; a path has 4096 at most.
const CLAIM_MAX: u64 = 1 << 16;

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct State {
    folder: PathBuf,
}

/// Nobody else works on the function until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _held: File,
}

impl Default for State {
    fn default() -> Self {
        State {
            folder: FOLDER.into(),
        }
    }
}

impl State {
    #[cfg(test)]
    pub(crate) fn at(folder: &Path) -> Self {
        State {
            folder: folder.to_owned(),
        }
    }

    /// Waits for a function's lock.
    pub(crate) fn lock(&self, address: &PciAddress) -> Result<Lock, Error> {
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            if let Some(lock) = self.try_lock(address)? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(Error::Busy {
                    address: address.clone(),
                    seconds: LOCK_WAIT.as_secs(),
                });
            }
            pause(Duration::from_millis(5));
        }
    }

    /// A function's lock, if nobody has it.
    pub(crate) fn try_lock(&self, address: &PciAddress) -> Result<Option<Lock>, Error> {
        let path = self.path(address, "lock");
        fs::create_dir_all(&self.folder).map_err(failed("create", &self.folder))?;
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _held: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    /// Who has it; `None`: nobody.
    pub(crate) fn read(&self, address: &PciAddress) -> Result<Option<Claim>, Error> {
        let path = self.path(address, "json");
        let mut text = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take(CLAIM_MAX)
                .read_to_end(&mut text)
                .map_err(failed("read", &path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("open", &path)(error)),
        };
        let damaged = |what: String| Error::Damaged {
            path: path.clone(),
            address: address.clone(),
            what,
        };
        match serde_json::from_slice::<Value>(&text) {
            Ok(Value::Object(map)) => Claim::from_json(&Object::root(&map))
                .map(Some)
                .map_err(|error| damaged(error.to_string())),
            Ok(_) => Err(damaged("it is no JSON object".to_owned())),
            Err(error) => Err(damaged(error.to_string())),
        }
    }

    /// Says who has it. It is on the disk when this returns: what it was before is known from nowhere else. Where it
    /// fails, nothing of it stays.
    pub(crate) fn write(&self, address: &PciAddress, claim: &Claim) -> Result<(), Error> {
        let (aside, path) = (self.path(address, "new"), self.path(address, "json"));
        let mut line = claim.to_json().to_string();
        line.push('\n');
        let write = || {
            let mut file = File::create(&aside)?;
            file.write_all(line.as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&aside);
            failed("write", &path)(error)
        })
    }

    /// Nobody has it any more.
    pub(crate) fn remove(&self, address: &PciAddress) -> Result<(), Error> {
        let path = self.path(address, "json");
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(failed("remove", &path)),
        }
    }

    /// The functions of which a claim says what is asked, in their order. What cannot be read says nothing.
    pub(crate) fn find(&self, asked: impl Fn(&Claim) -> bool) -> Result<Vec<PciAddress>, Error> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &self.folder)(error)),
        };
        let address = |name: String| name.strip_suffix(".json")?.parse().ok();
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<PciAddress> = names
            .filter_map(address)
            .filter(|address| matches!(self.read(address), Ok(Some(claim)) if asked(&claim)))
            .collect();
        found.sort();
        Ok(found)
    }

    fn path(&self, address: &PciAddress, kind: &str) -> PathBuf {
        self.folder.join(format!("{address}.{kind}"))
    }
}

fn failed(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::State {
        op,
        path: path.to_owned(),
        source,
    }
}

/// Waits a moment between two looks.
pub(crate) fn pause(interval: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "between two looks, bounded by the caller's deadline"
    )]
    std::thread::sleep(interval);
}

#[cfg(test)]
mod tests;
