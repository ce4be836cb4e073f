//! Policies by chance, many at once, while daemons die and labels change: what packets meet in the end is
//! what the plain evaluator says.

use super::cases::{cluster_policies, network_policies};
use super::objects::{apply, pod, remove};
use super::oracle::Oracle;
use super::table::{NAMESPACES, Table, open};
use anyhow::{Context, Result};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Dice, Plan, on, say};

/// Some policies of the truth table, under names and priorities of their own.
fn chosen(table: &Table, dice: &mut Dice, round: usize) -> Result<Vec<Value>> {
    let (mut network, mut cluster) = (network_policies(), cluster_policies());
    let mut chosen = Vec::new();
    let mut take = |cases: &mut Vec<super::cases::Case>, dice: &mut Dice| -> Result<()> {
        let case = cases.swap_remove(dice.below(cases.len()));
        chosen.extend((case.objects)(table)?);
        Ok(())
    };
    for _ in 0..3 {
        take(&mut network, dice)?;
    }
    for _ in 0..2 {
        take(&mut cluster, dice)?;
    }
    chosen.retain(|object| object["kind"] != "Namespace");
    for (number, object) in chosen.iter_mut().enumerate() {
        object["metadata"]["name"] = format!("p-{round}-{number}").into();
        if object["kind"] == "ClusterNetworkPolicy" {
            object["spec"]["priority"] = ((round * 20 + number) % 1000).into();
        }
        // Policies are written for x; any namespace will do.
        if object["metadata"]["namespace"].is_string() {
            object["metadata"]["namespace"] = (*dice.one(&NAMESPACES)).into();
        }
    }
    Ok(chosen)
}

/// Pods whose labels become others'.
fn labels(dice: &mut Dice) -> Value {
    let name = *dice.one(&["a", "b", "c"]);
    let role = [json!({}), json!({"role": "web"}), json!({"role": "db"})];
    let namespace = *dice.one(&NAMESPACES);
    pod(namespace, name, dice.one(&role).clone())
}

fn rounds(bed: &Bed, rounds: usize) -> Result<()> {
    let mut table = Table::new(bed, 183)?;
    table.settle("without a policy", &open)?;
    let mut dice = Dice::new(Dice::seed());
    let mut before: Vec<Value> = Vec::new();
    for round in 0..rounds {
        let door = bed.door(1 + dice.below(2));
        let new = chosen(&table, &mut dice, round)?;
        let told = labels(&mut dice);
        let away = dice.percent(40).then(|| 1 + dice.below(2));
        if let Some(node) = away {
            bed.node(node).kill()?;
        }
        let door = match away {
            Some(node) => bed.door(3 - node),
            None => door,
        };
        if dice.percent(70) {
            remove(&door, &before)?;
            before.clear();
        }
        apply(&door, &new)?;
        apply(&door, std::slice::from_ref(&told))?;
        before.extend(new);
        let same = |other: &Value| {
            let key = |object: &Value| {
                let of = |key: &str| object["metadata"][key].clone();
                (object["kind"].clone(), of("namespace"), of("name"))
            };
            key(other) == key(&told)
        };
        let at = table.told.iter().position(same).context("a pod")?;
        table.told[at] = told;
        if let Some(node) = away {
            bed.node(node).start_connected()?;
        }
        let oracle = Oracle::new(&table, &before)?;
        let took = table.settle("as the evaluator says", &|from, to, what| {
            oracle.says(from, to, what).unwrap_or(false)
        });
        let took = took.with_context(|| {
            let shown: Vec<_> = before.iter().map(Value::to_string).collect();
            format!("round {round}, away: {away:?}, with\n{}", shown.join("\n"))
        })?;
        let (open, policies) = (oracle.open()?, before.len());
        say(format!(
            "round {round}: {policies} policies, {open} of 648 open, away: {away:?}: {took:?}"
        ));
    }
    remove(&bed.door(1), &before)?;
    table.settle("in the end", &open)?;
    Ok(())
}

#[test]
fn policies_by_chance_hold_as_the_evaluator_says() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let more = std::env::var("FAIRWAY_POLICY_ROUNDS").ok();
        rounds(bed, more.and_then(|more| more.parse().ok()).unwrap_or(12))
    })
}
