//! The router's BIRD restarts gracefully: packets go on by what the node learned from it.

use super::stage::{BEHIND, Fabric};
use crate::overlay::stage::{Pod, ping};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_lab::flow::Flow;
use fairway_lab::json;
use fairway_tests_cluster::{Plan, SOON, on};

#[test]
fn packets_go_on_while_the_router_restarts() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let mut fabric = Fabric::new(bed, "graceful restart on; graceful restart time 20;")?;
        let pod = Pod::add(bed, 1, "one", "net")?;
        fabric.apply("BgpConfig", "all", &json!({}))?;
        fabric.peer(None)?;
        fabric.is_up()?;
        let (block, behind) = (fabric.block()?, BEHIND.parse()?);
        fabric.knows(&block, true)?;
        eventually("the container reaches what is behind the router", || {
            ensure!(ping(&pod.ns, behind, 56), "{:?}", fabric.way(behind));
            Ok(())
        })?;
        // There and back: by the node's route, and by the router's to the block.
        let mut pings = Flow::start(&pod.ns, behind)?;
        pings.runs(SOON)?;
        let address = fabric.address.to_string();
        let stale = |fabric: &Fabric, wanted: bool| {
            eventually("its routes are stale, or are not", || {
                let peer = fabric.find(&address)?;
                let some = peer.routes.iter().any(|counts| counts.stale);
                ensure!(some == wanted, "{peer:?}");
                Ok(())
            })
        };
        stale(&fabric, false)?;
        fabric.bird.kill()?;
        stale(&fabric, true)?;
        fabric.bird.restart()?;
        fabric.is_up()?;
        fabric.knows(&block, true)?;
        stale(&fabric, false)?;
        // What BIRD kept in its kernel is looked through once its restart is over.
        let recovered = || {
            let status = fabric.bird.ask("show status")?;
            ensure!(!status.contains("recovery"), "{status}");
            Ok(())
        };
        eventually("BIRD has recovered", recovered)?;
        let found = pings.end()?;
        ensure!(found.lost == 0, "{found:?}");
        pod.del()
    })
}
