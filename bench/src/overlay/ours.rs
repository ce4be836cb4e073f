//! Two daemons, and containers that the vxlan plugin attached.

use super::{ALWAYS, ALWAYS_TRACKED, DIRECT, DIRECT_TRACKED, Way};
use anyhow::{Context as _, Result};
use fairway_api::admin::{NetworkCreate, PoolCreate, PoolRange, PoolSettings};
use fairway_lab::{Ns, Value, json, poll};
use fairway_tests_cluster::{Bed, Plan, SOON};

/// All ways stand while the work is done: those that masquerade, as pools do unless told otherwise, on nodes of
/// their own, since the kernel tracks connections of a whole node or not at all.
pub(super) fn on(work: impl FnOnce(&[Way]) -> Result<()>) -> Result<()> {
    let plan = Plan::nodes(2).members(1);
    fairway_tests_cluster::on(&plan, |bed| {
        let mut ways = both(bed, [ALWAYS, DIRECT], false)?;
        fairway_tests_cluster::on(&plan, |bed| {
            ways.extend(both(bed, [ALWAYS_TRACKED, DIRECT_TRACKED], true)?);
            work(&ways)
        })
    })
}

fn both(bed: &Bed, names: [&'static str; 2], masquerade: bool) -> Result<Vec<Way>> {
    let pools = [
        ("always", "10.64.0.0/16", "always"),
        ("direct", "10.65.0.0/16", "cross-subnet"),
    ];
    for pool in pools {
        network(bed, pool, masquerade)?;
    }
    let ways = names.into_iter().zip(pools);
    ways.map(|(name, pool)| way(bed, name, pool.0)).collect()
}

fn way(bed: &Bed, name: &'static str, network: &str) -> Result<Way> {
    let (client, _) = attached(bed, 1, network, (&format!("{network}-1"), json!({})))?;
    let (server, to) = attached(bed, 2, network, (&format!("{network}-2"), json!({})))?;
    Ok(Way {
        name,
        client,
        server,
        to,
    })
}

/// A network with one pool, which both nodes know.
pub(crate) fn network(
    bed: &Bed,
    (name, cidr, encap): (&str, &str, &str),
    masquerade: bool,
) -> Result<()> {
    let door = bed.door(1);
    door.pool_create(PoolCreate {
        name: name.to_owned(),
        ranges: vec![PoolRange {
            cidr: cidr.to_owned(),
            block: Some(26),
            gateway: None,
            exclude: Vec::new(),
            draining: false,
        }],
        settings: PoolSettings {
            encap: Some(encap.to_owned()),
            masquerade: Some(masquerade),
            ..PoolSettings::default()
        },
    })?;
    let create = || NetworkCreate {
        name: name.to_owned(),
        pools: vec![name.to_owned()],
        vni: None,
        imports: Vec::new(),
    };
    poll(SOON, "the network is made", || {
        door.network_create(create()).is_ok()
    })?;
    let known = |number| bed.door(number).prepare(name).is_ok();
    Ok(poll(SOON, "both nodes know the network", || {
        known(1) && known(2)
    })?)
}

/// A container of the network on that node, with more in its config, and its address.
pub(crate) fn attached(
    bed: &Bed,
    number: usize,
    network: &str,
    (name, more): (&str, Value),
) -> Result<(Ns, String)> {
    let container = bed.lab.container()?;
    let mut config = json!({"cniVersion": "1.1.0", "name": "net", "type": "vxlan", "network": network,
                        "ipam": {"type": "fairway"}});
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let plugin = bed.node(number).cni("vxlan").config(config);
    let plugin = plugin.container(name).netns(&container);
    let plugin = plugin.args(format!(
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=bench;K8S_POD_NAME={name}"
    ));
    let result = plugin.add()?.ok()?;
    let address = result["ips"][0]["address"].as_str().context("no address")?;
    let address = address.split('/').next().unwrap_or(address).to_owned();
    Ok((container, address))
}
