//! The bed itself, without a daemon: what the nemesis does to the store has the effect that it is for.

use anyhow::{Result, ensure};
use fairway_tests_cluster::{Cut, Plan, SOON, before};

#[test]
fn the_store_can_be_broken_and_mended() -> Result<()> {
    before(&Plan::nodes(1), |bed| {
        let put = |value: &str| bed.etcd.etcdctl(&["put", "/key", value]);
        let leader = bed.etcd.leader()?;
        bed.etcd.kill(leader)?;
        fairway_lab::poll(SOON, "another member leads", || {
            bed.etcd.leader().is_ok_and(|next| next != leader)
        })?;
        bed.etcd.restart(leader)?;
        bed.etcd.wait_ready(SOON)?;
        put("one")?;
        for how in [Cut::Silent, Cut::Carrier] {
            (1..3).try_for_each(|member| bed.wires[member].cut(how))?;
            let writes = || {
                bed.etcd
                    .etcdctl(&["--command-timeout=1s", "put", "/key", "two"])
                    .is_ok()
            };
            fairway_lab::poll(SOON, "no quorum", || !writes())?;
            (1..3).try_for_each(|member| bed.wires[member].mend())?;
            bed.etcd.wait_ready(SOON)?;
        }
        put("three")?;
        ensure!(
            bed.etcd
                .etcdctl(&["get", "/key", "--print-value-only"])?
                .trim()
                == "three"
        );
        Ok(())
    })
}
