//! A map of the dataplane: named in errors, and its entries counted.

use std::io;

use aya::maps::MapData;
use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::plain::Plain;
use crate::sys::{Batch, Checked, Place, Put};

/// How many entries one system call reads.
const STEP: usize = 1024;

/// How much of a map is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// The map.
    pub map: &'static str,
    /// Entries in use, as far as is known: of the conntrack tables what the last sweep has seen.
    pub entries: u32,
    /// Entries that it has room for.
    pub room: u32,
}

/// One map. `K` and `V` are its keys and values.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    map: Checked<K, V>,
    name: &'static str,
    room: u32,
    pub(crate) entries: u32,
}

impl<K: Plain, V: Plain> Table<K, V> {
    pub(crate) fn new(name: &'static str, map: MapData) -> Result<Self> {
        let info = map.info().map_err(io::Error::other);
        let refused = |source| Error::Map {
            map: name,
            call: "BPF_OBJ_GET_INFO_BY_FD",
            source,
        };
        let room = info.map_err(refused)?.max_entries();
        let map = Checked::new(map).map_err(refused)?;
        let map = map.map_err(|mismatch| Error::Layout {
            map: name,
            what: mismatch.what,
            there: mismatch.there,
            wanted: mismatch.wanted,
        })?;
        Ok(Self {
            map,
            name,
            room,
            entries: 0,
        })
    }

    pub(crate) fn data(&self) -> &MapData {
        self.map.data()
    }

    pub(crate) const fn fill(&self) -> Fill {
        Fill {
            map: self.name,
            entries: self.entries,
            room: self.room,
        }
    }

    fn error(&self, call: &'static str, source: io::Error) -> Error {
        match source.raw_os_error().map(Errno::from_raw) {
            // Hash tables say the one, LPM tries the other.
            Some(Errno::E2BIG | Errno::ENOSPC) => Error::Full {
                map: self.name,
                entries: self.room,
            },
            _ => Error::Map {
                map: self.name,
                call,
                source,
            },
        }
    }

    /// Writes an entry in place of what has its key. For maps that count nothing.
    pub(crate) fn set(&self, key: &K, value: &V) -> Result<()> {
        let result = self.map.update(key, value, Put::Any);
        result.map_err(|source| self.error("BPF_MAP_UPDATE_ELEM", source))
    }

    /// Writes an entry if there is none of its key; says whether.
    pub(crate) fn add(&mut self, key: &K, value: &V) -> Result<bool> {
        match self.map.update(key, value, Put::New) {
            Ok(()) => {
                self.entries = self.entries.saturating_add(1);
                Ok(true)
            }
            Err(error) if error.raw_os_error() == Some(Errno::EEXIST as i32) => Ok(false),
            Err(error) => Err(self.error("BPF_MAP_UPDATE_ELEM", error)),
        }
    }

    /// Writes an entry, in place of what has its key or as a new one; says which.
    pub(crate) fn put(&mut self, key: &K, value: &V) -> Result<bool> {
        let new = self.add(key, value)?;
        if !new {
            self.set(key, value)?;
        }
        Ok(new)
    }

    /// Deletes an entry; false if there is none.
    pub(crate) fn remove(&mut self, key: &K) -> Result<bool> {
        match self.map.delete(key) {
            Ok(()) => {
                self.entries = self.entries.saturating_sub(1);
                Ok(true)
            }
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => Ok(false),
            Err(error) => Err(self.error("BPF_MAP_DELETE_ELEM", error)),
        }
    }

    /// The values of an entry: of maps with one for each processor all of them.
    pub(crate) fn values(&self, key: &K) -> Result<Vec<V>> {
        match self.map.lookup(key) {
            Ok(values) => Ok(values),
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => Ok(Vec::new()),
            Err(error) => Err(self.error("BPF_MAP_LOOKUP_ELEM", error)),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Result<Option<V>> {
        Ok(self.values(key)?.first().copied())
    }

    /// Some entries of a hash table, `room` at most unless a single bucket has more.
    pub(crate) fn some(&self, from: Place, room: usize) -> Result<Batch<K, V>> {
        let mut room = room.max(16);
        loop {
            match self.map.some(from, room) {
                // The bucket that is next has more entries than fit in.
                Err(error)
                    if error.raw_os_error() == Some(Errno::ENOSPC as i32)
                        && room < self.room as usize + 16 =>
                {
                    room *= 2;
                }
                Err(error) => return Err(self.error("BPF_MAP_LOOKUP_BATCH", error)),
                Ok(found) => return Ok(found),
            }
        }
    }

    /// Goes through a whole hash table.
    pub(crate) fn each_of_all(&self, mut each: impl FnMut(K, &[V])) -> Result<()> {
        let mut place = Place::default();
        loop {
            let some = self.some(place, STEP)?;
            some.entries().for_each(|(key, values)| each(*key, values));
            if some.next.is_start() {
                return Ok(());
            }
            place = some.next;
        }
    }

    /// All entries of a hash table with one value each.
    pub(crate) fn all(&self) -> Result<Vec<(K, V)>> {
        let mut all = Vec::with_capacity(self.entries as usize);
        self.each_of_all(|key, values| all.extend(values.first().map(|value| (key, *value))))?;
        Ok(all)
    }

    /// All entries of a map that can only be gone through one by one, by nobody else changed meanwhile.
    pub(crate) fn all_by_key(&self) -> Result<Vec<(K, V)>> {
        let mut all = Vec::with_capacity(self.entries as usize);
        let mut last = None;
        loop {
            let next = self.map.next_key(last.as_ref());
            let next = next.map_err(|source| self.error("BPF_MAP_GET_NEXT_KEY", source))?;
            let Some(key) = next else {
                return Ok(all);
            };
            all.extend(self.get(&key)?.map(|value| (key, value)));
            last = Some(key);
        }
    }
}
