//! Netlink messages: what goes out, and how a datagram that came in is taken
//! apart.

use nix::errno::Errno;

use super::attr::{Attrs, TooLong, Writer, aligned};
use crate::error::{Error, Result};

/// Part of an answer that has several.
pub const MULTIPART: u16 = 0x02;
/// Asks for an acknowledgement.
pub const ACK: u16 = 0x04;
/// Asks for the object as it came out.
pub const ECHO: u16 = 0x08;
/// Asks for all objects.
pub const DUMP: u16 = 0x300;
/// Replaces what is there.
pub const REPLACE: u16 = 0x100;
/// Fails if it is there.
pub const EXCL: u16 = 0x200;
/// Makes it if it is not there.
pub const CREATE: u16 = 0x400;
/// Puts it behind those that are there.
pub const APPEND: u16 = 0x800;

pub(super) const REQUEST: u16 = 0x01;
pub(super) const DUMP_INTERRUPTED: u16 = 0x10;
const CAPPED: u16 = 0x100;
const ACK_TLVS: u16 = 0x200;

pub(super) const ERROR: u16 = 2;
pub(super) const DONE: u16 = 3;
const NOOP: u16 = 1;
const OVERRUN: u16 = 4;

const HEADER: usize = 16;

/// One request, and the words for its error.
#[derive(Debug, Clone)]
pub struct Message {
    /// What is asked for, as a phrase: "create veth".
    pub op: &'static str,
    /// On which object.
    pub subject: String,
    /// The type, such as RTM_NEWLINK.
    pub kind: u16,
    /// Flags besides REQUEST: [`ACK`], [`CREATE`] and so on.
    pub flags: u16,
    /// Fixed header and attributes.
    pub body: Vec<u8>,
}

impl Message {
    /// A request without flags and body.
    pub fn new(op: &'static str, subject: impl Into<String>, kind: u16) -> Self {
        Self {
            op,
            subject: subject.into(),
            kind,
            flags: 0,
            body: Vec::new(),
        }
    }

    /// Adds flags.
    pub fn flags(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Sets the body to what a writer has written.
    pub fn attributes(self, writer: Writer) -> Result<Self> {
        match writer.finish() {
            Ok(body) => Ok(self.body(body)),
            Err(TooLong) => Err(self.invalid("an attribute is longer than netlink can carry")),
        }
    }

    /// Appends the whole message, padded, to a datagram.
    pub(super) fn write(&self, sequence: u32, extra_flags: u16, datagram: &mut Vec<u8>) {
        let length = (HEADER + self.body.len()) as u32;
        let flags = REQUEST | self.flags | extra_flags;
        datagram.extend_from_slice(&length.to_ne_bytes());
        datagram.extend_from_slice(&self.kind.to_ne_bytes());
        datagram.extend_from_slice(&flags.to_ne_bytes());
        datagram.extend_from_slice(&sequence.to_ne_bytes());
        datagram.extend_from_slice(&[0; 4]);
        datagram.extend_from_slice(&self.body);
        datagram.resize(aligned(datagram.len()), 0);
    }

    /// The error that the kernel refused this with.
    pub(super) fn refused(&self, refusal: Refusal) -> Error {
        Error::Kernel {
            op: self.op,
            subject: self.subject.clone(),
            errno: refusal.errno,
            ext_ack: refusal.text,
        }
    }

    /// The error for an answer that does not parse.
    pub fn malformed(&self, what: &'static str) -> Error {
        Error::Malformed {
            op: self.op,
            subject: self.subject.clone(),
            what,
        }
    }

    /// The error for a request that cannot be put into a message.
    pub fn invalid(&self, what: &'static str) -> Error {
        Error::Invalid {
            op: self.op,
            subject: self.subject.clone(),
            what,
        }
    }
}

/// A message of the kernel's, in the buffer that it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incoming<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) body: &'a [u8],
}

/// What a message means to whoever waits for an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    /// An object.
    Object(&'a [u8]),
    /// All done.
    Acknowledged,
    /// The end of a dump.
    Done,
    /// It was refused, or a dump broke off.
    Refused(Refusal),
    /// Nothing.
    Nothing,
}

/// An error number with the kernel's explanation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) errno: Errno,
    pub(super) text: Option<String>,
}

impl<'a> Incoming<'a> {
    pub(in crate::raw) fn meaning(&self) -> Result<Meaning<'a>, &'static str> {
        match self.kind {
            NOOP => Ok(Meaning::Nothing),
            OVERRUN => Err("data lost"),
            ERROR => self.outcome(Meaning::Acknowledged),
            // Kernels before 2.6.x sent DONE without the code.
            DONE if self.body.len() < 4 => Ok(Meaning::Done),
            DONE => self.outcome(Meaning::Done),
            _ => Ok(Meaning::Object(self.body)),
        }
    }

    fn outcome(&self, success: Meaning<'a>) -> Result<Meaning<'a>, &'static str> {
        let code = self
            .body
            .first_chunk()
            .map(|code| i32::from_ne_bytes(*code))
            .ok_or("an error message without its code")?;
        if code == 0 {
            return Ok(success);
        }
        Ok(Meaning::Refused(Refusal {
            errno: Errno::from_raw(code.wrapping_neg()),
            text: self.explanation(),
        }))
    }

    /// NLMSGERR_ATTR_MSG. In an error it stands behind the request's header and,
    /// unless capped, its body; at the end of a dump right behind the code.
    fn explanation(&self) -> Option<String> {
        const MSG: u16 = 1;
        if self.flags & ACK_TLVS == 0 {
            return None;
        }
        let mut start = 4;
        if self.kind == ERROR {
            let request = u32::from_ne_bytes(*self.body.get(4..)?.first_chunk()?);
            start += match self.flags & CAPPED {
                0 => aligned((request as usize).max(HEADER)),
                _ => HEADER,
            };
        }
        Attrs::after(start, self.body)
            .find_kind(MSG)
            .map(|attr| attr.text())
            .filter(|text| !text.is_empty())
    }
}

/// Goes through the messages of a datagram.
pub(crate) struct Datagram<'a> {
    rest: &'a [u8],
}

impl<'a> Datagram<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Datagram<'a> {
    type Item = Result<Incoming<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.rest);
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Some(Err("a message shorter than its header"));
        };
        let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *header;
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        let Some(body) = bytes.get(HEADER..length) else {
            return Some(Err("a message with a wrong length"));
        };
        self.rest = bytes.get(aligned(length)..).unwrap_or_default();
        Some(Ok(Incoming {
            kind: u16::from_ne_bytes([k0, k1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            body,
        }))
    }
}
