//! The file: its tables, how it comes into being, and how it is judged before it is touched.
//!
//! A new file is made beside its place and renamed into it, so that a crash leaves either none or a whole
//! one. An existing one is checked whole (every page's checksum) through an [`Overlay`]: nothing in it
//! changes unless it is sound and of a format that this version knows.

use super::overlay::Overlay;
use crate::{Cause, StoreError};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, StorageError, TableDefinition, TableError,
};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The format that this version writes and the newest that it knows.
pub(super) const FORMAT: u64 = 1;
/// `format`, `revision`, `lease`: the last lease number given.
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Key: created, modified, lease or 0, value.
pub(super) const KEYS: TableDefinition<&str, Row> = TableDefinition::new("keys");
/// Lease: its time in seconds.
pub(super) const LEASES: TableDefinition<i64, u64> = TableDefinition::new("leases");

pub(super) type Row = (u64, u64, i64, &'static [u8]);

/// redb would take a gibibyte; what is read often is mirrored by its readers anyway.
const CACHE: usize = 1 << 20;

/// Opens the file, or makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(_) => judge(path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => make(path)?,
        Err(error) => return Err(failed(path, error)),
    }
    reopen(path)
}

/// Opens a file that was judged by this process before.
pub(super) fn reopen(path: &Path) -> Result<Database, StoreError> {
    let opened = builder().open(path);
    opened.map_err(|error| database(path, error))
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// Reads all of it without changing anything.
fn judge(path: &Path) -> Result<(), StoreError> {
    let failed = |error| failed(path, error);
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(failed)?;
    if file.metadata().map_err(failed)?.len() == 0 {
        return Err(corrupt(path, "it is empty"));
    }
    let overlay = Overlay::new(file).map_err(failed)?;
    let mut builder = builder();
    builder.set_check_integrity_on_open(true);
    let database = builder.create_with_backend(overlay);
    let database = database.map_err(|error| self::database(path, error))?;
    match format(&database).map_err(|error| table(path, error))? {
        Some(FORMAT) => Ok(()),
        Some(0) | None => Err(corrupt(path, "it is not Fairway's")),
        Some(found) => Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: FORMAT,
        }),
    }
}

fn format(database: &Database) -> Result<Option<u64>, TableError> {
    let begun = database.begin_read();
    let begun = begun.map_err(|error| TableError::Storage(storage(error)))?;
    let table = match begun.open_table(META) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        other => other?,
    };
    Ok(table.get("format")?.map(|found| found.value()))
}

fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |error| failed(path, error);
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let made = builder().create(&fresh);
    let fresh_one = made.map_err(|error| database(path, error))?;
    fill(&fresh_one).map_err(|error| self::error(path, error))?;
    drop(fresh_one);
    fs::rename(&fresh, path).map_err(failed)?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed)
}

fn fill(database: &Database) -> Result<(), redb::Error> {
    let begun = database.begin_write()?;
    {
        let mut meta = begun.open_table(META)?;
        meta.insert("format", FORMAT)?;
        meta.insert("revision", 1)?;
        meta.insert("lease", 0)?;
        begun.open_table(KEYS)?;
        begun.open_table(LEASES)?;
    }
    begun.commit()?;
    Ok(())
}

fn storage(error: redb::TransactionError) -> StorageError {
    match error {
        redb::TransactionError::Storage(error) => error,
        other => StorageError::Io(io::Error::other(other)),
    }
}

/// A number out of [`META`].
pub(super) fn meta(database: &Database, name: &str) -> Result<u64, redb::Error> {
    let begun = database.begin_read()?;
    let table = begun.open_table(META)?;
    let found = table.get(name)?;
    Ok(found.map_or(0, |found| found.value()))
}

pub(super) fn failed(path: &Path, source: io::Error) -> StoreError {
    let full = matches!(
        source.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    );
    match full {
        true => StoreError::OutOfSpace {
            place: path.display().to_string(),
            source: source.into(),
        },
        false => StoreError::File {
            path: path.to_owned(),
            source: source.into(),
        },
    }
}

pub(super) fn corrupt(path: &Path, source: impl Into<Cause>) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        source: source.into(),
    }
}

fn table(path: &Path, error: TableError) -> StoreError {
    match error {
        TableError::Storage(error) => self::error(path, error.into()),
        // A table of that name with other types.
        other => corrupt(path, other),
    }
}

pub(super) fn database(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            let path = path.to_owned();
            StoreError::InUse { path }
        }
        DatabaseError::Storage(error) => self::error(path, error.into()),
        other => corrupt(path, other),
    }
}

/// What is read makes no sense, or is not there.
fn broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof
    )
}

/// What redb met while the file was open.
pub(super) fn error(path: &Path, error: redb::Error) -> StoreError {
    match error {
        redb::Error::Io(error) if broken(&error) => corrupt(path, error),
        redb::Error::Io(error) => failed(path, error),
        redb::Error::Corrupted(_) => corrupt(path, error),
        other => StoreError::File {
            path: path.to_owned(),
            source: other.into(),
        },
    }
}
