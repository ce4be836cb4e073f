//! The journal as a redb file.
//!
//! Opened once: opening costs ten times what a commit costs. Each opening reads the whole file and checks
//! every page, since a page that rotted and is trusted ends the process that reads it.

use super::{Boot, Contents, Journal, JournalFault};
use fairway_ipam::{JournalChange, JournalId, NodeName};
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
    TableError, WriteTransaction,
};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The format that this program writes and the newest that it reads.
const FORMAT: u64 = 1;
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("journal");
/// A journal is small; redb's own default is a gigabyte.
const CACHE: usize = 1024 * 1024;

/// A journal in a file.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    database: Option<Database>,
}

impl FileJournal {
    /// The journal at a path. A new one is made where there is none, whole or not at all.
    ///
    /// # Errors
    /// Where a new one cannot be written. What is there is not looked at before [`Journal::load`].
    pub fn at(path: &Path) -> Result<FileJournal, JournalFault> {
        let at = |source| JournalFault::Io {
            path: path.to_owned(),
            source,
        };
        if !path.try_exists().map_err(at)? {
            create(path)?;
        }
        Ok(FileJournal {
            path: path.to_owned(),
            database: None,
        })
    }

    fn open(&mut self) -> Result<&Database, JournalFault> {
        let path = &self.path;
        match &mut self.database {
            Some(database) => Ok(database),
            none => {
                let mut builder = Database::builder();
                builder.set_cache_size(CACHE);
                builder.set_check_integrity_on_open(true);
                let opened = builder.open(path);
                let opened = opened.map_err(|error| fault(path, error.into()))?;
                Ok(none.insert(opened))
            }
        }
    }

    fn write(
        &mut self,
        writes: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), JournalFault> {
        let path = self.path.clone();
        let database = self.open()?;
        let written = write(database, writes);
        written.map_err(|error| {
            // After an error of the disk the file must be opened anew.
            self.database = None;
            fault(&path, error)
        })
    }
}

impl Journal for FileJournal {
    fn load(&mut self) -> Result<Contents, JournalFault> {
        self.database = None;
        let path = self.path.clone();
        let damaged = |reason: &str| JournalFault::Damaged {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let (meta, entries) = read(self.open()?).map_err(|error| fault(&path, error))?;
        let field = |name: &str| meta.iter().find(|(key, _)| key == name).map(|(_, v)| v);
        let format =
            field("format").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        match format {
            Some(found) if found > FORMAT => {
                let known = FORMAT;
                return Err(JournalFault::Newer { path, found, known });
            }
            Some(1..) => {}
            _ => return Err(damaged("it does not say its format")),
        }
        let id = field("id").and_then(|id| JournalId::new(String::from_utf8_lossy(id)).ok());
        let node = field("node").map(|node| NodeName::new(String::from_utf8_lossy(node)));
        let boot = field("boot").map(|boot| serde_json::from_slice::<Boot>(boot));
        Ok(Contents {
            id: id.ok_or_else(|| damaged("it does not say which journal it is"))?,
            entries,
            boot: boot
                .transpose()
                .map_err(|_| damaged("the note of the boot cannot be read"))?,
            node: node
                .transpose()
                .map_err(|_| damaged("the note of the node cannot be read"))?,
        })
    }

    fn commit(&mut self, changes: &[JournalChange]) -> Result<(), JournalFault> {
        self.write(|txn| {
            let mut table = txn.open_table(ENTRIES)?;
            for change in changes {
                match &change.value {
                    Some(value) => drop(table.insert(change.key.as_str(), value.as_slice())?),
                    None => drop(table.remove(change.key.as_str())?),
                }
            }
            Ok(())
        })
    }

    fn note_node(&mut self, node: &NodeName) -> Result<(), JournalFault> {
        self.write(|txn| {
            let mut meta = txn.open_table(META)?;
            meta.insert("node", node.as_str().as_bytes())?;
            Ok(())
        })
    }

    fn note_boot(&mut self, boot: &Boot) -> Result<(), JournalFault> {
        let value = serde_json::to_vec(boot).unwrap_or_default();
        self.write(|txn| {
            txn.open_table(META)?.insert("boot", value.as_slice())?;
            Ok(())
        })
    }
}

fn write(
    database: &Database,
    writes: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let mut txn = database.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    writes(&txn)?;
    txn.commit()?;
    Ok(())
}

type Table = Vec<(String, Vec<u8>)>;

fn read(database: &Database) -> Result<(Table, Table), redb::Error> {
    let txn = database.begin_read()?;
    let table = |definition: TableDefinition<'_, &str, &[u8]>| -> Result<Table, redb::Error> {
        let table = match txn.open_table(definition) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Table::new()),
            Err(error) => return Err(error.into()),
        };
        let mut rows = Table::new();
        for row in table.iter()? {
            let (key, value) = row?;
            rows.push((key.value().to_owned(), value.value().to_vec()));
        }
        Ok(rows)
    };
    Ok((table(META)?, table(ENTRIES)?))
}

/// Makes a new one under another name first: a crash half-way must not leave what looks like a damaged one.
fn create(path: &Path) -> Result<(), JournalFault> {
    let new = path.with_extension("redb.new");
    let io = |source| JournalFault::Io {
        path: new.clone(),
        source,
    };
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    // The kernel's own random number: good for a name, and no library is needed.
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").map_err(io)?;
    let made = Database::builder().set_cache_size(CACHE).create(&new);
    let made = made.map_err(|error| fault(&new, error.into()))?;
    let written = write(&made, |txn| {
        let mut meta = txn.open_table(META)?;
        meta.insert("format", FORMAT.to_string().as_bytes())?;
        meta.insert("id", id.trim().as_bytes())?;
        drop(meta);
        txn.open_table(ENTRIES)?;
        Ok(())
    });
    written.map_err(|error| fault(&new, error))?;
    drop(made);
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).map_err(io)?;
    fs::rename(&new, path).map_err(io)?;
    super::folder::sync(path.parent().unwrap_or(Path::new("/"))).map_err(io)
}

fn fault(path: &Path, error: redb::Error) -> JournalFault {
    let path = path.to_owned();
    let rotten = |kind| {
        matches!(
            kind,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        )
    };
    match error {
        redb::Error::Io(source) if !rotten(source.kind()) => JournalFault::Io { path, source },
        redb::Error::DatabaseAlreadyOpen => JournalFault::Io {
            path,
            source: io::Error::other("in use by another process"),
        },
        redb::Error::PreviousIo => JournalFault::Io {
            path,
            source: io::Error::other(StorageError::PreviousIo),
        },
        other => JournalFault::Damaged {
            path,
            reason: other.to_string(),
        },
    }
}
