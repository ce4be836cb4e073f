//! DEL against a model of the kernel: what it removes, what it must not, and in which order.

use super::*;
use fairway_cni::{Attachment, Code};
use fairway_netlink::{
    Error as NetlinkError, LinkChange, NetNs,
    fake::{self, Change, Recorder},
};
use std::cell::Cell;

const IFNAME: &str = "eth0";

fn attachment(id: &str) -> Attachment {
    Attachment {
        container_id: id.parse().unwrap(),
        ifname: IFNAME.parse().unwrap(),
    }
}

/// Attaches container `id` as an ADD does, under `ifname` inside; gives the inner link's index.
fn attach(host: &mut Recorder, container: &mut Recorder, id: &str) -> u32 {
    let attachment = attachment(id);
    let spec = veth::PairSpec {
        owner: Owner::new("net", &attachment),
        netns: &NetNs::current().unwrap(),
        mac: None,
        host_mac: None,
        mtu: None,
        master: None,
        held: false,
    };
    let pair = veth::create(host, container, &spec).unwrap();
    let address = fairway_netlink::AddressSpec::new("10.1.2.3/24".parse().unwrap());
    container
        .add_address(pair.container.index, &address)
        .unwrap();
    pair.container.index
}

/// DEL of container `id`, in whose namespace path `container` now is; how often the address was released,
/// the links that were there at that moment, and what failed.
fn del(host: &mut Recorder, container: Option<&Recorder>, id: &str) -> (u32, usize, Vec<Failure>) {
    let attachment = attachment(id);
    let owner = Owner::new("net", &attachment);
    let gone = Detach {
        attachment: attachment.clone(),
        netns: container.map(|_| "/proc/self/ns/net".to_owned()),
    };
    let (released, links) = (Cell::new(0), Cell::new(0));
    let model = host.clone();
    let open = |netns: Option<&str>| {
        assert_eq!(netns.is_some(), container.is_some());
        Ok(container.map(|container| Box::new(container.clone()) as Box<dyn Netlink>))
    };
    let failures = unplug(host, open, owner, &gone, || {
        released.set(released.get() + 1);
        links.set(model.snapshot().links.len());
        Ok(())
    });
    (released.get(), links.get(), failures)
}

fn link_count(host: &Recorder) -> usize {
    host.snapshot().links.len()
}

#[test]
fn the_address_goes_before_the_links() {
    let (mut host, mut container) = fake::namespaces();
    let before = host.snapshot();
    attach(&mut host, &mut container, "c1");
    let (released, links, failures) = del(&mut host, Some(&container), "c1");
    assert_eq!((released, failures), (1, vec![]));
    assert_eq!(
        links,
        before.links.len() + 2,
        "released only after the wait for the links"
    );
    assert_eq!(host.snapshot(), before);
    let strip = host
        .calls()
        .iter()
        .position(|call| matches!(call.change, Change::DeleteAddress(..)));
    let delete = host
        .calls()
        .iter()
        .position(|call| matches!(call.change, Change::DeleteLink(_)));
    assert!(strip < delete);
    // Once more, as runtimes do.
    assert_eq!(
        del(&mut host, Some(&container), "c1"),
        (1, before.links.len(), vec![])
    );
}

/// A route to the address by the host's end, as ptp makes it, is gone before the next may have the address; one by
/// another link stays.
#[test]
fn the_route_to_the_address_goes_before_it() {
    let (mut host, mut container) = fake::namespaces();
    let inner = attach(&mut host, &mut container, "c1");
    let inner = container.link_by_index(inner).unwrap().unwrap();
    let to = |oif| Route {
        oif,
        ..Route::to("10.1.2.3/32".parse().unwrap())
    };
    host.add_route(&to(inner.peer_index)).unwrap();
    let routes = |host: &Recorder| host.snapshot().routes.len();
    let before = routes(&host);
    let model = host.clone();
    let attachment = attachment("c1");
    let gone = Detach {
        attachment: attachment.clone(),
        netns: Some("/proc/self/ns/net".to_owned()),
    };
    let seen = Cell::new(0);
    let open = |_: Option<&str>| Ok(Some(Box::new(container.clone()) as Box<dyn Netlink>));
    let failures = unplug(
        &mut host,
        open,
        Owner::new("net", &attachment),
        &gone,
        || {
            seen.set(routes(&model));
            Ok(())
        },
    );
    assert_eq!((failures, seen.get()), (vec![], before - 1));
}

