//! What is said to plugins and administrators.

mod explain;

pub(super) use explain::explained;

use super::turn::Turn;
use crate::{code::Coded as _, convert::body};
use fairway_api::{
    ErrorBody,
    admin::{AuditRow, Flow, MapFill, ObjectRef, PacketCount, Policy, PolicyStatus},
};
use fairway_cni::Code;
use fairway_dataplane::{
    abi::{Addr, Direction, FlowEvent, FlowKind, Reason},
    ip_of,
};
use fairway_ipam::AttachmentId;
use fairway_policy::{RuleName, Stage, input::Number, spec::ObjectName};
use std::{
    collections::HashMap,
    net::IpAddr,
    time::{SystemTime, UNIX_EPOCH},
};

/// An error where policies must be enforced and are not.
pub(super) fn not_enforced(reason: &str) -> ErrorBody {
    let text = format!("policies are not enforced on this node: {reason}");
    body(Code::UNAVAILABLE, text)
}

/// Is the policy of an endpoint in place?
pub(super) fn standing(
    turn: &Turn,
    attachment: &AttachmentId,
    required: bool,
) -> Result<(), ErrorBody> {
    if let Some(reason) = turn.plane.absence() {
        return match required {
            true => Err(not_enforced(reason)),
            false => Ok(()),
        };
    }
    let missing = |what: &str| {
        let problems = turn.problems().join("; ");
        let text = format!("{attachment}: {what}");
        let mut error = body(Code::TRY_AGAIN, text);
        error.details = problems;
        Err(error)
    };
    let Some(record) = turn.registry.get(attachment) else {
        return match required {
            true => missing("nothing is known of it"),
            // It was added without.
            false => Ok(()),
        };
    };
    if !turn.feed.seen {
        return missing("the store has not told yet which policies there are");
    }
    if turn.feed.blind().is_some() {
        return missing("there is a policy that cannot be read");
    }
    let Some(link) = turn.links.of(attachment) else {
        return missing("its link is not there");
    };
    if !turn.sets.contains_key(&record.id(&turn.node)) {
        return missing("its policy cannot be put in place");
    }
    match turn.plane.entry(link.index) {
        Some(_) => Ok(()),
        None => missing("its policy is not in place yet"),
    }
}

/// Policies, as this node sees them.
pub(super) fn policies(turn: &Turn) -> Vec<Policy> {
    let rows = turn.engine.policies().into_iter();
    rows.map(|row| Policy {
        object: reference(&row.policy),
        tier: match row.stage {
            Stage::Admin => "admin",
            Stage::Network => "namespace",
            Stage::Baseline => "baseline",
        }
        .to_owned(),
        priority: row.priority,
        ingress: row.ingress.map(count),
        egress: row.egress.map(count),
        here: count(row.here),
        endpoints: count(row.everywhere),
        mode: match row.audit {
            true => "audit",
            false => "enforce",
        }
        .to_owned(),
        problems: row.problems.iter().map(ToString::to_string).collect(),
    })
    .collect()
}

fn count(number: usize) -> u64 {
    number as u64
}

/// An object's name for the socket.
pub(crate) fn reference(name: &ObjectName) -> ObjectRef {
    ObjectRef {
        kind: super::keys::place(name.kind).1.to_owned(),
        namespace: Some(name.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        name: name.name.clone(),
    }
}

/// What policies in audit would have refused.
pub(super) fn audit(turn: &Turn) -> Result<Vec<AuditRow>, ErrorBody> {
    let Some(data) = turn.plane.data() else {
        return match turn.plane.absence() {
            Some(reason) => Err(not_enforced(reason)),
            None => Ok(Vec::new()),
        };
    };
    let counts = data.rules().map_err(|error| body(error.code(), error))?;
    let audited = counts.into_iter().filter(|(key, _)| key.audit == 1);
    let mut rows: Vec<AuditRow> = audited
        .filter_map(|(key, count)| {
            let name = turn.engine.rule(key.rule)?;
            Some(AuditRow {
                policy: policies_of(&name),
                rule: place(&name),
                flows: count.packets,
            })
        })
        .collect();
    rows.sort_by(|a, b| b.flows.cmp(&a.flows).then_with(|| a.policy.cmp(&b.policy)));
    Ok(rows)
}

/// How policy stands on this node.
pub(super) fn status(turn: &Turn) -> PolicyStatus {
    let data = turn.plane.data();
    let fills = data.map(|data| data.fill()).unwrap_or_default();
    let counters = data
        .and_then(|data| data.counters().ok())
        .unwrap_or_default();
    let mut problems = turn.problems();
    if problems.is_empty() {
        problems.extend(turn.plane.absence().map(str::to_owned));
    }
    if !turn.feed.seen {
        problems.push("the store has not told yet which policies there are".to_owned());
    }
    PolicyStatus {
        enforced: turn.is_enforced(),
        problems,
        endpoints: count(turn.registry.all().count()),
        maps: fills
            .into_iter()
            .map(|fill| MapFill {
                name: fill.map.to_ascii_lowercase(),
                used: fill.entries.into(),
                size: fill.room.into(),
            })
            .collect(),
        packets: counters
            .into_iter()
            .filter(|counter| counter.count.packets > 0)
            .map(|counter| PacketCount {
                number: counter.reason as u32,
                reason: counter.reason.name().to_owned(),
                direction: direction(counter.direction as u32).to_owned(),
                packets: counter.count.packets,
                bytes: counter.count.bytes,
            })
            .collect(),
    }
}

fn direction(number: u32) -> &'static str {
    match number == Direction::Ingress as u32 {
        true => "ingress",
        false => "egress",
    }
}

