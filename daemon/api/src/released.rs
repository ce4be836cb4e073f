//! Releases that the daemon was not there to hear.
//!
//! A runtime that cannot DEL cannot end a container, so DEL succeeds without the daemon too: the plugin
//! leaves a record here, and the daemon works the folder off when it is back. A record says when it was
//! written: it frees what the attachment was given before that, and nothing that it was given since.
//!
//! The folder is root's alone. A record appears by a rename, whole or not at all; what does not end with
//! `.json` is the remains of a write that was killed.

use crate::ipam::Attachment;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process,
};

/// Where everything is that the daemon keeps, unless `FAIRWAY_STATE_DIR` says otherwise.
pub const STATE_DIR: &str = "/var/lib/fairway";

/// The newest version of a record that this program reads, and the one that it writes.
pub const VERSION: u32 = 1;

/// What can go wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum ReleasedError {
    /// The file system.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// Which step.
        what: &'static str,
        /// Of which file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The clock, or the boot's id.
    #[error("cannot tell which boot this is, or its time")]
    Clock {
        /// The system's word.
        source: io::Error,
    },
    /// Not a record.
    #[error("{} is no record of a release", .path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// The parser's word.
        source: serde_json::Error,
    },
    /// A later Fairway wrote it; it is left alone.
    #[error("{} has version {found}, newer than {VERSION}", .path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// One attachment that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`VERSION`].
    pub version: u32,
    /// Which.
    pub attachment: Attachment,
    /// `/proc/sys/kernel/random/boot_id` at that time: after a reboot all is older.
    pub boot: String,
    /// `CLOCK_BOOTTIME` at that time, in milliseconds: it only ever goes forward, also through suspend.
    pub boottime: u64,
    /// Where its daemon was looked for: of several on one machine, only that one gave the addresses. None:
    /// at [`crate::DEFAULT_SOCKET`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

impl Record {
    /// The attachment goes now.
    ///
    /// # Errors
    /// Where the kernel tells neither boot nor time.
    pub fn now(attachment: Attachment) -> Result<Self, ReleasedError> {
        Ok(Record {
            version: VERSION,
            attachment,
            boot: boot_id()?,
            boottime: boottime()?,
            socket: None,
        })
    }

    /// It was to be told at this socket.
    #[must_use]
    pub fn meant_for(mut self, socket: &Path) -> Self {
        self.socket = Some(socket.to_string_lossy().into_owned());
        self
    }

    /// Was it to be told there? A socket is the same however its folder is named: `/var/run` is `/run`.
    pub fn is_meant_for(&self, socket: &Path) -> bool {
        let meant = Path::new(self.socket.as_deref().unwrap_or(crate::DEFAULT_SOCKET));
        let real = |path: &Path| {
            let folder = fs::canonicalize(path.parent()?).ok()?;
            Some(folder.join(path.file_name()?))
        };
        meant == socket || real(meant).is_some_and(|meant| real(socket) == Some(meant))
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        Record::name_of(&self.attachment)
    }

    /// The name of an attachment's record: one for each, so that a repeated DEL writes no second one.
    pub fn name_of(attachment: &Attachment) -> String {
        let Attachment {
            network,
            container,
            ifname,
        } = attachment;
        let parts = [network.as_str(), "\0", container, "\0", ifname];
        let hash = parts
            .iter()
            .flat_map(|part| part.bytes())
            .fold(FNV_OFFSET, |hash, byte| {
                (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME)
            });
        format!("{hash:032x}.json")
    }

    /// Writes it into the folder, which is made where it is not there; durable when this returns.
    ///
    /// # Errors
    /// Names the file that could not be written; then there is no record, or the one of before.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ReleasedError> {
        let make = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        make.map_err(failed("make", folder))?;
        let name = self.file_name();
        let partial = folder.join(format!("{name}.{}", process::id()));
        let file = folder.join(name);
        let written = self.write_to(&partial).and_then(|()| {
            fs::rename(&partial, &file).map_err(failed("rename", &partial))?;
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(failed("sync", folder))
        });
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        written.map(|()| file)
    }

    fn write_to(&self, path: &Path) -> Result<(), ReleasedError> {
        let json = |source| ReleasedError::Json {
            path: path.to_owned(),
            source,
        };
        let bytes = serde_json::to_vec(self).map_err(json)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(path).map_err(failed("create", path))?;
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .map_err(failed("write", path))
    }

    /// Reads one.
    ///
    /// # Errors
    /// Names the file; one of a newer version is an error of its own.
    pub fn read(path: &Path) -> Result<Self, ReleasedError> {
        let json = |source| ReleasedError::Json {
            path: path.to_owned(),
            source,
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let bytes = fs::read(path).map_err(failed("read", path))?;
        let Version { version: found } = serde_json::from_slice(&bytes).map_err(json)?;
        if found > VERSION {
            let path = path.to_owned();
            return Err(ReleasedError::Newer { path, found });
        }
        serde_json::from_slice(&bytes).map_err(json)
    }
}

