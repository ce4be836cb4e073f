//! OPEN (RFC 4271, 4.2 and 6.2; RFC 5492, 9072).

mod capability;

use super::{LONGEST, Unwritable, cursor::Cursor, frame};
use crate::message::{Capability, Kind, Notification, Open, OpenError, Reason};
use crate::{Asn, HoldTime, RouterId};

const VERSION: u8 = 4;
/// The parameter that has capabilities.
const CAPABILITIES: u8 = 2;
/// What stands in the place of the first parameter's type where lengths have two octets (RFC 9072).
const EXTENDED: u8 = 255;

pub(super) fn read(body: &[u8]) -> Result<Open, Notification> {
    let mut body = Cursor::new(body);
    let version = body.u8().ok_or_else(malformed)?;
    if version != VERSION {
        return Err(refused(OpenError::Version, &[0, VERSION]));
    }
    let short = body.u16().ok_or_else(malformed)?;
    let hold_time = body.u16().ok_or_else(malformed)?;
    let router = body.u32().ok_or_else(malformed)?;
    let length = body.u8().ok_or_else(malformed)?;
    let Some(short) = Asn::new(short.into()) else {
        return Err(refused(OpenError::PeerAs, &[]));
    };
    let Some(hold_time) = HoldTime::new(hold_time) else {
        return Err(refused(OpenError::HoldTime, &[]));
    };
    let Some(router) = RouterId::new(router) else {
        return Err(refused(OpenError::RouterId, &[]));
    };
    let capabilities = parameters(length, body)?;
    let long = capabilities.iter().find_map(|capability| match capability {
        Capability::FourOctets(asn) => Some(*asn),
        _ => None,
    });
    Ok(Open {
        asn: long.unwrap_or(short),
        hold_time,
        router,
        capabilities,
    })
}

/// The capabilities of all parameters. Where the first one's type says that lengths have two octets, the field that
/// leads them in RFC 4271 means nothing but that it is not 0.
fn parameters(length: u8, mut body: Cursor<'_>) -> Result<Vec<Capability>, Notification> {
    let extended = length != 0 && body.rest().first() == Some(&EXTENDED);
    let length = match extended {
        true => {
            body.u8();
            usize::from(body.u16().ok_or_else(malformed)?)
        }
        false => usize::from(length),
    };
    if body.rest().len() != length {
        return Err(malformed());
    }
    let mut capabilities = Vec::new();
    while !body.is_empty() {
        let code = body.u8().ok_or_else(malformed)?;
        let value = match extended {
            true => body.led_by_u16(),
            false => body.led_by_u8(),
        };
        let mut value = Cursor::new(value.ok_or_else(malformed)?);
        if code != CAPABILITIES {
            return Err(refused(OpenError::Parameter, &[]));
        }
        while !value.is_empty() {
            let capability = capability::read(&mut value);
            capabilities.push(capability.map_err(|error| refused(error, &[]))?);
        }
    }
    Ok(capabilities)
}

/// Of a parameter that is known (RFC 4271, 6.2), or of a length that does not fit.
fn malformed() -> Notification {
    refused(OpenError::Unspecific, &[])
}

fn refused(error: OpenError, data: &[u8]) -> Notification {
    Notification::of(Reason::Open(error), data)
}

/// All capabilities are in one parameter, as RFC 5492 has it; RFC 9072 is made use of where they need it.
pub(super) fn write(open: &Open, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let told = Capability::FourOctets(open.asn);
    if open.asn.is_long() && !open.capabilities.contains(&told) {
        return Err(Unwritable::Asn(open.asn));
    }
    let mut value = Vec::new();
    for capability in &open.capabilities {
        capability::write(capability, &mut value)?;
    }
    let start = frame::begin(Kind::Open, out);
    out.push(VERSION);
    out.extend_from_slice(&open.asn.short().to_be_bytes());
    out.extend_from_slice(&open.hold_time.seconds().to_be_bytes());
    out.extend_from_slice(&open.router.get().to_be_bytes());
    let length = value.len().to_be_bytes();
    match (value.len(), u8::try_from(value.len() + 2), length) {
        (0, ..) => out.push(0),
        (_, Ok(all), [.., low]) => out.extend_from_slice(&[all, CAPABILITIES, low]),
        (_, Err(_), [.., high, low]) => {
            let [.., all_high, all_low] = (value.len() + 3).to_be_bytes();
            out.extend_from_slice(&[EXTENDED, EXTENDED, all_high, all_low]);
            out.extend_from_slice(&[CAPABILITIES, high, low]);
        }
    }
    out.extend_from_slice(&value);
    let length = out.len() - start;
    if length > LONGEST {
        out.truncate(start);
        let limit = LONGEST;
        return Err(Unwritable::TooLong { length, limit });
    }
    frame::end(start, out);
    Ok(())
}
