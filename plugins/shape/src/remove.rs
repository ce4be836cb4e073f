//! Takes a limit away.

use fairway_netlink::{Netlink, Qdiscs, TcHandle};

use crate::apply::set_segments;
use crate::error::{Error, Result};
use crate::limit::all_segments;
use crate::root::ours;

/// Takes off what [`apply`](crate::apply()) or [`departures`](crate::departures()) has put on a link, whole or
/// half; what waited there is lost. False where there is nothing of ours, somebody else's, or no such link.
///
/// # Errors
/// What the kernel refuses.
pub fn remove<N: Netlink + Qdiscs + ?Sized>(netlink: &mut N, index: u32) -> Result<bool> {
    let there = match ours(netlink, index) {
        Err(Error::Foreign { .. }) => None,
        result => result?,
    };
    let Some(there) = there else {
        return Ok(false);
    };
    // The root last: it is what tells that the rest is ours.
    if let Some(link) = netlink.link_by_index(index)? {
        set_segments(netlink, &link, all_segments(link.tso_max_segs))?;
    }
    Ok(netlink.delete_qdisc(index, TcHandle::ROOT, there.handle())?)
}
