//! What the types' configurations have in common.

use fairway_cni::{CniResult, FieldError, IfName, Object};
use fairway_iface::{Error, child, keys};
use fairway_netlink::{ChildKind, Link, MacAddr, Netlink, tap::TapSpec};

/// What the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// What is to be made.
    pub make: Make,
    /// `master`; none where it is left to the default route.
    pub master: Option<IfName>,
    /// `linkInContainer`: the master is the container's.
    pub in_container: bool,
    /// `mtu` in bytes; 0 or absent is the master's.
    pub mtu: Option<u32>,
    /// The hardware address; the kernel's choice where absent.
    pub mac: Option<MacAddr>,
    /// Tell neighbours of its addresses: whoever had them before may have had another hardware address.
    pub announce: Announce,
    /// The addresses are those of the plugin before, in a list.
    pub chained: Option<CniResult>,
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Make {
    /// What rtnetlink makes.
    Child(ChildKind),
    /// What an ioctl makes.
    Tap {
        /// All but its name.
        spec: TapSpec,
        /// `bridge`: one of the container's that it is a port of.
        bridge: Option<IfName>,
        /// `selinuxContext`: whom it belongs to where SELinux decides.
        selinux_context: Option<String>,
    },
}

/// As the reference plugins have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announce {
    /// Nothing.
    No,
    /// By gratuitous ARP.
    Arp,
    /// By gratuitous ARP and unsolicited neighbour advertisements.
    Both,
}

impl Conf {
    /// The keys that each has.
    pub(crate) fn new(root: &Object<'_>, make: Make) -> Result<Self, FieldError> {
        Ok(Conf {
            make,
            master: None,
            in_container: false,
            mtu: keys::mtu(root)?,
            mac: None,
            announce: Announce::No,
            chained: None,
        })
    }

    /// The keys of those that stand on another link.
    pub(crate) fn with_master(self, root: &Object<'_>) -> Result<Self, FieldError> {
        Ok(Conf {
            master: root.parse("master")?,
            in_container: root.flag("linkInContainer")?,
            ..self
        })
    }

    /// The link that it is to stand on; none for one that stands on nothing.
    ///
    /// # Errors
    /// Names the field: `master` where there is no such link, `mtu` where that is more than the master's.
    pub(crate) fn parent(&self, space: &mut dyn Netlink) -> Result<Option<Link>, Error> {
        match self.make {
            Make::Tap { .. } | Make::Child(ChildKind::Dummy) => return Ok(None),
            Make::Child(_) => {}
        }
        let parent = match &self.master {
            Some(name) => child::named(space, "master", name.as_str())?,
            None => child::of_default_route(space)?.ok_or_else(|| {
                Error::Field(FieldError::Value {
                    path: "master".to_owned(),
                    value: "missing".to_owned(),
                    reason: "there is no default route whose link it would be".to_owned(),
                })
            })?,
        };
        match self.mtu {
            Some(mtu) if mtu > parent.mtu => Err(Error::Field(FieldError::Value {
                path: "mtu".to_owned(),
                value: mtu.to_string(),
                reason: format!("is more than the {} of master {}", parent.mtu, parent.name),
            })),
            _ => Ok(Some(parent)),
        }
    }
}
