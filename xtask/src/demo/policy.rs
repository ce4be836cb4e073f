//! A policy: one container may talk to another, one may not, and why.

use super::many::netctl;
use super::node::{Node, Pod};
use super::{Steps, overlay::quick};
use anyhow::{Context, Result, bail, ensure};
use fairway_lab::poll;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// Only those with this name may talk to front-2.
fn policy(who: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: front-2, namespace: shop}}
spec:
  podSelector: {{matchLabels: {{container: front-2}}}}
  ingress:
  - from: [{{podSelector: {{matchLabels: {{container: {who}}}}}}}]
"
    )
}

/// The containers are those of the network, in the nodes' order.
pub(super) fn show(steps: &mut Steps, nodes: &[Node], pods: &[Pod]) -> Result<()> {
    let ([first, node, ..], [one, two, ..]) = (nodes, pods) else {
        bail!("two nodes and two containers are wanted");
    };
    steps.title("A policy: front-1 may talk to front-2, nobody else");
    let file = first.write("policy.yaml", &policy("front-1"))?;
    netctl(steps, first, &format!("apply -f {file}"))?;
    for other in &pods[2..] {
        denied(steps, other, two)?;
    }
    let what = "front-1 reaches front-2";
    steps.step(what, || {
        for target in &two.addresses {
            let space = one.space()?;
            poll(SOON, what, || quick(space, target)).context("it does not answer")?;
        }
        Ok((two.addresses.join(" and "), ()))
    })?;
    let file = first.write("policy.yaml", &policy("front-9"))?;
    netctl(steps, first, &format!("apply -f {file}"))?;
    denied(steps, one, two)?;
    let ends = format!("shop/{} shop/{}", one.name, two.name);
    netctl(steps, node, &format!("policy explain {ends} 80"))?;
    steps.step(
        "and front-2's node tells what was dropped, and by which policy",
        || {
            let told = node.netctl("-o json flows --drops")?;
            ensure!(
                told.contains("not-allowed") && told.contains("shop/front-2"),
                "{told}"
            );
            Ok((String::new(), ()))
        },
    )?;
    netctl(steps, first, "delete NetworkPolicy shop/front-2")?;
    steps.step("without it, front-1 reaches front-2 again", || {
        let space = one.space()?;
        poll(SOON, "an answer", || {
            two.addresses.iter().all(|target| quick(space, target))
        })?;
        Ok((String::new(), ()))
    })
}

fn denied(steps: &mut Steps, from: &Pod, to: &Pod) -> Result<()> {
    let what = format!("{} does not reach {}", from.id, to.id);
    steps.step(&what, || {
        let space = from.space()?;
        for target in &to.addresses {
            poll(SOON, &what, || !quick(space, target)).context("it answers")?;
        }
        Ok((to.addresses.join(" and "), ()))
    })
}
