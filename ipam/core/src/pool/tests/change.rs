//! What may change under containers and what may not.

use super::{cidr, ip, pool_of, range};
use crate::{Cidr, GatewaySpec, InUse, PoolChange, PoolError, PoolPhase, RangeChange, RangeSpec};
use std::net::IpAddr;

/// Says that everything inside `0` is in use.
struct Used(Vec<Cidr>);

impl InUse for Used {
    fn prefix(&self, cidr: Cidr) -> Option<String> {
        let used = self.0.iter().find(|used| used.overlaps(cidr));
        used.map(|used| format!("{used} has an owner"))
    }

    fn address(&self, ip: IpAddr) -> Option<String> {
        let used = self.0.iter().find(|used| used.contains(ip));
        used.map(|_| format!("{ip} is a container's"))
    }
}

const NOBODY: Used = Used(Vec::new());

#[test]
fn a_pool_grows_drains_and_changes_under_containers() {
    let pool = pool_of(vec![range("10.0.0.0/24")]).unwrap();
    let used = Used(vec![cidr("10.0.0.0/26")]);
    let change = PoolChange {
        add: vec![range("10.0.1.0/24"), range("fd00::/64")],
        drain: vec![cidr("10.0.0.0/24")],
        cooldown: Some(5),
        nodes: Some("rack=a".to_owned()),
        ..PoolChange::default()
    };
    let pool = pool.changed(&change, &used).unwrap();
    assert_eq!(pool.ranges.len(), 3);
    assert!(pool.ranges[0].draining && !pool.ranges[1].draining);
    assert_eq!((pool.cooldown(), pool.spec.reserve), (5000, 8));
    let again = PoolChange {
        undrain: vec![cidr("10.0.0.0/24")],
        ..PoolChange::default()
    };
    assert!(!pool.changed(&again, &used).unwrap().ranges[0].draining);
    let retired = pool.changed(&PoolChange::retire(), &used).unwrap();
    assert_eq!(retired.spec.phase, PoolPhase::Retiring);
    assert_eq!(pool.changed(&PoolChange::default(), &used), Ok(pool));
}

#[test]
fn a_prefix_goes_only_when_it_is_draining_and_empty() {
    let mut draining = range("10.0.0.0/24");
    draining.draining = true;
    let pool = pool_of(vec![draining, range("10.0.1.0/24")]).unwrap();
    let remove = |text| PoolChange {
        remove: vec![cidr(text)],
        ..PoolChange::default()
    };
    let error =
        |change: &PoolChange, used: &Used| pool.changed(change, used).unwrap_err().to_string();
    let used = Used(vec![cidr("10.0.0.64/26")]);
    assert_eq!(
        error(&remove("10.0.0.0/24"), &used),
        "ranges: 10.0.0.0/24 is in use: 10.0.0.64/26 has an owner"
    );
    assert_eq!(
        error(&remove("10.0.1.0/24"), &NOBODY),
        "remove[0]: 10.0.1.0/24 is not draining; drain it first, and wait until it is empty"
    );
    assert_eq!(
        error(&remove("10.0.2.0/24"), &NOBODY),
        "remove[0]: 10.0.2.0/24 is no prefix of the pool"
    );
    let left = pool.changed(&remove("10.0.0.0/24"), &NOBODY).unwrap();
    assert_eq!(left.ranges.len(), 1);
    // Drained in the same breath is not drained: nodes do not know of it yet.
    let mut both = remove("10.0.1.0/24");
    both.drain = vec![cidr("10.0.1.0/24")];
    assert!(matches!(
        pool.changed(&both, &NOBODY),
        Err(PoolError::NotDraining { .. })
    ));
}

fn replace(change: RangeChange) -> PoolChange {
    PoolChange {
        replace: vec![change],
        ..PoolChange::default()
    }
}

