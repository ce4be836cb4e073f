//! What changed, for readers of different speed.
//!
//! Each number is in it once, where it was said last: who is slow reads what changed ten times once. A reader that
//! stands still for good holds no more than one entry a prefix, since what was said anew leaves a gap, and gaps are
//! closed when they are more than half.

use super::nets::Id;
use std::collections::VecDeque;

/// Numbers in the order in which they changed last.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    entries: VecDeque<Id>,
    /// Of the first entry.
    base: u64,
    /// Where each number is, modulo 2^32: an entry that is not there any more is a gap.
    places: Vec<u32>,
    gaps: usize,
    readers: Vec<Option<u64>>,
    /// Nobody has read what is from here on.
    furthest: u64,
}

/// Somebody who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reader(usize);

impl Log {
    fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    fn is_entry(&self, place: u64, id: Id) -> bool {
        self.places.get(id.at()) == Some(&(place as u32))
    }

    /// Where a number is, if somebody has not read it yet.
    fn place(&self, id: Id) -> Option<u64> {
        let place = *self.places.get(id.at())?;
        let back = u64::from((self.end() as u32).wrapping_sub(place));
        if back == 0 || back > self.entries.len() as u64 {
            return None;
        }
        let place = self.end() - back;
        let at = usize::try_from(place - self.base).ok()?;
        (self.entries.get(at) == Some(&id)).then_some(place)
    }

    /// Somebody who reads what comes from now on.
    pub(super) fn subscribe(&mut self) -> Reader {
        let end = Some(self.end());
        // It has no need of what was there before, so that what is said anew has to be behind that.
        self.furthest = self.end();
        match self.readers.iter().position(Option::is_none) {
            Some(free) => {
                if let Some(place) = self.readers.get_mut(free) {
                    *place = end;
                }
                Reader(free)
            }
            None => {
                self.readers.push(end);
                Reader(self.readers.len() - 1)
            }
        }
    }

    /// Another who stands where this one stands.
    pub(super) fn beside(&mut self, reader: Reader) -> Reader {
        let place = self.readers.get(reader.0).copied().flatten();
        let beside = self.subscribe();
        if let (Some(place), Some(new)) = (place, self.readers.get_mut(beside.0)) {
            *new = Some(place);
        }
        beside
    }

    pub(super) fn unsubscribe(&mut self, reader: Reader) {
        if let Some(place) = self.readers.get_mut(reader.0) {
            *place = None;
        }
        self.trim();
    }

    /// None but these stay.
    pub(super) fn only(&mut self, stay: &[Reader]) {
        for (place, number) in self.readers.iter_mut().zip(0..) {
            if !stay.contains(&Reader(number)) {
                *place = None;
            }
        }
        self.trim();
    }

    /// It changed. Where nobody has read its entry yet that is all there is to say.
    pub(super) fn push(&mut self, id: Id) {
        if let Some(place) = self.place(id) {
            if place >= self.furthest {
                return;
            }
            self.gaps += 1;
        }
        if self.readers.iter().all(Option::is_none) {
            return;
        }
        if id.at() >= self.places.len() {
            self.places.resize(id.at() + 1, self.base as u32);
        }
        let end = self.end() as u32;
        if let Some(place) = self.places.get_mut(id.at()) {
            *place = end;
        }
        self.entries.push_back(id);
        if self.gaps > 1024 && self.gaps * 2 > self.entries.len() {
            self.close_gaps();
        }
    }

    /// Whether the reader has not read it yet.
    pub(super) fn is_ahead(&self, reader: Reader, id: Id) -> bool {
        match (self.place(id), self.readers.get(reader.0)) {
            (Some(place), Some(Some(at))) => place >= *at,
            _ => false,
        }
    }

    /// Whether anybody has not read it yet.
    pub(super) fn has(&self, id: Id) -> bool {
        self.place(id).is_some()
    }

    pub(super) fn is_read(&self, reader: Reader) -> bool {
        match self.readers.get(reader.0) {
            Some(Some(at)) => *at >= self.end(),
            _ => true,
        }
    }

