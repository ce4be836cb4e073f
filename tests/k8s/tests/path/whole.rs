//! From the objects to the packets, and back to nothing.

use crate::kubelet::{Kubelet, Running};
use crate::stage::{self, NETWORK, SPACE};
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::{ClaimList, IpamAudit};
use fairway_lab::json;
use fairway_tests_interop::cmd::eventually;
use fairway_tests_interop::host::on_private_host_within;
use fairway_tests_k8s::node::{self, SOON};
use fairway_tests_k8s::{Bed, User};
use std::time::Duration;

/// An API server, two daemons and two runtimes start, and other tests beside them.
const LIMIT: Duration = Duration::from_secs(600);

#[test]
fn pods_of_an_api_server_have_their_addresses_and_policies_on_whatever_node() -> Result<()> {
    on_private_host_within(LIMIT, |host| {
        let bed = node::bed()?;
        stage::furnish(&bed)?;
        let nodes = [
            Kubelet::new(host, &bed, "n1", NETWORK)?,
            Kubelet::new(host, &bed, "n2", NETWORK)?,
        ];
        let told = whole(&bed, &nodes);
        let logs = |node: &Kubelet| format!("{} said:\n{}", node.node.name, node.node.log());
        told.with_context(|| nodes.each_ref().map(logs).concat())
    })
}

