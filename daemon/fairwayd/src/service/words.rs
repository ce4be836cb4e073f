//! Between the words of `netctl` and those of the core.

use super::change::Stop;
use crate::convert::{attachment_out, body};
use fairway_api::admin;
use fairway_cni::Code;
use fairway_ipam::{
    PoolChange, PoolPhase, PoolSpec, RangeChange, RangeSpec,
    admin::{AddressRow, ClaimRow, PoolRow},
    record::{Claim, ClaimRecord, Kind},
};
use std::{fmt::Display, str::FromStr};

/// Reads a field.
pub(super) fn read<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Stop> {
    let read = text.parse::<T>();
    read.map_err(|error| body(Code::INVALID_CONFIG, format_args!("{field}: {error}")).into())
}

/// Reads a field that may be absent.
pub(super) fn read_some<T: FromStr<Err: Display>>(
    field: &str,
    text: Option<&String>,
) -> Result<Option<T>, Stop> {
    text.map(|text| read(field, text)).transpose()
}

pub(super) fn read_all<T: FromStr<Err: Display>>(
    field: &str,
    texts: &[String],
) -> Result<Vec<T>, Stop> {
    let texts = texts.iter().enumerate();
    texts
        .map(|(n, text)| read(&format!("{field}[{n}]"), text))
        .collect()
}

fn ranges(field: &str, ranges: &[admin::PoolRange]) -> Result<Vec<RangeSpec>, Stop> {
    let range = |(n, range): (usize, &admin::PoolRange)| {
        Ok(RangeSpec {
            cidr: read(&format!("{field}[{n}].cidr"), &range.cidr)?,
            block: range.block,
            gateway: read_some(&format!("{field}[{n}].gateway"), range.gateway.as_ref())?,
            exclude: range.exclude.clone(),
            draining: range.draining,
        })
    };
    ranges.iter().enumerate().map(range).collect()
}

/// What prefixes become: what is left out stays, and `none` among the exclusions drops those that are there.
fn replaced(ranges: &[admin::PoolRange]) -> Result<Vec<RangeChange>, Stop> {
    let specs = self::ranges("replace", ranges)?;
    let change = |spec: RangeSpec| {
        let (none, exclude): (Vec<_>, Vec<_>) =
            spec.exclude.into_iter().partition(|text| text == "none");
        RangeChange {
            cidr: spec.cidr,
            block: spec.block,
            gateway: spec.gateway,
            include: !none.is_empty(),
            exclude,
        }
    };
    Ok(specs.into_iter().map(change).collect())
}

pub(super) fn pool_spec(create: &admin::PoolCreate) -> Result<PoolSpec, Stop> {
    let settings = &create.settings;
    Ok(PoolSpec {
        ranges: ranges("ranges", &create.ranges)?,
        cooldown: settings.cooldown.unwrap_or(30),
        reserve: settings.reserve.unwrap_or(8),
        release: read_some("release", settings.release.as_ref())?.unwrap_or_default(),
        handover: read_some("handover", settings.handover.as_ref())?.unwrap_or_default(),
        nodes: settings.nodes.clone().unwrap_or_default(),
        namespaces: settings.namespaces.clone().unwrap_or_default(),
        encap: read_some("encap", settings.encap.as_ref())?.unwrap_or_default(),
        masquerade: settings.masquerade.unwrap_or(true),
        phase: PoolPhase::Active,
    })
}

pub(super) fn pool_change(set: &admin::PoolSet) -> Result<PoolChange, Stop> {
    let settings = &set.settings;
    let phase = match set.phase.as_deref() {
        None => None,
        Some("active") => Some(PoolPhase::Active),
        Some("draining") => Some(PoolPhase::Draining),
        Some(other) => {
            let text = format_args!("phase: {other:?} is not one of active, draining");
            return Err(body(Code::INVALID_CONFIG, text).into());
        }
    };
    Ok(PoolChange {
        add: ranges("add", &set.add)?,
        replace: replaced(&set.replace)?,
        drain: read_all("drain", &set.drain)?,
        undrain: read_all("undrain", &set.undrain)?,
        remove: read_all("remove", &set.remove)?,
        phase,
        cooldown: settings.cooldown,
        reserve: settings.reserve,
        release: read_some("release", settings.release.as_ref())?,
        handover: read_some("handover", settings.handover.as_ref())?,
        nodes: settings.nodes.clone(),
        namespaces: settings.namespaces.clone(),
        encap: read_some("encap", settings.encap.as_ref())?,
        masquerade: settings.masquerade,
    })
}