    /// The next so many; answers where the reader stood and where it stands.
    pub(super) fn read(
        &mut self,
        reader: Reader,
        most: usize,
        mut each: impl FnMut(Id),
    ) -> (u64, u64) {
        let Some(Some(from)) = self.readers.get(reader.0).copied() else {
            return (0, 0);
        };
        let (mut at, mut left) = (from, most);
        let first = usize::try_from(from - self.base).unwrap_or(usize::MAX);
        for id in self.entries.range(first.min(self.entries.len())..) {
            if left == 0 {
                break;
            }
            if self.is_entry(at, *id) {
                each(*id);
                left -= 1;
            }
            at += 1;
        }
        if let Some(place) = self.readers.get_mut(reader.0) {
            *place = Some(at);
        }
        self.furthest = self.furthest.max(at);
        self.trim();
        (from, at)
    }

    /// What everybody has read is gone.
    fn trim(&mut self) {
        let end = self.end();
        let first = self.readers.iter().flatten().copied().min().unwrap_or(end);
        while self.base < first {
            let Some(id) = self.entries.pop_front() else {
                break;
            };
            if !self.is_entry(self.base, id) {
                self.gaps -= 1;
            }
            self.base += 1;
        }
    }

    /// Entries get new places at the end of those they had, and readers stand between the same ones.
    fn close_gaps(&mut self) {
        let end = self.end();
        let (mut moved, mut kept) = (Vec::new(), VecDeque::new());
        for (id, place) in self.entries.iter().zip(self.base..) {
            if self.is_entry(place, *id) {
                moved.push(place);
                kept.push_back(*id);
            }
        }
        let to = |place: u64| {
            let before = moved.partition_point(|other| *other < place);
            end - (moved.len() - before) as u64
        };
        for place in self.readers.iter_mut().flatten() {
            *place = to(*place);
        }
        self.furthest = to(self.furthest.min(end));
        self.base = end - kept.len() as u64;
        for (id, place) in kept.iter().zip(self.base..) {
            if let Some(at) = self.places.get_mut(id.at()) {
                *at = place as u32;
            }
        }
        self.entries = kept;
        self.gaps = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &mut Log, reader: Reader, most: usize) -> Vec<u32> {
        let mut all = Vec::new();
        log.read(reader, most, |id| all.push(id.0));
        all
    }

    #[test]
    fn what_changed_often_is_read_once_where_it_changed_last() {
        let mut log = Log::default();
        let [fast, slow] = [log.subscribe(), log.subscribe()];
        for id in [1, 2, 1, 3] {
            log.push(Id(id));
        }
        assert_eq!(read(&mut log, fast, 10), [1, 2, 3]);
        log.push(Id(1));
        assert!(log.is_ahead(fast, Id(1)) && !log.is_ahead(fast, Id(2)));
        assert_eq!(read(&mut log, fast, 10), [1]);
        assert_eq!(read(&mut log, slow, 2), [2, 3]);
        assert!(log.has(Id(1)) && !log.has(Id(2)));
        assert_eq!(read(&mut log, slow, 2), [1]);
        assert!(log.entries.is_empty() && log.gaps == 0);
    }

    #[test]
    fn a_reader_that_stands_still_holds_one_entry_a_number() {
        let mut log = Log::default();
        let [fast, slow] = [log.subscribe(), log.subscribe()];
        for round in 0..1000 {
            for id in 0..100 {
                log.push(Id((id * 7 + round) % 100));
            }
            assert_eq!(read(&mut log, fast, 1000).len(), 100);
        }
        assert!(log.entries.len() < 3000, "{}", log.entries.len());
        let late = log.beside(slow);
        let mut all = read(&mut log, slow, 1000);
        assert_eq!(read(&mut log, late, 1000), all);
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert!(log.entries.is_empty() && log.gaps == 0);
    }

    #[test]
    fn who_comes_late_reads_what_changes_after_that() {
        let mut log = Log::default();
        let slow = log.subscribe();
        log.push(Id(1));
        let late = log.subscribe();
        assert!(log.is_read(late) && !log.is_ahead(late, Id(1)));
        log.push(Id(1));
        assert_eq!(read(&mut log, late, 10), [1]);
        assert_eq!(read(&mut log, slow, 10), [1]);
        assert!(log.is_read(slow));
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let mut log = Log::default();
        log.push(Id(5));
        let reader = log.subscribe();
        assert!(log.is_read(reader));
        log.push(Id(5));
        assert!(!log.is_read(reader));
        log.unsubscribe(reader);
        assert!(!log.has(Id(5)) && log.entries.is_empty());
    }
}
