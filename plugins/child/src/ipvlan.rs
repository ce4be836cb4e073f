//! ipvlan: the master's hardware address with IP addresses of its own.
//!
//! In a list behind a plugin that has made one link, that link is the master, and the addresses may be its.

pub(crate) mod modes;

use crate::{
    conf::{Announce, Conf, Make},
    require_ipam,
};
use fairway_cni::{CniResult, Context, FieldError};
use fairway_netlink::{ChildKind, IpvlanMode, Link, LinkKind};

pub(crate) fn parse(context: &Context<'_>) -> Result<Conf, FieldError> {
    let root = context.conf.root();
    let mode = root.parse("mode")?.unwrap_or(IpvlanMode::L2);
    let make = Make::Child(ChildKind::Ipvlan { mode });
    Ok(Conf {
        announce: Announce::Both,
        ..Conf::new(&root, make)?.with_master(&root)?
    })
}

/// What an ADD takes from the plugin before, which CHECK finds in its own result instead.
pub(crate) fn chained(conf: Conf, context: &Context<'_>) -> Result<Conf, FieldError> {
    let prev = context.conf.prev_result()?;
    let master = match (&conf.master, &prev) {
        (None, Some(prev)) => match prev.interfaces.as_slice() {
            [only] => {
                let name = only.name.parse().map_err(|error| FieldError::Value {
                    path: "prevResult.interfaces[0].name".to_owned(),
                    value: format!("{:?}", only.name),
                    reason: format!("{error}"),
                })?;
                Some(name)
            }
            several => {
                return Err(FieldError::Value {
                    path: "prevResult.interfaces".to_owned(),
                    value: format!("{} of them", several.len()),
                    reason: "there must be one, which is the master, or the key master".to_owned(),
                });
            }
        },
        (named, _) => named.clone(),
    };
    let given = |prev: &CniResult| !prev.ips.is_empty();
    let chained = match context.conf.ipam_type()? {
        Some(_) => None,
        None => prev.filter(given),
    };
    if chained.is_none() {
        require_ipam(context)?;
    }
    Ok(Conf {
        master,
        chained,
        ..conf
    })
}

pub(crate) fn is_kind(link: &Link) -> bool {
    match &link.kind {
        Some(LinkKind::Ipvlan(_)) => true,
        Some(LinkKind::Other(kind)) => kind == "ipvlan",
        _ => false,
    }
}
