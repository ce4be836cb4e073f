//! From the engine's picture to what the kernel is to keep, and where.

use super::{
    plane::{self, Kernel, Part, Place, Plane, Wanted, WayKey},
    record::{RateRecord, attachment},
};
use crate::{
    alias,
    registry::{Filed as _, Registry},
};
use fairway_rates::{Direction, EndpointId, Number, Picture, Way};
use std::collections::BTreeMap;
use tracing::debug;

/// What a container's directions are kept by: what it gets, what it sends.
pub(super) fn places(record: &RateRecord) -> [Place; 2] {
    [
        Place::Host {
            index: record.index,
            link: record.link.clone(),
            alias: alias::alias(&record.attachment()),
        },
        Place::Inside {
            netns: record.netns.clone(),
            peer: record.index,
        },
    ]
}

/// In the plane's words.
pub(super) fn wanted(
    picture: &Picture,
    registry: &Registry<RateRecord>,
) -> BTreeMap<WayKey, Wanted> {
    let mut users: BTreeMap<Number, usize> = BTreeMap::new();
    for way in picture.ways.values() {
        for number in way.limits.iter().flatten() {
            *users.entry(*number).or_default() += 1;
        }
    }
    let part = |number: &Number| {
        let held = picture.limits.get(number)?;
        Some(Part {
            number: *number,
            scope: held.scope,
            of: held.of.clone(),
            allowance: held.allowance,
            shared: users.get(number).is_some_and(|users| *users > 1),
        })
    };
    let one = |((id, direction), way): (&(EndpointId, Direction), &Way)| {
        let attachment = attachment(id);
        let [host, inside] = places(registry.get(&attachment)?);
        let (place, host) = match direction {
            Direction::Ingress => (host, None),
            Direction::Egress => (inside, Some(host)),
        };
        let wanted = Wanted {
            place,
            host,
            chain: way.limits.iter().flatten().filter_map(part).collect(),
            least: picture.least(way),
            dscp: way.dscp,
        };
        Some(((attachment, *direction), wanted))
    };
    picture.ways.iter().filter_map(one).collect()
}

/// Takes away what a daemon before this one, or a plugin without one, has put where nothing is wanted. False: that
/// could not be done.
pub(super) fn sweep(
    record: &RateRecord,
    wanted: &BTreeMap<WayKey, Wanted>,
    plane: &Plane<impl Kernel>,
) -> bool {
    let [host, inside] = places(record);
    let ways = [
        (Direction::Ingress, &host, None),
        (Direction::Egress, &inside, Some(&host)),
    ];
    let mut done = true;
    for (direction, place, host) in ways {
        let key = (record.attachment(), direction);
        if wanted.contains_key(&key) || plane.standing(&key).is_some() {
            continue;
        }
        if let Err(error) = plane::clear(plane.kernel(), place, host) {
            debug!("rates of {}: {error}", record.attachment());
            done = false;
        }
    }
    done
}
