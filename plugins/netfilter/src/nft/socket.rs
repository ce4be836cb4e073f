//! Asking nf_tables, and changing it.
//!
//! A kernel without nf_tables, or without one of its families, has no rules to
//! take away: looking finds nothing there, only changing fails.
//!
//! Others change the same ruleset at the same time (kube-proxy, a firewall, the
//! plugins of other containers). What one container's rules need depends only on
//! that container's own objects, so there is nothing to lose against others but
//! a race for making or deleting the same object; then we look again, a few
//! times.

use std::time::Duration;

use fairway_netlink::raw::attr::{Attrs, Writer};
use fairway_netlink::raw::{Message, RawSocket, protocols};
use fairway_netlink::{Error as NetlinkError, retry};
use nix::errno::Errno;

use super::rule::{Glance, ListedRule};
use super::transaction::Transaction;
use super::{GET_CHAIN, GET_RULE, HEADER, Table, header};
use crate::Error;

/// How often a transaction is built anew when others got in between.
const TRIES: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(5);

/// A socket to nf_tables, in the namespace where it was opened; none where the
/// kernel has no nfnetlink at all.
#[derive(Debug)]
pub(crate) struct NftSocket(Option<RawSocket>);

impl NftSocket {
    pub(crate) fn open() -> Result<Self, Error> {
        match RawSocket::open(protocols::NETLINK_NETFILTER) {
            Ok(socket) => Ok(Self(Some(socket))),
            Err(error) if error.errno() == Some(Errno::EPROTONOSUPPORT) => Ok(Self(None)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the chain is there.
    pub(crate) fn has_chain(&mut self, table: Table, chain: &str) -> Result<bool, Error> {
        let Some(socket) = &mut self.0 else {
            return Ok(false);
        };
        let mut attrs = Writer::with_header(&header(table.family, 0));
        attrs.put_str(1, table.name);
        attrs.put_str(3, chain);
        let message = Message::new("look up chain", table.subject(Some(chain)), GET_CHAIN)
            .attributes(attrs)?;
        match socket.get(&message, |_, _| Some(())) {
            Ok(()) => Ok(true),
            Err(error) if is_absent(&error) => Ok(false),
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
        let Some(socket) = &mut self.0 else {
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

    /// Builds a transaction from what is there and commits it; builds it anew
    /// where somebody else was faster. An empty one is not sent.
    pub(crate) fn transact(
        &mut self,
        mut build: impl FnMut(&mut Self) -> Result<Transaction, Error>,
    ) -> Result<(), Error> {
        let mut tries = 0;
        let mut last = None;
        let done = retry::until(PATIENCE, || {
            tries += 1;
            let transaction = build(self)?;
            if transaction.is_empty() {
                return Ok(Some(()));
            }
            let socket = self.0.as_mut().ok_or(Error::NoNfTables)?;
            match socket.batch(&transaction.into_batch()) {
                Ok(_) => Ok(Some(())),
                Err(error) if tries < TRIES && is_race(&error) => {
                    last = Some(error);
                    Ok(None)
                }
                Err(error) => Err(Error::from(error)),
            }
        })?;
        match (done, last) {
            (None, Some(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// No such object, or no such kind of object in this kernel.
fn is_absent(error: &NetlinkError) -> bool {
    matches!(
        error.errno(),
        Some(
            Errno::ENOENT
                | Errno::EINVAL
                | Errno::EOPNOTSUPP
                | Errno::EAFNOSUPPORT
                | Errno::EPROTONOSUPPORT
        )
    )
}

/// Whether looking again may help.
fn is_race(error: &NetlinkError) -> bool {
    const ERESTART: i32 = 85;
    match error {
        NetlinkError::Kernel { errno, .. } => {
            matches!(
                errno,
                Errno::EEXIST | Errno::ENOENT | Errno::EAGAIN | Errno::EBUSY | Errno::EINTR
            ) || *errno as i32 == ERESTART
        }
        _ => false,
    }
}
