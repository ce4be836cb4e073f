//! ROUTE-REFRESH (RFC 2918, 7313).

use super::{Coding, Frame, cursor::Cursor, frame};
use crate::Family;
use crate::message::{HeaderError, Kind, Notification, Reason, Refresh, RefreshError, RefreshKind};

/// None where it is of a family that is not told, or of a subtype that is not known: both are ignored. Without the
/// agreement of RFC 7313 the octet of the subtype has no meaning.
pub(super) fn read(frame: &Frame<'_>, coding: &Coding) -> Result<Option<Refresh>, Notification> {
    let mut body = Cursor::new(frame.body());
    let (afi, subtype, safi) = (body.u16(), body.u8(), body.u8());
    let subtype = subtype.filter(|_| coding.enhanced_refresh);
    let kind = match subtype {
        None | Some(0) => Some(RefreshKind::Wanted),
        Some(1) => Some(RefreshKind::Begin),
        Some(2) => Some(RefreshKind::End),
        Some(_) => None,
    };
    let (Some(afi), Some(safi), true) = (afi, safi, body.is_empty()) else {
        return match kind {
            None => Ok(None),
            Some(RefreshKind::Wanted) => Err(bad_length(frame)),
            Some(RefreshKind::Begin | RefreshKind::End) => Err(Notification::of(
                Reason::Refresh(RefreshError::Length),
                frame.bytes(),
            )),
        };
    };
    let family = Family::of(afi, safi).filter(|family| coding.speaks(*family));
    Ok(match (family, kind) {
        (Some(family), Some(kind)) => Some(Refresh { family, kind }),
        _ => None,
    })
}

fn bad_length(frame: &Frame<'_>) -> Notification {
    let [.., high, low] = frame.bytes().len().to_be_bytes();
    Notification::of(Reason::Header(HeaderError::BadLength), &[high, low])
}

pub(super) fn write(refresh: Refresh, out: &mut Vec<u8>) {
    let start = frame::begin(Kind::Refresh, out);
    out.extend_from_slice(&refresh.family.afi().to_be_bytes());
    let subtype = match refresh.kind {
        RefreshKind::Wanted => 0,
        RefreshKind::Begin => 1,
        RefreshKind::End => 2,
    };
    out.extend_from_slice(&[subtype, refresh.family.safi()]);
    frame::end(start, out);
}
