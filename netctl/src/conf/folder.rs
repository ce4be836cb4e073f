//! A folder of configurations as runtimes read it, and the plugins that they look for.
//!
//! They take the files `*.conf`, `*.conflist` and `*.json`, no matter of which kind, in the order of their names; folders
//! and all other files they do not see. `doctor` and `conf check` both look by this.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The longest configuration that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// What is in it.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// In the order in which runtimes take them.
    pub(crate) files: Vec<PathBuf>,
    /// What they do not see.
    pub(crate) ignored: Vec<PathBuf>,
}

/// Lists it.
pub(crate) fn list(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        match matches!(kind, Some("conflist" | "conf" | "json")) && !path.is_dir() {
            true => listing.files.push(path),
            false => listing.ignored.push(path),
        }
    }
    listing.files.sort();
    listing.ignored.sort();
    Ok(listing)
}

/// The whole file.
///
/// # Errors
/// In words.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).map_err(|error| error.to_string())?;
    let read = opened.take(LONGEST + 1).read_to_end(&mut bytes);
    match read.map_err(|error| error.to_string())? as u64 {
        ..=LONGEST => Ok(bytes),
        _ => Err(format!("is longer than {LONGEST} bytes")),
    }
}

/// The first of that name that can be executed, as runtimes look.
pub(crate) fn find(folders: &[PathBuf], kind: &str) -> Option<PathBuf> {
    // A type that is a path leads out of the folders.
    if kind.contains('/') {
        return None;
    }
    let mut files = folders.iter().map(|folder| folder.join(kind));
    files.find(|file| {
        fs::metadata(file)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}

/// The names of all plugins there.
pub(crate) fn plugins(folders: &[PathBuf]) -> Vec<String> {
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let names = entries.flatten().flatten();
    names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
