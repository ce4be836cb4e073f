//! Generations as they are kept in a bpffs.
//!
//! ```text
//! ROOT/generation-7/CONFIG-v1         maps, with the version of their layout
//! ROOT/generation-7/TRACK_OPEN-v1
//! ROOT/generation-7/from_container    programs
//! ROOT/making-8/…                     not filled yet: of no worth after a crash
//! ```
//!
//! A folder that is being made gets its lasting name in one step, by `rename`, when it is filled. So a crash
//! leaves either what can be taken over or what can be thrown away, and the next start can tell them apart.
//! (A bpffs refuses names with dots.)

use std::fs;
use std::path::{Path, PathBuf};

use aya::Ebpf;
use aya::maps::{MapData, MapInfo, MapType};
use fairway_dataplane_abi::{Config, LAYOUT, TRACK_LAYOUT, Track, TrackKey};

use crate::bpffs::{self, failed};
use crate::error::{Error, Result};
use crate::object::{self, Hook};
use crate::sizes::Sizes;
use crate::table::Table;
use crate::track::{self, TABLES, Tracks};

const MAKING: &str = "making-";
const LASTING: &str = "generation-";

/// One generation's folder, and those before it.
#[derive(Debug)]
pub(crate) struct Generation {
    root: PathBuf,
    number: u64,
    folder: PathBuf,
    /// The newest first.
    older: Vec<PathBuf>,
}

impl Generation {
    /// Throws away what was not finished and begins the next one.
    pub(crate) fn begin(root: &Path) -> Result<Self> {
        bpffs::ensure(root)?;
        let names = names(root)?;
        for name in names.iter().filter(|name| name.starts_with(MAKING)) {
            bpffs::remove(&root.join(name))?;
        }
        let numbered = |prefix: &str| -> Vec<u64> {
            let numbers = names.iter().filter_map(|name| name.strip_prefix(prefix));
            let mut numbers: Vec<_> = numbers.filter_map(|number| number.parse().ok()).collect();
            numbers.sort_unstable();
            numbers
        };
        let (made, unfinished) = (numbered(LASTING), numbered(MAKING));
        // An unfinished one may still be somebody's in this process, who then removes it by its name.
        let newest = made.last().max(unfinished.last());
        let number = newest.map_or(1, |newest| newest.saturating_add(1));
        let folder = root.join(format!("{MAKING}{number}"));
        fs::create_dir(&folder).map_err(failed("make", &folder))?;
        Ok(Self {
            root: root.to_owned(),
            number,
            folder,
            older: (made.iter().rev())
                .map(|number| root.join(format!("{LASTING}{number}")))
                .collect(),
        })
    }

    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The conntrack tables of the generation before that can be used as they are.
    pub(crate) fn reusable(&self, sizes: &Sizes) -> Result<Vec<(&'static str, PathBuf)>> {
        let mut kept = Vec::new();
        let wanted = [
            (MapType::Hash, sizes.track_open),
            (MapType::LruHash, sizes.track_new),
        ];
        for (name, (kind, entries)) in TABLES.into_iter().zip(wanted) {
            let Some(path) = self.older.first().map(|older| older.join(file(name))) else {
                continue;
            };
            if !path.exists() {
                continue;
            }
            let info = MapInfo::from_pin(&path);
            let info = info.map_err(|error| object::object_error(error.into()))?;
            let same = info.map_type().is_ok_and(|found| found == kind)
                && info.key_size() as usize == size_of::<TrackKey>()
                && info.value_size() as usize == size_of::<Track>()
                && info.max_entries() == entries;
            kept.extend(same.then_some((name, path)));
        }
        Ok(kept)
    }

    /// Puts all maps and programs into the folder.
    pub(crate) fn pin(&self, ebpf: &mut Ebpf) -> Result<()> {
        let pinned = |path: PathBuf, result: Result<(), aya::pin::PinError>| {
            result.map_err(|error| failed("pin", &path)(std::io::Error::other(error)))
        };
        for (name, map) in ebpf.maps().filter(|(name, _)| !name.contains('.')) {
            let path = self.folder.join(file(name));
            pinned(path.clone(), map.pin(&path))?;
        }
        for hook in Hook::ALL {
            let path = self.folder.join(hook.name());
            pinned(path.clone(), object::program(ebpf, hook)?.pin(&path))?;
        }
        Ok(())
    }

