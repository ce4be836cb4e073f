//! Containers that vanish, and containers that are there when the journal is not.

use crate::bed::{Bed, SOON, netns};
use fairway_api::{
    ClientError, Method,
    admin::{IpamFree, Node},
    ipam::{Netns, Released},
};
use fairway_ipam::AttachmentId;
use fairway_lab::{Ns, poll};
use fairwayd::{
    cutoff::{Target, cut_off},
    sweep::sightings,
};
use std::{fs, net::IpAddr, os::unix::fs::MetadataExt, path::PathBuf};

/// The host's end of a pair as the interface plugins make it, with an address at the other end.
fn wire(bed: &Bed, container: &str, inside: &Ns, ip: IpAddr) -> String {
    let link = format!("fw{container}");
    bed.lab.wire(bed.lab.node(), &link, inside, "eth0").unwrap();
    let alias = format!("fairway:net/{container}/eth0");
    bed.lab
        .node()
        .run(&format!("ip link set dev {link} alias {alias}"))
        .unwrap();
    inside.addr("eth0", &format!("{ip}/24")).unwrap();
    link
}

/// A file in the place of a namespace's.
fn path_that_may_go(bed: &Bed) -> (PathBuf, Netns) {
    let path = bed.lab.scratch().join("netns");
    fs::write(&path, "").unwrap();
    let found = fs::metadata(&path).unwrap();
    let place = Netns {
        path: path.display().to_string(),
        device: found.dev(),
        inode: found.ino(),
    };
    (path, place)
}

#[test]
fn a_container_that_vanished_gives_its_address_back() {
    let mut bed = Bed::new().sweeping();
    bed.start();
    bed.pool("web", "10.7.0.0/24");
    let (gone, stays) = (bed.lab.container().unwrap(), bed.lab.container().unwrap());
    let lost = bed.add_at("gone", Some(netns(&gone))).unwrap();
    let kept = bed.add_at("stays", Some(netns(&stays))).unwrap();
    let unknown = bed.add("unknown");
    bed.shows(lost, Some("live"));
    drop(gone);
    bed.says("net/gone/eth0 is gone without a DEL");
    bed.shows(lost, None);
    bed.shows(kept, Some("live"));
    bed.shows(unknown, Some("live"));
    // One that goes while nobody looks.
    bed.kill();
    drop(stays);
    bed.start();
    bed.shows(kept, None);
    bed.shows(unknown, Some("live"));
}

#[test]
fn a_link_of_its_own_keeps_a_container_alive() {
    let mut bed = Bed::new().sweeping();
    bed.start();
    bed.pool("web", "10.7.0.0/24");
    // Its namespace's path goes, and the namespace lives on: the test holds it by another name.
    let inside = bed.lab.container().unwrap();
    let (path, place) = path_that_may_go(&bed);
    let ip = bed.add_at("c1", Some(place)).unwrap();
    let link = wire(&bed, "c1", &inside, ip);
    fs::remove_file(&path).unwrap();
    let before = bed.log().len();
    let other = bed.lab.container().unwrap();
    let second = bed.add_at("c2", Some(netns(&other))).unwrap();
    drop(other);
    bed.shows(second, None);
    assert!(
        !bed.log()[before..].contains("net/c1/eth0 is gone"),
        "{}",
        bed.log()
    );
    bed.shows(ip, Some("live"));
    bed.lab.node().run(&format!("ip link del {link}")).unwrap();
    bed.shows(ip, None);
}

#[test]
fn a_lost_journal_is_rebuilt_from_store_and_kernel() {
    let mut bed = Bed::new();
    bed.start();
    bed.pool("web", "10.7.0.0/26");
    let inside = bed.lab.container().unwrap();
    let ip = bed.add_at("c1", Some(netns(&inside))).unwrap();
    wire(&bed, "c1", &inside, ip);
    bed.add("dead");
    bed.shows(ip, Some("live"));
    bed.kill();
    // One that was given an address just before, of which the store was not told any more.
    let young = bed.lab.container().unwrap();
    let youngest: IpAddr = "10.7.0.40".parse().unwrap();
    wire(&bed, "young", &young, youngest);
    let journal = bed.state().join("journal.redb");
    fs::write(&journal, "this is no journal").unwrap();
    bed.start();
    bed.says("journal.redb.corrupt-1");
    let aside = bed.state().join("journal.redb.corrupt-1");
    assert_eq!(fs::read_to_string(aside).unwrap(), "this is no journal");
    // It takes its own blocks over, gives neither address again, and knows the container by its link.
    let owns = || {
        let nodes: Vec<Node> = bed.call(Method::NodeList).unwrap();
        nodes.iter().any(|node| node.here && node.blocks > 0)
    };
    poll(SOON, "it owns its blocks again", owns).unwrap();
    let rested = poll(SOON, "the rest of the block has rested", || {
        bed.add_at("new", None).ok()
    });
    assert_ne!(rested.unwrap(), ip);
    let new: Vec<_> = (0..20).map(|n| bed.add(&format!("new{n}"))).collect();
    assert!(!new.contains(&ip), "{ip} was given twice");
    assert_eq!(bed.del("c1"), [ip]);
    assert_eq!(bed.del("young"), [youngest]);
}

