//! Daemons that use the programs.

use anyhow::{Context, Result, ensure};
use fairway_api::admin::{Direction, RateList};
use fairway_lab::traffic::{Kind, Load};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Echo, Talk};

use super::bed::{PORT, Pod, apply, eventually, filters, on, packets, pod, reaches};
use super::sctp;

const MEGABIT: u64 = 1_000_000;

const BITS: u64 = 10 * MEGABIT;

/// One pair of nodes for all, since under emulation they take long to come up.
pub(super) fn are_connected_judged_and_limited() -> Result<()> {
    on(|bed| {
        let free = json!({});
        let limited = json!({"ingressRate": BITS, "egressRate": BITS});
        let pods = Pods {
            server: pod(bed, 1, "server", &limited)?,
            near: [pod(bed, 1, "friend", &free)?, pod(bed, 1, "foe", &free)?],
            far: [pod(bed, 2, "friend2", &free)?, pod(bed, 2, "foe2", &free)?],
        };
        let _echo = Echo::start(&pods.server.ns, &[PORT])?;
        for from in pods.near.iter().chain(&pods.far) {
            reaches(from, &pods.server, true)?;
        }
        programs_hang(bed, &pods).context("programs")?;
        rates_are_kept(bed, &pods).context("rates")?;
        a_policy_holds(bed, &pods).context("policy")?;
        what_is_open_outlives_the_daemons(bed, &pods).context("restart")?;
        let [near, far] = [&pods.near, &pods.far];
        sctp::is_judged(bed, &near[1], [&near[0], &far[0]]).context("SCTP")
    })
}

/// A limited server on the first node; who may reach it and who may not, on either.
struct Pods {
    server: Pod,
    near: [Pod; 2],
    far: [Pod; 2],
}

/// On the container's link, and on the tunnel's device, which has carried packets by now.
fn programs_hang(bed: &Bed, pods: &Pods) -> Result<()> {
    let shown = filters(&bed.node(1).ns, &pods.server.link)?;
    for program in ["from_container", "to_container", "shape"] {
        ensure!(shown.contains(&format!("fairway/{program}")), "{shown}");
    }
    for node in &bed.daemons {
        let links = node.ns.json("ip -j -d -s link show")?;
        let mut links = links.as_array().into_iter().flatten();
        let found = links.find(|link| link["linkinfo"]["info_kind"] == "vxlan");
        let link = found.context("no vxlan device")?;
        let stats = &link["stats64"];
        ensure!(
            stats["rx"]["packets"].as_u64() > Some(3) && stats["tx"]["packets"].as_u64() > Some(3),
            "{link}"
        );
        let shown = filters(&node.ns, link["ifname"].as_str().context("a name")?)?;
        ensure!(shown.contains("fairway/from_overlay"), "{shown}");
    }
    Ok(())
}

/// By the program of rates. How exactly, the plan `rates` measures.
fn rates_are_kept(bed: &Bed, pods: &Pods) -> Result<()> {
    let rates = bed.door(1).rate_list(RateList::default())?;
    for direction in [Direction::Ingress, Direction::Egress] {
        let row = rates.iter().find(|rate| rate.direction == direction);
        let row = row.with_context(|| format!("no {direction:?}"))?;
        ensure!(row.means == "edt" && row.problems.is_empty(), "{row:?}");
    }
    is_kept((&pods.server, &pods.far[0]), 0)?;
    is_kept((&pods.far[0], &pods.server), 1)
}

fn is_kept((from, to): (&Pod, &Pod), family: usize) -> Result<()> {
    let part = eventually("most of the limit is used", || {
        let load = Load {
            from: from.ns.clone(),
            to: to.ns.clone(),
            address: to.ips[family],
            port: 5201,
            kind: Kind::Tcp("cubic"),
            flows: 1,
            seconds: 2,
            reverse: false,
        };
        let part = load.run()?.whole() / BITS as f64;
        ensure!(part > 0.8, "{part:.3} of it");
        Ok(part)
    })?;
    ensure!(part < 1.05, "{part:.3} of the limit");
    Ok(())
}

/// Who may, does, from the same node and from the other one; who may not, does not, and is counted.
fn a_policy_holds(bed: &Bed, pods: &Pods) -> Result<()> {
    apply(bed, &[friends_only()])?;
    let before = bed.door(1).policy_status()?;
    ensure!(
        before.enforced && before.problems.is_empty(),
        "{:?}",
        before.problems
    );
    for [friend, foe] in [&pods.near, &pods.far] {
        reaches(foe, &pods.server, false)?;
        reaches(friend, &pods.server, true)?;
    }
    let after = bed.door(1).policy_status()?;
    for reason in ["not-allowed", "forwarded"] {
        let [before, after] = [&before, &after].map(|status| packets(status, reason, "ingress"));
        ensure!(after > before, "{reason}: {before} packets, then {after}");
    }
    Ok(())
}

fn friends_only() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"namespace": "x", "name": "friends"},
        "spec": {"podSelector": {"matchLabels": {"app": "server"}}, "ingress": [{"from": [
            {"podSelector": {"matchExpressions": [
                {"key": "app", "operator": "In", "values": ["friend", "friend2"]}]}}]}]}})
}

/// And what is refused stays so.
fn what_is_open_outlives_the_daemons(bed: &Bed, pods: &Pods) -> Result<()> {
    let (server, friend) = (&pods.server, &pods.far[0]);
    let mut talks = Vec::new();
    for (ip, port) in server.ips.iter().zip(7000..) {
        let to = (&server.ns, *ip);
        talks.push(Talk::start(&friend.ns, to, port)?);
        talks.push(Talk::sctp(&friend.ns, to, port)?);
    }
    let node = bed.node(1);
    node.kill()?;
    talks.iter().try_for_each(Talk::goes_on)?;
    reaches(&pods.near[1], server, false)?;
    node.start_connected()?;
    talks.iter().try_for_each(Talk::goes_on)?;
    reaches(&pods.far[1], server, false)
}
