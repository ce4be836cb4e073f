//! What many of these tests need.

use anyhow::{Result, bail, ensure};
use fairway_api::admin::{
    AddressRow, Audit, IpamAudit, IpamList, Pool, PoolCreate, PoolRange, PoolSettings,
};
use fairway_api::ipam::{Allocated, Facts, Sourced, StatusQuery};
use fairway_lab::poll;
use fairway_tests_cluster::{Answer, Bed, Door, SOON};
use std::net::IpAddr;
use std::time::Duration;

/// A prefix, with blocks of this length.
pub(crate) fn range(cidr: &str, block: u8) -> PoolRange {
    PoolRange {
        cidr: cidr.into(),
        block: Some(block),
        gateway: None,
        exclude: Vec::new(),
        draining: false,
    }
}

/// A pool whose addresses rest for so many seconds.
pub(crate) fn pool(name: &str, ranges: Vec<PoolRange>, cooldown: u64) -> PoolCreate {
    PoolCreate {
        name: name.into(),
        ranges,
        settings: PoolSettings {
            cooldown: Some(cooldown),
            reserve: Some(1),
            ..PoolSettings::default()
        },
    }
}

/// Makes a pool, and waits until all nodes know it.
pub(crate) fn create(bed: &Bed, pool: PoolCreate) -> Result<Pool> {
    let name = pool.name.clone();
    let made = bed.door(1).pool_create(pool)?;
    eventually("all nodes know the pool", || {
        for daemon in &bed.daemons {
            // STATUS says what an ADD would meet; the list of pools comes from the store itself.
            let pool = Some(by_hand(name.clone()));
            if let Err(error) = daemon.door().status(StatusQuery { pool }) {
                let text = error.to_string();
                ensure!(!text.contains("does not exist"), "{}: {text}", daemon.name);
            }
        }
        Ok(())
    })?;
    Ok(made)
}

/// Both families: 10.80.`net`.0/`length` and as large a part of fd00:80:`net`::, in blocks of 16.
pub(crate) fn dual(name: &str, net: u8, length: u8, cooldown: u64) -> PoolCreate {
    let v4 = range(&format!("10.80.{net}.0/{length}"), 28);
    let v6 = range(&format!("fd00:80:{net}::/{}", length + 96), 124);
    pool(name, vec![v4, v6], cooldown)
}

pub(crate) fn by_hand<T>(value: T) -> Sourced<T> {
    let field = "args.cni".to_owned();
    Sourced { value, field }
}

/// A pod.
pub(crate) fn pod(namespace: &str, name: &str) -> Facts {
    Facts {
        namespace: Some(namespace.into()),
        pod: Some(name.into()),
        ..Facts::default()
    }
}

/// A pod whose addresses are kept.
pub(crate) fn sticky(namespace: &str, name: &str, release: &str) -> Facts {
    Facts {
        release: Some(by_hand(release.into())),
        ..pod(namespace, name)
    }
}

pub(crate) fn ips(given: &Allocated) -> Vec<IpAddr> {
    given.addresses.iter().map(|a| a.ip).collect()
}

/// Waits for a condition over calls that may fail for a while; the last failure is shown.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    within(SOON, what, &mut ask)
}

pub(crate) fn within<T>(
    limit: Duration,
    what: &str,
    mut ask: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut last = None;
    let done = poll(limit, what, || {
        ask().map_err(|error| last = Some(error)).ok()
    });
    match (done, last) {
        (Ok(value), _) => Ok(value),
        (Err(error), None) => Err(error.into()),
        (Err(error), Some(last)) => bail!("{error}: {last:#}"),
    }
}

/// All that is not free, of all pools.
pub(crate) fn rows(door: &Door) -> Answer<Vec<AddressRow>> {
    door.list(IpamList::default())
}

/// Rows in this state.
pub(crate) fn in_state<'a>(rows: &'a [AddressRow], state: &str) -> Vec<&'a AddressRow> {
    rows.iter().filter(|row| row.state == state).collect()
}

/// A refusal with this code, whose words hold all these.
pub(crate) fn refused<T: std::fmt::Debug>(
    answer: Answer<T>,
    code: u32,
    words: &[&str],
) -> Result<String> {
    let body = match answer {
        Err(fairway_api::ClientError::Refused(body)) => body,
        other => bail!("wanted a refusal with code {code}, got {other:?}"),
    };
    let text = body.to_string();
    ensure!(
        body.code == code,
        "wanted code {code}, got {}: {text}",
        body.code
    );
    for word in words {
        ensure!(text.contains(word), "{word:?} is not in {text:?}");
    }
    Ok(text)
}

/// A refusal, whatever its code, whose words hold all these.
pub(crate) fn says<T: std::fmt::Debug>(answer: Answer<T>, words: &[&str]) -> Result<()> {
    let text = match answer {
        Err(fairway_api::ClientError::Refused(body)) => body.to_string(),
        other => bail!("wanted a refusal that says {words:?}, got {other:?}"),
    };
    for word in words {
        ensure!(text.contains(word), "{word:?} is not in {text:?}");
    }
    Ok(())
}

fn sound(audit: &Audit) -> Result<()> {
    ensure!(audit.findings.is_empty(), "findings: {:#?}", audit.findings);
    for pool in &audit.pools {
        let sum = pool.live + pool.claimed + pool.cooling;
        ensure!(pool.holds && pool.allocated == sum, "{pool:?}");
    }
    Ok(())
}

/// Every daemon's own audit is without a finding, and all list the same; gives the list.
pub(crate) fn in_step(bed: &Bed) -> Result<Vec<AddressRow>> {
    eventually("all are in step", || {
        let mut first: Option<Vec<AddressRow>> = None;
        for daemon in &bed.daemons {
            let door = daemon.door();
            sound(&door.audit(IpamAudit::default())?)?;
            let mut rows = rows(&door)?;
            rows.sort_by_key(|row| row.ip);
            let first = first.get_or_insert_with(|| rows.clone());
            ensure!(
                *first == rows,
                "{} lists {rows:#?}, the first daemon {first:#?}",
                daemon.name
            );
        }
        Ok(first.unwrap_or_default())
    })
}
