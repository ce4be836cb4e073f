//! Makes a limit what it should be.

use fairway_netlink::{
    HtbClass, Link, LinkChange, Netlink, Qdisc, QdiscKind, Qdiscs, TcHandle, U32Filter,
    is_unknown_kind,
};

use crate::Means;
use crate::bulk::{Bulk, is_same_bucket};
use crate::error::{Error, Result};
use crate::limit::{Limit, Side};
use crate::root::{Ours, ours};
use crate::tree::{BULK, HANDLE, Node};
use crate::{sparse, tree};

/// Limits what a link sends. What is there already is left as it is, or changed without a packet lost;
/// what is missing is added. A limit that could not be made leaves nothing, one that could not be changed
/// stays the old one or something between.
///
/// # Errors
/// [`Error::Foreign`] where somebody else's qdisc is in place; [`Error::NoMeans`] where the kernel can keep
/// no limit; [`Error::NoLink`], [`Error::BurstBelowMtu`]; and what the kernel refuses.
pub fn apply<N: Netlink + Qdiscs + ?Sized>(
    netlink: &mut N,
    index: u32,
    limit: &Limit,
    side: Side,
) -> Result<Means> {
    let link = netlink
        .link_by_index(index)?
        .ok_or(Error::NoLink { index })?;
    burst_fits(&link, limit)?;
    let bulk = Bulk {
        limit,
        mtu: link.mtu,
        side,
    };
    let there = match ours(netlink, index)? {
        Some(Ours::Tree) if !is_sound(netlink, index, bulk)? => {
            netlink.delete_qdisc(index, TcHandle::ROOT, HANDLE)?;
            None
        }
        Some(Ours::Other(qdisc)) => {
            netlink.delete_qdisc(index, TcHandle::ROOT, qdisc.handle)?;
            None
        }
        there => there,
    };
    let means = match &there {
        Some(Ours::Bucket(found)) => {
            put_bucket(netlink, index, found, bulk)?;
            Means::Tbf
        }
        Some(_) => {
            complete(netlink, index, bulk)?;
            Means::Htb
        }
        None => make(netlink, index, bulk)?,
    };
    // Last, and first to go: where it is set, there is a root of ours.
    let done = match side {
        Side::Container => {
            set_segments(netlink, &link, limit.segments(link.mtu, link.tso_max_segs))
        }
        Side::Host => Ok(()),
    };
    if done.is_err() && there.is_none() {
        let _ = netlink.delete_qdisc(index, TcHandle::ROOT, HANDLE);
    }
    done.map(|()| means)
}

pub(crate) fn burst_fits(link: &Link, limit: &Limit) -> Result<()> {
    match limit.burst {
        Some(burst) if burst.bytes() < link.mtu => Err(Error::BurstBelowMtu {
            index: link.index,
            burst: burst.bytes(),
            mtu: link.mtu,
        }),
        _ => Ok(()),
    }
}

/// A new one. Whatever part of it fails, none of it stays.
fn make<N: Netlink + Qdiscs + ?Sized>(
    netlink: &mut N,
    index: u32,
    bulk: Bulk<'_>,
) -> Result<Means> {
    match netlink.add_qdisc(index, &tree::root()) {
        Ok(()) => {}
        Err(error) if is_unknown_kind(&error) => {
            let bucket = tree::bucket(bulk);
            return match netlink.add_qdisc(index, &bucket) {
                Ok(()) => Ok(Means::Tbf),
                Err(error) if is_unknown_kind(&error) => Err(Error::NoMeans),
                Err(error) => Err(error.into()),
            };
        }
        Err(error) => return Err(error.into()),
    }
    if let Err(error) = complete(netlink, index, bulk) {
        let _ = netlink.delete_qdisc(index, TcHandle::ROOT, HANDLE);
        return Err(error);
    }
    Ok(Means::Htb)
}

/// What the kernel cannot change in place: which class borrows from which.
fn is_sound(netlink: &mut (impl Qdiscs + ?Sized), index: u32, bulk: Bulk<'_>) -> Result<bool> {
    let found = netlink.classes(index)?;
    let sound = |node: &Node| {
        let known = found.iter().find(|known| known.handle == node.class.handle);
        known.is_none_or(|known| known.parent == told_parent(&node.class))
    };
    Ok(tree::nodes(bulk).iter().all(sound))
}

/// The kernel calls the qdisc itself root.
fn told_parent(class: &HtbClass) -> TcHandle {
    match class.parent {
        HANDLE => TcHandle::ROOT,
        parent => parent,
    }
}