/// Where records are left: `released` under `FAIRWAY_STATE_DIR`, else [`default_folder`].
pub fn folder() -> PathBuf {
    let state = env::var_os("FAIRWAY_STATE_DIR").filter(|dir| !dir.is_empty());
    state.map_or_else(default_folder, |dir| below(Path::new(&dir)))
}

/// `released` under [`STATE_DIR`]: what a runtime's environment does not tell, its plugins do not know.
pub fn default_folder() -> PathBuf {
    below(Path::new(STATE_DIR))
}

/// The records in a daemon's folder.
pub fn below(state_dir: &Path) -> PathBuf {
    state_dir.join("released")
}

/// The records in a folder, in no order; none where there is no folder.
///
/// # Errors
/// Where the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>, ReleasedError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("read", folder))?,
    };
    let mut records = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("read", folder))?.path();
        if path.extension().is_some_and(|end| end == "json") {
            records.push(path);
        }
    }
    Ok(records)
}

/// The running kernel's boot, drawn anew at each.
///
/// # Errors
/// Where /proc is not there.
pub fn boot_id() -> Result<String, ReleasedError> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let id = id.map_err(|source| ReleasedError::Clock { source })?;
    Ok(id.trim().to_owned())
}

/// `CLOCK_BOOTTIME` in milliseconds.
///
/// # Errors
/// Where the kernel has no such clock.
pub fn boottime() -> Result<u64, ReleasedError> {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME);
    let now = now.map_err(|errno| ReleasedError::Clock {
        source: errno.into(),
    })?;
    let seconds = u64::try_from(now.tv_sec()).unwrap_or_default();
    let millis = u64::try_from(now.tv_nsec() / 1_000_000).unwrap_or_default();
    Ok(seconds * 1000 + millis)
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReleasedError {
    let path = path.to_owned();
    move |source| ReleasedError::Io { what, path, source }
}

/// FNV-1a of 128 bits: the same name in every release of this program and of Rust.
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn attachment(ifname: &str) -> Attachment {
        Attachment {
            network: "net".to_owned(),
            container: "c1".to_owned(),
            ifname: ifname.to_owned(),
        }
    }

    #[test]
    fn written_twice_it_is_one_record_with_the_later_time() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state/released");
        let first = Record::now(attachment("eth0")).unwrap();
        let later = Record {
            boottime: first.boottime + 5,
            ..first.clone()
        };
        first.write(&folder).unwrap();
        let file = later.write(&folder).unwrap();
        let other = Record::now(attachment("eth1")).unwrap();
        let other = other.write(&folder).unwrap();
        let mut records = list(&folder).unwrap();
        records.sort();
        let mut expected = vec![file.clone(), other];
        expected.sort();
        assert_eq!(records, expected);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert_eq!(Record::read(&file).unwrap(), later);
        for (path, mode) in [(&folder, 0o700), (&file, 0o600)] {
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                mode
            );
        }
    }

    #[test]
    fn it_says_whose_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (run, alias) = (dir.path().join("run"), dir.path().join("alias"));
        fs::create_dir(&run).unwrap();
        std::os::unix::fs::symlink(&run, &alias).unwrap();
        let record = Record::now(attachment("eth0")).unwrap();
        assert!(record.is_meant_for(Path::new(crate::DEFAULT_SOCKET)));
        assert!(!record.is_meant_for(&run.join("s")));
        let file = record.meant_for(&alias.join("s")).write(&run).unwrap();
        let record = Record::read(&file).unwrap();
        // There is no socket where nobody answers.
        for (socket, meant) in [
            (alias.join("s"), true),
            (run.join("s"), true),
            (run.join("t"), false),
            (dir.path().join("s"), false),
            (crate::DEFAULT_SOCKET.into(), false),
        ] {
            assert_eq!(record.is_meant_for(&socket), meant, "{socket:?}");
        }
    }

    #[test]
    fn names_do_not_change() {
        let record = Record::now(attachment("eth0")).unwrap();
        // Another name would leave the records of an earlier release beside new ones.
        assert_eq!(record.file_name(), "7b05fdb92771f4744ad527f5c68fdd99.json");
    }

    #[test]
    fn what_is_no_record_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.json");
        assert!(list(&dir.path().join("none")).unwrap().is_empty());
        fs::write(dir.path().join("x.json.77"), "half").unwrap();
        assert!(list(dir.path()).unwrap().is_empty());
        for (text, start) in [
            ("", "is no record"),
            ("{}", "is no record"),
            (r#"{"version": 1}"#, "is no record"),
            (r#"{"version": 2}"#, "has version 2, newer than 1"),
        ] {
            fs::write(&file, text).unwrap();
            let error = Record::read(&file).unwrap_err().to_string();
            assert!(error.contains(start), "{error}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let record = Record::now(attachment("eth0")).unwrap();
        let error = record.write(&file.join("released")).unwrap_err();
        assert!(error.to_string().contains("file/released"), "{error}");
    }

    #[test]
    fn the_clock_is_the_kernels() {
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let millis = Record::now(attachment("eth0")).unwrap().boottime;
        assert!(
            (millis as f64 / 1000.0 - seconds).abs() < 5.0,
            "{millis} {uptime}"
        );
    }
}
