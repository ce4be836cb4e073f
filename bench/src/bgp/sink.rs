//! The neighbour that only counts what it is told.

use super::feed;
use anyhow::{Context as _, Result};

const HEADER: usize = 19;
const UPDATE: u8 = 2;

/// Which prefixes are there.
pub(super) struct Sink {
    seen: Vec<bool>,
    pub(super) count: usize,
    /// The beginning of a message.
    rest: Vec<u8>,
}

impl Sink {
    pub(super) fn new(total: u32) -> Sink {
        Sink {
            seen: vec![false; total as usize],
            count: 0,
            rest: Vec::new(),
        }
    }

    pub(super) fn has_all(&self) -> bool {
        self.count == self.seen.len()
    }

    /// What came next.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<()> {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut left = &all[..];
        while let Some(length) = whole(left) {
            let (message, after) = left.split_at(length);
            if message[HEADER - 1] == UPDATE {
                self.update(&message[HEADER..]).context("an UPDATE")?;
            }
            left = after;
        }
        self.rest = left.to_vec();
        Ok(())
    }

    fn update(&mut self, body: &[u8]) -> Option<()> {
        let (withdrawn, rest) = led(body)?;
        let (_, announced) = led(rest)?;
        self.prefixes(withdrawn, false)?;
        self.prefixes(announced, true)
    }

    fn prefixes(&mut self, mut field: &[u8], come: bool) -> Option<()> {
        while let Some((length, rest)) = field.split_first() {
            let (octets, rest) = rest.split_at_checked(usize::from(*length).div_ceil(8))?;
            let mut address = [0; 4];
            address.get_mut(..octets.len())?.copy_from_slice(octets);
            let number = feed::number(u32::from_be_bytes(address));
            let seen = self.seen.get_mut(number as usize)?;
            match (std::mem::replace(seen, come), come) {
                (false, true) => self.count += 1,
                (true, false) => self.count -= 1,
                _ => {}
            }
            field = rest;
        }
        Some(())
    }
}

/// How long the first message is, if all of it is there.
pub(super) fn whole(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(16..18)?;
    let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
    (HEADER..=bytes.len()).contains(&length).then_some(length)
}

/// A field that its length leads, and the rest.
fn led(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn each_prefix_counts_once_however_the_bytes_come() {
        let bytes = feed::of(0, (65_001, Ipv4Addr::LOCALHOST), 1000, 1000).unwrap();
        let mut sink = Sink::new(1000);
        for part in bytes.chunks(997) {
            assert!(!sink.has_all());
            sink.hear(part).unwrap();
        }
        assert!(sink.has_all());
        sink.hear(&bytes).unwrap();
        assert_eq!(sink.count, 1000);
    }
}
