//! The clsact qdisc and its filters.

use nix::errno::Errno;
use nix::libc;

use super::{Handle, deleted, found};
use crate::codec;
use crate::error::{Error, Result};
use crate::filter::{ClsactHook, Filter, FilterId, FilterSpec, TrafficControl};
use crate::raw::attr::TooLong;
use crate::raw::{CREATE, EXCL, Message, Transport};

/// What the kernel has room for, without the NUL.
const NAME_MAX: usize = 255;

fn of(message: Message, body: Result<Vec<u8>, TooLong>) -> Result<Message> {
    match body {
        Ok(body) => Ok(message.body(body)),
        Err(TooLong) => Err(message.invalid("too long")),
    }
}

impl<T: Transport> TrafficControl for Handle<T> {
    fn ensure_clsact(&mut self, index: u32) -> Result<bool> {
        let message = Message::new("add clsact to link", index.to_string(), libc::RTM_NEWQDISC);
        let message = of(message.flags(CREATE | EXCL), codec::filter::clsact(index))?;
        match self.socket.execute(&message) {
            Ok(()) => Ok(true),
            // An ingress qdisc would have the same place.
            Err(error) if error.is_exists() && self.has_clsact(index)? => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn has_clsact(&mut self, index: u32) -> Result<bool> {
        let message = Message::new("list qdiscs of link", index.to_string(), libc::RTM_GETQDISC);
        let message = of(message, codec::filter::list_qdiscs(index))?;
        let decode = |_, body: &[u8]| codec::filter::is_clsact(body, index);
        let qdiscs = found(self.socket.dump(&message, decode))?;
        Ok(qdiscs.unwrap_or_default().contains(&true))
    }

    fn delete_clsact(&mut self, index: u32) -> Result<bool> {
        // The kernel would take an ingress qdisc for it.
        if !self.has_clsact(index)? {
            return Ok(false);
        }
        let subject = index.to_string();
        let message = Message::new("delete clsact of link", subject, libc::RTM_DELQDISC);
        let message = of(message, codec::filter::clsact(index))?;
        deleted(self.socket.execute(&message))
    }

    fn filters(&mut self, index: u32) -> Result<Vec<Filter>> {
        let mut filters = Vec::new();
        for hook in ClsactHook::BOTH {
            let subject = index.to_string();
            let message = Message::new("list filters of link", subject, libc::RTM_GETTFILTER);
            let message = of(message, codec::filter::list(index, hook))?;
            let here = |filter: &Filter| (filter.id.index, filter.id.hook) == (index, hook);
            let decode = |_, body: &[u8]| codec::filter::decode(body).filter(here);
            let told = found(self.socket.dump(&message, decode))?;
            filters.extend(told.unwrap_or_default());
        }
        Ok(filters)
    }

    fn put_filter(&mut self, spec: &FilterSpec<'_>) -> Result<()> {
        let message = Message::new("put filter", spec.id.to_string(), libc::RTM_NEWTFILTER);
        check(&message, &spec.id)?;
        if spec.name.len() > NAME_MAX || spec.name.contains('\0') {
            return Err(message.invalid("a filter's name has at most 255 bytes, none of them NUL"));
        }
        // Without EXCL it takes the place of the one that has the handle.
        let message = of(message.flags(CREATE), codec::filter::put(spec))?;
        self.socket.execute(&message)
    }

    fn delete_filter(&mut self, id: &FilterId) -> Result<bool> {
        let message = Message::new("delete filter", id.to_string(), libc::RTM_DELTFILTER);
        check(&message, id)?;
        let message = of(message, codec::filter::delete(id))?;
        match self.socket.execute(&message) {
            // Without clsact there is no such hook.
            Err(error) if error.errno() == Some(Errno::EINVAL) && !self.has_clsact(id.index)? => {
                Ok(false)
            }
            result => deleted(result),
        }
    }
}

/// The kernel takes 0 for "any": it would choose one, or delete all of them.
fn check(message: &Message, id: &FilterId) -> Result<(), Error> {
    if id.priority == 0 || id.handle == 0 {
        return Err(message.invalid("a filter's priority and handle must not be 0"));
    }
    Ok(())
}
