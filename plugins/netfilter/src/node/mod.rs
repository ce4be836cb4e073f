//! What a node does once for all its containers: table `inet fairway`.
//!
//! **Masquerading.** Containers of a cluster's networks see each other's own addresses; only what
//! goes out of the cluster bears the node's address, and only for networks that
//! want that. So one chain serves all containers of a node, and nothing is
//! written when one comes or goes.
//!
//! **What the overlay brings for the outside.** A client connects to a port of this
//! node, somebody's rules (kube-proxy's) send it on to a container of another node
//! with this node as its source, and the answers come back by the overlay: they go on
//! to the client, and only connection tracking knows that they are answers. So it is
//! asked: what came in by the overlay and is for no container passes as an answer, or
//! where this node's own rules have given the packet its destination. All else is
//! dropped, also what belongs to no connection, being invalid or not tracked: no
//! container goes out by another node.
//!
//! The table and everything in it are ours, and it is replaced as a whole, in one
//! transaction: there is no moment without rules, and nothing that others put
//! into it survives. Flows that are under way keep the address that they began
//! with, for the kernel asks the chain about the first packet only.
//!
//! What goes wrong: a firewall that is reloaded flushes the whole ruleset, ours
//! too. [`Monitor`] tells when to look ([`NodeTable::check`]) and write again. A
//! flow that began while there was no table keeps the container's address as long
//! as anybody's chains made the kernel track it. And where ours was the only chain
//! of type nat, flows that had the node's address go without it until it is back.
//! So long nothing of this table holds back what came by the overlay for the outside
//! either. Networks stay apart all the same, which is the business of routes, and
//! no honest node sends such packets.

mod monitor;
mod rules;

use ipnetwork::IpNetwork;
pub use monitor::Monitor;

use crate::Error;
use crate::nft::chain::Chain;
use crate::nft::socket::NftSocket;
use crate::nft::transaction::Transaction;
use crate::nft::{Table, rule};

const TABLE: Table = Table::NODE;
const COMMENT: &str = "Masquerading of this node's containers; all of it is written by fairwayd";

/// Which packets get the node's address, and which pass. The order of prefixes,
/// their host bits and repetitions make no difference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeRules {
    /// Name of the link to the other nodes, 1 to 15 bytes, whether there is one or
    /// not. What goes out by it stays as it is.
    pub overlay: String,
    /// Where the cluster's containers are. What goes there stays as it is.
    pub pools: Vec<IpNetwork>,
    /// Of containers in these, what goes anywhere else gets the node's address,
    /// but for multicast.
    pub masquerade: Vec<IpNetwork>,
    /// Whether what came in by the overlay and is for none of the pools is dropped,
    /// unless it is an answer or has its destination from this node. All pools must
    /// be known for that.
    pub answers_only: bool,
}

/// The table in one namespace.
///
/// The kernel makes whoever replaced the table wait for a grace period (some 16
/// ms) when this is dropped.
#[derive(Debug)]
pub struct NodeTable {
    nft: NftSocket,
}

impl NodeTable {
    /// For the namespace that the calling thread is in, whichever it is in later.
    ///
    /// # Errors
    /// Where no netlink socket can be had.
    pub fn open() -> Result<Self, Error> {
        let nft = NftSocket::open()?;
        Ok(Self { nft })
    }

    /// Makes the table what it ought to be; where it is so already, nothing is
    /// written.
    ///
    /// # Errors
    /// Where the kernel refuses; then the table is as it was.
    /// [`Error::NameTooLong`] or [`Error::NoName`] for a link that there cannot be,
    /// [`Error::NoNfTables`] for a kernel without.
    pub fn apply(&mut self, rules: &NodeRules) -> Result<(), Error> {
        let wanted = rules::of(rules)?;
        self.nft.transact(|nft| {
            let mut tx = Transaction::default();
            if is_there(nft, &wanted)? {
                return Ok(tx);
            }
            // Made first, so that there is one to delete.
            tx.add_table(TABLE, None)?;
            tx.delete_table(TABLE)?;
            tx.add_table(TABLE, Some(COMMENT))?;
            for chain in &wanted {
                tx.add_chain(TABLE, chain.name, Some(chain.hook), None)?;
                for rule in &chain.rules {
                    tx.add_rule(TABLE, chain.name, rule)?;
                }
            }
            Ok(tx)
        })
    }

    /// Whether the table is what [`apply`](Self::apply) would make it: chains and
    /// rules, awake, and nothing else in it. It is read back whole.
    ///
    /// # Errors
    /// As of `apply`; that the kernel has no nf_tables is `false`.
    pub fn check(&mut self, rules: &NodeRules) -> Result<bool, Error> {
        is_there(&mut self.nft, &rules::of(rules)?)
    }

    /// Deletes the table; nothing is done where there is none.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn remove(&mut self) -> Result<(), Error> {
        self.nft.transact(|nft| {
            let mut tx = Transaction::default();
            if nft.table(TABLE)?.is_some() {
                // Whoever was faster has not made this fail.
                tx.add_table(TABLE, None)?;
                tx.delete_table(TABLE)?;
            }
            Ok(tx)
        })
    }
}

fn is_there(nft: &mut NftSocket, wanted: &[rules::Chain]) -> Result<bool, Error> {
    // Asleep or owned by another process it would have flags; the objects are the chains.
    let objects = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    match nft.table(TABLE)? {
        Some(table) if (table.flags, table.objects) == (0, objects) => {}
        _ => return Ok(false),
    }
    for rules::Chain { name, hook, rules } in wanted {
        let chain = nft.chain(TABLE, name)?;
        if !chain.is_some_and(|chain: Chain| chain.accepts_all_of(*hook))
            || !rule::same(&nft.rules(TABLE, Some(name))?, rules)
        {
            return Ok(false);
        }
    }
    Ok(true)
}
