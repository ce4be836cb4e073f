//! Virtual functions: IFLA_VFINFO_LIST of `linux/if_link.h`, whose structures begin with the function's number.

use super::link::HEADER;
use crate::mac::MacAddr;
use crate::raw::attr::{Attr, Attrs, TooLong, Writer};
use crate::vf::{Vf, VfChange, VfLinkState, VfRate, VfVlan, VlanProto};

const IFLA_EXT_MASK: u16 = 29;
const RTEXT_FILTER_VF: u32 = 1;
const RTEXT_FILTER_SKIP_STATS: u32 = 8;
const IFLA_VFINFO_LIST: u16 = 22;
const IFLA_VF_INFO: u16 = 1;

const IFLA_VF_MAC: u16 = 1;
const IFLA_VF_VLAN: u16 = 2;
const IFLA_VF_TX_RATE: u16 = 3;
const IFLA_VF_SPOOFCHK: u16 = 4;
const IFLA_VF_LINK_STATE: u16 = 5;
const IFLA_VF_RATE: u16 = 6;
const IFLA_VF_TRUST: u16 = 9;
const IFLA_VF_VLAN_LIST: u16 = 12;
const IFLA_VF_VLAN_INFO: u16 = 1;

/// The room for a hardware address in `struct ifla_vf_mac`.
const MAC_ROOM: usize = 32;
/// How the kernel says that a driver does not tell.
const UNTOLD: u32 = u32::MAX;

fn header(index: u32) -> Writer {
    let mut header = [0; HEADER];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    Writer::with_header(&header)
}

/// Asks for a link with its virtual functions.
pub(crate) fn get(pf: u32) -> Result<Vec<u8>, TooLong> {
    let mut body = header(pf);
    body.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
    body.finish()
}

/// Changes one setting.
pub(crate) fn set(pf: u32, vf: u32, change: VfChange) -> Result<Vec<u8>, TooLong> {
    let mut body = header(pf);
    body.nest(IFLA_VFINFO_LIST, |list| {
        list.nest(IFLA_VF_INFO, |info| put(info, vf, change));
    });
    body.finish()
}

fn put(info: &mut Writer, vf: u32, change: VfChange) {
    match change {
        VfChange::Mac(mac) => {
            let mut room = [0; MAC_ROOM];
            room[..6].copy_from_slice(&mac.octets());
            info.put(IFLA_VF_MAC, &[&vf.to_ne_bytes()[..], &room].concat());
        }
        // Drivers that know of one tag only, and kernels before 4.9, take this form.
        VfChange::Vlan(VfVlan {
            id,
            qos,
            proto: VlanProto::Dot1q,
        }) => {
            info.put(IFLA_VF_VLAN, &words(&[vf, id.into(), qos.into()]));
        }
        VfChange::Vlan(VfVlan { id, qos, proto }) => {
            let mut value = words(&[vf, id.into(), qos.into()]);
            value.extend(proto.ether_type().to_be_bytes());
            value.extend([0, 0]);
            info.nest(IFLA_VF_VLAN_LIST, |list| {
                list.put(IFLA_VF_VLAN_INFO, &value);
            });
        }
        VfChange::Rate(rate) => {
            info.put(IFLA_VF_RATE, &words(&[vf, rate.min, rate.max]));
        }
        VfChange::Spoofchk(on) => {
            info.put(IFLA_VF_SPOOFCHK, &words(&[vf, on.into()]));
        }
        VfChange::Trust(on) => {
            info.put(IFLA_VF_TRUST, &words(&[vf, on.into()]));
        }
        VfChange::LinkState(state) => {
            let state = match state {
                VfLinkState::Auto => 0,
                VfLinkState::Enable => 1,
                VfLinkState::Disable => 2,
            };
            info.put(IFLA_VF_LINK_STATE, &words(&[vf, state]));
        }
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_ne_bytes())
        .collect()
}

/// Reads an RTM_NEWLINK's virtual functions.
pub(crate) fn decode(body: &[u8]) -> Vec<Vf> {
    let list = Attrs::after(HEADER, body).find_kind(IFLA_VFINFO_LIST);
    let infos = list
        .iter()
        .flat_map(|list| list.nested())
        .filter(|attr| attr.kind == IFLA_VF_INFO);
    let mut vfs: Vec<_> = infos.filter_map(|info| one(info.nested())).collect();
    vfs.sort_by_key(|vf| vf.index);
    vfs
}

fn one(attrs: Attrs<'_>) -> Option<Vf> {
    // Every structure says whose it is; the first is there always.
    let mut vf = Vf::new(word(&attrs.clone().find_kind(IFLA_VF_MAC)?, 0)?);
    for attr in attrs {
        match attr.kind {
            IFLA_VF_MAC => {
                let octets = attr.value.get(4..).and_then(|rest| rest.first_chunk::<6>());
                vf.mac = MacAddr(*octets?);
            }
            IFLA_VF_VLAN if vf.vlan == VfVlan::default() => {
                vf.vlan = vlan(&attr, VlanProto::Dot1q)?
            }
            IFLA_VF_VLAN_LIST => {
                if let Some(attr) = attr.nested().find_kind(IFLA_VF_VLAN_INFO) {
                    let proto = attr
                        .value
                        .get(12..)
                        .and_then(|rest| rest.first_chunk::<2>());
                    let proto = proto.map_or(0, |bytes| u16::from_be_bytes(*bytes));
                    vf.vlan = vlan(&attr, VlanProto::from_ether_type(proto))?;
                }
            }
            IFLA_VF_TX_RATE if vf.rate.max == 0 => vf.rate.max = word(&attr, 1)?,
            IFLA_VF_RATE => {
                vf.rate = VfRate {
                    min: word(&attr, 1)?,
                    max: word(&attr, 2)?,
                };
            }
            IFLA_VF_SPOOFCHK => vf.spoofchk = told(word(&attr, 1)?),
            IFLA_VF_TRUST => vf.trust = told(word(&attr, 1)?),
            IFLA_VF_LINK_STATE => {
                vf.link_state = match word(&attr, 1)? {
                    1 => VfLinkState::Enable,
                    2 => VfLinkState::Disable,
                    _ => VfLinkState::Auto,
                }
            }
            _ => {}
        }
    }
    Some(vf)
}

fn vlan(attr: &Attr<'_>, proto: VlanProto) -> Option<VfVlan> {
    Some(VfVlan {
        id: u16::try_from(word(attr, 1)?).ok()?,
        qos: u8::try_from(word(attr, 2)?).ok()?,
        proto,
    })
}

fn told(word: u32) -> Option<bool> {
    (word != UNTOLD).then_some(word != 0)
}

fn word(attr: &Attr<'_>, nth: usize) -> Option<u32> {
    let bytes = attr.value.get(nth * 4..)?.first_chunk::<4>()?;
    Some(u32::from_ne_bytes(*bytes))
}
