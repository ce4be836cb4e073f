//! Where on a link the program hangs.

use fairway_netlink::{ClsactHook, FilterId, TrafficControl};

use crate::error::Result;

const HANDLE: u32 = 0xfa17;

/// A place of the program on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// On its way out, in front of its qdisc and behind the programs of policy: what they drop has used nothing
    /// up.
    Egress,
    /// On its way in, at the host's end of a container's link, before the programs of policy, which may hand
    /// packets on. There is no queue: slots have neither [`DEPART`](fairway_dataplane_abi::Slot::DEPART) nor
    /// [`CLASSES`](fairway_dataplane_abi::Slot::CLASSES).
    Backstop,
}

impl Hook {
    /// By what its filter on a link is found again.
    pub const fn id(self, index: u32) -> FilterId {
        let (hook, priority) = match self {
            Self::Egress => (ClsactHook::Egress, 8),
            Self::Backstop => (ClsactHook::Ingress, 6),
        };
        FilterId {
            index,
            hook,
            priority,
            handle: HANDLE,
        }
    }

    /// As `tc` shows it.
    pub(super) const fn filter(self) -> &'static str {
        match self {
            Self::Egress => "fairway/shape",
            Self::Backstop => "fairway/backstop",
        }
    }
}

/// Takes the program from a link, of whatever generation. False if there was nothing; a link that is gone has
/// nothing. The clsact qdisc stays, and goes with the link: policy may hang its programs in it at this moment, and
/// would lose them.
///
/// # Errors
/// Where the kernel refuses it.
pub fn detach(netlink: &mut impl TrafficControl, index: u32, hook: Hook) -> Result<bool> {
    Ok(netlink.delete_filter(&hook.id(index))?)
}

/// Has a link the program there, of whatever generation?
///
/// # Errors
/// Where the kernel does not tell.
pub fn is_shaped(netlink: &mut impl TrafficControl, index: u32, hook: Hook) -> Result<bool> {
    let filters = netlink.filters(index)?;
    Ok(filters.iter().any(|filter| filter.id == hook.id(index)))
}
