//! Rules of policy routing.

use nix::libc;

use super::{check_name, deleted};
use crate::codec;
use crate::error::Result;
use crate::raw::{CREATE, EXCL, Message, RawSocket, Transport};
use crate::rule::Rule;

pub(super) fn list<T: Transport>(
    socket: &mut RawSocket<T>,
    protocol: Option<u8>,
) -> Result<Vec<Rule>> {
    let message = Message::new("list rules", "", libc::RTM_GETRULE).body(codec::rule::list());
    let mut rules = socket.dump(&message, |_, body| {
        codec::rule::decode(body)
            .filter(|rule| protocol.is_none_or(|number| rule.protocol == number))
    })?;
    // The kernel's order of families is that in which they came to be.
    rules.sort_by_key(|rule| rule.family);
    Ok(rules)
}

pub(super) fn add<T: Transport>(socket: &mut RawSocket<T>, rule: &Rule) -> Result<()> {
    let message =
        Message::new("add rule", rule.to_string(), libc::RTM_NEWRULE).flags(CREATE | EXCL);
    if let Some(iif) = &rule.iif {
        check_name(&message, iif)?;
    }
    if let Some(fault) = rule.fault() {
        return Err(message.invalid(fault));
    }
    socket.execute(&message.body(codec::rule::of(rule)))
}

pub(super) fn delete<T: Transport>(socket: &mut RawSocket<T>, rule: &Rule) -> Result<bool> {
    let subject = rule.to_string();
    let message = Message::new("list rules", &subject, libc::RTM_GETRULE);
    // Those that the kernel would find, in its order, and whether it is the one.
    let found = socket.dump(&message.body(codec::rule::list()), |_, body| {
        let (that, whole) = codec::rule::read(body)?;
        rule.finds(&that).then_some(whole && that == *rule)
    })?;
    let message = Message::new("delete rule", subject, libc::RTM_DELRULE);
    match found[..] {
        [true, ..] => deleted(socket.execute(&message.body(codec::rule::of(rule)))),
        [false, ..] if found.contains(&true) => {
            Err(message.invalid("one before it, of the same priority, would go in its place"))
        }
        _ => Ok(false),
    }
}
