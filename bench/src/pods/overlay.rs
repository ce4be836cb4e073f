//! A node of our overlay: a daemon, a network, and an underlay that leads nowhere else.

use crate::ipam::daemon::Daemon;
use anyhow::Result;
use fairway_api::admin::{Network, NetworkCreate};
use fairway_api::{Client, Method};
use fairway_lab::{Lab, Ns, Value, json, poll};
use std::time::Duration;

const NETWORK: &str = "pods";
const SOON: Duration = Duration::from_secs(20);

/// What a network's configuration says.
pub(super) fn plugin() -> Value {
    json!({"type": "vxlan", "network": NETWORK, "ipam": {"type": "fairway"}})
}

/// The link to other nodes; it is there as long as the namespace at its other end.
pub(super) fn underlay(lab: &Lab, node: &Ns) -> Result<Ns> {
    let far = lab.machine("far")?;
    lab.wire(node, "up0", &far, "up0")?;
    node.addr("up0", "192.168.77.1/24")?;
    node.run("ip route add default via 192.168.77.2 dev up0")?;
    Ok(far)
}

/// Has the network made, with a pool of its own.
pub(super) fn network(daemon: &Daemon) -> Result<()> {
    daemon.pool(NETWORK, "10.64.0.0/14", 30)?;
    let create = || {
        Method::NetworkCreate(NetworkCreate {
            name: NETWORK.to_owned(),
            pools: vec![NETWORK.to_owned()],
            vni: None,
            imports: Vec::new(),
        })
    };
    let made = |client: &mut Client| client.call::<Network>(create()).is_ok();
    Ok(poll(SOON, "the network is made", || {
        daemon.client().is_ok_and(|mut client| made(&mut client))
    })?)
}
