//! The way back, on a model of the kernel.

use super::*;
use fairway_netlink::{MacAddr, fake};

const OWNER: Owner<'static> = Owner {
    network: "net",
    container_id: "c1",
    ifname: "net1",
};

fn was() -> Record {
    Record {
        name: "eth1".parse().unwrap(),
        up: Some(true),
        mtu: Some(9000),
        mac: Some(MacAddr([2, 0, 0, 0, 0, 1])),
        alias: Some("uplink".to_owned()),
    }
}

/// A link as the container has left it.
fn left(name: &str, alias: &str) -> Link {
    let mut link = Link::new(0, name);
    (link.mtu, link.up, link.alias) = (1400, true, Some(alias.to_owned()));
    link.mac = Some(MacAddr([2, 0, 0, 0, 0, 9]));
    link
}

fn is_home(host: &mut fake::Recorder) {
    let link = host.link_by_name("eth1").unwrap().unwrap();
    let shown = (link.up, link.mtu, link.mac, link.alias.as_deref());
    assert_eq!(shown, (true, 9000, was().mac, Some("uplink")));
}

fn back(host: &mut fake::Recorder, container: &mut fake::Recorder) -> Result<(), Error> {
    let here = NetNs::current().unwrap();
    take_back(host, &here, Some(container), OWNER)
}

#[test]
fn from_the_container() {
    let alias = was().alias_for(OWNER).unwrap();
    // By its name; renamed, with a decoy in its place; with a link of its own name beside it.
    for others in [vec![], vec!["net1"], vec!["eth1"]] {
        let (mut host, mut container) = fake::namespaces();
        let name = if others == ["net1"] { "net9" } else { "net1" };
        container.put_link(left(name, &alias));
        for other in &others {
            container.put_link(Link::new(0, *other));
        }
        back(&mut host, &mut container).unwrap();
        is_home(&mut host);
        assert_eq!(container.links().unwrap().len(), 1 + others.len());
        // Again: nothing to do.
        let before = host.snapshot();
        back(&mut host, &mut container).unwrap();
        assert_eq!(host.snapshot(), before);
    }
}

#[test]
fn from_a_namespace_that_is_gone() {
    let alias = was().alias_for(OWNER).unwrap();
    for name in ["dev5", "net1", "eth1"] {
        let (mut host, mut container) = fake::namespaces();
        let mut lost = left(name, &alias);
        lost.up = false;
        host.put_link(lost);
        back(&mut host, &mut container).unwrap();
        is_home(&mut host);
    }
}

#[test]
fn what_is_not_its_own_stays() {
    let other = Owner {
        container_id: "c2",
        ..OWNER
    };
    let others = was().alias_for(other).unwrap();
    let (mut host, mut container) = fake::namespaces();
    // A late DEL: another container has the path by now, and the name.
    container.put_link(left("net1", &others));
    host.put_link(left("dev5", &others));
    for alias in ["", "a text", "fairway:net/c1/net1"] {
        container.put_link(left("x", alias));
    }
    let before = host.snapshot();
    back(&mut host, &mut container).unwrap();
    assert_eq!(host.snapshot(), before);
}

/// The reference plugin says no more than the name.
#[test]
fn what_the_reference_plugin_took() {
    let (mut host, mut container) = fake::namespaces();
    container.put_link(left("net1", "eth1"));
    back(&mut host, &mut container).unwrap();
    let link = host.link_by_name("eth1").unwrap().unwrap();
    assert_eq!((link.up, link.mtu, link.alias), (false, 1400, None));
}

#[test]
fn a_name_that_was_taken_meanwhile() {
    let (mut host, mut container) = fake::namespaces();
    container.put_link(left("net1", &was().alias_for(OWNER).unwrap()));
    host.put_link(Link::new(0, "eth1"));
    let before = host.snapshot();
    let error = back(&mut host, &mut container).unwrap_err();
    let told = error.to_string();
    assert!(
        told.starts_with("device of \"net1\": \"eth1\": another link"),
        "{told}"
    );
    assert_eq!(host.snapshot(), before);
}

#[test]
fn gc_takes_those_of_the_lost_and_no_others() {
    let (mut host, _) = fake::namespaces();
    let of = |network, id| {
        let owner = Owner {
            network,
            container_id: id,
            ifname: "net1",
        };
        was().alias_for(owner).unwrap()
    };
    host.put_link(left("dev5", &of("net", "c1")));
    host.put_link(left("dev6", &of("net", "keep")));
    host.put_link(left("dev7", &of("other", "c1")));
    let valid = [("keep".parse().unwrap(), "net1".parse().unwrap())];
    let valid: GcAttachments = valid.into_iter().collect();
    assert_eq!(collect(&mut host, "net", &valid), []);
    is_home(&mut host);
    for name in ["dev6", "dev7"] {
        assert!(host.link_by_name(name).unwrap().is_some(), "{name}");
    }
}

/// Moved, and then the kernel refused the rest: it has its own name still, and no mark.
#[test]
fn what_was_moved_and_not_marked() {
    let (mut host, mut container) = fake::namespaces();
    let here = NetNs::current().unwrap();
    let mut stray = Link::new(0, "eth1");
    (stray.mac, stray.alias, stray.mtu) = (was().mac, was().alias, 9000);
    container.put_link(stray.clone());
    take_back_unmarked(&mut host, &here, &mut container, &was()).unwrap();
    is_home(&mut host);
    // It is there already, so what the container has of that name is its own.
    container.put_link(stray);
    let before = host.snapshot();
    take_back_unmarked(&mut host, &here, &mut container, &was()).unwrap();
    assert_eq!(host.snapshot(), before);
}
