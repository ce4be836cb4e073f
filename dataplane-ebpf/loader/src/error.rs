//! What can go wrong with the kernel's side of the dataplane.
//!
//! Two sorts must be told apart by whoever gets them: a map that is full, which is the operator's to see by
//! the map's name while everything that is in force stays in force, and all the rest, after which it is not
//! known what the maps hold, so that a new generation is the way out.

use std::io;
use std::path::PathBuf;

use aya::EbpfError;

/// This crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the dataplane.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No entry fits in any more; what is there stays.
    #[error("map {map} is full: it has room for {entries} entries")]
    Full {
        /// Which.
        map: &'static str,
        /// How many it has room for.
        entries: u32,
    },
    /// The kernel refused an operation on a map.
    #[error("map {map}: {call}: {source}")]
    Map {
        /// Which.
        map: &'static str,
        /// The command of bpf(2).
        call: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A map would have no room at all, or more than the kernel can count.
    #[error("map {map} cannot have room for {entries} entries")]
    Size {
        /// Which.
        map: &'static str,
        /// How many were asked for.
        entries: u32,
    },
    /// The object has no such map or program, or it is of another type.
    #[error("the eBPF object has no {what} {name}")]
    Missing {
        /// Map or program.
        what: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// A map's keys or values are not those of this crate.
    #[error("map {map}: {what} of {there} bytes, and {wanted} were expected")]
    Layout {
        /// Which.
        map: &'static str,
        /// Keys or values.
        what: &'static str,
        /// Those of the map.
        there: u32,
        /// Those of this crate.
        wanted: u32,
    },
    /// The verifier refused a program, or the kernel cannot run it.
    #[error("program {program} was refused: {source}: {log}")]
    Refused {
        /// Which.
        program: &'static str,
        /// Why.
        #[source]
        source: io::Error,
        /// The verifier's last words.
        log: String,
    },
    /// The object cannot be loaded.
    #[error("cannot load the eBPF object: {}", chain(.0))]
    Object(#[source] Box<EbpfError>),
    /// A program cannot be run or looked at.
    #[error("program {program}: {call}: {source}")]
    Program {
        /// Which.
        program: &'static str,
        /// What was asked for.
        call: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Files that keep maps and programs cannot be made, moved or removed.
    #[error("{op} {}: {source}", .path.display())]
    Pins {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another system call failed.
    #[error("{call}: {source}")]
    System {
        /// Which.
        call: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A link's filters could not be looked at or changed.
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
}

impl Error {
    /// Is it a map that is full?
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// An error with those beneath it that it does not tell itself.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = error.source();
    }
    text
}
