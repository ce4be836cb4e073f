//! Asking nf_tables, and changing it.
//!
//! A kernel without nf_tables, or without one of its families, has no rules to
//! take away: looking finds nothing there, only changing fails.
//!
//! Others change the same ruleset at the same time (kube-proxy, a firewall, the
//! plugins of other containers). What one container's rules need depends only on
//! that container's own objects, so there is nothing to lose against others but
//! a race for making or deleting the same object; then we look again, a few
//! times. But whoever reloads a ruleset makes its tables anew, and the handles
//! that we read come to mean rules of others: so what deletes names the
//! generation of the ruleset that it was built from, and the kernel refuses it
//! once there is a newer one.

use std::collections::BTreeMap;
use std::time::Duration;

use fairway_netlink::raw::attr::{Attrs, Writer};
use fairway_netlink::raw::{Message, RawSocket, protocols};
use fairway_netlink::{Error as NetlinkError, retry};
use nix::errno::Errno;

use super::chain::{Chain, ListedTable};
use super::rule::{Glance, ListedRule};
use super::transaction::Transaction;
use super::{GET_CHAIN, GET_GENERATION, GET_RULE, GET_TABLE, HEADER, Table, header};
use crate::Error;

/// How often a transaction is built anew when an object is there, gone or in use
/// against expectation. With a ruleset that others change it ends with patience
/// only: each time one of them got on.
const TRIES: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket to nf_tables, in the namespace where it was opened.
#[derive(Debug)]
pub(crate) struct NftSocket {
    /// None where the kernel has no nfnetlink at all.
    socket: Option<RawSocket>,
    generation: Generation,
}

/// Which state of the ruleset a transaction is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generation {
    /// Nobody will ask, or the kernel does not tell.
    NotNeeded,
    /// To be asked for before rules are listed.
    Wanted,
    Known(u32),
}

