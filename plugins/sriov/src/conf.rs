//! What the configuration asks for.

use crate::pci::PciAddress;
use fairway_cni::{Context, Field, FieldError, IfName, Object};
use fairway_iface::keys;
use fairway_netlink::{MacAddr, VfChange, VfLinkState, VfRate, VfVlan, VlanProto};

/// The keys that name a physical function: ours, and those that earlier versions of the reference plugin had.
const PF_KEYS: [&str; 3] = ["pf", "master", "if0"];
/// Mbit/s at most: the kernel's drivers have a signed number.
const RATE: std::ops::RangeInclusive<i64> = 0..=i32::MAX as i64;

/// Which virtual function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// This one.
    Vf {
        /// The field that names it.
        field: String,
        /// Its address.
        address: PciAddress,
        /// The physical function that it must be of, and the field that says so.
        of: Option<(String, IfName)>,
    },
    /// Whichever of a physical function's is free.
    OfPf {
        /// The field that names that one.
        field: String,
        /// The physical function's link.
        name: IfName,
    },
}

/// What the function is to be. What is absent is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// Which one.
    pub device: Device,
    /// Its hardware address.
    pub mac: Option<MacAddr>,
    /// The MTU of its link, in bytes.
    pub mtu: Option<u32>,
    /// `vlan`, `vlanQoS`, `vlanProto`.
    pub vlan: Option<VfVlan>,
    /// `min_tx_rate`, `max_tx_rate`; one that is absent beside the other is none.
    pub rate: Option<VfRate>,
    /// `spoofchk`.
    pub spoofchk: Option<bool>,
    /// `trust`.
    pub trust: Option<bool>,
    /// `link_state`.
    pub link_state: Option<VfLinkState>,
}

impl Conf {
    /// What the physical function has to be asked for. The VLAN comes first, so that no frame leaves without it.
    pub fn changes(&self) -> Vec<VfChange> {
        [
            self.vlan.map(VfChange::Vlan),
            self.mac.map(VfChange::Mac),
            self.rate.map(VfChange::Rate),
            self.spoofchk.map(VfChange::Spoofchk),
            self.trust.map(VfChange::Trust),
            self.link_state.map(VfChange::LinkState),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Reads the configuration.
///
/// # Errors
/// Names the field.
pub fn parse(context: &Context<'_>) -> Result<Conf, FieldError> {
    let root = context.conf.root();
    let device = device(context)?.ok_or_else(|| FieldError::Missing {
        path: "deviceID, runtimeConfig.deviceID or pf".to_owned(),
    })?;
    // Accepted: there is no log, what goes wrong is in the answer.
    for key in ["logLevel", "logFile"] {
        root.text(key)?;
    }
    Ok(Conf {
        device,
        mac: keys::mac(context, root.get("mac"))?,
        mtu: keys::mtu(&root)?,
        vlan: vlan(&root)?,
        rate: rate(&root)?,
        spoofchk: switch(&root, "spoofchk")?,
        trust: switch(&root, "trust")?,
        link_state: root.parse("link_state")?,
    })
}

/// Which function; `None` where nothing says so. `runtimeConfig.deviceID` is what a device plugin has allotted, and
/// counts in place of `deviceID`.
///
/// # Errors
/// Names the field.
pub fn device(context: &Context<'_>) -> Result<Option<Device>, FieldError> {
    let root = context.conf.root();
    let runtime = context.conf.runtime_config()?;
    let allotted = match &runtime {
        Some(runtime) => some(runtime, "deviceID")?,
        None => None,
    };
    let id = match allotted {
        Some(field) => Some(field),
        None => some(&root, "deviceID")?,
    };
    let mut of: Option<(String, IfName)> = None;
    for key in PF_KEYS {
        let Some(field) = some(&root, key)? else {
            continue;
        };
        let name: IfName = field.parse()?;
        match &of {
            Some((first, other)) if *other != name => {
                return Err(field.invalid(format_args!("{first} is {other:?}: which of them?")));
            }
            Some(_) => {}
            None => of = Some((field.path().to_owned(), name)),
        }
    }
    Ok(match id {
        Some(field) => Some(Device::Vf {
            address: field.parse()?,
            field: field.path().to_owned(),
            of,
        }),
        None => of.map(|(field, name)| Device::OfPf { field, name }),
    })
}

/// A text that is not empty.
fn some<'a>(object: &Object<'a>, key: &str) -> Result<Option<Field<'a>>, FieldError> {
    Ok(object.text(key)?.and_then(|_| object.get(key)))
}

fn vlan(root: &Object<'_>) -> Result<Option<VfVlan>, FieldError> {
    let id = root.integer("vlan", 0..=4094)?;
    let qos = root.integer("vlanQoS", 0..=7)?;
    let proto: Option<VlanProto> = root.parse("vlanProto")?;
    let Some(id) = id else {
        let field = [("vlanQoS", qos.is_some()), ("vlanProto", proto.is_some())];
        return match field.into_iter().find(|(_, there)| *there) {
            Some((key, _)) => Err(needs_vlan(root, key)),
            None => Ok(None),
        };
    };
    if id == 0 && qos.is_some_and(|qos| qos != 0) {
        return Err(needs_vlan(root, "vlanQoS"));
    }
    if id == 0 && proto == Some(VlanProto::Dot1ad) {
        return Err(needs_vlan(root, "vlanProto"));
    }
    Ok(Some(VfVlan {
        id: u16::try_from(id).unwrap_or_default(),
        qos: u8::try_from(qos.unwrap_or(0)).unwrap_or_default(),
        proto: proto.unwrap_or_default(),
    }))
}

fn needs_vlan(root: &Object<'_>, key: &str) -> FieldError {
    let value = root.get(key).map(|field| field.value().to_string());
    root.invalid(
        key,
        value.unwrap_or_default(),
        "there is no tag to have it: set vlan, from 1 to 4094",
    )
}

fn rate(root: &Object<'_>) -> Result<Option<VfRate>, FieldError> {
    let read = |key| -> Result<Option<u32>, FieldError> {
        let rate = root.integer(key, RATE)?;
        Ok(rate.and_then(|rate| u32::try_from(rate).ok()))
    };
    let (min, max) = match (read("min_tx_rate")?, read("max_tx_rate")?) {
        (None, None) => return Ok(None),
        (min, max) => (min.unwrap_or(0), max.unwrap_or(0)),
    };
    match max != 0 && min > max {
        true => Err(root.invalid(
            "min_tx_rate",
            min,
            format_args!("is more than max_tx_rate, which is {max}"),
        )),
        false => Ok(Some(VfRate { min, max })),
    }
}

/// `on` or `off`.
fn switch(root: &Object<'_>, key: &str) -> Result<Option<bool>, FieldError> {
    let Some(field) = some(root, key)? else {
        return Ok(None);
    };
    match field.text()?.to_ascii_lowercase().as_str() {
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        _ => Err(field.invalid("must be on or off")),
    }
}

#[cfg(test)]
mod tests;