/// Whether a class is as it should be. What a class with others below it has as its turn means nothing.
pub(crate) fn is_same(wanted: &HtbClass, found: &HtbClass) -> bool {
    let inner = wanted.parent == HANDLE;
    let turn = |class: &HtbClass| (!inner).then_some((class.quantum, class.priority));
    let numbers = |class: &HtbClass| (class.rate, class.ceil, class.buffer, class.cbuffer);
    found.parent == told_parent(wanted)
        && numbers(found) == numbers(wanted)
        && turn(found) == turn(wanted)
}

/// Classes, queues and filters. The class that takes what no other does comes last: until then packets pass
/// without a limit, and none waits in a queue that is replaced at once.
fn complete(netlink: &mut (impl Qdiscs + ?Sized), index: u32, bulk: Bulk<'_>) -> Result<()> {
    let found = netlink.classes(index)?;
    for Node { class, queue } in &tree::nodes(bulk) {
        let known = found.iter().find(|known| known.handle == class.handle);
        if !known.is_some_and(|known| is_same(class, known)) {
            netlink.put_class(index, class)?;
        }
        if let Some(queue) = queue {
            let there = match known {
                Some(_) => netlink.qdisc(index, queue.parent)?,
                None => None,
            };
            match queue.parent {
                BULK => put_bulk(netlink, index, bulk, there.as_ref())?,
                _ => put_queue(netlink, index, queue, there.as_ref())?,
            }
        }
    }
    put_filters(netlink, index)
}

fn put_bulk(
    netlink: &mut (impl Qdiscs + ?Sized),
    index: u32,
    bulk: Bulk<'_>,
    there: Option<&Qdisc>,
) -> Result<()> {
    let wanted = there.map_or_else(|| bulk.first(), |there| bulk.next(there));
    match there {
        Some(there) if bulk.is_met(there) => Ok(()),
        _ => match put_queue(netlink, index, &wanted, there) {
            Err(Error::Netlink(error)) if is_unknown_kind(&error) => {
                Ok(netlink.put_qdisc(index, &bulk.whole())?)
            }
            result => result,
        },
    }
}

fn put_queue(
    netlink: &mut (impl Qdiscs + ?Sized),
    index: u32,
    wanted: &Qdisc,
    there: Option<&Qdisc>,
) -> Result<()> {
    match there {
        Some(there) if there == wanted => return Ok(()),
        // The kernel would take another kind of the same handle for a mistake.
        Some(there) if there.handle == wanted.handle && there.kind.name() != wanted.kind.name() => {
            netlink.delete_qdisc(index, wanted.parent, wanted.handle)?;
        }
        _ => {}
    }
    Ok(netlink.put_qdisc(index, wanted)?)
}

/// Filters of a priority are as they should be, or all of them are made anew.
fn put_filters(netlink: &mut (impl Qdiscs + ?Sized), index: u32) -> Result<()> {
    let found = netlink.u32_filters(index, HANDLE)?;
    let mut wanted = sparse::filters();
    for priority in sparse::PRIORITIES {
        let of = |filter: &&U32Filter| filter.priority == priority;
        if found.iter().filter(of).eq(wanted.iter().filter(of)) {
            wanted.retain(|filter| filter.priority != priority);
        } else if found.iter().any(|filter| filter.priority == priority) {
            netlink.delete_filters(index, HANDLE, priority)?;
        }
    }
    match netlink.add_u32_filters(index, &wanted) {
        // All share one queue then.
        Err(error) if is_unknown_kind(&error) => Ok(()),
        result => Ok(result?),
    }
}

/// A packet that is longer than the bucket would never go, nor any behind it: one that is to be smaller is made anew.
fn put_bucket(
    netlink: &mut (impl Qdiscs + ?Sized),
    index: u32,
    found: &Qdisc,
    bulk: Bulk<'_>,
) -> Result<()> {
    let wanted = tree::bucket(bulk);
    if is_same_bucket(&wanted, found) {
        return Ok(());
    }
    let burst = |qdisc: &Qdisc| match &qdisc.kind {
        QdiscKind::Tbf(tbf) => tbf.burst,
        _ => 0,
    };
    if burst(&wanted) < burst(found) {
        netlink.delete_qdisc(index, TcHandle::ROOT, found.handle)?;
    }
    Ok(netlink.put_qdisc(index, &wanted)?)
}

/// Kernels that do not tell have no way to set it either.
pub(crate) fn set_segments(
    netlink: &mut (impl Netlink + ?Sized),
    link: &Link,
    wanted: u32,
) -> Result<()> {
    if link.gso_max_segs.is_some_and(|found| found != wanted) {
        let change = LinkChange {
            gso_max_segs: Some(wanted),
            ..LinkChange::default()
        };
        netlink.change_link(link.index, &change)?;
    }
    Ok(())
}
