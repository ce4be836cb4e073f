//! Capabilities (RFC 5492, and the RFC of each).

use crate::message::{Capability, GracefulRestart, OpenError, Role};
use crate::wire::{Unwritable, cursor::Cursor};
use crate::{Asn, Family};

const MULTIPROTOCOL: u8 = 1;
const REFRESH: u8 = 2;
const EXTENDED_NEXT_HOP: u8 = 5;
const EXTENDED_MESSAGE: u8 = 6;
const ROLE: u8 = 9;
const GRACEFUL_RESTART: u8 = 64;
const FOUR_OCTETS: u8 = 65;
const ENHANCED_REFRESH: u8 = 70;

/// Of a graceful restart: the speaker has restarted.
const RESTARTING: u16 = 0x8000;
/// A NOTIFICATION is no end (RFC 8538).
const NOTIFICATION: u16 = 0x4000;
/// The rest of them is a time.
const SECONDS: u16 = 0x0FFF;
/// Of a family: packets went on being forwarded.
const FORWARDING: u8 = 0x80;

/// The next one. It is refused where it is not whole, where one that is known here has a length that it cannot have,
/// and where the AS is 0.
pub(super) fn read(list: &mut Cursor<'_>) -> Result<Capability, OpenError> {
    let (Some(code), Some(value)) = (list.u8(), list.led_by_u8()) else {
        return Err(OpenError::Unspecific);
    };
    match (code, value) {
        (FOUR_OCTETS, [0, 0, 0, 0]) => Err(OpenError::PeerAs),
        _ => of(code, value).ok_or(OpenError::Unspecific),
    }
}

fn of(code: u8, value: &[u8]) -> Option<Capability> {
    let mut left = Cursor::new(value);
    let unknown = || Capability::Unknown {
        code,
        value: value.into(),
    };
    let capability = match code {
        MULTIPROTOCOL => {
            let (afi, _reserved, safi) = (left.u16()?, left.u8()?, left.u8()?);
            Capability::Multiprotocol(afi, safi)
        }
        REFRESH => Capability::Refresh,
        EXTENDED_NEXT_HOP => {
            let mut all = Vec::new();
            while !left.is_empty() {
                all.push((left.u16()?, left.u16()?, left.u16()?));
            }
            Capability::ExtendedNextHop(all)
        }
        EXTENDED_MESSAGE => Capability::ExtendedMessage,
        ROLE => match left.u8()? {
            0 => Capability::Role(Role::Provider),
            1 => Capability::Role(Role::RouteServer),
            2 => Capability::Role(Role::RouteServerClient),
            3 => Capability::Role(Role::Customer),
            4 => Capability::Role(Role::Peer),
            _ => unknown(),
        },
        GRACEFUL_RESTART => Capability::GracefulRestart(graceful_restart(&mut left)?),
        FOUR_OCTETS => Capability::FourOctets(Asn::new(left.u32()?)?),
        ENHANCED_REFRESH => Capability::EnhancedRefresh,
        _ => return Some(unknown()),
    };
    left.is_empty().then_some(capability)
}

/// Families that are not spoken here are left out.
fn graceful_restart(left: &mut Cursor<'_>) -> Option<GracefulRestart> {
    let flags = left.u16()?;
    let mut families = Vec::new();
    while !left.is_empty() {
        let (afi, safi, flags) = (left.u16()?, left.u8()?, left.u8()?);
        if let Some(family) = Family::of(afi, safi) {
            families.push((family, flags & FORWARDING != 0));
        }
    }
    Some(GracefulRestart {
        restarting: flags & RESTARTING != 0,
        notification: flags & NOTIFICATION != 0,
        seconds: flags & SECONDS,
        families,
    })
}

pub(super) fn write(capability: &Capability, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let start = out.len();
    let code = match capability {
        Capability::Multiprotocol(..) => MULTIPROTOCOL,
        Capability::Refresh => REFRESH,
        Capability::ExtendedNextHop(_) => EXTENDED_NEXT_HOP,
        Capability::ExtendedMessage => EXTENDED_MESSAGE,
        Capability::GracefulRestart(_) => GRACEFUL_RESTART,
        Capability::FourOctets(_) => FOUR_OCTETS,
        Capability::EnhancedRefresh => ENHANCED_REFRESH,
        Capability::Role(_) => ROLE,
        Capability::Unknown { code, .. } => *code,
    };
    out.extend_from_slice(&[code, 0]);
    let begin = out.len();
    value(capability, out);
    let length = out.len() - begin;
    match (u8::try_from(length), out.get_mut(start + 1)) {
        (Ok(length), Some(place)) => {
            *place = length;
            Ok(())
        }
        _ => Err(Unwritable::Capability { code, length }),
    }
}

fn value(capability: &Capability, out: &mut Vec<u8>) {
    match capability {
        Capability::Multiprotocol(afi, safi) => {
            out.extend_from_slice(&afi.to_be_bytes());
            out.extend_from_slice(&[0, *safi]);
        }
        Capability::ExtendedNextHop(all) => {
            for (afi, safi, next_hop) in all {
                for number in [afi, safi, next_hop] {
                    out.extend_from_slice(&number.to_be_bytes());
                }
            }
        }
        Capability::GracefulRestart(restart) => {
            let bit = |on: bool, bit: u16| if on { bit } else { 0 };
            let flags = bit(restart.restarting, RESTARTING)
                | bit(restart.notification, NOTIFICATION)
                | restart.seconds.min(SECONDS);
            out.extend_from_slice(&flags.to_be_bytes());
            for (family, forwarding) in &restart.families {
                out.extend_from_slice(&family.afi().to_be_bytes());
                let flags = if *forwarding { FORWARDING } else { 0 };
                out.extend_from_slice(&[family.safi(), flags]);
            }
        }
        Capability::FourOctets(asn) => out.extend_from_slice(&asn.get().to_be_bytes()),
        Capability::Role(role) => out.push(match role {
            Role::Provider => 0,
            Role::RouteServer => 1,
            Role::RouteServerClient => 2,
            Role::Customer => 3,
            Role::Peer => 4,
        }),
        Capability::Unknown { value, .. } => out.extend_from_slice(value),
        Capability::Refresh | Capability::ExtendedMessage | Capability::EnhancedRefresh => {}
    }
}
