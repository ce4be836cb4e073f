//! What tells a file from every other that was ever at its place.

use nix::sys::{stat::FileStat, time::TimeSpec};
use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::{Duration, SystemTime},
};

/// Inode and times of a file or folder. Equal marks: the same file, not changed in between.
///
/// Marks are only ever compared for equality, so that clock steps do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The inode's number, perhaps used again for another file.
    pub ino: u64,
    /// Last change of the inode, in ns since 1970; cannot be set by anyone.
    pub ctime: i64,
    /// Last change of the content (of the entries, for a folder), in ns since 1970.
    pub mtime: i64,
}

/// No file system's times are coarser, in ns.
const COARSEST: i64 = 2_000_000_000;

impl Mark {
    /// Would another file at this place bear another mark, `now` (ns since 1970) or later?
    ///
    /// Not where the last change was a moment ago: removed and made anew within one tick of the file
    /// system's clock (a second on ext4 with small inodes) a file can get the same inode, size and times.
    /// Such a file is read again, as git does with those that are as young as its index.
    pub fn settled(&self, now: i64) -> bool {
        now.saturating_sub(self.ctime) > COARSEST
    }

    pub(crate) fn of(stat: &FileStat) -> Self {
        // A damaged inode can bear any time; wrapped, it still compares.
        let nanos = |sec: i64, nsec: i64| sec.wrapping_mul(1_000_000_000).wrapping_add(nsec);
        Mark {
            ino: stat.st_ino,
            ctime: nanos(stat.st_ctime, stat.st_ctime_nsec),
            mtime: nanos(stat.st_mtime, stat.st_mtime_nsec),
        }
    }
}

/// Now, in ns since 1970.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(now.unwrap_or_default().as_nanos()).unwrap_or_default()
}

/// Now, in s since 1970.
pub(crate) fn seconds() -> u64 {
    u64::try_from(now() / 1_000_000_000).unwrap_or_default()
}

/// A time `back` ago whose nanoseconds are random.
///
/// The kernel stamps changes with a clock that ticks every few milliseconds, so two changes can bear the
/// same time; a time that nobody but us writes cannot be mistaken.
pub(crate) fn odd_time(back: Duration) -> TimeSpec {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = now.unwrap_or_default().saturating_sub(back).as_secs();
    let nanos = RandomState::new().build_hasher().finish() % 1_000_000_000;
    let wide = |value: u64| i64::try_from(value).unwrap_or_default();
    TimeSpec::new(wide(seconds), wide(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn young_marks_prove_nothing() {
        let mark = |ctime| Mark {
            ctime,
            ..Mark::default()
        };
        let now = 1_800_000_000_000_000_000;
        assert!(mark(now - 3_000_000_000).settled(now));
        for young in [now - 2_000_000_000, now, now + 1, i64::MAX] {
            assert!(!mark(young).settled(now), "{young}");
        }
    }
}
