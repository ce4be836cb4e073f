//! The map of an index: one bit per address of the configured ranges, set where it has a file.
//!
//! With it the one free address of 50,000 is found by reading a few KiB, and a full range is known to be
//! full, where trying each name costs the reference plugin 50,000 failing `open`s.

use super::{Index, header::PAGE};
use crate::span::{Span, address, number};
use std::{io, net::IpAddr};

impl Index {
    /// Does each address of `span` have its bit?
    pub(crate) fn maps(&self, span: &Span) -> bool {
        self.header.spans.iter().any(|mapped| mapped.covers(span))
    }

    /// The first address of `span` whose bit is clear; `None` where there is none, or `span` is not mapped.
    pub(crate) fn first_free(&self, span: &Span) -> io::Result<Option<IpAddr>> {
        let mut base = 0;
        for mapped in &self.header.spans {
            if mapped.covers(span) {
                let bit = |number: u128| Some(base + u64::try_from(number - mapped.first()).ok()?);
                let (Some(from), Some(to)) = (bit(span.first()), bit(span.last())) else {
                    break;
                };
                let free = self.first_clear(from, to)?;
                let back = |bit: u64| address(mapped.v6(), mapped.first() + u128::from(bit - base));
                return Ok(free.and_then(back));
            }
            base += mapped.len().unwrap_or_default();
        }
        Ok(None)
    }

    /// The first clear bit from `from` to `to`, both included.
    fn first_clear(&self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        while at <= to {
            let byte = at / 8;
            let wanted = usize::try_from(to / 8 - byte + 1).unwrap_or(PAGE).min(PAGE);
            let mut chunk = vec![0u8; wanted];
            self.storage.read(PAGE as u64 + byte, &mut chunk)?;
            for (&bits, byte) in chunk.iter().zip(byte..) {
                // Bits before the first one wanted count as set.
                let before = at.saturating_sub(byte * 8).min(8);
                let masked = u16::from(bits) | ((1u16 << before) - 1);
                if masked & 0xff != 0xff {
                    let bit = byte * 8 + u64::from((!masked).trailing_zeros());
                    return Ok((bit <= to).then_some(bit));
                }
            }
            at = (byte + wanted as u64) * 8;
        }
        Ok(None)
    }

    /// Sets or clears the bit of an address, if it has one.
    pub(super) fn map_set(&mut self, ip: IpAddr, taken: bool) -> io::Result<()> {
        let Some(bit) = bit_of(&self.header.spans, ip) else {
            return Ok(());
        };
        let at = PAGE as u64 + bit / 8;
        let mut byte = [0];
        self.storage.read(at, &mut byte)?;
        let mask = 1 << (bit % 8);
        let new = if taken {
            byte[0] | mask
        } else {
            byte[0] & !mask
        };
        self.storage.write(at, &[new])
    }
}

/// The number of an address's bit.
pub(super) fn bit_of(spans: &[Span], ip: IpAddr) -> Option<u64> {
    let mut base = 0u64;
    for span in spans {
        if span.contains(ip) {
            return base.checked_add(u64::try_from(number(ip) - span.first()).ok()?);
        }
        base = base.checked_add(span.len()?)?;
    }
    None
}
