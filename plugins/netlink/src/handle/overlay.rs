//! VXLAN devices and neighbours.

use nix::libc;

use super::{Handle, check_name, found};
use crate::codec;
use crate::error::{Error, Result};
use crate::link::{Link, LinkChange};
use crate::neighbour::{Neighbour, NeighbourSpec};
use crate::netlink::Netlink;
use crate::raw::{CREATE, EXCL, Message, Transport};
use crate::vxlan::VxlanSpec;

impl<T: Transport> Handle<T> {
    pub(super) fn new_vxlan(&mut self, spec: &VxlanSpec) -> Result<Link> {
        let message =
            Message::new("create vxlan", &spec.name, libc::RTM_NEWLINK).flags(CREATE | EXCL);
        check_name(&message, &spec.name)?;
        if spec.alias.len() > 255 {
            return Err(message.invalid("an alias has at most 255 bytes"));
        }
        let message = message.body(codec::vxlan::create(spec));
        self.socket.execute(&message)?;
        let link = self.link_by_name(&spec.name)?;
        let index = link.ok_or_else(|| message.malformed("gone as soon as made"))?;
        let finished = self.finish_vxlan(index.index, spec);
        if finished.is_err() {
            // Without its alias nobody would know whose it is.
            let _ = self.delete_link(index.index);
        }
        finished?.ok_or_else(|| message.malformed("gone as soon as made"))
    }

    /// What the kernel does not take in the request that makes it. Up comes last:
    /// that is when link-local addresses are made.
    fn finish_vxlan(&mut self, index: u32, spec: &VxlanSpec) -> Result<Option<Link>, Error> {
        let marks = LinkChange {
            alias: Some(spec.alias.clone()).filter(|alias| !alias.is_empty()),
            addr_gen_mode: Some(spec.addr_gen_mode),
            ..LinkChange::default()
        };
        match self.change_link(index, &marks) {
            // A host without IPv6 has none of its settings.
            Err(error) if error.errno() == Some(nix::errno::Errno::EAFNOSUPPORT) => {
                let marks = LinkChange {
                    addr_gen_mode: None,
                    ..marks
                };
                self.change_link(index, &marks)?;
            }
            other => other?,
        }
        if spec.up {
            let up = LinkChange {
                up: Some(true),
                ..LinkChange::default()
            };
            self.change_link(index, &up)?;
        }
        self.link_by_index(index)
    }

    pub(super) fn neighbour_list(&mut self, index: Option<u32>) -> Result<Vec<Neighbour>> {
        let subject = index.map_or_else(String::new, |index| format!("of link {index}"));
        let message = Message::new("list neighbours", subject, libc::RTM_GETNEIGH)
            .body(codec::neighbour::list(index.unwrap_or(0)));
        let found = found(self.socket.dump(&message, |_, body| {
            codec::neighbour::decode(body)
                .filter(|neighbour| index.is_none_or(|index| neighbour.index == index))
        }))?;
        Ok(found.unwrap_or_default())
    }

    pub(super) fn new_neighbour(
        &mut self,
        op: &'static str,
        spec: &NeighbourSpec,
        flags: u16,
    ) -> Result<()> {
        let subject = format!("{} on link {}", spec.ip, spec.index);
        let message = Message::new(op, subject, libc::RTM_NEWNEIGH)
            .flags(flags)
            .body(codec::neighbour::set(spec));
        self.socket.execute(&message)
    }
}
