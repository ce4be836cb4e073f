//! Qdiscs, classes and u32 filters.

use nix::errno::Errno;
use nix::libc;

use super::{Handle, deleted, found};
use crate::codec;
use crate::error::{Error, Result};
use crate::qdisc::{HtbClass, Qdisc, Qdiscs, TcHandle, U32Filter};
use crate::raw::attr::TooLong;
use crate::raw::{ACK, CREATE, ECHO, EXCL, Message, REPLACE, Transport};

fn of(message: Message, body: Result<Vec<u8>, TooLong>) -> Result<Message> {
    match body {
        Ok(body) => Ok(message.body(body)),
        Err(TooLong) => Err(message.invalid("too long")),
    }
}

impl<T: Transport> Handle<T> {
    fn new_qdisc(&mut self, op: &'static str, index: u32, qdisc: &Qdisc, flags: u16) -> Result<()> {
        let name = qdisc.kind.name();
        let subject = format!(
            "{name} {} at {} of link {index}",
            qdisc.handle, qdisc.parent
        );
        let message = Message::new(op, subject, libc::RTM_NEWQDISC).flags(CREATE | flags);
        if qdisc.handle.major() == 0 || qdisc.handle.minor() != 0 {
            return Err(message.invalid("a qdisc's handle has a major number and no minor one"));
        }
        let Some(body) = codec::qdisc::put(index, qdisc) else {
            return Err(message.invalid("a qdisc of a kind that is only read"));
        };
        let message = of(message, body)?;
        self.socket.execute(&message)
    }
}

impl<T: Transport> Qdiscs for Handle<T> {
    fn qdisc(&mut self, index: u32, parent: TcHandle) -> Result<Option<Qdisc>> {
        let subject = format!("at {parent} of link {index}");
        // Of one that it has chosen the kernel tells nothing, so only the acknowledgement
        // is sure to come; without ECHO it would tell all who listen but not who asks. A
        // dump would be of all links.
        let message = Message::new("get qdisc", subject, libc::RTM_GETQDISC).flags(ECHO | ACK);
        let message = of(message, codec::qdisc::get(index, parent))?;
        let replies = match found(self.socket.batch(&[message]))? {
            Some(replies) => replies,
            None => return Ok(None),
        };
        let told = replies
            .iter()
            .filter(|reply| reply.kind == libc::RTM_NEWQDISC);
        let mut told = told.filter_map(|reply| codec::qdisc::decode(&reply.body, index));
        Ok(told.next().filter(|qdisc| qdisc.handle.0 != 0))
    }

    fn add_qdisc(&mut self, index: u32, qdisc: &Qdisc) -> Result<()> {
        self.new_qdisc("add", index, qdisc, EXCL)
    }

    fn put_qdisc(&mut self, index: u32, qdisc: &Qdisc) -> Result<()> {
        self.new_qdisc("put", index, qdisc, REPLACE)
    }

    fn delete_qdisc(&mut self, index: u32, parent: TcHandle, handle: TcHandle) -> Result<bool> {
        let subject = format!("{handle} at {parent} of link {index}");
        let message = Message::new("delete qdisc", subject, libc::RTM_DELQDISC);
        let message = of(message, codec::qdisc::delete(index, parent, handle))?;
        match self.socket.execute(&message) {
            // Another is in that place.
            Err(error) if error.errno() == Some(Errno::EINVAL) => {
                match self.qdisc(index, parent)? {
                    Some(qdisc) if qdisc.handle == handle => Err(error),
                    _ => Ok(false),
                }
            }
            result => deleted(result),
        }
    }

    fn classes(&mut self, index: u32) -> Result<Vec<HtbClass>> {
        let message = Message::new(
            "list classes of link",
            index.to_string(),
            libc::RTM_GETTCLASS,
        );
        let message = of(message, codec::qdisc::list_classes(index))?;
        let decode = |_, body: &[u8]| codec::qdisc::decode_class(body, index);
        let told = found(self.socket.dump(&message, decode))?;
        let mut classes = told.unwrap_or_default();
        classes.sort_by_key(|class| class.handle);
        Ok(classes)
    }

    fn put_class(&mut self, index: u32, class: &HtbClass) -> Result<()> {
        let subject = format!("{} of link {index}", class.handle);
        let message = Message::new("put class", subject, libc::RTM_NEWTCLASS).flags(CREATE);
        let message = of(message, codec::qdisc::put_class(index, class))?;
        self.socket.execute(&message)
    }

    fn u32_filters(&mut self, index: u32, parent: TcHandle) -> Result<Vec<U32Filter>> {
        let subject = format!("{parent} of link {index}");
        let message = Message::new("list filters of qdisc", subject, libc::RTM_GETTFILTER);
        let message = of(message, codec::qdisc::filters(index, parent, 0))?;
        let decode = |_, body: &[u8]| codec::qdisc::decode_filter(body, index, parent);
        let mut told = found(self.socket.dump(&message, decode))?.unwrap_or_default();
        told.sort_by_key(|filter| (filter.priority, filter.node));
        Ok(told)
    }

    fn add_u32_filters(&mut self, index: u32, filters: &[U32Filter]) -> Result<()> {
        let message = |filter: &U32Filter| {
            let U32Filter { priority, node, .. } = *filter;
            let subject = format!("{priority}/{node:x} at {} of link {index}", filter.parent);
            let message = Message::new("add filter", subject, libc::RTM_NEWTFILTER);
            check(&message, filter)?;
            let body = codec::qdisc::add_filter(index, filter);
            of(message.flags(CREATE | EXCL | ACK), body)
        };
        let messages = filters.iter().map(message).collect::<Result<Vec<_>>>()?;
        self.socket.batch(&messages).map(drop)
    }

    fn delete_filters(&mut self, index: u32, parent: TcHandle, priority: u16) -> Result<bool> {
        let subject = format!("of priority {priority} at {parent} of link {index}");
        let message = Message::new("delete filters", subject, libc::RTM_DELTFILTER);
        if priority == 0 {
            return Err(message.invalid("priority 0 would be all of them"));
        }
        let message = of(message, codec::qdisc::filters(index, parent, priority))?;
        match self.socket.execute(&message) {
            // No such qdisc.
            Err(error) if error.errno() == Some(Errno::EINVAL) => Ok(false),
            result => deleted(result),
        }
    }
}

/// The kernel would choose what is 0, and cut off what is too much.
fn check(message: &Message, filter: &U32Filter) -> Result<(), Error> {
    if filter.priority == 0 || filter.node == 0 || filter.node > 0xfff {
        return Err(message.invalid("a filter's priority is not 0, and its node is 1 to 0xfff"));
    }
    if filter.keys.is_empty() || filter.keys.len() > 128 {
        return Err(message.invalid("a filter has 1 to 128 keys"));
    }
    Ok(())
}
