//! tap: an interface whose other end is a process, such as a virtual machine's.

mod labelled;

use crate::conf::{Announce, Conf, Make};
use fairway_cni::{Context, FieldError, IfName, Object};
use fairway_iface::{Error, Kernel, Owner, child, keys};
use fairway_netlink::{
    Link, LinkChange, LinkKind, Netlink,
    tap::{self, TapSpec},
};

pub(crate) fn parse(context: &Context<'_>) -> Result<Conf, FieldError> {
    let root = context.conf.root();
    let make = Make::Tap {
        spec: TapSpec {
            // The interface's, when it is made.
            name: String::new(),
            multi_queue: root.flag("multiQueue")?,
            owner: id(&root, "owner")?,
            group: id(&root, "group")?,
        },
        bridge: root.parse("bridge")?,
        selinux_context: root.text("selinuxContext")?.map(ToOwned::to_owned),
    };
    Ok(Conf {
        mac: keys::mac(context, root.get("mac"))?,
        announce: Announce::Arp,
        ..Conf::new(&root, make)?
    })
}

/// A user's or a group's number; the last one stands for "none".
fn id(root: &Object<'_>, key: &str) -> Result<Option<u32>, FieldError> {
    let id = root.integer(key, 0..=i64::from(u32::MAX) - 1)?;
    Ok(id.and_then(|id| u32::try_from(id).ok()))
}

pub(crate) fn is_kind(link: &Link) -> bool {
    matches!(&link.kind, Some(LinkKind::Other(kind)) if kind == "tun")
}

/// The tap, down, with its alias; nothing where this fails.
pub(crate) fn make(
    kernel: &mut Kernel,
    conf: &Conf,
    owner: Owner<'_>,
    spec: &TapSpec,
    selinux_context: Option<&str>,
) -> Result<Link, Error> {
    let spec = TapSpec {
        name: owner.ifname.to_owned(),
        ..spec.clone()
    };
    kernel.netns.run(|| match selinux_context {
        Some(context) if labelled::decides() => labelled::create(&spec, context),
        _ => Ok(tap::create(&spec)?),
    })??;
    let container = kernel.container.as_mut();
    let mut made = container
        .link_by_name(owner.ifname)?
        .ok_or_else(|| Error::Vanished {
            name: owner.ifname.to_owned(),
        })?;
    let change = LinkChange {
        mtu: conf.mtu,
        mac: conf.mac,
        ..LinkChange::default()
    };
    let set = match change == LinkChange::default() {
        true => Ok(()),
        false => container
            .change_link(made.index, &change)
            .map_err(Error::from),
    };
    let marked = set.and_then(|()| child::mark(container, owner, made.index));
    if marked.is_err() {
        let _ = container.delete_link(made.index);
    }
    marked?;
    made.mtu = conf.mtu.unwrap_or(made.mtu);
    made.mac = conf.mac.or(made.mac);
    Ok(made)
}

/// Makes it a port of one of the container's bridges.
///
/// # Errors
/// Names the field where there is no such bridge.
pub(crate) fn join(container: &mut dyn Netlink, link: &Link, bridge: &IfName) -> Result<(), Error> {
    let found = child::named(container, "bridge", bridge.as_str())?;
    if !found.is_bridge() {
        return Err(Error::Field(FieldError::Value {
            path: "bridge".to_owned(),
            value: format!("{:?}", bridge.as_str()),
            reason: "is a link of the container, but no bridge".to_owned(),
        }));
    }
    let port = LinkChange {
        master: Some(Some(found.index)),
        ..LinkChange::default()
    };
    Ok(container.change_link(link.index, &port)?)
}