impl NftSocket {
    pub(crate) fn open() -> Result<Self, Error> {
        let socket = match RawSocket::open(protocols::NETLINK_NETFILTER) {
            Ok(socket) => Some(socket),
            Err(error) if error.errno() == Some(Errno::EPROTONOSUPPORT) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            socket,
            generation: Generation::NotNeeded,
        })
    }

    /// The socket itself, for others that speak netfilter's netlink; none where the kernel
    /// has none.
    pub(crate) fn raw(&mut self) -> Option<&mut RawSocket> {
        self.socket.as_mut()
    }

    /// Fails where this kernel has no nf_tables.
    pub(crate) fn must_be_there(&mut self) -> Result<(), Error> {
        let Some(socket) = &mut self.socket else {
            return Err(Error::NoNfTables);
        };
        match socket.get(&generation(), |_, _| Some(())) {
            Err(error) if is_absent(&error) => Err(Error::NoNfTables),
            other => Ok(other?),
        }
    }

    /// The table, if it is there.
    pub(crate) fn table(&mut self, table: Table) -> Result<Option<ListedTable>, Error> {
        let mut attrs = Writer::with_header(&header(table.family, 0));
        attrs.put_str(1, table.name);
        let message =
            Message::new("look up table", table.subject(None), GET_TABLE).attributes(attrs)?;
        self.look_up(&message, |attrs| ListedTable::read(&attrs))
    }

    /// The chain, if it is there.
    pub(crate) fn chain(&mut self, table: Table, chain: &str) -> Result<Option<Chain>, Error> {
        let mut attrs = Writer::with_header(&header(table.family, 0));
        attrs.put_str(1, table.name);
        attrs.put_str(3, chain);
        let message = Message::new("look up chain", table.subject(Some(chain)), GET_CHAIN)
            .attributes(attrs)?;
        self.look_up(&message, |attrs| Some(Chain::read(&attrs)))
    }

    /// Whether the chain is there.
    pub(crate) fn has_chain(&mut self, table: Table, chain: &str) -> Result<bool, Error> {
        Ok(self.chain(table, chain)?.is_some())
    }

    fn look_up<R>(
        &mut self,
        message: &Message,
        read: impl FnOnce(Attrs<'_>) -> Option<R>,
    ) -> Result<Option<R>, Error> {
        let Some(socket) = &mut self.socket else {
            return Ok(None);
        };
        match socket.get(message, |_, body| read(Attrs::after(HEADER, body))) {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The rules of a chain, or of all chains of the table, in order; none where
    /// there is no such chain or table.
    pub(crate) fn rules(
        &mut self,
        table: Table,
        chain: Option<&str>,
    ) -> Result<Vec<ListedRule>, Error> {
        self.rules_where(table, chain, |_| true)
    }

    /// The same, of the rules for which `wanted` holds.
    pub(crate) fn rules_where(
        &mut self,
        table: Table,
        chain: Option<&str>,
        wanted: impl Fn(&Glance<'_>) -> bool,
    ) -> Result<Vec<ListedRule>, Error> {
        self.note_generation()?;
        let Some(socket) = &mut self.socket else {
            return Ok(Vec::new());
        };
        let mut attrs = Writer::with_header(&header(table.family, 0));
        attrs.put_str(1, table.name);
        if let Some(chain) = chain {
            attrs.put_str(2, chain);
        }
        let message =
            Message::new("list rules", table.subject(chain), GET_RULE).attributes(attrs)?;
        let listed = socket.dump(&message, |_, body| {
            let glance = Glance::new(Attrs::after(HEADER, body));
            wanted(&glance).then(|| glance.read())
        });
        match listed {
            // Old kernels pay no heed to the chain's name in a dump.
            Ok(rules) => Ok(rules
                .into_iter()
                .filter(|rule| chain.is_none_or(|chain| rule.chain == chain))
                .collect()),
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks which generation the ruleset is of, if a transaction needs to know
    /// and does not yet.
    fn note_generation(&mut self) -> Result<(), Error> {
        const ID: u16 = 1;
        let (Some(socket), Generation::Wanted) = (&mut self.socket, self.generation) else {
            return Ok(());
        };
        let known = socket.get(&generation(), |_, body| {
            Attrs::after(HEADER, body).find_kind(ID)?.u32_be()
        });
        self.generation = match known {
            Ok(generation) => Generation::Known(generation),
            Err(error) if is_absent(&error) => Generation::NotNeeded,
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    /// Builds a transaction from what is there and commits it; builds it anew
    /// where somebody else was faster. An empty one is not sent.
    ///
    /// Handles must be of rules that `build` itself listed: one that deletes is
    /// refused when the ruleset changed after the first look at rules.
    pub(crate) fn transact(
        &mut self,
        mut build: impl FnMut(&mut Self) -> Result<Transaction, Error>,
    ) -> Result<(), Error> {
        let mut tries = 0;
        let mut last = None;
        let done = retry::until(PATIENCE, || {
            self.generation = Generation::Wanted;
            let built = build(self);
            let generation = match std::mem::replace(&mut self.generation, Generation::NotNeeded) {
                Generation::Known(generation) => generation,
                Generation::Wanted | Generation::NotNeeded => 0,
            };
            let transaction = built?;
            if transaction.is_empty() {
                return Ok(Some(()));
            }
            let socket = self.socket.as_mut().ok_or(Error::NoNfTables)?;
            match socket.batch(&transaction.into_batch(generation)?) {
                Ok(_) => Ok(Some(())),
                Err(error) => {
                    tries += u32::from(!is_outdated(&error));
                    if tries >= TRIES || !is_race(&error) {
                        return Err(Error::from(error));
                    }
                    last = Some(error);
                    Ok(None)
                }
            }
        })?;
        match (done, last) {
            (None, Some(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Commits all of a list of changes together; where the kernel refuses that,
    /// each by itself, so that one that sticks does not keep the others. `list`
    /// is asked anew each time, and gives each change the same name.
    ///
    /// Returns what could not be done; the rest is.
    pub(crate) fn transact_all(
        &mut self,
        mut list: impl FnMut(&mut Self) -> Result<BTreeMap<String, Transaction>, Error>,
    ) -> Vec<Error> {
        let together = self.transact(|nft| {
            let mut all = Transaction::default();
            for change in list(nft)?.into_values() {
                all.append(change);
            }
            Ok(all)
        });
        match together {
            Ok(()) => return Vec::new(),
            // Nobody's fault, and nothing that a smaller batch would change.
            Err(Error::Netlink(error)) if is_outdated(&error) => return vec![error.into()],
            Err(Error::Netlink(NetlinkError::Kernel { .. } | NetlinkError::Io { .. })) => {}
            Err(error) => return vec![error],
        }
        let names: Vec<String> = match list(self) {
            Ok(changes) => changes.into_keys().collect(),
            Err(error) => return vec![error],
        };
        let each = names
            .iter()
            .map(|name| self.transact(|nft| Ok(list(nft)?.remove(name).unwrap_or_default())));
        each.filter_map(Result::err).collect()
    }
}

fn generation() -> Message {
    Message::new("look up generation", "nf_tables", GET_GENERATION).body(header(0, 0).to_vec())
}

/// No such object, no such kind of object in this kernel, or (ERANGE) a name that
/// no object can have.
fn is_absent(error: &NetlinkError) -> bool {
    matches!(
        error.errno(),
        Some(
            Errno::ENOENT
                | Errno::EINVAL
                | Errno::ERANGE
                | Errno::EOPNOTSUPP
                | Errno::EAFNOSUPPORT
                | Errno::EPROTONOSUPPORT
        )
    )
}

/// Whether looking again may help.
fn is_race(error: &NetlinkError) -> bool {
    is_outdated(error)
        || matches!(
            error.errno(),
            Some(Errno::EEXIST | Errno::ENOENT | Errno::EAGAIN | Errno::EBUSY | Errno::EINTR)
        )
}

/// Whether the ruleset is not any more the one that was looked at.
fn is_outdated(error: &NetlinkError) -> bool {
    error.errno() == Some(Errno::ERESTART)
}
