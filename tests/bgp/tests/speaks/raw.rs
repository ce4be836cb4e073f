//! A neighbour written by hand: bytes on a connection, and what comes back.

use crate::bed::SOON;
use anyhow::{Context as _, Result, bail, ensure};
use fairway_lab::Ns;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub(crate) const OPEN: u8 = 1;
pub(crate) const UPDATE: u8 = 2;
pub(crate) const NOTIFICATION: u8 = 3;
pub(crate) const KEEPALIVE: u8 = 4;
pub(crate) const REFRESH: u8 = 5;

/// Our speaker, on the first cable.
const OURS: &str = "10.9.1.1:179";

/// Attributes of a route of AS 65001 that is right: flags, type, value.
pub(crate) const RIGHT: [(u8, u8, &[u8]); 3] = [
    (0x40, 1, &[0]),
    (0x40, 2, &[2, 1, 0, 0, 0xFD, 0xE9]),
    (0x40, 3, &[10, 9, 1, 2]),
];

/// A connection to our speaker.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    rest: Vec<u8>,
}

/// With marker, length and type.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).expect("a message is short");
    [&[0xFF; 16], &length.to_be_bytes()[..], &[kind], body].concat()
}

pub(crate) fn keepalive() -> Vec<u8> {
    message(KEEPALIVE, &[])
}

/// An OPEN of AS 65001 with IPv4, route refresh (plain and enhanced) and four-octet numbers. Hold time in seconds.
pub(crate) fn open(hold: u16) -> Vec<u8> {
    let capabilities = [
        &[1, 4, 0, 1, 0, 1][..],
        &[2, 0],
        &[70, 0],
        &[65, 4, 0, 0, 0xFD, 0xE9],
    ]
    .concat();
    let length = u8::try_from(capabilities.len()).expect("they are few");
    let mut body = vec![4, 0xFD, 0xE9];
    body.extend(hold.to_be_bytes());
    body.extend([10, 9, 1, 2, length + 2, 2, length]);
    body.extend(capabilities);
    message(OPEN, &body)
}

/// One attribute after the other.
pub(crate) fn attributes(all: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let one = |(flags, code, value): &(u8, u8, &[u8])| {
        let length = u8::try_from(value.len()).expect("it is short");
        [&[*flags, *code, length], *value].concat()
    };
    all.iter().flat_map(one).collect()
}

/// An UPDATE with these attributes and prefixes, as they are.
pub(crate) fn update(attributes: &[u8], announced: &[u8]) -> Vec<u8> {
    let length = u16::try_from(attributes.len()).expect("they are short");
    let body = [&[0, 0], &length.to_be_bytes()[..], attributes, announced].concat();
    message(UPDATE, &body)
}

impl Raw {
    /// Connected, and nothing is said.
    pub(crate) fn connect(ns: &Ns) -> Result<Raw> {
        let stream = ns.inside(|| TcpStream::connect(OURS))??;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(SOON))?;
        let rest = Vec::new();
        Ok(Raw { stream, rest })
    }

    /// The session is up. Our speaker may not take the first connection, where it rests after another.
    pub(crate) fn up(ns: &Ns, hold: u16) -> Result<Raw> {
        let deadline = Instant::now() + SOON;
        loop {
            let mut raw = Raw::connect(ns)?;
            match raw.begin(hold) {
                Ok(()) => return Ok(raw),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn begin(&mut self, hold: u16) -> Result<()> {
        self.expect(OPEN)?;
        self.send(&open(hold))?;
        self.expect(KEEPALIVE)?;
        self.send(&keepalive())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next message: its type, and its body. None where the connection is over.
    pub(crate) fn read(&mut self, limit: Duration) -> Result<Option<(u8, Vec<u8>)>> {
        self.stream.set_read_timeout(Some(limit))?;
        let mut chunk = [0; 65_536];
        loop {
            if let [head @ .., kind] = self.rest.get(..19).unwrap_or_default() {
                let kind = *kind;
                let length = usize::from(u16::from_be_bytes([head[16], head[17]]));
                if self.rest.len() >= length {
                    let whole: Vec<u8> = self.rest.drain(..length).collect();
                    return Ok(Some((kind, whole[19..].to_vec())));
                }
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(read) => self.rest.extend(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
                // A read that has a limit is not taken up again by the kernel, for instance when the machine was frozen.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next message has to be this.
    pub(crate) fn expect(&mut self, kind: u8) -> Result<Vec<u8>> {
        let found = self.read(SOON)?.context("the connection is over")?;
        ensure!(found.0 == kind, "{kind} was expected, not {found:?}");
        Ok(found.1)
    }

    /// Code and subcode of the NOTIFICATION that ends it.
    pub(crate) fn ended(&mut self) -> Result<(u8, u8)> {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            match self.read(SOON)? {
                Some((NOTIFICATION, body)) => {
                    let [code, subcode, ..] = body[..] else {
                        bail!("{body:?} is no NOTIFICATION");
                    };
                    ensure!(self.read(SOON)?.is_none(), "it goes on");
                    return Ok((code, subcode));
                }
                Some(_) => {}
                None => bail!("it ended without a word"),
            }
        }
        bail!("it did not end")
    }
}
