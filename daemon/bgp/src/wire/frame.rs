//! The header (RFC 4271, 4.1 and 6.1; RFC 8654).

use super::Coding;
use crate::message::{HeaderError, Kind, Notification, Reason};

/// Octets of a header: marker, length, type.
pub const HEADER: usize = 19;
/// The longest message without RFC 8654.
pub const LONGEST: usize = 4096;
/// The longest with it.
pub const LONGEST_EXTENDED: usize = 65_535;

const MARKER: [u8; 16] = [0xFF; 16];

/// How short a message may be. What a ROUTE-REFRESH lacks is judged when its subtype is known.
const fn shortest(kind: Kind) -> usize {
    match kind {
        Kind::Open => 29,
        Kind::Update => 23,
        Kind::Notification => 21,
        Kind::Keepalive | Kind::Refresh => HEADER,
    }
}

/// A whole message whose header is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    kind: Kind,
    bytes: &'a [u8],
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// All of it. So much is to be taken off the buffer.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// The message at the front of a buffer; none where it is not all there yet.
///
/// # Errors
/// As soon as what is there cannot become a message: with what is to be sent before the connection ends.
pub fn split<'a>(buffer: &'a [u8], coding: &Coding) -> Result<Option<Frame<'a>>, Notification> {
    if buffer.iter().zip(MARKER).any(|(is, be)| *is != be) {
        return Err(refused(HeaderError::NotSynchronized, &[]));
    }
    let Some(([.., high, low, code], _)) = buffer.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let field = [*high, *low];
    let length = usize::from(u16::from_be_bytes(field));
    let kind = Kind::of(*code);
    let (shortest, longest) = match kind {
        Some(Kind::Keepalive) => (HEADER, HEADER),
        Some(kind) => (shortest(kind), coding.longest(kind)),
        None => (HEADER, coding.longest(Kind::Update)),
    };
    if length < shortest || longest < length {
        return Err(refused(HeaderError::BadLength, &field));
    }
    let Some(kind) = kind else {
        return Err(refused(HeaderError::BadType, &[*code]));
    };
    let whole = buffer.split_at_checked(length);
    Ok(whole.and_then(|(bytes, _)| {
        let body = bytes.get(HEADER..)?;
        Some(Frame { kind, bytes, body })
    }))
}

fn refused(error: HeaderError, data: &[u8]) -> Notification {
    Notification::of(Reason::Header(error), data)
}

/// Begins a message at the end of `out`; [`end`] puts in its length.
pub(super) fn begin(kind: Kind, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&MARKER);
    out.extend_from_slice(&[0, 0, kind as u8]);
    start
}

/// The message that begins at `start` and ends where `out` does.
pub(super) fn end(start: usize, out: &mut [u8]) {
    let length = out.len() - start;
    put(out, start + MARKER.len(), length);
}

/// Puts a length of two octets where room was left for it. No message is so long that it would not fit.
pub(super) fn put(out: &mut [u8], at: usize, length: usize) {
    let [.., high, low] = length.to_be_bytes();
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&[high, low]);
    }
}
