//! The truth table: all pairs of nine pods, by all ports, over both families, under each policy.

use super::cases::{Case, cluster_policies, network_policies};
use super::table::{Table, open};
use super::{objects, oracle};
use anyhow::{Context, Result};
use fairway_lab::Value;
use fairway_tests_cluster::{Bed, Plan, on, say};
use std::time::Duration;

fn walk(bed: &Bed, table: &Table, cases: &[Case]) -> Result<()> {
    table.settle("without a policy", &open)?;
    let door = bed.door(1);
    let mut longest = (Duration::ZERO, "");
    for case in cases {
        let before = before(bed, &(case.objects)(table)?)?;
        let objects = (case.objects)(table)?;
        objects::apply(&door, &objects).context(case.title)?;
        oracle::agrees(table, &objects, &case.expect).context(case.title)?;
        let took = table.settle(case.title, &case.expect)?;
        longest = longest.max((took, case.title));
        // A namespace is not taken away but put as it was.
        let (namespaces, policies): (Vec<_>, Vec<_>) = objects
            .into_iter()
            .partition(|object| object["kind"] == "Namespace");
        objects::remove(&door, &policies).context(case.title)?;
        if !namespaces.is_empty() {
            objects::apply(&door, &before)?;
        }
        table
            .settle("after its removal", &open)
            .context(case.title)?;
    }
    say(format!(
        "{} cases; the slowest took {:?}: {}",
        cases.len(),
        longest.0,
        longest.1
    ));
    Ok(())
}

/// Those of the objects that are there already, as they are.
fn before(bed: &Bed, objects: &[Value]) -> Result<Vec<Value>> {
    let mut there = Vec::new();
    for object in objects
        .iter()
        .filter(|object| object["kind"] == "Namespace")
    {
        let name = object["metadata"]["name"].as_str().map(str::to_owned);
        there.extend(bed.door(1).objects(fairway_api::admin::ObjectList {
            kind: "Namespace".to_owned(),
            namespace: None,
            name,
        })?);
    }
    Ok(there)
}

#[test]
fn network_policies_mean_what_the_standard_says() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let table = Table::new(bed, 151)?;
        walk(bed, &table, &network_policies())
    })
}

#[test]
fn cluster_policies_mean_what_the_standard_says() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let table = Table::new(bed, 152)?;
        walk(bed, &table, &cluster_policies())
    })
}
