//! Labels that change, and containers that come with them: every node follows within a second.

use super::objects::{apply, namespace, pod, policy};
use super::reach;
use super::workload::{Workload, add, plain};
use crate::overlay::stage::{Pod, network};
use anyhow::{Result, ensure};
use fairway_lab::json;
use fairway_tests_cluster::{Bed, Echo, Plan, on, say};
use std::time::Duration;

/// A server of x on each node, and one of y on each.
fn scene(bed: &Bed, net: u8) -> Result<([Pod; 2], [Pod; 2], [Echo; 2])> {
    network(bed, "net", net, "always")?;
    let servers = [plain(bed, 1, "x", "one")?, plain(bed, 2, "x", "two")?];
    let others = [plain(bed, 1, "y", "one")?, plain(bed, 2, "y", "two")?];
    let echoes = [
        Echo::start(&servers[0].ns, &[80])?,
        Echo::start(&servers[1].ns, &[80])?,
    ];
    let friends =
        json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"friend": "yes"}}});
    let team = json!({"namespaceSelector": {"matchLabels": {"team": "ops"}}});
    let spec = json!({"podSelector": {}, "ingress": [{"from": [friends, team]}]});
    apply(&bed.door(1), &[policy("x", "friends", spec)])?;
    for from in &others {
        for to in &servers {
            reach::until(&from.ns, to.ips[0], 80, false)?;
        }
    }
    Ok((servers, others, echoes))
}

/// What must hold.
const WITHIN: Duration = Duration::from_secs(1);
/// The best of some tries shows what it takes, on a machine that has other things to do: three, and more where it has.
const TRIES: usize = 3;

fn is_quick(took: &[Duration]) -> bool {
    took.len() >= TRIES && took.iter().any(|took| *took <= WITHIN)
}

fn quick(what: &str, took: &[Duration]) -> Result<()> {
    say(format!("{what}: {took:?}"));
    ensure!(is_quick(took), "{what}: {took:?}");
    Ok(())
}

#[test]
fn labels_of_pods_and_namespaces_are_followed_on_every_node() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (servers, others, _echoes) = scene(bed, 159)?;
        for kind in ["pod", "namespace"] {
            let (mut opened, mut closed) = (Vec::new(), Vec::new());
            for round in 0..8 * TRIES {
                if round % 2 == 0 && is_quick(&opened) && is_quick(&closed) {
                    break;
                }
                let fits = round % 2 == 0;
                let object = match (kind, fits) {
                    ("pod", true) => pod("y", "one", json!({"friend": "yes"})),
                    ("pod", false) => pod("y", "one", json!({"friend": "no"})),
                    (_, true) => namespace("y", json!({"team": "ops"})),
                    (_, false) => namespace("y", json!({})),
                };
                apply(&bed.door(2), &[object])?;
                let took = servers
                    .iter()
                    .map(|to| reach::until(&others[0].ns, to.ips[round % 2], 80, fits));
                let took = took.collect::<Result<Vec<_>>>()?.into_iter().max();
                match fits {
                    true => opened.extend(took),
                    false => closed.extend(took),
                }
                // A pod's labels are its own.
                if kind == "pod" {
                    reach::shut(&others[1].ns, &servers[0], 80)?;
                }
            }
            quick(&format!("{kind}: open"), &opened)?;
            quick(&format!("{kind}: shut"), &closed)?;
        }
        Ok(())
    })
}

#[test]
fn a_new_pod_with_a_label_is_let_in_at_once_on_every_node() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (servers, _others, _echoes) = scene(bed, 160)?;
        let mut took = Vec::new();
        for round in 0..4 * TRIES {
            if round >= TRIES && is_quick(&took) {
                break;
            }
            let name = format!("new-{round}");
            let who = Workload {
                namespace: "z",
                pod: &name,
                labels: &[("friend", "yes")],
            };
            let node = 1 + round % 2;
            let new = add(bed, node, "net", who)?;
            // On its own node ADD has waited for it.
            reach::open(&new.ns, &servers[node - 1], 80)?;
            for ip in &servers[node % 2].ips {
                took.push(reach::until(&new.ns, *ip, 80, true)?);
            }
            new.del()?;
            let plain = plain(bed, node, "z", &name)?;
            reach::shut(&plain.ns, &servers[node - 1], 80)?;
            reach::shut(&plain.ns, &servers[node % 2], 80)?;
            plain.del()?;
        }
        quick("a new pod", &took)
    })
}
