//! Networks are tenants: they do not reach each other unless they are told to.

use super::stage::{Pod, all_pairs, network, ping, reaches};
use crate::support::{eventually, refused, says};
use anyhow::{Result, ensure};
use fairway_api::admin::{NetworkCreate, NetworkRemove, NetworkSet, PoolRemove, RouteWhy};
use fairway_lab::Ns;
use fairway_tests_cluster::{Bed, Plan, SOON, on};

fn closed(pods: &[Pod], others: &[Pod]) -> Result<()> {
    for from in pods {
        for to in others {
            for ip in &to.ips {
                ensure!(
                    !ping(&from.ns, *ip, 56),
                    "{} reaches {}",
                    from.name,
                    to.name
                );
            }
        }
    }
    Ok(())
}

fn two_networks(bed: &Bed) -> Result<(Vec<Pod>, Vec<Pod>)> {
    network(bed, "red", 51, "always")?;
    network(bed, "blue", 52, "always")?;
    let pod = |node, name: &str, network| Pod::add(bed, node, name, network);
    let red = vec![pod(1, "red-1", "red")?, pod(2, "red-2", "red")?];
    let blue = vec![pod(1, "blue-1", "blue")?, pod(2, "blue-2", "blue")?];
    all_pairs(&red)?;
    all_pairs(&blue)?;
    Ok((red, blue))
}

fn import(bed: &Bed, name: &str, other: &str, yes: bool) -> Result<()> {
    let others = vec![other.to_owned()];
    let (import, unimport) = match yes {
        true => (others, Vec::new()),
        false => (Vec::new(), others),
    };
    bed.door(1).network_set(NetworkSet {
        name: name.to_owned(),
        import,
        unimport,
        ..NetworkSet::default()
    })?;
    Ok(())
}

#[test]
fn two_networks_reach_each_other_only_when_told_to() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (red, blue) = two_networks(bed)?;
        closed(&red, &blue)?;
        closed(&blue, &red)?;
        // One way is none: an answer needs the other.
        import(bed, "red", "blue", true)?;
        closed(&blue, &red)?;
        import(bed, "blue", "red", true)?;
        for (from, to) in [(&red, &blue), (&blue, &red)] {
            for from in from {
                for ip in to.iter().flat_map(|to| &to.ips) {
                    reaches(from, *ip, SOON)?;
                }
            }
        }
        import(bed, "red", "blue", false)?;
        import(bed, "blue", "red", false)?;
        eventually("they are apart again", || {
            closed(&red, &blue)?;
            closed(&blue, &red)
        })?;
        all_pairs(&red)?;
        // What is asked about an address is asked in the table of one network.
        let why = RouteWhy {
            address: blue[1].ips[0],
            network: Some("red".into()),
        };
        let explained = bed.door(1).why(why)?;
        ensure!(explained.route.is_none(), "{explained:#?}");
        // With the last network all that it needed goes.
        for pod in red.iter().chain(&blue) {
            pod.del()?;
        }
        for name in ["red", "blue"] {
            let (name, force) = (name.to_owned(), true);
            bed.door(1).network_remove(NetworkRemove { name, force })?;
        }
        for daemon in &bed.daemons {
            eventually("nothing is left of networks", || nothing(&daemon.ns))?;
        }
        Ok(())
    })
}

/// Nothing of ours is in the kernel.
fn nothing(ns: &Ns) -> Result<()> {
    for command in [
        "ip -4 route show table all protocol 250",
        "ip -6 route show table all protocol 250",
        "ip -4 rule",
        "ip -6 rule",
        "ip nexthop show protocol 250",
        "nft list tables inet",
        "ip -o link show type vxlan",
    ] {
        let left = ns.run(command)?;
        // Of rules some are always there.
        let mut left = left
            .lines()
            .filter(|line| !command.contains("rule") || line.contains("proto 250"));
        ensure!(left.next().is_none(), "{command}: something is left");
    }
    Ok(())
}

#[test]
fn cleaning_up_takes_routes_away_too() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (red, blue) = two_networks(bed)?;
        for pod in red.iter().chain(&blue) {
            pod.del()?;
        }
        let node = bed.node(2);
        ensure!(nothing(&node.ns).is_err());
        node.stop()?;
        // It ends with everything left in place.
        ensure!(nothing(&node.ns).is_err());
        node.cleanup()?;
        nothing(&node.ns)
    })
}

#[test]
fn what_cannot_be_is_refused_and_breaks_nothing() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (red, _blue) = two_networks(bed)?;
        let door = bed.door(1);
        let create = |name: &str, pools: &[&str], vni| {
            door.network_create(NetworkCreate {
                name: name.to_owned(),
                pools: pools.iter().map(|pool| (*pool).to_owned()).collect(),
                vni,
                imports: Vec::new(),
            })
        };
        crate::support::create(bed, super::stage::pool("spare", 53, "always"))?;
        let vni = door.networks()?[0].vni;
        refused(
            create("green", &["spare"], Some(vni)),
            7,
            &["vni", "is that of network"],
        )?;
        refused(
            create("green", &["spare"], Some(1 << 24)),
            7,
            &["vni", "out of range"],
        )?;
        refused(
            create("green", &["red"], None),
            7,
            &["pools", "is in network red"],
        )?;
        refused(
            create("green", &["nowhere"], None),
            7,
            &["pools", "nowhere"],
        )?;
        refused(create("green", &[], None), 7, &["pools"])?;
        refused(create("Green", &["spare"], None), 7, &["name", "Green"])?;
        let remove = |force| {
            let name = "red".to_owned();
            door.network_remove(NetworkRemove { name, force })
        };
        // What is in a block is told to the store a moment later.
        eventually("the store knows the containers", || {
            let networks = door.networks()?;
            ensure!(
                networks.iter().all(|network| network.live > 0),
                "{networks:?}"
            );
            Ok(())
        })?;
        says(remove(false), &["containers"])?;
        let retire = PoolRemove {
            name: "red".into(),
            wait: false,
        };
        says(door.pool_remove(retire), &["is in network red"])?;
        // A network that is not there, and one whose pool the container does not want.
        let ns = bed.lab.container()?;
        let other = super::stage::plugin(bed.node(1), "x", "green", Some(&ns));
        let error = other.add()?.fails(7)?;
        ensure!(error.msg.contains("no network green"), "{error:?}");
        all_pairs(&red)?;
        // By force it goes; its containers are cut off, and it comes back.
        remove(true)?;
        eventually("red is cut off", || closed(&red[..1], &red[1..]))?;
        create("red", &["red"], None)?;
        all_pairs(&red)
    })
}
