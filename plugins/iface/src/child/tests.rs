//! Links that stand on another one, on a model of the kernel.

use super::*;
use crate::Rules;
use fairway_netlink::{
    LinkKind, MacvlanMode, NetNs,
    fake::{self, Change, Recorder},
};

const OWNER: Owner<'static> = Owner {
    network: "net",
    container_id: "c1",
    ifname: "eth0",
};
const BRIDGE: ChildKind = ChildKind::Macvlan {
    mode: MacvlanMode::Bridge,
    bc_queue_len: None,
};

fn model() -> (Kernel, Recorder, Recorder) {
    let (host, container) = fake::namespaces();
    let kernel = Kernel {
        host: Box::new(host.clone()),
        container: Box::new(container.clone()),
        netns: NetNs::current().unwrap(),
        rules: Rules::default(),
    };
    (kernel, host, container)
}

fn wanted(parent: u32) -> Wanted<'static> {
    Wanted {
        owner: OWNER,
        parent: Some(parent),
        in_container: false,
        mtu: None,
        mac: None,
        kind: BRIDGE,
    }
}

fn is_macvlan(link: &Link) -> bool {
    matches!(link.kind, Some(LinkKind::Macvlan(_)))
}

#[test]
fn it_is_made_by_one_request_and_marked() {
    let (mut kernel, host, _) = model();
    let parent = host.put_link(Link::new(0, "up0"));
    let made = create(&mut kernel, &wanted(parent)).unwrap();
    assert_eq!(
        (made.name.as_str(), made.peer_index),
        ("eth0", Some(parent))
    );
    let calls = host.calls();
    assert!(
        matches!(&calls[..], [a, b] if matches!(a.change, Change::CreateChild { .. })
            && matches!(&b.change, Change::ChangeLink(index, change) if *index == made.index
                && change.alias == Some(OWNER.alias()))),
        "{calls:?}"
    );
}

/// The host has an eth0 of its own, and it is the parent.
#[test]
fn a_name_of_the_hosts_is_not_in_the_way() {
    let (mut kernel, host, mut container) = model();
    let parent = host.put_link(Link::new(0, "eth0"));
    let made = create(&mut kernel, &wanted(parent)).unwrap();
    assert_eq!(made.name, "eth0");
    assert_eq!(
        container.link_by_name("eth0").unwrap().unwrap().index,
        made.index
    );
    assert_eq!(
        kernel.host.link_by_name("eth0").unwrap().unwrap().index,
        parent
    );
}

#[test]
fn a_name_of_the_containers_is() {
    let (mut kernel, host, container) = model();
    let parent = host.put_link(Link::new(0, "up0"));
    container.put_link(Link::new(0, "eth0"));
    let before = host.snapshot();
    let error = create(&mut kernel, &wanted(parent)).unwrap_err();
    assert!(matches!(error, Error::AlreadyAttached { .. }), "{error}");
    assert_eq!(host.snapshot(), before);
}

#[test]
fn indexes_are_stable_and_out_of_the_kernels_way() {
    let indexes: Vec<_> = OWNER.indexes().take(8).collect();
    assert!(
        indexes
            .iter()
            .all(|index| (1 << 20..1 << 21).contains(index))
    );
    assert_eq!(indexes, OWNER.indexes().take(8).collect::<Vec<_>>());
    assert_ne!(indexes[0], indexes[1]);
}

#[test]
fn a_master_that_is_not_there_is_named() {
    let (mut kernel, ..) = model();
    let error = named(kernel.host.as_mut(), "master", "up7").unwrap_err();
    assert_eq!(error.to_string(), "master: \"up7\": there is no such link");
}

#[test]
fn the_default_route_names_a_link() {
    let (mut kernel, host, _) = model();
    assert_eq!(of_default_route(kernel.host.as_mut()).unwrap(), None);
    let (up0, up1) = (
        host.put_link(Link::new(0, "up0")),
        host.put_link(Link::new(0, "up1")),
    );
    for (dst, oif, table) in [
        ("10.0.0.0/8", up1, Route::MAIN),
        ("0.0.0.0/0", up1, 77),
        ("::/0", up0, Route::MAIN),
    ] {
        let route = Route {
            oif: Some(oif),
            table,
            ..Route::to(dst.parse().unwrap())
        };
        kernel.host.add_route(&route).unwrap();
    }
    let found = of_default_route(kernel.host.as_mut()).unwrap();
    assert_eq!(found.unwrap().name, "up0");
}

/// A container with these links: name, macvlan or not, alias.
fn container(links: &[(&str, bool, Option<&str>)]) -> Recorder {
    let (_, container) = fake::namespaces();
    for (name, macvlan, alias) in links {
        let mut link = Link::new(0, *name);
        link.kind = Some(match macvlan {
            true => LinkKind::Macvlan(MacvlanMode::Bridge),
            false => LinkKind::Veth,
        });
        link.alias = alias.map(ToOwned::to_owned);
        container.put_link(link);
    }
    container
}

fn left(container: &mut Recorder) -> Vec<String> {
    remove(container, OWNER, is_macvlan).unwrap();
    let links = container.links().unwrap().into_iter();
    links
        .map(|link| link.name)
        .filter(|name| name != "lo")
        .collect()
}

#[test]
fn what_goes_and_what_stays() {
    let ours = OWNER.alias();
    let own = Some(ours.as_str());
    let other = Some("fairway:net/c2/eth0");
    for (links, wanted) in [
        (vec![], vec![]),
        (vec![("eth0", true, own)], vec![]),
        // Killed before it was marked, or the reference plugin's.
        (vec![("eth0", true, None)], vec![]),
        // An alias that the container has set.
        (vec![("eth0", true, Some("lan"))], vec![]),
        // A late DEL: the path is another container's by now.
        (vec![("eth0", true, other)], vec!["eth0"]),
        (vec![("eth0", false, None)], vec!["eth0"]),
        // Renamed, with a decoy in its place.
        (
            vec![("eth0", false, None), ("net9", true, own)],
            vec!["eth0"],
        ),
        (vec![("eth0", true, None), ("net9", true, own)], vec![]),
        (vec![("net9", true, other)], vec!["net9"]),
    ] {
        assert_eq!(left(&mut container(&links)), wanted, "{links:?}");
    }
}
