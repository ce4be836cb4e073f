//! The model keeps the rules that plugins lean on.

use std::os::fd::AsFd;

use ipnetwork::IpNetwork;
use nix::errno::Errno;

use super::*;
use crate::{
    Family, NetNs, Netlink, OperState, RouteChange, RouteFilter, Rule, RuleAction, VethPeer,
    VethSpec,
};

fn ip(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

/// A bridge with a port whose other end is in the container: bridge, port, eth0.
fn attached(host: &mut Recorder, container: &mut Recorder) -> (Link, Link, Link) {
    let spec = BridgeSpec {
        name: "br0".into(),
        up: true,
        ..BridgeSpec::default()
    };
    host.create_bridge(&spec).unwrap();
    let bridge = host.link_by_name("br0").unwrap().unwrap();
    let netns = NetNs::current().unwrap();
    let spec = VethSpec {
        name: "port".into(),
        master: Some(bridge.index),
        up: true,
        peer: VethPeer {
            name: "eth0".into(),
            mtu: Some(1400),
            netns: Some(netns.as_fd()),
            ..VethPeer::default()
        },
        ..VethSpec::default()
    };
    host.create_veth(&spec).unwrap();
    assert!(host.create_veth(&spec).unwrap_err().is_exists());
    let port = host.link_by_name("port").unwrap().unwrap();
    let eth0 = container.link_by_name("eth0").unwrap().unwrap();
    (bridge, port, eth0)
}

#[test]
fn links_are_where_they_were_put() {
    let (mut host, mut container) = namespaces();
    let (bridge, port, eth0) = attached(&mut host, &mut container);
    assert!(bridge.is_bridge() && port.is_veth() && eth0.is_veth());
    assert_eq!(port.peer_index, Some(eth0.index));
    assert_eq!((port.master, eth0.mtu), (Some(bridge.index), 1400));
    assert_eq!(port.oper, OperState::LowerLayerDown);
    assert_eq!(host.link_by_name("eth0").unwrap(), None);
    assert_eq!(host.link_by_index(eth0.index).unwrap(), None);
    let up = LinkChange {
        up: Some(true),
        ..LinkChange::default()
    };
    container.change_link(eth0.index, &up).unwrap();
    let port = host.link_by_index(port.index).unwrap().unwrap();
    assert_eq!(port.oper, OperState::Up);
    assert_eq!(host.links().unwrap().len(), 3);
    assert!(
        host.change_link(eth0.index, &up)
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn what_is_undone_leaves_nothing() {
    let (mut host, mut container) = namespaces();
    let before = host.snapshot();
    let (bridge, port, eth0) = attached(&mut host, &mut container);
    let address = AddressSpec::new(ip("10.1.0.2/24"));
    container.add_address(eth0.index, &address).unwrap();
    assert!(
        container
            .add_address(eth0.index, &address)
            .unwrap_err()
            .is_exists()
    );
    let route = Route {
        oif: Some(eth0.index),
        ..Route::to(ip("0.0.0.0/0"))
    };
    container.add_route(&route).unwrap();
    assert!(container.add_route(&route).unwrap_err().is_exists());
    host.add_port_vlans(port.index, &[PortVlanRange::range(1, 3)], false)
        .unwrap();
    assert_eq!(host.port_vlans(port.index).unwrap().len(), 3);
    let isolate = BridgePort {
        isolated: Some(true),
        ..BridgePort::default()
    };
    host.set_bridge_port(port.index, &isolate).unwrap();
    assert!(host.set_bridge_port(bridge.index, &isolate).is_err());
    assert!(host.delete_link(port.index).unwrap());
    assert!(!host.delete_link(port.index).unwrap());
    assert!(!container.delete_link(eth0.index).unwrap());
    assert_eq!(container.addresses(None).unwrap(), []);
    assert_eq!(container.routes(&Default::default()).unwrap(), []);
    assert!(host.delete_link(bridge.index).unwrap());
    assert_eq!(host.snapshot(), before);
}

#[test]
fn the_chosen_call_fails_and_no_other() {
    let (mut host, mut container) = namespaces();
    let (_, _, eth0) = attached(&mut host, &mut container);
    let so_far = host.calls().len();
    let before = host.snapshot();
    host.fail_at(
        1,
        Error::Kernel {
            op: "add address",
            subject: "of the test".into(),
            errno: Errno::ENOMEM,
            ext_ack: None,
        },
    );
    let add = |container: &mut Recorder, text| {
        container.add_address(eth0.index, &AddressSpec::new(ip(text)))
    };
    add(&mut container, "10.1.0.2/24").unwrap();
    let error = add(&mut container, "fd00::2/64").unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOMEM));
    assert_eq!(container.addresses(None).unwrap().len(), 1);
    add(&mut container, "fd00::2/64").unwrap();
    let calls = &host.calls()[so_far..];
    let refused: Vec<_> = calls.iter().map(|call| call.refused).collect();
    assert_eq!(refused, [false, true, false]);
    assert!(calls.iter().all(|call| call.place == Place::Container));
    assert_ne!(host.snapshot(), before);
    for text in ["10.1.0.2/24", "fd00::2/64"] {
        assert!(container.delete_address(eth0.index, ip(text)).unwrap());
    }
    assert_eq!(host.snapshot(), before);
}

#[test]
fn an_overlay_comes_and_goes() {
    let (mut host, _) = namespaces();
    let before = host.snapshot();
    let spec = VxlanSpec {
        alias: "fairway".into(),
        up: true,
        ..VxlanSpec::new("fairway.vx")
    };
    let vx = host.create_vxlan(&spec).unwrap();
    assert_eq!(vx.vxlan(), Some(spec.settings()));
    assert_eq!(vx.alias.as_deref(), Some("fairway"));
    assert_eq!(host.link_by_name("fairway.vx").unwrap(), Some(vx.clone()));
    let again = host.create_vxlan(&VxlanSpec::new("other")).unwrap_err();
    assert!(again.is_exists(), "the port is taken: {again}");

    let route = |mtu| Route {
        oif: Some(vx.index),
        protocol: 77,
        mtu: Some(mtu),
        ..Route::to(ip("10.1.1.0/26"))
    };
    let foreign = Route {
        protocol: 3,
        ..route(1)
    };
    let changes = [
        RouteChange::Replace(route(1)),
        RouteChange::Add(route(2)),
        RouteChange::Replace(route(3)),
        RouteChange::Delete(foreign),
    ];
    let results = host.change_routes(&changes).unwrap();
    let made: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(made, [true, false, true, true]);
    let of = |protocol| RouteFilter {
        protocol: Some(protocol),
        ..RouteFilter::default()
    };
    assert_eq!(host.routes(&of(77)).unwrap(), [route(3)]);
    assert_eq!(host.routes(&of(3)).unwrap(), []);

    let neighbour = NeighbourSpec {
        index: vx.index,
        ip: [169, 254, 2, 1].into(),
        mac: MacAddr([2; 6]),
        protocol: 77,
    };
    host.add_neighbour(&neighbour).unwrap();
    assert!(host.add_neighbour(&neighbour).unwrap_err().is_exists());
    host.replace_neighbour(&neighbour).unwrap();
    let told = host.neighbours(Some(vx.index)).unwrap();
    assert!(told.len() == 1 && told[0].is(&neighbour));
    let delete = |host: &mut Recorder| host.delete_neighbour(vx.index, neighbour.ip).unwrap();
    assert!(delete(&mut host));
    assert!(!delete(&mut host));
    host.add_neighbour(&neighbour).unwrap();

    let hop = |id| Nexthop {
        id,
        gateway: [169, 254, 2, 1].into(),
        oif: vx.index,
        protocol: 77,
        onlink: true,
        encap: None,
    };
    for result in host.replace_nexthops(&[hop(1), hop(2), hop(1)]).unwrap() {
        result.unwrap();
    }
    assert_eq!(host.nexthops(Some(77)).unwrap(), [hop(2), hop(1)]);
    for (id, dst) in [(1, "10.2.0.0/26"), (2, "10.3.0.0/26")] {
        let route = Route {
            nexthop: Some(id),
            ..Route::to(ip(dst))
        };
        host.add_route(&route).unwrap();
    }
    let results = host.delete_nexthops(&[1, 1]).unwrap();
    let deleted: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(deleted, [true, false]);
    let left = host.routes(&of(Route::BOOT)).unwrap();
    assert!(left.len() == 1 && left[0].nexthop == Some(2));
    assert!(host.delete_link(vx.index).unwrap());
    assert_eq!(host.snapshot(), before);
}

#[test]
fn rules_are_asked_in_their_order() {
    let (mut host, mut container) = namespaces();
    let rule = |family, priority, protocol| Rule {
        protocol,
        ..Rule::new(family, priority, RuleAction::Lookup(7))
    };
    let (late, early) = (rule(Family::V4, 200, 77), rule(Family::V4, 100, 77));
    let (other, six) = (rule(Family::V4, 100, 78), rule(Family::V6, 1, 77));
    for rule in [&six, &late, &early, &other] {
        host.add_rule(rule).unwrap();
        assert!(host.add_rule(rule).unwrap_err().is_exists());
    }
    let listed = host.rules(None).unwrap();
    assert_eq!(listed, [early.clone(), other, late.clone(), six.clone()]);
    assert_eq!(host.rules(Some(77)).unwrap(), [early.clone(), late, six]);
    assert_eq!(container.rules(None).unwrap(), []);
    assert!(!container.delete_rule(&early).unwrap());
    assert!(host.delete_rule(&early).unwrap());
    assert!(!host.delete_rule(&early).unwrap());
    assert_eq!(host.rules(None).unwrap().len(), 3);
    let unsound = rule(Family::V4, 1, 0);
    let unsound = Rule {
        tun_id: Some(0),
        ..unsound
    };
    assert_eq!(
        host.add_rule(&unsound).unwrap_err().errno(),
        Some(Errno::EINVAL)
    );
    let calls = host.calls();
    assert_eq!(calls.last().unwrap().change, Change::AddRule(unsound));
}
