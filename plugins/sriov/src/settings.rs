//! What a physical function sets of its virtual ones: asked for, taken back, compared.

use crate::{Error, state};
use fairway_cni::FieldError;
use fairway_netlink::{Vf, VfChange, Vfs};
use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

/// How long a card that is busy is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// One of the settings, by the key that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `mac`.
    Mac,
    /// `vlan`, `vlanQoS` and `vlanProto`.
    Vlan,
    /// `min_tx_rate` and `max_tx_rate`.
    Rate,
    /// `spoofchk`.
    Spoofchk,
    /// `trust`.
    Trust,
    /// `link_state`.
    LinkState,
}

const ALL: [(Setting, &str); 6] = [
    (Setting::Mac, "mac"),
    (Setting::Vlan, "vlan"),
    (Setting::Rate, "max_tx_rate"),
    (Setting::Spoofchk, "spoofchk"),
    (Setting::Trust, "trust"),
    (Setting::LinkState, "link_state"),
];

/// The text is no setting's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no setting of a virtual function")]
pub struct UnknownSetting;

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = ALL.iter().find(|(setting, _)| setting == self);
        f.write_str(found.map_or("", |(_, key)| key))
    }
}

impl FromStr for Setting {
    type Err = UnknownSetting;

    fn from_str(text: &str) -> Result<Self, UnknownSetting> {
        let found = ALL.iter().find(|(_, key)| *key == text);
        found.map(|(setting, _)| *setting).ok_or(UnknownSetting)
    }
}

impl Setting {
    /// Which one a change is of.
    pub(crate) fn of(change: VfChange) -> Self {
        match change {
            VfChange::Mac(_) => Self::Mac,
            VfChange::Vlan(_) => Self::Vlan,
            VfChange::Rate(_) => Self::Rate,
            VfChange::Spoofchk(_) => Self::Spoofchk,
            VfChange::Trust(_) => Self::Trust,
            VfChange::LinkState(_) => Self::LinkState,
        }
    }

    /// As a function has it; `None` where the driver does not tell.
    pub(crate) fn as_in(self, vf: &Vf) -> Option<VfChange> {
        match self {
            Self::Mac => Some(VfChange::Mac(vf.mac)),
            Self::Vlan => Some(VfChange::Vlan(vf.vlan)),
            Self::Rate => Some(VfChange::Rate(vf.rate)),
            Self::Spoofchk => vf.spoofchk.map(VfChange::Spoofchk),
            Self::Trust => vf.trust.map(VfChange::Trust),
            Self::LinkState => Some(VfChange::LinkState(vf.link_state)),
        }
    }
}

/// A function as it is.
pub(crate) fn read(vfs: &mut dyn Vfs, pf: (u32, &str), index: u32) -> Result<Option<Vf>, Error> {
    let found = vfs.vfs(pf.0)?;
    Ok(found.into_iter().find(|vf| vf.index == index))
}

/// Sets one.
///
/// # Errors
/// Names the field, where it is the driver that refuses.
pub(crate) fn set(
    vfs: &mut dyn Vfs,
    pf: (u32, &str),
    index: u32,
    change: VfChange,
) -> Result<(), Error> {
    let deadline = Instant::now() + BUSY_WAIT;
    loop {
        match vfs.set_vf(pf.0, index, change) {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                state::pause(Duration::from_millis(20));
            }
            other => return other.map_err(|error| refused(pf.1, change, error)),
        }
    }
}

/// Some cards reset a function over a setting, and take no other meanwhile.
fn is_busy(error: &fairway_netlink::Error) -> bool {
    const EAGAIN: i32 = 11;
    error.is_busy() || error.errno().map(|errno| errno as i32) == Some(EAGAIN)
}

/// Makes of a function again what it was. The hardware address is set also where it seems right: some drivers tell the
/// one that the function has, and only one that is set keeps it from having another.
pub(crate) fn restore(
    vfs: &mut dyn Vfs,
    pf: (u32, &str),
    before: &Vf,
    changed: &[Setting],
) -> Result<(), Error> {
    let Some(now) = read(vfs, pf, before.index)? else {
        return Ok(());
    };
    let mut failure = None;
    for setting in changed {
        let Some(change) = setting.as_in(before) else {
            continue;
        };
        let is_set = matches!(change, VfChange::Mac(mac) if mac.octets() != [0; 6]);
        // What it has by its own choice needs no setting, and a driver may forget it over one.
        let is_own = *setting == Setting::Mac && !is_set;
        if is_own || (!is_set && setting.as_in(&now) == Some(change)) {
            continue;
        }
        failure = failure.or(set(vfs, pf, before.index, change).err());
    }
    failure.map_or(Ok(()), Err)
}

/// Which keys a change was asked for by, and what each of them said.
fn asked(change: VfChange) -> (&'static str, String) {
    let on = |on| if on { "on" } else { "off" }.to_owned();
    match change {
        VfChange::Mac(mac) => ("mac", mac.to_string()),
        VfChange::Vlan(vlan) if vlan.proto != fairway_netlink::VlanProto::Dot1q => {
            ("vlanProto", vlan.proto.to_string())
        }
        VfChange::Vlan(vlan) => ("vlan", vlan.id.to_string()),
        VfChange::Rate(rate) if rate.min != 0 => ("min_tx_rate", rate.min.to_string()),
        VfChange::Rate(rate) => ("max_tx_rate", rate.max.to_string()),
        VfChange::Spoofchk(value) => ("spoofchk", on(value)),
        VfChange::Trust(value) => ("trust", on(value)),
        VfChange::LinkState(state) => ("link_state", state.to_string()),
    }
}

fn refused(pf: &str, change: VfChange, error: fairway_netlink::Error) -> Error {
    const EINVAL: i32 = 22;
    const ERANGE: i32 = 34;
    const EPROTONOSUPPORT: i32 = 93;
    const EOPNOTSUPP: i32 = 95;
    const EADDRNOTAVAIL: i32 = 99;
    let (field, value) = asked(change);
    let blame = |reason: String| FieldError::Value {
        path: field.to_owned(),
        value,
        reason,
    };
    match error.errno().map(|errno| errno as i32) {
        Some(EOPNOTSUPP | EPROTONOSUPPORT) => Error::Iface(fairway_iface::Error::Unsupported(
            blame(format!("the driver of {pf} has no such setting ({error})")),
        )),
        Some(EINVAL | ERANGE | EADDRNOTAVAIL) => Error::Iface(fairway_iface::Error::Field(blame(
            format!("the driver of {pf} refuses it ({error})"),
        ))),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests;
