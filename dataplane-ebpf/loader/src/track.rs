//! The tables of open flows: swept, cleared of links that are gone, taken over by the next generation.
//!
//! Programs write to them at any moment, so nothing is deleted for what it was a moment ago: an entry that
//! has expired is looked at once more right before. A flow that came back to life and then lost its entry
//! would have its answers judged as if they began it.

use std::collections::BTreeSet;

use aya::Ebpf;
use fairway_dataplane_abi::{Track, TrackKey};
use nix::time::{ClockId, clock_gettime};

use crate::dataplane::Dataplane;
use crate::error::{Error, Result};
use crate::object;
use crate::sys::Place;
use crate::table::{Fill, Table};

/// The tables that are handed on. Their order is that in which programs look.
pub(crate) const TABLES: [&str; 2] = ["TRACK_OPEN", "TRACK_NEW"];

/// What one step of a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Entries that were looked at.
    pub seen: u32,
    /// Entries that had expired and are gone.
    pub removed: u32,
    /// Both tables have been gone through: the next step begins anew.
    pub complete: bool,
}

/// Both tables, and where the sweep is.
#[derive(Debug)]
pub(crate) struct Tracks {
    pub(crate) tables: [Table<TrackKey, Track>; 2],
    at: usize,
    place: Place,
    /// Entries of the table that is being swept that were left where they are.
    left: u32,
}

impl Tracks {
    pub(crate) fn new(ebpf: &mut Ebpf) -> Result<Self> {
        let [open, new] = TABLES;
        Ok(Self {
            tables: [
                Table::new(open, object::map(ebpf, open)?)?,
                Table::new(new, object::map(ebpf, new)?)?,
            ],
            at: 0,
            place: Place::default(),
            left: 0,
        })
    }

    pub(crate) fn fill(&self) -> [Fill; 2] {
        self.tables.each_ref().map(Table::fill)
    }

    fn sweep(&mut self, budget: usize, now: u64) -> Result<Swept> {
        let mut swept = Swept::default();
        while !swept.complete && (swept.seen as usize) < budget {
            let table = &mut self.tables[self.at];
            let some = table.some(self.place, budget.min(1024))?;
            for (key, values) in some.entries() {
                swept.seen += 1;
                let old = |track: &Track| track.expires < now;
                if values.first().is_some_and(old) && table.get(key)?.as_ref().is_some_and(old) {
                    swept.removed += u32::from(table.remove(key)?);
                } else {
                    self.left += 1;
                }
            }
            self.place = some.next;
            if some.next.is_start() {
                table.entries = std::mem::take(&mut self.left);
                self.at = (self.at + 1) % self.tables.len();
                swept.complete = self.at == 0;
            }
        }
        Ok(swept)
    }
}

/// The clock of [`Track::expires`].
pub(crate) fn now() -> Result<u64> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map_err(|errno| Error::System {
        call: "clock_gettime",
        source: errno.into(),
    })?;
    let nanoseconds = time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64;
    Ok(nanoseconds)
}

impl Dataplane {
    /// Removes flows that have expired, one step of it: looks at some `budget` entries and goes on from there
    /// with the next call. A step of 4096 takes one to ten milliseconds, by how many have expired.
    ///
    /// # Errors
    /// Where the kernel refuses it; the next call goes on.
    pub fn sweep(&mut self, budget: usize) -> Result<Swept> {
        let now = now()?;
        self.tracks.sweep(budget.max(1), now)
    }

    /// Forgets all flows of links: their indexes may be given to others. Says how many.
    ///
    /// # Errors
    /// Where the kernel refuses it; some may be gone then.
    pub fn remove_tracks_of(&mut self, links: &BTreeSet<u32>) -> Result<u32> {
        let mut removed = 0;
        for table in &mut self.tracks.tables {
            let mut gone = Vec::new();
            table.each_of_all(|key, _| gone.extend(links.contains(&key.link).then_some(key)))?;
            for key in &gone {
                removed += u32::from(table.remove(key)?);
            }
        }
        Ok(removed)
    }

    /// Flows that were answered, and those that were not yet, as the programs see them.
    ///
    /// # Errors
    /// Where the maps cannot be read.
    pub fn tracks(&self) -> Result<[Vec<(TrackKey, Track)>; 2]> {
        let [open, new] = &self.tracks.tables;
        Ok([open.all()?, new.all()?])
    }

    /// Writes a flow as if a program had; for tests.
    ///
    /// # Errors
    /// Where the map is full or the kernel refuses it.
    pub fn put_track(&mut self, answered: bool, key: TrackKey, track: &Track) -> Result<()> {
        let [open, new] = &mut self.tracks.tables;
        let table = if answered { open } else { new };
        table.put(&key, track).map(drop)
    }
}
