//! UPDATE (RFC 4271, 4.3 and 6.3; RFC 4760, 6793), and what is done about errors in it (RFC 7606).

mod list;
mod mp;
mod values;

use super::{Coding, Fault, Field, Treatment, Wrong, cursor::Cursor, nlri};
use crate::attr::NextHop;
use crate::message::{Announced, Notification, Reason, Update, UpdateError};
use crate::{Family, Prefix};
use list::List;
use mp::{Reach, Unreach};

pub(super) fn read(
    body: &[u8],
    coding: &Coding,
    faults: &mut Vec<Fault>,
) -> Result<Update, Notification> {
    let mut left = Cursor::new(body);
    let (Some(withdrawn), Some(attributes)) = (left.led_by_u16(), left.led_by_u16()) else {
        return Err(refused(UpdateError::AttributeList, &[]));
    };
    let (withdrawn, announced) = (ipv4(withdrawn)?, ipv4(left.rest())?);
    let empty = withdrawn.is_empty() && announced.is_empty();
    let mut list = List::read(attributes, coding, faults)?;
    let reachable = !announced.is_empty() || list.announces();
    list.judge(reachable, !announced.is_empty(), faults);
    // Where nothing can be withdrawn instead, the session ends (RFC 7606, 5.2).
    let broken = match list.broken() {
        Some((error, data)) if !reachable => return Err(refused(error, data)),
        broken => broken.is_some(),
    };

    let mut update = Update {
        withdrawn: agreed(withdrawn, Field::Withdrawn, coding, faults),
        end_of_rib: empty.then(|| end_of_rib(&list, coding)).flatten(),
        ..Update::default()
    };
    if let Some(Unreach::Routes(_, prefixes)) = list.unreach.take() {
        append(&mut update.withdrawn, prefixes);
    }
    let announced = agreed(announced, Field::Announced, coding, faults);
    let reach = match list.reach.take() {
        Some(Reach::Routes { next_hop, prefixes }) => Some((next_hop, prefixes)),
        Some(Reach::Foreign(..)) | None => None,
    };
    if broken {
        append(&mut update.withdrawn, announced);
        append(&mut update.withdrawn, reach.unwrap_or_default().1);
        return Ok(update);
    }
    if let Some(next_hop) = list.values.next_hop {
        announce(&mut update, NextHop::V4(next_hop), announced);
    }
    if let Some((Some(next_hop), prefixes)) = reach {
        announce(&mut update, next_hop, prefixes);
    }
    if !update.announced.is_empty() {
        update.attributes = list.values.attributes(coding);
    }
    Ok(update)
}

/// A field of IPv4 prefixes. Where it is wrong, nothing can be told for sure.
fn ipv4(field: &[u8]) -> Result<Vec<Prefix>, Notification> {
    let mut prefixes = Vec::new();
    match nlri::read(Family::Ipv4, field, &mut prefixes) {
        Some(()) => Ok(prefixes),
        None => Err(refused(UpdateError::NetworkField, &[])),
    }
}

/// The prefixes of a field of IPv4 ones; none where these were not agreed on.
fn agreed(
    prefixes: Vec<Prefix>,
    field: Field,
    coding: &Coding,
    faults: &mut Vec<Fault>,
) -> Vec<Prefix> {
    if coding.ipv4 || prefixes.is_empty() {
        return prefixes;
    }
    let wrong = Wrong::Family(Family::Ipv4.afi(), Family::Ipv4.safi());
    faults.push(Fault {
        field,
        wrong,
        treatment: Treatment::Discard,
    });
    Vec::new()
}

/// Of a message without routes of IPv4 in its fields (RFC 4724, 2).
fn end_of_rib(list: &List<'_>, coding: &Coding) -> Option<Family> {
    match &list.unreach {
        None if list.is_empty() && coding.ipv4 => Some(Family::Ipv4),
        Some(Unreach::Routes(family, prefixes)) if prefixes.is_empty() && list.is_single() => {
            Some(*family)
        }
        _ => None,
    }
}

/// Most often one of the two is empty.
fn append(to: &mut Vec<Prefix>, more: Vec<Prefix>) {
    match to.is_empty() {
        true => *to = more,
        false => to.extend(more),
    }
}

fn announce(update: &mut Update, next_hop: NextHop, prefixes: Vec<Prefix>) {
    let Some(first) = prefixes.first() else {
        return;
    };
    let same = update.announced.iter_mut().find(|announced| {
        let of = announced.prefixes.first().map(|prefix| prefix.family());
        announced.next_hop == next_hop && of == Some(first.family())
    });
    match same {
        Some(announced) => announced.prefixes.extend(prefixes),
        None => update.announced.push(Announced { next_hop, prefixes }),
    }
}

fn refused(error: UpdateError, data: &[u8]) -> Notification {
    Notification::of(Reason::Update(error), data)
}