#[test]
fn whoever_is_cut_off_loses_the_address_and_no_other() {
    let bed = Bed::new();
    let (node, inside) = (bed.lab.node(), bed.lab.container().unwrap());
    let ips: [IpAddr; 2] = ["10.7.0.9", "fd07::9"].map(|ip| ip.parse().unwrap());
    let link = wire(&bed, "c1", &inside, ips[0]);
    inside.addr("eth0", "fd07::9/64").unwrap();
    inside.addr("eth0", "10.8.0.9/24").unwrap();
    let place = netns(&inside);
    let mut target = Target {
        attachment: AttachmentId {
            network: "net".into(),
            container: "c1".into(),
            ifname: "eth0".into(),
        },
        netns: Some(fairway_ipam::Netns {
            path: place.path,
            device: place.device,
            inode: place.inode,
        }),
        addresses: ips.to_vec(),
    };
    let shown = || inside.run("ip -o addr show dev eth0").unwrap();
    // Twice: it may be done again after a restart.
    for _ in 0..2 {
        node.inside(|| cut_off(&target)).unwrap().unwrap();
        let shown = shown();
        assert!(
            !shown.contains("10.7.0.9") && !shown.contains("fd07::9"),
            "{shown}"
        );
        assert!(shown.contains("10.8.0.9"), "{shown}");
    }
    // Another namespace is at its path by now, so it is the host's end that goes down.
    inside.addr("eth0", "10.7.0.9/24").unwrap();
    let up = || node.run(&format!("ip -o link show dev {link}")).unwrap();
    assert!(up().contains("state UP"), "{}", up());
    if let Some(netns) = &mut target.netns {
        netns.inode += 1;
    }
    node.inside(|| cut_off(&target)).unwrap().unwrap();
    assert!(up().contains("state DOWN"), "{}", up());
    assert!(
        shown().contains("10.7.0.9"),
        "the other one was not touched"
    );
}

#[test]
fn the_kernel_shows_who_has_which_address() {
    let bed = Bed::new();
    let inside = bed.lab.container().unwrap();
    wire(&bed, "c1", &inside, "10.7.0.9".parse().unwrap());
    inside.addr("eth0", "fd07::9/64").unwrap();
    inside.addr("lo", "10.9.0.9/32").unwrap();
    // Others' links, and one of ours without an address.
    bed.lab
        .wire(bed.lab.node(), "uplink", &inside, "eth1")
        .unwrap();
    let second = bed.lab.container().unwrap();
    let link = wire(&bed, "c2", &second, "10.7.0.10".parse().unwrap());
    second.run("ip addr flush dev eth0").unwrap();
    assert!(link.starts_with("fw"));
    let mut seen = bed.lab.node().inside(sightings).unwrap().unwrap();
    seen.sort_by(|a, b| a.attachment.cmp(&b.attachment));
    let seen: Vec<_> = seen
        .iter()
        .map(|one| (one.attachment.container.as_str(), one.addresses.clone()))
        .collect();
    let ips = ["10.7.0.9", "fd07::9"].map(|ip| ip.parse::<IpAddr>().unwrap());
    assert_eq!(seen, [("c1", ips.to_vec()), ("c2", Vec::new())]);
}

fn free(bed: &Bed, address: IpAddr, force: bool) -> Result<Released, ClientError> {
    bed.call(Method::IpamFree(IpamFree { address, force }))
}

#[test]
fn an_address_is_not_taken_from_a_container_that_is_there() {
    let mut bed = Bed::new();
    bed.start();
    bed.pool("web", "10.7.0.0/24");
    // Its namespace's path goes, and its link stays: it lives on.
    let inside = bed.lab.container().unwrap();
    let (path, place) = path_that_may_go(&bed);
    let ip = bed.add_at("c1", Some(place)).unwrap();
    let link = wire(&bed, "c1", &inside, ip);
    fs::remove_file(&path).unwrap();
    let error = free(&bed, ip, false).unwrap_err().to_string();
    assert!(error.contains("net/c1/eth0, which is there"), "{error}");
    // By force, it is cut off before anybody else can have the address.
    assert_eq!(free(&bed, ip, true).unwrap().addresses, [ip]);
    let shown = bed.lab.node().run(&format!("ip -o link show dev {link}"));
    let shown = shown.unwrap();
    assert!(shown.contains("state DOWN"), "{shown}");
    assert_eq!(bed.del("c1"), [] as [IpAddr; 0]);
}

#[test]
fn an_address_is_taken_by_force_where_the_container_is() {
    let mut bed = Bed::new();
    bed.start();
    bed.pool("web", "10.7.0.0/24");
    let inside = bed.lab.container().unwrap();
    let ip = bed.add_at("c1", Some(netns(&inside))).unwrap();
    wire(&bed, "c1", &inside, ip);
    assert!(free(&bed, ip, false).is_err());
    assert_eq!(free(&bed, ip, true).unwrap().addresses, [ip]);
    let shown = inside.run("ip -o addr show dev eth0").unwrap();
    assert!(!shown.contains(&ip.to_string()), "{shown}");
    // Where nothing of it can be seen, the administrator's word counts, and nothing less.
    let lost = bed.add("unknown");
    let error = free(&bed, lost, false).unwrap_err().to_string();
    assert!(error.contains("net/unknown/eth0"), "{error}");
    assert_eq!(free(&bed, lost, true).unwrap().addresses, [lost]);
}