    /// Takes over the flows of tables that are not shared, counts those that there are, and tells the
    /// greatest epoch that they may bear; none where there is no older generation.
    pub(crate) fn hand_over(&self, tracks: &mut Tracks) -> Result<Option<u32>> {
        if self.older.is_empty() {
            return Ok(None);
        }
        self.copy(tracks)?;
        let mut epoch = 0;
        for table in &mut tracks.tables {
            let mut entries = 0;
            table.each_of_all(|_, values| {
                entries += 1;
                epoch = values.iter().map(|track| track.epoch).fold(epoch, u32::max);
            })?;
            table.entries = entries;
        }
        // The programs of a generation before go on judging until they are swapped.
        for older in &self.older {
            let path = older.join(file("CONFIG"));
            if let Some(data) = open(&path)? {
                let config = Table::<u32, Config>::new("CONFIG", data)?.get(&0)?;
                epoch = epoch.max(config.map_or(0, |config| config.epoch));
            }
        }
        Ok(Some(epoch))
    }

    /// Programs of generations before leave packets to other nodes to the host from now on.
    pub(crate) fn stop_routes(&self) -> Result<()> {
        for older in &self.older {
            let Some(data) = open(&older.join(file("CONFIG")))? else {
                continue;
            };
            let table = Table::<u32, Config>::new("CONFIG", data)?;
            if let Some(mut config) = table.get(&0)?
                && config.flags & Config::ROUTE != 0
            {
                config.flags &= !Config::ROUTE;
                table.set(&0, &config)?;
            }
        }
        Ok(())
    }

    fn copy(&self, tracks: &mut Tracks) -> Result<()> {
        let now = track::now()?;
        for (name, table) in TABLES.into_iter().zip(&mut tracks.tables) {
            let own = id(table.data())?;
            for older in &self.older {
                let Some(data) = open(&older.join(file(name)))? else {
                    continue;
                };
                if id(&data)? == own {
                    continue;
                }
                let from = match Table::<TrackKey, Track>::new(name, data) {
                    // Another layout under the same version; it is judged anew.
                    Err(Error::Layout { .. }) => continue,
                    other => other?,
                };
                for (key, track) in from.all()? {
                    if track.expires < now {
                        continue;
                    }
                    match table.add(&key, &track) {
                        // The table was made smaller than what it has to hold: the rest begins anew.
                        Err(Error::Full { .. }) => break,
                        other => drop(other?),
                    }
                }
            }
        }
        Ok(())
    }

    fn lasting(&self) -> PathBuf {
        self.root.join(format!("{LASTING}{}", self.number))
    }

    /// Gives the folder its lasting name.
    pub(crate) fn seal(&mut self) -> Result<()> {
        let lasting = self.lasting();
        if self.folder == lasting {
            return Ok(());
        }
        fs::rename(&self.folder, &lasting).map_err(failed("rename", &self.folder))?;
        self.folder = lasting;
        Ok(())
    }

    /// Removes those before it.
    pub(crate) fn retire_older(&mut self, tracks: &mut Tracks) -> Result<()> {
        self.copy(tracks)?;
        while let Some(oldest) = self.older.last() {
            bpffs::remove(oldest)?;
            self.older.pop();
        }
        Ok(())
    }
}

/// One that was not finished in this process is removed at once: its maps hold memory.
impl Drop for Generation {
    fn drop(&mut self) {
        if self.folder != self.lasting() {
            // What is left the next one removes.
            let _ = bpffs::remove(&self.folder);
        }
    }
}

/// Removes all generations; links that have their programs keep them.
///
/// # Errors
/// Where the files cannot be removed.
pub fn clear(root: &Path) -> Result<()> {
    if !root.exists() {
        return Ok(());
    }
    for name in names(root)? {
        if name.starts_with(MAKING) || name.starts_with(LASTING) {
            bpffs::remove(&root.join(name))?;
        }
    }
    Ok(())
}

/// The file of a map.
fn file(map: &str) -> String {
    let layout = match TABLES.contains(&map) {
        true => TRACK_LAYOUT,
        false => LAYOUT,
    };
    format!("{map}-v{layout}")
}

fn names(root: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(root).map_err(failed("read", root))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed("read", root))?.file_name();
        names.extend(name.into_string().ok());
    }
    Ok(names)
}

fn open(path: &Path) -> Result<Option<MapData>> {
    if !path.exists() {
        return Ok(None);
    }
    let data = MapData::from_pin(path).map_err(|error| object::object_error(error.into()))?;
    Ok(Some(data))
}

fn id(data: &MapData) -> Result<u32> {
    let info = data.info();
    Ok(info
        .map_err(|error| object::object_error(error.into()))?
        .id())
}
