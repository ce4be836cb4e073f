//! What can go wrong with a ruleset.

use std::io;
use std::ops::RangeInclusive;
use std::process::ExitStatus;

use crate::ports::{Holder, Protocol};

/// Failure of a netfilter operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused, or did not answer.
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
    /// Rules are to be written, and the kernel has no nf_tables.
    #[error("this kernel has no nf_tables")]
    NoNfTables,
    /// A name for which the rules have no room; found before anything is
    /// changed.
    #[error("{what} {name:?} is {} bytes long, at most {max} fit", .name.len())]
    NameTooLong {
        /// Which name: "iptables comment".
        what: &'static str,
        /// The name.
        name: String,
        /// How many bytes there is room for.
        max: usize,
    },
    /// A name that must be one is empty; found before anything is changed.
    #[error("{what} is empty")]
    NoName {
        /// Which name: "interface name".
        what: &'static str,
    },
    /// No such backend.
    #[error("unknown backend {0:?} (known: iptables, nftables)")]
    UnknownBackend(String),
    /// A rule that ought to be there is not.
    #[error("{family} table {table}: chain {chain} has no {what}")]
    MissingRule {
        /// Address family of the table, as `nft` calls it.
        family: &'static str,
        /// The table.
        table: &'static str,
        /// The chain that was searched.
        chain: String,
        /// The rule, in words.
        what: String,
    },
    /// A chain holds rules that it should not hold.
    #[error("{family} table {table}: chain {chain} is not as it was set up")]
    ChangedChain {
        /// Address family of the table, as `nft` calls it.
        family: &'static str,
        /// The table.
        table: &'static str,
        /// The chain.
        chain: String,
    },
    /// A chain that is to be made is there and another attachment's: the names
    /// of two attachments can come to the same chain.
    #[error(
        "{family} table {table}: chain {chain} is in use by another attachment \
         ({owner}), whose names run together to the same"
    )]
    ForeignChain {
        /// Address family of the table, as `nft` calls it.
        family: &'static str,
        /// The table.
        table: &'static str,
        /// The chain.
        chain: String,
        /// The comment of a rule of the other's.
        owner: String,
    },
    /// A port of the host that was asked for is another attachment's.
    #[error("{protocol} port {port} is taken by {holder}")]
    PortTaken {
        /// Which of those asked for.
        index: usize,
        /// The port.
        port: u16,
        /// Of which protocol.
        protocol: Protocol,
        /// Who has it.
        holder: Holder,
    },
    /// A port is to be chosen, and none is free.
    #[error("{}", no_port(.range.as_ref()))]
    NoPortLeft {
        /// Which of those asked for.
        index: usize,
        /// Where it would have come from, if from anywhere.
        range: Option<RangeInclusive<u16>>,
    },
    /// A chain of somebody else's that rules are to lead to is not there.
    #[error("table nat has no chain {chain}")]
    NoChain {
        /// The chain.
        chain: String,
    },
    /// A rule that only iptables can write.
    #[error("a rule's conditions are for iptables to read")]
    NotNative,
    /// The rules would have to be written by iptables, which is not installed.
    #[error("{program} is not installed")]
    NotInstalled {
        /// The program that was looked for.
        program: String,
    },
    /// A program could not be run.
    #[error("cannot run {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program failed.
    #[error("{program}: {status}: {stderr}")]
    Command {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// Several steps failed; each was tried all the same.
    #[error("{}", list(.0))]
    Several(Vec<Error>),
}

fn no_port(range: Option<&RangeInclusive<u16>>) -> String {
    match range {
        None => "there is no range to choose a port from".to_owned(),
        Some(range) => format!("no port from {} to {} is free", range.start(), range.end()),
    }
}

fn list(errors: &[Error]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl Error {
    /// No error, the one, or all in one.
    pub(crate) fn collect(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }
}
