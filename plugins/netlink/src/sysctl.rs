//! Kernel settings under `/proc/sys`.
//!
//! `/proc/sys/net` shows the namespace of the thread that opens the file, so to
//! set something in a container, [enter](crate::NetNs::enter) it first.
//!
//! A key has slashes, never dots: an interface's name may hold dots
//! (`eth0.100`), and a dotted key that contains one names something else.
//! Interface names come from configuration, so a key that would climb out of
//! `/proc/sys` is refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

/// Failure to read or write a setting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SysctlError {
    /// The key is empty, absolute, or has a part that is `.` or `..`.
    #[error("{0:?} is not the name of a kernel setting")]
    Key(String),
    /// A system call failed.
    #[error("{op} kernel setting {key}: {source}")]
    Io {
        /// "read" or "write".
        op: &'static str,
        /// The key.
        key: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl SysctlError {
    /// The kernel has no such setting: an interface that is not there, a
    /// protocol that is switched off.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a setting such as `net/ipv4/ip_forward`, without the newline.
pub fn read(key: &str) -> Result<String, SysctlError> {
    let path = path_of(key)?;
    let mut text = String::new();
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(|source| failed("read", key, source))?;
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// Writes a setting.
pub fn write(key: &str, value: &str) -> Result<(), SysctlError> {
    let path = path_of(key)?;
    OpenOptions::new()
        .write(true)
        .open(path)
        // One write: the kernel takes each as a value of its own.
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .map_err(|source| failed("write", key, source))
}

/// Writes a setting unless it has that value, for a needless write can cost
/// milliseconds (ip_forward walks all interfaces) and fails where `/proc/sys` is
/// read-only. Tells whether it wrote.
pub fn ensure(key: &str, value: &str) -> Result<bool, SysctlError> {
    if read(key)? == value {
        return Ok(false);
    }
    write(key, value)?;
    Ok(true)
}

fn path_of(key: &str) -> Result<PathBuf, SysctlError> {
    let relative = Path::new(key);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    // `components` forgives doubled slashes and inner dots; a key has neither.
    let exact = !key.is_empty() && key.split('/').all(|part| !part.is_empty() && part != ".");
    if !plain || !exact || key.contains('\0') {
        return Err(SysctlError::Key(key.to_owned()));
    }
    Ok(Path::new("/proc/sys").join(relative))
}

fn failed(op: &'static str, key: &str, source: io::Error) -> SysctlError {
    SysctlError::Io {
        op,
        key: key.to_owned(),
        source,
    }
}
