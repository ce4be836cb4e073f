//! Whose a virtual function is and what it was before, as a line of JSON.

use crate::settings::Setting;
use fairway_cni::{ContainerId, FieldError, IfName, NetworkName, Object};
use fairway_host_device::record::Record;
use fairway_iface::Owner;
use fairway_netlink::{MacAddr, NetNs, Vf, VfRate, VfVlan};
use serde_json::{Value, json};

/// Who has it, since when, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The kernel's id of the boot; what is of another one has gone with that.
    pub boot: String,
    /// The owner's network.
    pub network: NetworkName,
    /// The owner's container.
    pub container_id: ContainerId,
    /// The interface in there.
    pub ifname: IfName,
    /// The container's namespace, by its path.
    pub netns: String,
    /// And by device and inode: another one may have the path by now.
    pub netns_id: (u64, u64),
    /// What its link was; `None` where a process drives it.
    pub link: Option<Record>,
    /// What the physical function said of it.
    pub before: Vf,
    /// What is changed of that.
    pub changed: Vec<Setting>,
}

impl Claim {
    /// Whose it is.
    pub fn owner(&self) -> Owner<'_> {
        Owner {
            network: self.network.as_str(),
            container_id: self.container_id.as_str(),
            ifname: self.ifname.as_str(),
        }
    }

    /// The container's namespace, if that still has its path.
    ///
    /// # Errors
    /// Where that cannot be known: then it may be there, and what it has is its own.
    pub fn namespace(&self) -> fairway_netlink::Result<Option<NetNs>> {
        match NetNs::open_same(&self.netns, self.netns_id) {
            Err(error) if error.is_no_namespace() => Ok(None),
            known => Ok(known?),
        }
    }

    /// As it is written.
    pub fn to_json(&self) -> Value {
        let link = self.link.as_ref().map(|link| {
            json!({"name": link.name.as_str(), "up": link.up, "mtu": link.mtu,
                   "mac": link.mac.map(|mac| mac.to_string()), "alias": link.alias})
        });
        let before = &self.before;
        let changed: Vec<_> = self.changed.iter().map(ToString::to_string).collect();
        json!({
            "boot": self.boot,
            "network": self.network.as_str(),
            "containerID": self.container_id.as_str(),
            "ifname": self.ifname.as_str(),
            "netns": self.netns,
            "netnsDevice": self.netns_id.0,
            "netnsInode": self.netns_id.1,
            "link": link,
            "before": {
                "index": before.index,
                "mac": before.mac.to_string(),
                "vlan": before.vlan.id,
                "vlanQoS": before.vlan.qos,
                "vlanProto": before.vlan.proto.to_string(),
                "spoofchk": before.spoofchk,
                "trust": before.trust,
                "link_state": before.link_state.to_string(),
                "min_tx_rate": before.rate.min,
                "max_tx_rate": before.rate.max,
            },
            "changed": changed,
        })
    }

    /// Reads what was written.
    ///
    /// # Errors
    /// Names the field.
    pub fn from_json(root: &Object<'_>) -> Result<Self, FieldError> {
        let text =
            |key: &str| -> Result<String, FieldError> { Ok(root.require(key)?.text()?.to_owned()) };
        let settings = root.items("changed")?;
        let settings = settings.iter().map(|item| item.parse());
        Ok(Claim {
            boot: text("boot")?,
            network: root.require("network")?.parse()?,
            container_id: root.require("containerID")?.parse()?,
            ifname: root.require("ifname")?.parse()?,
            netns: text("netns")?,
            netns_id: (number(root, "netnsDevice")?, number(root, "netnsInode")?),
            link: root.object("link")?.as_ref().map(link).transpose()?,
            before: before(&root.require("before")?.object()?)?,
            changed: settings.collect::<Result<_, _>>()?,
        })
    }
}

fn link(object: &Object<'_>) -> Result<Record, FieldError> {
    Ok(Record {
        name: object.require("name")?.parse()?,
        up: object.bool("up")?,
        mtu: bounded(object, "mtu", u32::MAX.into())?.and_then(|mtu| u32::try_from(mtu).ok()),
        mac: object.parse("mac")?,
        alias: object.text("alias")?.map(ToOwned::to_owned),
    })
}

fn before(object: &Object<'_>) -> Result<Vf, FieldError> {
    let small = |key: &str, most: u32| -> Result<u32, FieldError> {
        let number = bounded(object, key, most.into())?;
        let number = number.and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| FieldError::Missing {
            path: key.to_owned(),
        })
    };
    let vlan = VfVlan {
        id: u16::try_from(small("vlan", 4095)?).unwrap_or_default(),
        qos: u8::try_from(small("vlanQoS", 7)?).unwrap_or_default(),
        proto: object.require("vlanProto")?.parse()?,
    };
    Ok(Vf {
        mac: object.require("mac")?.parse::<MacAddr>()?,
        vlan,
        spoofchk: object.bool("spoofchk")?,
        trust: object.bool("trust")?,
        link_state: object.require("link_state")?.parse()?,
        rate: VfRate {
            min: small("min_tx_rate", u32::MAX)?,
            max: small("max_tx_rate", u32::MAX)?,
        },
        ..Vf::new(small("index", u32::MAX)?)
    })
}

fn bounded(object: &Object<'_>, key: &str, most: i64) -> Result<Option<i64>, FieldError> {
    object.integer(key, 0..=most)
}

/// Any whole number of 64 bits.
fn number(object: &Object<'_>, key: &str) -> Result<u64, FieldError> {
    let field = object.require(key)?;
    let number = field.value().as_u64();
    number.ok_or_else(|| field.invalid("must be a whole number"))
}

#[cfg(test)]
pub(crate) mod tests;
