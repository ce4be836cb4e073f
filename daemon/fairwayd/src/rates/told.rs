//! What the thread tells of its limits.

use super::{
    About,
    plane::{Kernel, Means, word},
    record::{RateRecord, attachment, id},
    turn::Turn,
};
use crate::{convert::body, registry::Filed as _};
use fairway_api::{ErrorBody, admin, ipam};
use fairway_cni::Code;
use fairway_dataplane::abi::Sent;
use fairway_ipam::AttachmentId;
use fairway_rates::{Direction, EndpointId, Held, Picture, Scope, Way};

/// Are all limits of a container kept?
///
/// # Errors
/// Where they are not; says what is missing.
pub(super) fn verified(
    turn: &Turn<impl Kernel>,
    attachment: &AttachmentId,
) -> Result<(), ErrorBody> {
    let Some(record) = turn.registry.get(attachment) else {
        let text = format_args!("rates of {attachment}: nobody has asked for them to be kept");
        return Err(body(Code::UNKNOWN_CONTAINER, text));
    };
    if !turn.feed.seen && !turn.fresh.contains(attachment) {
        // What the daemon before has put there holds, whatever it is.
        return Ok(());
    }
    let id = id(attachment);
    for way in Direction::BOTH {
        if !turn.engine.held().ways.contains_key(&(id.clone(), way)) {
            continue;
        }
        let problem = match turn.plane.standing(&(attachment.clone(), way)) {
            Some(known) => {
                // What an object says cannot be had here; what the configuration asks for must be.
                let lack = known.lack.as_ref();
                let lack = lack.filter(|_| known.means == Means::None && record.asks(way));
                known.problem.as_ref().or(lack).cloned()
            }
            None => Some("not in place yet".to_owned()),
        };
        if let Some(problem) = problem {
            let text = format_args!("rates of {attachment} ({}): {problem}", word(way));
            return Err(body(Code::INTERNAL, text));
        }
    }
    Ok(())
}

/// Limits of this node.
pub(super) fn rates(turn: &Turn<impl Kernel>, list: &admin::RateList) -> Vec<admin::Rate> {
    let picture = turn.engine.held();
    let row = |((id, direction), way): (&(EndpointId, Direction), &Way)| {
        let record = turn.registry.get(&attachment(id))?;
        let fits = fits(list, record.workload().as_deref());
        fits.then(|| rate(turn, picture, record, *direction, way))
    };
    picture.ways.iter().filter_map(row).collect()
}

fn fits(list: &admin::RateList, workload: Option<&str>) -> bool {
    let wanted = list.workload.as_deref();
    wanted.is_none_or(|wanted| workload == Some(wanted))
}

fn rate(
    turn: &Turn<impl Kernel>,
    picture: &Picture,
    record: &RateRecord,
    direction: Direction,
    way: &Way,
) -> admin::Rate {
    let key = (record.attachment(), direction);
    let known = turn.plane.standing(&key);
    let means = known.map_or(Means::None, |known| known.means);
    let mut problems: Vec<String> = match known {
        Some(known) => known.problem.iter().chain(&known.lack).cloned().collect(),
        None => {
            vec!["as the daemon before has left it: the store has not been seen yet".to_owned()]
        }
    };
    problems.extend(way.warnings.iter().cloned());
    let least = picture.least(way);
    let held = way.limits.iter().flatten();
    let held = held.filter_map(|number| picture.limits.get(number));
    admin::Rate {
        workload: record.workload(),
        attachment: ipam::Attachment {
            network: record.network.clone(),
            container: record.container.clone(),
            ifname: record.ifname.clone(),
        },
        direction: shown(direction),
        rate: least.rate.map(|rate| rate.bits_per_second()),
        packets: least.packets.map(u64::from),
        dscp: way.dscp,
        limits: held.map(limit).collect(),
        means: means.name().to_owned(),
        sent: turn.plane.sent(&key).map(sent),
        problems,
    }
}

fn limit(held: &Held) -> admin::RateHeld {
    admin::RateHeld {
        scope: scope(held.scope).to_owned(),
        of: held.of.clone(),
        rate: held.allowance.rate.map(|rate| rate.bits_per_second()),
        burst: held.allowance.burst.map(u64::from),
        packets: held.allowance.packets.map(u64::from),
        reason: held.reason.clone(),
    }
}

fn sent(sent: Sent) -> admin::RateSent {
    admin::RateSent {
        bytes: sent.bytes,
        packets: sent.packets,
        delayed: sent.delayed,
        marked: sent.marked,
        dropped: sent.dropped,
    }
}

/// How limits have changed. Of one workload: its own, and those that it shares.
pub(super) fn history(turn: &Turn<impl Kernel>, list: &admin::RateList) -> Vec<admin::RateChanged> {
    let about = |of: &str| match &list.workload {
        None => true,
        Some(workload) => {
            of == workload
                || of
                    .strip_prefix(workload.as_str())
                    .is_some_and(|rest| rest.starts_with(' '))
        }
    };
    let changes = turn.engine.history().filter(|changed| about(&changed.of));
    let row = |changed: &fairway_rates::Changed| admin::RateChanged {
        at: changed.at,
        scope: scope(changed.scope).to_owned(),
        of: changed.of.clone(),
        direction: shown(changed.direction),
        from: changed.from.clone(),
        to: changed.to.clone(),
        reason: changed.reason.clone(),
    };
    changes.map(row).collect()
}

/// What is worth knowing.
pub(super) fn warnings(turn: &Turn<impl Kernel>, about: &About) -> Vec<String> {
    match about {
        About::Workload(workload) => {
            let all = turn.registry.all();
            let of = all.filter(|record| record.workload().as_ref() == Some(workload));
            of.flat_map(|record| warnings_of(turn, &record.attachment()))
                .collect()
        }
        About::RateLimit(name) => {
            let name = format!("RateLimit/{name})");
            let all = turn.engine.held().ways.values();
            let all = all.flat_map(|way| &way.warnings);
            all.filter(|warning| warning.contains(&name))
                .cloned()
                .collect()
        }
    }
}

/// What is worth knowing of a container's limits.
pub(super) fn warnings_of(turn: &Turn<impl Kernel>, attachment: &AttachmentId) -> Vec<String> {
    let id = id(attachment);
    let ways = &turn.engine.held().ways;
    let mut warnings = Vec::new();
    for way in Direction::BOTH {
        let known = turn.plane.standing(&(attachment.clone(), way));
        warnings.extend(known.and_then(|known| known.lack.clone()));
        let way = ways.get(&(id.clone(), way));
        warnings.extend(way.into_iter().flat_map(|way| way.warnings.clone()));
    }
    warnings
}

pub(super) const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Container => "container",
        Scope::Namespace => "namespace",
        Scope::Network => "network",
    }
}

pub(super) const fn shown(direction: Direction) -> admin::Direction {
    match direction {
        Direction::Ingress => admin::Direction::Ingress,
        Direction::Egress => admin::Direction::Egress,
    }
}
