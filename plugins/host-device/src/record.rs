//! What a link was and whose it is, in its alias:
//! `fairway-device NAME up|down MTU MAC|- OWNER[ ALIAS]`.
//!
//! Names and owners have no spaces; what follows the owner is the alias that it had. The kernel
//! keeps 255 bytes, so an owner that is long is hashed.

use fairway_cni::{GcAttachments, IfName};
use fairway_iface::{Owner, owner};
use fairway_netlink::{Link, LinkChange, MacAddr};

const MARK: &str = "fairway-device ";
/// The most bytes of an alias.
const ALIAS_MAX: usize = 255;
/// The least that an owner needs: two hashes.
const OWNER_MIN: usize = 34;

/// What a link was before it became a container's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name on the host.
    pub name: IfName,
    /// Whether it was up; `None` where the reference plugin took it, which does not say.
    pub up: Option<bool>,
    /// Its MTU in bytes; as it is by now, where the reference plugin took it.
    pub mtu: Option<u32>,
    /// Its hardware address, where it had one of six bytes.
    pub mac: Option<MacAddr>,
    /// Its alias.
    pub alias: Option<String>,
}

impl Record {
    /// Of a link of the host, as it is.
    ///
    /// # Errors
    /// The name, if the protocol could not name it.
    pub fn of(link: &Link) -> Result<Self, fairway_cni::names::NameError> {
        Ok(Record {
            name: link.name.parse()?,
            up: Some(link.up),
            mtu: Some(link.mtu),
            mac: link.mac,
            alias: link.alias.clone(),
        })
    }

    /// The alias of the link while it is `owner`'s; `None` where the one that it had leaves no room.
    pub fn alias_for(&self, owner: Owner<'_>) -> Option<String> {
        let up = if self.up == Some(true) { "up" } else { "down" };
        let mac = self
            .mac
            .map_or_else(|| "-".to_owned(), |mac| mac.to_string());
        let mtu = self.mtu.unwrap_or(0);
        let before = format!("{MARK}{} {up} {mtu} {mac} ", self.name);
        let behind = self.alias.as_ref().map(|alias| format!(" {alias}"));
        let behind = behind.unwrap_or_default();
        let room = ALIAS_MAX.checked_sub(before.len() + behind.len())?;
        (room >= OWNER_MIN).then(|| format!("{before}{}{behind}", owner.label(room)))
    }

    /// Reads an alias: the record, and the label of its owner. `None` for one that is none of ours.
    pub fn read(alias: &str) -> Option<(Self, &str)> {
        let mut parts = alias.strip_prefix(MARK)?.splitn(6, ' ');
        let name = parts.next()?.parse().ok()?;
        let up = match parts.next()? {
            "up" => true,
            "down" => false,
            _ => return None,
        };
        let mtu: u32 = parts.next()?.parse().ok()?;
        let mac = match parts.next()? {
            "-" => None,
            mac => Some(mac.parse().ok()?),
        };
        let label = parts.next()?;
        let record = Record {
            name,
            up: Some(up),
            mtu: (mtu != 0).then_some(mtu),
            mac,
            alias: parts.next().map(ToOwned::to_owned),
        };
        Some((record, label))
    }

    /// Of a link that says it is `owner`'s.
    pub fn of_owner(link: &Link, owner: Owner<'_>) -> Option<Self> {
        let (record, label) = Record::read(link.alias.as_deref()?)?;
        owner.is_told_by(label).then_some(record)
    }

    /// Of a link of an attachment of `network` that the runtime no longer knows.
    pub fn of_stale(link: &Link, network: &str, valid: &GcAttachments) -> Option<Self> {
        let (record, label) = Record::read(link.alias.as_deref()?)?;
        owner::stale(label, network, valid).then_some(record)
    }

    /// Of a link that the reference plugin has taken: its alias is the name that it had.
    pub fn of_reference(link: &Link) -> Option<Self> {
        Some(Record {
            name: link.alias.as_deref()?.parse().ok()?,
            up: None,
            mtu: None,
            mac: None,
            alias: None,
        })
    }

    /// What makes a link again what it was.
    pub fn undo(&self, link: &Link) -> LinkChange {
        LinkChange {
            name: Some(self.name.as_str().to_owned()),
            alias: Some(self.alias.clone().unwrap_or_default()),
            mtu: self.mtu.filter(|mtu| *mtu != link.mtu),
            mac: self.mac.filter(|mac| Some(*mac) != link.mac),
            up: Some(self.up == Some(true)),
            ..LinkChange::default()
        }
    }
}

#[cfg(test)]
mod tests;