fn whole(bed: &Bed, [one, two]: &[Kubelet<'_>; 2]) -> Result<()> {
    stage::accepted(bed, &format!("network {NETWORK}"))?;
    stage::claim(bed, "edge", "10.61.7.7")?;
    stage::stateful_set(bed, "db")?;
    let release = json!({"fairway.network/release": "on-app-delete"});
    let edge = json!({"fairway.network/claim": "edge"});
    stage::pod(bed, ("db-0", "n1"), "db", release.clone())?;
    stage::pod(bed, ("edge", "n1"), "edge", edge.clone())?;
    stage::pod(bed, ("web", "n2"), "web", json!({}))?;
    stage::pod(bed, ("other", "n1"), "other", json!({}))?;
    let db = one.run(bed, (SPACE, "db-0"))?;
    let holder = one.run(bed, (SPACE, "edge"))?;
    let web = two.run(bed, (SPACE, "web"))?;
    let other = one.run(bed, (SPACE, "other"))?;
    for pod in [&db, &holder, &web, &other] {
        ensure!(pod.addresses.len() == 2, "{pod:?}");
    }
    claimed(bed, &holder, "n1")?;

    is(one, (&web, &db), true)?;
    is(one, (&other, &db), true)?;
    stage::only(bed, "db", "web")?;
    is(one, (&other, &db), false)?;
    judged(one, &db, &web, &other)?;

    // Labels are those that the API server has now.
    label(bed, "other", "web")?;
    is(one, (&other, &db), true)?;
    label(bed, "other", "other")?;
    is(one, (&other, &db), false)?;

    // The one that is sticky comes up on another node, the other one where it was.
    for (node, pod) in [(one, &db), (one, &holder)] {
        node.end(pod)?;
        stage::forget(bed, &pod.name)?;
    }
    stage::pod(bed, ("db-0", "n2"), "db", release)?;
    stage::pod(bed, ("edge", "n1"), "edge", edge)?;
    let (db, before) = (two.run(bed, (SPACE, "db-0"))?, db);
    ensure!(
        db.addresses == before.addresses && db.id != before.id,
        "{db:?}, but {before:?}"
    );
    let (holder, before) = (one.run(bed, (SPACE, "edge"))?, holder);
    ensure!(
        holder.addresses == before.addresses && holder.id != before.id,
        "{holder:?}, but {before:?}"
    );
    claimed(bed, &holder, "n1")?;
    is(one, (&web, &db), true)?;
    judged(one, &db, &web, &other)?;

    bed.kubectl(
        User::Admin,
        &format!("delete networkpolicy only -n {SPACE}"),
    )?;
    is(one, (&other, &db), true)?;
    ended(
        bed,
        [one, two],
        &[(two, db), (one, holder), (two, web), (one, other)],
    )
}

/// Only `web` gets to `db`, and only to its port; `db` itself gets anywhere.
fn judged(node: &Kubelet<'_>, db: &Running, web: &Running, other: &Running) -> Result<()> {
    node.reaches(web, db).context("web is let in")?;
    ensure!(!node.pings(web, db, false)?, "not by echo requests");
    ensure!(
        !node.fetches(other, db)? && !node.pings(other, db, false)?,
        "nobody else is"
    );
    for to in [web, other] {
        node.reaches(db, to)?;
        ensure!(node.pings(db, to, true)?, "db gets to {}", to.name);
    }
    node.reaches(other, web).context("others are not judged")
}

/// A pod's web server comes to be reached, or not to be.
fn is(node: &Kubelet<'_>, (from, to): (&Running, &Running), open: bool) -> Result<()> {
    eventually(SOON, || {
        // Silence once may be for want of a processor.
        for _ in 0..if open { 1 } else { 3 } {
            let found = node.fetches(from, to)?;
            ensure!(found == open, "{} gets to {}: {found}", from.name, to.name);
        }
        Ok(())
    })
}

fn label(bed: &Bed, pod: &str, app: &str) -> Result<()> {
    let line = format!("label pod {pod} -n {SPACE} --overwrite app={app}");
    bed.kubectl(User::Admin, &line)?;
    Ok(())
}

/// The claim's object says who holds it, where, and at which addresses: those that the pod has.
fn claimed(bed: &Bed, holder: &Running, node: &str) -> Result<()> {
    let mut addresses = holder.addresses.clone();
    addresses.sort();
    eventually(SOON, || {
        let status = stage::status(bed, "ipclaim edge")?;
        let mut told: Vec<String> =
            fairway_lab::serde_json::from_value(status["addresses"].clone())?;
        told.sort();
        ensure!(told == addresses, "{status} of {holder:?}");
        ensure!(
            status["holder"] == format!("{}/eth0", holder.id),
            "{status}"
        );
        ensure!(status["node"] == node, "{status}");
        Ok(())
    })
}

/// All of it goes, and nothing is left of it.
fn ended(bed: &Bed, nodes: [&Kubelet<'_>; 2], pods: &[(&Kubelet<'_>, Running)]) -> Result<()> {
    for (node, pod) in pods {
        node.end(pod)?;
        stage::forget(bed, &pod.name)?;
    }
    for node in nodes {
        eventually(SOON, || node.has_nothing())?;
    }
    // The claims are kept, until what they are for is gone.
    let claims = nodes[0].node.door.claims(ClaimList::default())?;
    let names: Vec<_> = claims.iter().map(|claim| claim.name.as_str()).collect();
    ensure!(names == ["edge", "shop/db-0"], "{claims:?}");
    for object in [
        format!("statefulset db -n {SPACE}"),
        "ipclaim edge".to_owned(),
        format!("network {NETWORK}"),
        format!("ippool {NETWORK}"),
    ] {
        bed.kubectl(User::Admin, &format!("delete {object}"))?;
    }
    eventually(SOON, || {
        let keys = stage::keys(bed)?;
        let kept = [
            "/fairway/v1/meta/",
            "/fairway/v1/nodes/",
            "/fairway/v1/workloads/Namespace/",
        ];
        let left: Vec<_> = keys
            .iter()
            .filter(|key| !kept.iter().any(|kept| key.starts_with(kept)))
            .collect();
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })?;
    for node in nodes {
        let audit = node.node.door.audit(IpamAudit::default())?;
        ensure!(
            audit.findings.is_empty() && audit.pools.is_empty(),
            "{audit:?}"
        );
    }
    Ok(())
}