#[test]
fn without_the_namespace_the_links_go_before_the_address() {
    let (mut host, mut container) = fake::namespaces();
    let before = link_count(&host);
    attach(&mut host, &mut container, "c1");
    assert_eq!(del(&mut host, None, "c1"), (1, before, vec![]));
}

#[test]
fn an_address_whose_link_stays_is_not_released() {
    let (mut host, mut container) = fake::namespaces();
    attach(&mut host, &mut container, "c1");
    host.fail_at(
        0,
        NetlinkError::Invalid {
            op: "refuse",
            subject: "it".to_owned(),
            what: "for the test's sake",
        },
    );
    let (released, _, failures) = del(&mut host, None, "c1");
    assert_eq!((released, failures.len()), (0, 1));
    assert_eq!(failures[0].code, Code::KERNEL);
}

#[test]
fn a_late_del_leaves_the_next_container_alone() {
    let (mut host, mut container) = fake::namespaces();
    attach(&mut host, &mut container, "new");
    let before = host.snapshot();
    let (released, _, failures) = del(&mut host, Some(&container), "old");
    assert_eq!((released, failures), (1, vec![]));
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_decoy_does_not_save_the_link() {
    let (mut host, mut container) = fake::namespaces();
    let before = host.snapshot();
    let inner = attach(&mut host, &mut container, "c1");
    let rename = LinkChange {
        name: Some("net9".to_owned()),
        ..LinkChange::default()
    };
    container.change_link(inner, &rename).unwrap();
    let mut decoy = Link::new(0, IFNAME);
    decoy.kind = Some(fairway_netlink::LinkKind::Veth);
    container.put_link(decoy);
    assert_eq!(del(&mut host, Some(&container), "c1").0, 1);
    assert_eq!(
        link_count(&host),
        before.links.len() + 1,
        "all but the decoy"
    );
    assert!(container.link_by_name("net9").unwrap().is_none());
    assert!(container.link_by_name(IFNAME).unwrap().is_some());
}

#[test]
fn a_pair_of_the_reference_plugin_goes_too() {
    let (mut host, mut container) = fake::namespaces();
    let before = host.snapshot();
    let here = NetNs::current().unwrap();
    let spec = fairway_netlink::VethSpec {
        name: "veth1234abcd".to_owned(),
        peer: fairway_netlink::VethPeer {
            name: IFNAME.to_owned(),
            netns: Some(std::os::fd::AsFd::as_fd(&here)),
            ..Default::default()
        },
        ..Default::default()
    };
    host.create_veth(&spec).unwrap();
    assert_eq!(del(&mut host, Some(&container), "c1").0, 1);
    assert_eq!(host.snapshot(), before);
    assert!(container.link_by_name(IFNAME).unwrap().is_none());
}

#[test]
fn gc_takes_what_its_network_owns_and_nothing_else() {
    let (mut host, mut container) = fake::namespaces();
    attach(&mut host, &mut container, "c1");
    let valid = |id: &str| {
        [(id.parse().unwrap(), IFNAME.parse().unwrap())]
            .into_iter()
            .collect()
    };
    let before = host.snapshot();
    assert_eq!(
        collect(&mut host, "other", &GcAttachments::default()),
        vec![]
    );
    assert_eq!(collect(&mut host, "net", &valid("c1")), vec![]);
    assert_eq!(host.snapshot(), before);
    assert_eq!(collect(&mut host, "net", &valid("c2")), vec![]);
    assert_eq!(link_count(&host), before.links.len() - 2);
}
