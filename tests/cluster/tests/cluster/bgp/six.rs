//! A session over IPv6, and routes of both families in it; it is recorded.

use super::stage::{BEHIND, BEHIND6, Fabric};
use crate::overlay::stage::{Pod, ping};
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_lab::json;
use fairway_tests_cluster::{Plan, before};
use std::fs;

#[test]
fn one_session_over_ipv6_leads_packets_of_both_families() -> Result<()> {
    before(&Plan::nodes(1).members(1), |bed| {
        let folder = bed.lab.scratch().join("recordings");
        bed.configure(bed.node(1), &format!("bgp_record = {folder:?}\n"))?;
        bed.node(1).launch()?;
        bed.node(1).connected()?;
        let fabric = Fabric::over_ipv6(bed)?;
        let pod = Pod::add(bed, 1, "one", "net")?;
        ensure!(pod.ips.len() == 2, "{:?}", pod.ips);
        fabric.apply("BgpConfig", "all", &json!({}))?;
        fabric.peer(None)?;
        fabric.is_up()?;
        let peer = fabric.find(&fabric.address.to_string())?;
        ensure!(peer.routes.len() == 2, "{peer:?}");
        fabric.knows(&fabric.block_of(|prefix| !prefix.contains(':'))?, true)?;
        fabric.knows(&fabric.block_of(|prefix| prefix.contains(':'))?, true)?;
        for ip in &pod.ips {
            eventually("the router reaches the container", || {
                ensure!(ping(&fabric.ns, *ip, 56), "{ip}");
                Ok(())
            })?;
        }
        for behind in [BEHIND, BEHIND6] {
            let behind = behind.parse()?;
            eventually("the container reaches what is behind the router", || {
                ensure!(ping(&pod.ns, behind, 56), "{:?}", fabric.way(behind));
                Ok(())
            })?;
        }
        let path = folder.join("2001_db8_9__254.1.bgp");
        let recording = || -> Result<String> {
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        eventually("what was said is in the recording", || {
            let text = recording()?;
            ensure!(text.starts_with("fairway-bgp-recording 1\n"), "{text}");
            ensure!(text.contains(" frame "), "{text}");
            Ok(())
        })?;
        pod.del()
    })
}
