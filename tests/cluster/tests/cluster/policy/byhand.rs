//! Policies by the administrator's own program.

use super::reach;
use super::workload::plain;
use crate::overlay::stage::{Pod, network};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_lab::Output;
use fairway_tests_cluster::{Bed, Echo, Plan, bin_dir, on};

/// `netctl` on a node, with this on its standard input.
pub(crate) fn netctl(bed: &Bed, node: usize, args: &[&str], stdin: &str) -> Result<Output> {
    let program = bed.node(node).ns.command(bin_dir().join("netctl"));
    let socket = bed.door(node).socket;
    let program = program.env("FAIRWAY_SOCKET", socket).args(args);
    Ok(program.stdin(stdin).output()?)
}

/// It prints all these, and ends with this status.
pub(crate) fn prints(output: &Output, status: i32, words: &[&str]) -> Result<()> {
    ensure!(output.status.code() == Some(status), "{output:?}");
    let text = format!("{}{}", output.stdout, output.stderr);
    for word in words {
        ensure!(text.contains(word), "{word:?} is not in:\n{text}");
    }
    Ok(())
}

const RULES: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: web}
spec:
  podSelector: {}
  ingress:
  - from: [{podSelector: {matchLabels: {app: front}}}]
    ports: [{port: 80}, {port: 80, protocol: UDP}]
---
apiVersion: v1
kind: Pod
metadata: {name: front, namespace: web, labels: {app: front}}
";

const AUDIT: &str = "
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: tried, annotations: {fairway.network/policy-mode: audit}}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: web}}}
  ingress:
  - {name: nobody, action: Deny, from: [{namespaces: {}}]}
";

fn shut_for(from: &Pod, to: &Pod) -> Result<()> {
    for ip in &to.ips {
        reach::until(&from.ns, *ip, 80, false)?;
    }
    reach::shut(&from.ns, to, 80)
}

#[test]
fn policies_are_applied_tried_and_deleted_by_netctl() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 175, "always")?;
        let (db, front) = (plain(bed, 1, "web", "db")?, plain(bed, 2, "web", "front")?);
        let other = plain(bed, 2, "web", "other")?;
        let _echo = Echo::start(&db.ns, &[80])?;
        for from in [&front, &other] {
            reach::until(&from.ns, db.ips[0], 80, true)?;
        }
        let apply = ["apply", "-f", "-"];
        let output = netctl(bed, 2, &apply, RULES)?;
        prints(&output, 0, &["NetworkPolicy", "web", "db", "created"])?;
        shut_for(&other, &db)?;
        reach::open(&front.ns, &db, 80)?;
        prints(&netctl(bed, 1, &apply, RULES)?, 0, &["unchanged"])?;
        let wrong = RULES.replace("port: 80}", "port: 80000}");
        let output = netctl(bed, 1, &apply, &wrong)?;
        prints(
            &output,
            1,
            &["web/db", "spec.ingress[0].ports[0].port", "80000"],
        )?;
        reach::shut(&other.ns, &db, 80)?;

        // What a policy would refuse is counted and told, and let through.
        prints(&netctl(bed, 1, &apply, AUDIT)?, 0, &["tried", "created"])?;
        eventually("it is tried", || {
            reach::open(&front.ns, &db, 80)?;
            let output = netctl(bed, 1, &["policy", "audit"], "")?;
            prints(&output, 0, &["tried", "ingress[0]", "nobody"])?;
            let output = netctl(bed, 1, &["flows", "--drops"], "")?;
            prints(&output, 0, &["audited", "web/front", "web/db", "tried"])
        })?;
        prints(
            &netctl(bed, 1, &["policy", "ls"], "")?,
            0,
            &["tried", "audit", "db", "enforce"],
        )?;

        let output = netctl(bed, 2, &["delete", "netpol", "web/db"], "")?;
        prints(&output, 0, &["deleted"])?;
        for ip in &db.ips {
            reach::until(&other.ns, *ip, 80, true)?;
        }
        prints(
            &netctl(bed, 1, &["delete", "netpol", "web/db"], "")?,
            1,
            &["web/db"],
        )?;
        Ok(())
    })
}