pub(super) fn pool(row: &PoolRow) -> admin::Pool {
    let spec = &row.pool.spec;
    let range = |range: &fairway_ipam::Range, spec: &RangeSpec| admin::PoolRange {
        cidr: range.cidr.to_string(),
        block: Some(range.block),
        gateway: Some(
            range
                .gateway
                .map_or_else(|| "none".to_owned(), |ip| ip.to_string()),
        ),
        exclude: spec.exclude.clone(),
        draining: range.draining,
    };
    let ranges = row.pool.ranges.iter().zip(&spec.ranges);
    admin::Pool {
        name: row.pool.name.to_string(),
        ranges: ranges.map(|(judged, spec)| range(judged, spec)).collect(),
        cooldown: spec.cooldown,
        reserve: spec.reserve,
        release: spec.release.to_string(),
        handover: spec.handover.to_string(),
        nodes: spec.nodes.clone(),
        namespaces: spec.namespaces.clone(),
        encap: spec.encap.to_string(),
        masquerade: spec.masquerade,
        network: row.network.as_ref().map(ToString::to_string),
        phase: match spec.phase {
            PoolPhase::Active => "active",
            PoolPhase::Draining => "draining",
            PoolPhase::Retiring => "retiring",
        }
        .to_owned(),
        size: row.size.to_string(),
        live: row.tally.live,
        claimed: row.tally.claimed,
        cooling: row.tally.cooling,
        blocks: row.tally.owned,
    }
}

pub(super) fn address(row: AddressRow) -> admin::AddressRow {
    admin::AddressRow {
        ip: row.ip,
        pool: row.pool.to_string(),
        block: row.block.to_string(),
        state: row.state.to_owned(),
        node: row.node.map(Into::into),
        attachment: row.attachment.as_ref().map(attachment_out),
        workload: row.workload,
        claim: row.claim.map(Into::into),
        seq: row.seq,
    }
}

pub(super) fn claim(row: &ClaimRow) -> admin::Claim {
    let (name, pool) = (row.name.to_string(), row.pool.to_string());
    match &row.record {
        ClaimRecord::Claim(claim) => single(name, pool, claim),
        ClaimRecord::Set(set) => admin::Claim {
            name,
            pool,
            kind: "set".to_owned(),
            addresses: Vec::new(),
            node: None,
            holder: None,
            release: set.release.to_string(),
            handover: set.handover.to_string(),
            app: set.app.as_ref().map(ToString::to_string),
            only: None,
            set: Some(admin::SetSize {
                size: set.size,
                surge: Some(set.surge),
            }),
            created: set.created.0,
            ended: None,
        },
    }
}

fn single(name: String, pool: String, claim: &Claim) -> admin::Claim {
    let granted = |part: &fairway_ipam::record::Part| match part {
        fairway_ipam::record::Part::Granted { ip } => Some(*ip),
        _ => None,
    };
    let holder = claim.holder.as_ref();
    admin::Claim {
        name,
        pool,
        kind: match claim.kind {
            Kind::Sticky => "claim",
            Kind::Borrowed => "borrowed",
        }
        .to_owned(),
        addresses: claim.parts.iter().filter_map(granted).collect(),
        node: holder.map(|holder| holder.node.to_string()),
        holder: holder.map(|holder| attachment_out(&holder.attachment)),
        release: claim.release.to_string(),
        handover: claim.handover.to_string(),
        app: claim.app.as_ref().map(ToString::to_string),
        only: claim.only.as_ref().map(ToString::to_string),
        set: None,
        created: claim.created.0,
        ended: claim.ended.map(|ended| ended.0),
    }
}