/// Events as administrators read them, and how many were not told.
pub(super) fn flows(turn: &Turn, events: &[FlowEvent]) -> (Vec<Flow>, u64) {
    let clock = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    let monotonic = clock.map_or(0, |now| {
        let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
        seconds * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap_or(0)
    });
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    let wall = wall.map_or(0, |now| now.as_millis());
    let wall = u64::try_from(wall).unwrap_or(u64::MAX);
    let records = turn.registry.all();
    let titles: HashMap<u32, String> = records
        .filter_map(|record| {
            let link = turn.links.of(&record.attachment())?;
            Some((link.index, record.title()))
        })
        .collect();
    let flow = |event: &FlowEvent| {
        let ago = monotonic.saturating_sub(event.at) / 1_000_000;
        flow(turn, &titles, event, wall.saturating_sub(ago))
    };
    let missed = events.iter().map(|event| u64::from(event.missed)).sum();
    (events.iter().map(flow).collect(), missed)
}

fn flow(turn: &Turn, titles: &HashMap<u32, String>, event: &FlowEvent, at: u64) -> Flow {
    let ip = |addr: Addr| {
        Some(addr)
            .filter(|addr| *addr != Addr::default())
            .map(ip_of)
    };
    let name = |ip: Option<IpAddr>| ip.and_then(|ip| turn.names.of(ip)).map(str::to_owned);
    let (source, destination) = (ip(event.source), ip(event.destination));
    let own = match u32::from(event.direction) == Direction::Ingress as u32 {
        true => destination,
        false => source,
    };
    let endpoint = titles.get(&event.link).cloned();
    let endpoint = endpoint.or_else(|| name(own));
    let link = || match turn.links.name_of(event.link) {
        Some(name) => name.to_owned(),
        None => format!("link {}", event.link),
    };
    let has_ports = matches!(event.protocol, 6 | 17 | 132);
    let port = |port: u16| Some(port).filter(|_| has_ports);
    Flow {
        at,
        verdict: match event.kind {
            kind if kind == FlowKind::Dropped as u32 => "dropped",
            kind if kind == FlowKind::Audited as u32 => "audited",
            _ => "allowed",
        }
        .to_owned(),
        reason: match Reason::of(event.reason) {
            Some(reason) => reason.name().to_owned(),
            None => event.reason.to_string(),
        },
        direction: direction(event.direction.into()).to_owned(),
        endpoint: endpoint.unwrap_or_else(link),
        source,
        source_name: name(source),
        destination,
        destination_name: name(destination),
        protocol: protocol(event.protocol),
        source_port: port(event.source_port),
        destination_port: port(event.destination_port),
        bytes: event.length,
        rule: rule(turn, event.rule),
    }
}

fn rule(turn: &Turn, number: Number) -> Option<String> {
    let name = turn.engine.rule(number)?;
    Some(format!("{} {}", policies_of(&name), place(&name)))
}

/// The policy, or all of them where none of several lets a packet through.
fn policies_of(rule: &RuleName) -> String {
    let all = rule.policy.iter().chain(&rule.others);
    let all: Vec<String> = all.map(ToString::to_string).collect();
    match all.is_empty() {
        true => "groups".to_owned(),
        false => all.join(", "),
    }
}

/// Such as `ingress[0]`.
fn place(rule: &RuleName) -> String {
    let direction = match rule.direction {
        fairway_policy::input::Direction::Ingress => "ingress",
        fairway_policy::input::Direction::Egress => "egress",
    };
    let index = rule.index.map(|index| format!("[{index}]"));
    let name = rule.name.as_ref().map(|name| format!(" {name:?}"));
    format!(
        "{direction}{}{}",
        index.unwrap_or_default(),
        name.unwrap_or_default()
    )
}

/// The name of a protocol's number.
fn protocol(number: u8) -> String {
    let known = match number {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "icmpv6",
        132 => "sctp",
        other => return other.to_string(),
    };
    known.to_owned()
}
