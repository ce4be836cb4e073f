//! Whether a limit is what it should be.

use std::fmt::Display;

use fairway_netlink::{HtbClass, Netlink, Qdiscs};

use crate::Means;
use crate::apply::is_same;
use crate::bulk::{Bulk, is_same_bucket};
use crate::error::{Error, Result};
use crate::limit::{Limit, Side};
use crate::root::{Ours, ours};
use crate::tree::{BULK, HANDLE, Node};
use crate::{sparse, tree};

/// Says whether a link is limited as [`apply`](crate::apply()) would have it, and by what. Changes nothing.
///
/// # Errors
/// [`Error::Missing`], [`Error::Differs`] with the first thing that differs, [`Error::Foreign`],
/// [`Error::NoLink`]; and what the kernel refuses.
pub fn check<N: Netlink + Qdiscs + ?Sized>(
    netlink: &mut N,
    index: u32,
    limit: &Limit,
    side: Side,
) -> Result<Means> {
    let link = netlink
        .link_by_index(index)?
        .ok_or(Error::NoLink { index })?;
    let judge = Judge { index };
    let bulk = Bulk {
        limit,
        mtu: link.mtu,
        side,
    };
    let means = match ours(netlink, index)? {
        Some(Ours::Tree) => {
            judge.tree(netlink, bulk)?;
            Means::Htb
        }
        Some(Ours::Bucket(found)) => {
            let wanted = tree::bucket(bulk);
            if !is_same_bucket(&wanted, &found) {
                let (wanted, found) = (format!("{:?}", wanted.kind), format!("{:?}", found.kind));
                return Err(judge.differs("the token bucket", wanted, found));
            }
            Means::Tbf
        }
        Some(Ours::Other(_)) | None => return Err(Error::Missing { index }),
    };
    let wanted = limit.segments(link.mtu, link.tso_max_segs);
    match link.gso_max_segs {
        Some(found) if side == Side::Container && found != wanted => {
            Err(judge.differs("gso_max_segs", wanted, found))
        }
        _ => Ok(means),
    }
}

struct Judge {
    index: u32,
}

impl Judge {
    fn differs(&self, what: impl Display, wanted: impl Display, found: impl Display) -> Error {
        Error::Differs {
            index: self.index,
            what: what.to_string(),
            wanted: wanted.to_string(),
            found: found.to_string(),
        }
    }

    fn tree(&self, netlink: &mut (impl Qdiscs + ?Sized), bulk: Bulk<'_>) -> Result<()> {
        let found = netlink.classes(self.index)?;
        for Node { class, queue } in &tree::nodes(bulk) {
            let known = found.iter().find(|known| known.handle == class.handle);
            self.class(class, known)?;
            let Some(wanted) = queue else { continue };
            let there = netlink.qdisc(self.index, wanted.parent)?;
            let met = match (&there, wanted.parent) {
                (Some(there), BULK) => bulk.is_met(there),
                (there, _) => there.as_ref() == Some(wanted),
            };
            if !met {
                let what = format!("the queue of class {}", wanted.parent);
                let found = there.map_or_else(|| "none".to_owned(), |it| format!("{:?}", it.kind));
                return Err(self.differs(what, format!("{:?}", wanted.kind), found));
            }
        }
        let found = netlink.u32_filters(self.index, HANDLE)?;
        let ours = found
            .iter()
            .filter(|f| sparse::PRIORITIES.contains(&f.priority));
        let (ours, wanted): (Vec<_>, _) = (ours.collect(), sparse::filters());
        // None at all: a kernel without u32.
        if !ours.is_empty() && !ours.iter().copied().eq(&wanted) {
            let count = ours.len();
            let found = format!("{count} filters, or others");
            return Err(self.differs(
                "what goes first",
                format!("{} filters", wanted.len()),
                found,
            ));
        }
        Ok(())
    }

    fn class(&self, wanted: &HtbClass, found: Option<&HtbClass>) -> Result<()> {
        let handle = wanted.handle;
        let Some(found) = found else {
            return Err(self.differs(format!("class {handle}"), "there", "missing"));
        };
        if found.ceil != wanted.ceil {
            let bits = |class: &HtbClass| format!("{} bit/s", class.ceil.saturating_mul(8));
            let what = format!("the limit of class {handle}");
            return Err(self.differs(what, bits(wanted), bits(found)));
        }
        if !is_same(wanted, found) {
            let (wanted, found) = (format!("{wanted:?}"), format!("{found:?}"));
            return Err(self.differs(format!("class {handle}"), wanted, found));
        }
        Ok(())
    }
}
