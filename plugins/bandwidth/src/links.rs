//! Which links are the container's.
//!
//! A name alone proves nothing: a path to a namespace is used again, and so is a link's name. Two ends are a
//! pair where each names the other's index.

use fairway_cni::{CniResult, Interface};
use fairway_iface::{Error, Space};
use fairway_netlink::Link;

/// The container's interface.
pub(crate) fn inside(container: &mut dyn Space, ifname: &str) -> Result<Link, Error> {
    let link = container.link_by_name(ifname)?;
    link.ok_or_else(|| {
        Error::mismatch(
            format_args!("CNI_IFNAME: interface {ifname:?}"),
            "not found",
        )
    })
}

/// The host's end of the container's pair: the one that `prevResult` names, or, as results before 0.3.0 name
/// none, the one that the container's end names. None where there is no pair, or it ends elsewhere.
pub(crate) fn host_end(
    host: &mut dyn Space,
    prev: &CniResult,
    inside: &Link,
) -> Result<Option<Link>, Error> {
    let Some(index) = inside.peer_index.filter(|_| inside.is_veth()) else {
        return Ok(None);
    };
    let end = host.link_by_index(index)?.filter(|end| joined(inside, end));
    let outside = outside(prev);
    // The number may be that of another pair, in a namespace where both ends are.
    Ok(end.filter(|end| {
        outside.clone().next().is_none() || outside.clone().any(|named| named.name == end.name)
    }))
}

/// What a result names on the host.
pub(crate) fn outside(prev: &CniResult) -> impl Iterator<Item = &Interface> + Clone {
    let interfaces = prev.interfaces.iter();
    interfaces.filter(|interface| interface.sandbox.is_none())
}

/// Are these the two ends of one pair?
pub(crate) fn joined(a: &Link, b: &Link) -> bool {
    a.is_veth() && b.is_veth() && a.peer_index == Some(b.index) && b.peer_index == Some(a.index)
}