#[test]
fn block_length_and_gateway_do_not_change_under_containers() {
    let same = RangeChange::new(cidr("10.0.0.0/24"));
    let longer = RangeChange {
        block: Some(28),
        ..same.clone()
    };
    let other = RangeChange {
        gateway: Some(GatewaySpec::Address(ip("10.0.0.9"))),
        ..same.clone()
    };
    let active = pool_of(vec![range("10.0.0.0/24")]).unwrap();
    let mut draining = range("10.0.0.0/24");
    draining.draining = true;
    let draining = pool_of(vec![draining]).unwrap();
    let used = Used(vec![cidr("10.0.0.0/26")]);

    let error = active
        .changed(&replace(longer.clone()), &NOBODY)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "replace[0].block: 10.0.0.0/24 is cut into blocks of /26, which another length would cut anew; drain \
         it first, and wait until it is empty, or leave the length as it is"
    );
    let error = draining
        .changed(&replace(longer.clone()), &used)
        .unwrap_err();
    assert!(matches!(error, PoolError::InUse { .. }), "{error}");
    let changed = draining.changed(&replace(longer), &NOBODY).unwrap();
    assert_eq!(
        (changed.ranges[0].block, changed.ranges[0].draining),
        (28, true)
    );

    let error = active
        .changed(&replace(other.clone()), &used)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "ranges: 10.0.0.9/32 is in use: 10.0.0.9 is a container's"
    );
    let changed = active.changed(&replace(other), &NOBODY).unwrap();
    assert_eq!(changed.ranges[0].gateway, Some(ip("10.0.0.9")));
    let exclude = RangeChange {
        exclude: vec!["10.0.0.32/27".to_owned()],
        ..same
    };
    let changed = active.changed(&replace(exclude), &used).unwrap();
    assert_eq!(changed.size(), 253 - 32);
}

#[test]
fn what_is_not_named_of_a_prefix_stays() {
    let text = |texts: &[&str]| -> Vec<String> { texts.iter().map(ToString::to_string).collect() };
    let written = RangeSpec {
        block: Some(28),
        gateway: Some(GatewaySpec::Address(ip("10.0.0.254"))),
        exclude: text(&["10.0.0.10-10.0.0.20"]),
        ..range("10.0.0.0/24")
    };
    let pool = pool_of(vec![written.clone()]).unwrap();
    let used = Used(vec![cidr("10.0.0.0/28")]);
    let changed = |change: RangeChange| {
        let changed = pool.changed(&replace(change), &used).unwrap();
        changed.spec.ranges[0].clone()
    };
    let same = RangeChange::new(written.cidr);
    assert_eq!(changed(same.clone()), written);
    let mut change = RangeChange {
        exclude: text(&["10.0.0.5", "10.0.0.10-10.0.0.20"]),
        ..same
    };
    let mut more = written.clone();
    more.exclude = text(&["10.0.0.10-10.0.0.20", "10.0.0.5"]);
    assert_eq!(changed(change.clone()), more);
    change.include = true;
    more.exclude = text(&["10.0.0.5", "10.0.0.10-10.0.0.20"]);
    assert_eq!(changed(change.clone()), more);
    change.exclude.clear();
    more.exclude.clear();
    assert_eq!(changed(change), more);
}

#[test]
fn a_pool_that_retires_is_not_merely_drained() {
    let pool = pool_of(vec![range("10.0.0.0/24")]).unwrap();
    let phase = |phase| PoolChange {
        phase: Some(phase),
        ..PoolChange::default()
    };
    let pool = pool.changed(&PoolChange::retire(), &NOBODY).unwrap();
    let error = pool
        .changed(&phase(PoolPhase::Draining), &NOBODY)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "phase: the pool retires, and so gives nothing; `netctl pool undrain` takes that back"
    );
    let back = pool.changed(&phase(PoolPhase::Active), &NOBODY).unwrap();
    assert_eq!(back.spec.phase, PoolPhase::Active);
}
