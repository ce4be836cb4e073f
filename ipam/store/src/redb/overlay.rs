//! A file that is read as it is and written only in memory.
//!
//! Opening a redb file writes to it: it marks it as in use and mends it after a crash. A file that is
//! damaged or of a newer format must be left untouched, for whoever rescues it; so a file is first opened
//! through this, judged, and only then in earnest.

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

const PAGE: usize = 4096;

#[derive(Debug)]
pub(super) struct Overlay {
    file: FileBackend,
    shadow: Mutex<Shadow>,
}

#[derive(Debug)]
struct Shadow {
    len: u64,
    /// How much of the file still shows through.
    shown: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let file = FileBackend::new(file).map_err(io::Error::other)?;
        let shadow = Mutex::new(Shadow {
            len,
            shown: len,
            pages: BTreeMap::new(),
        });
        Ok(Self { file, shadow })
    }

    fn shadow(&self) -> MutexGuard<'_, Shadow> {
        self.shadow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file's bytes from an offset on; zeroes where it shows through no more.
    fn below(&self, shown: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        out.fill(0);
        let there = shown.saturating_sub(offset).min(out.len() as u64);
        let there = usize::try_from(there).unwrap_or(out.len());
        match there {
            0 => Ok(()),
            n => self.file.read(offset, &mut out[..n]),
        }
    }
}

/// The parts of `offset..offset + len`, page by page: (page, where in it, where in the buffer, how much).
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let within = usize::try_from(at % PAGE as u64).unwrap_or(0);
        let piece = (PAGE - within).min(len - done);
        let step = (at / PAGE as u64, within, done, piece);
        done += piece;
        Some(step)
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.shadow().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let shadow = self.shadow();
        if offset + out.len() as u64 > shadow.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (page, within, at, n) in pieces(offset, out.len()) {
            let out = &mut out[at..at + n];
            match shadow.pages.get(&page) {
                Some(bytes) => out.copy_from_slice(&bytes[within..within + n]),
                None => self.below(shadow.shown, offset + at as u64, out)?,
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut shadow = self.shadow();
        for (page, within, at, n) in pieces(offset, data.len()) {
            if !shadow.pages.contains_key(&page) {
                let mut bytes = Box::new([0; PAGE]);
                self.below(shadow.shown, page * PAGE as u64, &mut bytes[..])?;
                shadow.pages.insert(page, bytes);
            }
            if let Some(bytes) = shadow.pages.get_mut(&page) {
                bytes[within..within + n].copy_from_slice(&data[at..at + n]);
            }
        }
        shadow.len = shadow.len.max(offset + data.len() as u64);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut shadow = self.shadow();
        shadow.len = len;
        shadow.shown = shadow.shown.min(len);
        let keep = len.div_ceil(PAGE as u64);
        shadow.pages.retain(|page, _| *page < keep);
        // What lies beyond the end reads as zeroes once it grows again.
        let tail = usize::try_from(len % PAGE as u64).unwrap_or(0);
        if let Some(bytes) = shadow.pages.get_mut(&(len / PAGE as u64)) {
            bytes[tail..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
