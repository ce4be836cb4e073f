//! Where the bytes of an index are: in its file, or in memory where there can be none.

use super::header::PAGE;
use std::{fs::File, io, os::unix::fs::FileExt as _};

#[derive(Debug)]
pub(super) enum Storage {
    File(File),
    Memory(Vec<u8>),
}

impl Storage {
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Storage::File(file) => file.read_exact_at(into, at),
            Storage::Memory(bytes) => {
                let from = slice(bytes.len(), at, into.len()).and_then(|range| bytes.get(range));
                into.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    pub(super) fn write(&mut self, at: u64, from: &[u8]) -> io::Result<()> {
        match self {
            Storage::File(file) => file.write_all_at(from, at),
            Storage::Memory(bytes) => {
                let range = slice(bytes.len(), at, from.len());
                let into = range.and_then(|range| bytes.get_mut(range));
                into.ok_or(io::ErrorKind::UnexpectedEof)?
                    .copy_from_slice(from);
                Ok(())
            }
        }?;
        crate::crash::point();
        Ok(())
    }

    pub(super) fn page(&self, at: u64) -> io::Result<[u8; PAGE]> {
        let mut page = [0; PAGE];
        self.read(at, &mut page)?;
        Ok(page)
    }
}

fn slice(len: usize, at: u64, size: usize) -> Option<std::ops::Range<usize>> {
    let at = usize::try_from(at).ok()?;
    let end = at.checked_add(size).filter(|end| *end <= len)?;
    Some(at..end)
}
