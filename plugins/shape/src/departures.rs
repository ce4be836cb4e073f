//! A root that sends each packet at the time that it bears.

use fairway_netlink::{Netlink, Qdiscs, TcHandle, is_unknown_kind};

use crate::apply::set_segments;
use crate::error::Result;
use crate::limit::{Side, all_segments};
use crate::root::{Ours, ours};
use crate::tree::{HANDLE, fair};

/// Makes a link's root an fq, which keeps departure times that a program writes into packets, in place of a
/// limit of ours. False where this kernel has no fq; then what was there still is.
///
/// On a container's end sockets send as much at once as the link takes, whatever limit was there: less would have to
/// follow each change of a rate, and what is cut departs only when the last of it may.
///
/// # Errors
/// [`Error::Foreign`](crate::Error::Foreign) where somebody else's qdisc is in place; and what the kernel
/// refuses.
pub fn departures<N: Netlink + Qdiscs + ?Sized>(
    netlink: &mut N,
    index: u32,
    side: Side,
) -> Result<bool> {
    let is_fair = put(netlink, index)?;
    if is_fair
        && side == Side::Container
        && let Some(link) = netlink.link_by_index(index)?
    {
        set_segments(netlink, &link, all_segments(link.tso_max_segs))?;
    }
    Ok(is_fair)
}

fn put<N: Netlink + Qdiscs + ?Sized>(netlink: &mut N, index: u32) -> Result<bool> {
    let wanted = fair(HANDLE);
    let done = match ours(netlink, index)? {
        None => netlink.add_qdisc(index, &wanted),
        Some(Ours::Other(there)) if there == wanted => return Ok(true),
        Some(Ours::Other(there)) if there.handle == HANDLE && is_fair(&there) => {
            netlink.put_qdisc(index, &wanted)
        }
        // One handle cannot change its kind, and to delete first what keeps the limit, only
        // to learn that there is no fq, would leave none.
        Some(there) if there.handle() == HANDLE => {
            let halfway = fair(crate::tree::HALFWAY);
            let first = netlink.put_qdisc(index, &halfway);
            first.and_then(|()| netlink.put_qdisc(index, &wanted))
        }
        Some(_) => netlink.put_qdisc(index, &wanted),
    };
    match done {
        Ok(()) => Ok(true),
        Err(error) if is_unknown_kind(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_fair(qdisc: &fairway_netlink::Qdisc) -> bool {
    qdisc.kind.name() == "fq" && qdisc.parent == TcHandle::ROOT
}
