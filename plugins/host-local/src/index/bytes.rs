//! Little-endian numbers at fixed places; reading outside gives zeros, as an empty record would.

use crate::{identity::Id, mark::Mark};

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let end = at.saturating_add(N);
        self.0
            .get(at..end)
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or([0; N])
    }

    pub(super) fn u8(&self, at: usize) -> u8 {
        u8::from_le_bytes(self.bytes(at))
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    pub(super) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }

    pub(super) fn u128(&self, at: usize) -> u128 {
        u128::from_le_bytes(self.bytes(at))
    }

    pub(super) fn id(&self, at: usize) -> Option<Id> {
        let id = self.bytes(at);
        (id != Id::default()).then_some(id)
    }

    pub(super) fn mark(&self, at: usize) -> Mark {
        Mark {
            ino: self.u64(at),
            ctime: i64::from_le_bytes(self.bytes(at + 8)),
            mtime: i64::from_le_bytes(self.bytes(at + 16)),
        }
    }
}

/// Writes `value` at `at`; what does not fit is not written.
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(value.len())) {
        place.copy_from_slice(value);
    }
}

pub(super) fn put_mark(bytes: &mut [u8], at: usize, mark: &Mark) {
    put(bytes, at, &mark.ino.to_le_bytes());
    put(bytes, at + 8, &mark.ctime.to_le_bytes());
    put(bytes, at + 16, &mark.mtime.to_le_bytes());
}
