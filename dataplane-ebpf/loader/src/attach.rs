//! Programs on links.
//!
//! A link's filters have a priority and a handle of this crate's own, so that a new program takes the place
//! of the old one between two packets, whatever became of the process that put it there, and so that filters
//! of others stay as they are. Priority 7 leaves room for somebody who must be asked before; one who says
//! "let through" there lets it through. Who is behind is asked about what these programs have let through, but
//! for what they hand on themselves.

use std::os::fd::AsFd;

use fairway_netlink::{ClsactHook, Filter, FilterId, FilterSpec, TrafficControl};

use crate::dataplane::Dataplane;
use crate::error::{Error, Result};
use crate::object::Hook;

const PRIORITY: u16 = 7;
const HANDLE: u32 = 0xfa17;

impl Hook {
    const fn side(self) -> ClsactHook {
        match self {
            Self::FromContainer | Self::FromOverlay | Self::FromUplink => ClsactHook::Ingress,
            Self::ToContainer => ClsactHook::Egress,
        }
    }

    /// As `tc` shows it.
    const fn filter(self) -> &'static str {
        match self {
            Self::FromContainer => "fairway/from_container",
            Self::ToContainer => "fairway/to_container",
            Self::FromOverlay => "fairway/from_overlay",
            Self::FromUplink => "fairway/from_uplink",
        }
    }
}

const CONTAINER: &[Hook] = &[Hook::FromContainer, Hook::ToContainer];
const OVERLAY: &[Hook] = &[Hook::FromOverlay];
const UPLINK: &[Hook] = &[Hook::FromUplink];

const fn id(index: u32, hook: Hook) -> FilterId {
    FilterId {
        index,
        hook: hook.side(),
        priority: PRIORITY,
        handle: HANDLE,
    }
}

impl Dataplane {
    /// Hangs both programs on the host's end of a container's link, in place of those of another generation.
    /// From then on the link is closed unless it has an endpoint that is open. Done again, nothing changes.
    ///
    /// # Errors
    /// Where there is no such link or another qdisc has the place. What was there before may be gone by half.
    pub fn attach(&self, netlink: &mut impl TrafficControl, index: u32) -> Result<()> {
        self.hang(netlink, index, CONTAINER)
    }

    /// Hangs the program on the overlay's device.
    ///
    /// # Errors
    /// As [`Dataplane::attach`].
    pub fn attach_overlay(&self, netlink: &mut impl TrafficControl, index: u32) -> Result<()> {
        self.hang(netlink, index, OVERLAY)
    }

    /// Hangs the program on the underlay's link.
    ///
    /// # Errors
    /// As [`Dataplane::attach`].
    pub fn attach_uplink(&self, netlink: &mut impl TrafficControl, index: u32) -> Result<()> {
        self.hang(netlink, index, UPLINK)
    }

    /// Are both programs of this very generation on the link?
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn is_attached(&self, netlink: &mut impl TrafficControl, index: u32) -> Result<bool> {
        self.hangs(netlink, index, CONTAINER)
    }

    /// Is the program of this very generation on the overlay's device?
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn is_attached_overlay(
        &self,
        netlink: &mut impl TrafficControl,
        index: u32,
    ) -> Result<bool> {
        self.hangs(netlink, index, OVERLAY)
    }

    /// The kernel's number of a program, as `tc` and `bpftool` show it.
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn program_id(&self, hook: Hook) -> Result<u32> {
        let info = self.program(hook)?.info();
        let info = info.map_err(|error| Error::Program {
            program: hook.name(),
            call: "BPF_OBJ_GET_INFO_BY_FD",
            source: std::io::Error::other(error),
        })?;
        Ok(info.id())
    }

    fn hang(&self, netlink: &mut impl TrafficControl, index: u32, hooks: &[Hook]) -> Result<()> {
        netlink.ensure_clsact(index)?;
        for hook in hooks {
            let program = self.program(*hook)?.fd();
            let program = program.map_err(|error| Error::Program {
                program: hook.name(),
                call: "get its descriptor",
                source: std::io::Error::other(error),
            })?;
            netlink.put_filter(&FilterSpec {
                id: id(index, *hook),
                name: hook.filter(),
                class: 0,
                program: program.as_fd(),
            })?;
        }
        Ok(())
    }

    fn hangs(&self, netlink: &mut impl TrafficControl, index: u32, hooks: &[Hook]) -> Result<bool> {
        let filters = netlink.filters(index)?;
        for hook in hooks {
            let number = self.program_id(*hook)?;
            let same = |filter: &Filter| {
                let program = filter.program.as_ref();
                filter.id == id(index, *hook)
                    && program.is_some_and(|program| program.id == number && program.direct)
            };
            if !filters.iter().any(same) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Does a link have programs of this crate, of whatever generation?
///
/// # Errors
/// Where the kernel does not tell.
pub fn is_guarded(netlink: &mut impl TrafficControl, index: u32) -> Result<bool> {
    let ours = |filter: &Filter| filter.id.priority == PRIORITY && filter.id.handle == HANDLE;
    Ok(netlink.filters(index)?.iter().any(ours))
}

/// Takes this crate's programs from a link, of whatever generation, and the clsact qdisc if no filter of
/// others is left in it. False if there was nothing; a link that is gone has nothing.
///
/// # Errors
/// Where the kernel refuses it.
pub fn detach(netlink: &mut impl TrafficControl, index: u32) -> Result<bool> {
    let mut found = false;
    for hook in CONTAINER {
        found |= netlink.delete_filter(&id(index, *hook))?;
    }
    if netlink.filters(index)?.is_empty() {
        found |= netlink.delete_clsact(index)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use fairway_netlink::{Link, fake};

    use super::*;

    #[test]
    fn filters_of_others_keep_the_qdisc() {
        let (mut host, _) = fake::namespaces();
        let index = host.put_link(Link::new(0, "v"));
        let file = std::fs::File::open("/").unwrap();
        let mut put = |id| {
            host.ensure_clsact(index).unwrap();
            let name = "p";
            let program = file.as_fd();
            let class = 0;
            let spec = FilterSpec {
                id,
                name,
                class,
                program,
            };
            host.put_filter(&spec).unwrap();
        };
        put(id(index, Hook::FromContainer));
        put(id(index, Hook::ToContainer));
        let other = FilterId {
            handle: 1,
            ..id(index, Hook::ToContainer)
        };
        put(other);
        assert!(detach(&mut host, index).unwrap());
        let left: Vec<_> = host.filters(index).unwrap().iter().map(|f| f.id).collect();
        assert_eq!(left, [other]);
        assert!(!detach(&mut host, index).unwrap());
        assert!(host.has_clsact(index).unwrap());
        host.delete_filter(&other).unwrap();
        assert!(detach(&mut host, index).unwrap() && !host.has_clsact(index).unwrap());
        assert!(!detach(&mut host, index).unwrap());
        assert!(!detach(&mut host, 999).unwrap());
    }
}
