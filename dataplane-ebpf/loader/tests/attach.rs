//! Programs on links: `tc` as the witness, and packets.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::os::fd::AsFd;
use std::time::Duration;

use common::{Pair, config, handle};
use fairway_dataplane::abi::{Count, Direction, FlowKind, Reason};
use fairway_dataplane::{Dataplane, Hook, Options, Ran, detach};
use fairway_lab::{Ns, Value, poll};
use fairway_netlink::{Netlink, TrafficControl};
use nix::poll::{PollFd, PollFlags, PollTimeout};

/// The filters that `tc` shows at a link's hook, but for lines that only tell of a priority.
fn shown(ns: &Ns, link: &str, side: &str) -> Vec<Value> {
    let shown = ns
        .json(&format!("tc -j filter show dev {link} {side}"))
        .unwrap();
    let filters = shown.as_array().unwrap().iter();
    filters
        .filter(|filter| filter["options"]["handle"].is_string())
        .cloned()
        .collect()
}

fn counted(dataplane: &Dataplane, reason: Reason, direction: Direction) -> Count {
    let counters = dataplane.counters().unwrap();
    let found = counters
        .iter()
        .find(|c| (c.reason, c.direction) == (reason, direction));
    found.unwrap().count
}

fn pings(pair: &Pair, v6: bool) -> bool {
    let target = if v6 { "fd00::2" } else { "10.0.0.2" };
    let ping = pair.lab.node().command("ping").args(["-c1", "-W1", target]);
    ping.output().unwrap().status.success()
}

#[test]
fn one_filter_a_side_however_often() {
    let pair = Pair::new();
    let mut netlink = pair.handle();
    let (first, second) = (
        Dataplane::load(&Options::default()).unwrap(),
        Dataplane::load(&Options::default()).unwrap(),
    );
    let node = pair.lab.node();
    assert!(!first.is_attached(&mut netlink, pair.link).unwrap());
    for dataplane in [&first, &first, &second, &first, &second] {
        dataplane.attach(&mut netlink, pair.link).unwrap();
        for (side, hook) in [
            ("ingress", Hook::FromContainer),
            ("egress", Hook::ToContainer),
        ] {
            let filters = shown(node, "v", side);
            assert_eq!(filters.len(), 1, "{filters:?}");
            let options = &filters[0]["options"];
            assert_eq!(options["prog"]["id"], dataplane.program_id(hook).unwrap());
            assert_eq!(options["direct-action"], true);
        }
        for each in [&first, &second] {
            let same = std::ptr::eq(each, dataplane);
            assert_eq!(each.is_attached(&mut netlink, pair.link).unwrap(), same);
        }
    }
    // Somebody takes one away.
    node.run("tc filter del dev v egress").unwrap();
    assert!(!second.is_attached(&mut netlink, pair.link).unwrap());
    second.attach(&mut netlink, pair.link).unwrap();
    assert!(second.is_attached(&mut netlink, pair.link).unwrap());

    assert!(detach(&mut netlink, pair.link).unwrap());
    assert!(!detach(&mut netlink, pair.link).unwrap());
    let qdiscs = node.run("tc qdisc show dev v").unwrap();
    assert!(!qdiscs.contains("clsact"), "{qdiscs}");
    assert!(first.attach(&mut netlink, 999).is_err());
    assert!(!detach(&mut netlink, 999).unwrap());
    assert!(!first.is_attached(&mut netlink, 999).unwrap());
}

#[test]
fn a_link_with_programs_is_closed_until_it_is_opened() {
    let pair = Pair::new();
    let mut netlink = pair.handle();
    let mut dataplane = Dataplane::load(&Options::default()).unwrap();
    dataplane.set_config(&config(1)).unwrap();
    dataplane.attach(&mut netlink, pair.link).unwrap();
    pair.up();
    assert!(!pings(&pair, false) && !pings(&pair, true));
    assert!(counted(&dataplane, Reason::Closed, Direction::Ingress).packets > 0);
    pair.open(&mut dataplane, 1);
    assert!(pings(&pair, false) && pings(&pair, true));
    for direction in [Direction::Ingress, Direction::Egress] {
        let count = counted(&dataplane, Reason::Forwarded, direction);
        assert!(
            count.packets >= 2 && count.bytes > count.packets * 14,
            "{count:?}"
        );
    }
    dataplane.remove_endpoint(pair.link).unwrap();
    assert!(!pings(&pair, false));
    // Without the process that has loaded them the programs are still there.
    drop(dataplane);
    assert!(!pings(&pair, true));
    assert_eq!(shown(pair.lab.node(), "v", "ingress").len(), 1);
    detach(&mut netlink, pair.link).unwrap();
    assert!(pings(&pair, false));
}

#[test]
fn drops_are_told() {
    let pair = Pair::new();
    let mut netlink = pair.handle();
    let mut dataplane = Dataplane::load(&Options::default()).unwrap();
    let mut settings = config(1);
    settings.events = 1000;
    dataplane.set_config(&settings).unwrap();
    dataplane.attach(&mut netlink, pair.link).unwrap();
    let mut events = dataplane.take_events().unwrap();
    assert!(dataplane.take_events().is_none());
    assert!(events.next_event().is_none());
    pair.up();
    let _ = pings(&pair, false);
    let mut ready = [PollFd::new(events.as_fd(), PollFlags::POLLIN)];
    assert_eq!(
        nix::poll::poll(&mut ready, PollTimeout::from(5000_u16)),
        Ok(1)
    );
    let event = events.next_event().unwrap();
    assert_eq!(
        (event.link, event.kind),
        (pair.link, FlowKind::Dropped as u32)
    );
    assert_eq!(event.reason, Reason::Closed as u32);
    assert!(event.length >= 14, "{event:?}");
}

#[test]
fn a_macvlan_inside_the_container_has_them_too() {
    if !fairway_lab::require(fairway_lab::Feature::Macvlan).unwrap() {
        return;
    }
    let pair = Pair::new();
    pair.up();
    let inside = pair.lab.container().unwrap();
    let node = pair.lab.node();
    node.run("ip link add link v name mv type macvlan mode bridge")
        .unwrap();
    let path = inside.path();
    node.run(&format!("ip link set mv netns {}", path.display()))
        .unwrap();
    let mut netlink = handle(&inside);
    let index = netlink.link_by_name("mv").unwrap().unwrap().index;
    let mut dataplane = Dataplane::load(&Options::default()).unwrap();
    dataplane.set_config(&config(1)).unwrap();
    dataplane.attach(&mut netlink, index).unwrap();
    assert!(dataplane.is_attached(&mut netlink, index).unwrap());
    inside.up("mv").unwrap();
    // Its own neighbour discovery is enough of packets.
    poll(Duration::from_secs(10), "packets are counted", || {
        counted(&dataplane, Reason::Closed, Direction::Ingress).packets > 0
    })
    .unwrap();
    assert!(detach(&mut netlink, index).unwrap());
}

#[test]
fn the_overlays_device_has_one_program() {
    let pair = Pair::new();
    let node = pair.lab.node();
    node.run("ip link add vx type vxlan external dstport 4789")
        .unwrap();
    let mut netlink = pair.handle();
    let index = netlink.link_by_name("vx").unwrap().unwrap().index;
    let dataplane = Dataplane::load(&Options::default()).unwrap();
    assert!(!dataplane.is_attached_overlay(&mut netlink, index).unwrap());
    dataplane.attach_overlay(&mut netlink, index).unwrap();
    dataplane.attach_overlay(&mut netlink, index).unwrap();
    assert!(dataplane.is_attached_overlay(&mut netlink, index).unwrap());
    assert!(!dataplane.is_attached(&mut netlink, index).unwrap());
    assert_eq!(
        (
            shown(node, "vx", "ingress").len(),
            shown(node, "vx", "egress").len()
        ),
        (1, 0)
    );
    assert!(detach(&mut netlink, index).unwrap());
    assert!(!netlink.has_clsact(index).unwrap());
}

#[test]
fn a_made_up_packet_gets_its_verdict() {
    let pair = Pair::new();
    let mut dataplane = Dataplane::load(&Options::default()).unwrap();
    dataplane.set_config(&config(1)).unwrap();
    // ARP of the container: who has 10.0.0.1?
    let mut packet = vec![0xff; 6];
    packet.extend(pair.endpoint.mac);
    packet.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    packet.extend(pair.endpoint.mac);
    packet.extend([10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    packet.resize(60, 0);
    let run = |dataplane: &Dataplane, repeat| {
        let node = pair.lab.node();
        node.inside(|| dataplane.test_run(Hook::FromContainer, &packet, pair.link, repeat))
            .unwrap()
    };
    let ran = run(&dataplane, 1).unwrap();
    assert_eq!((ran.verdict, &ran.packet), (2, &packet));
    pair.open(&mut dataplane, 1);
    let ran = run(&dataplane, 100).unwrap();
    assert_eq!(ran.verdict, Ran::NEXT);
    assert!(ran.duration > Duration::ZERO && ran.duration < Duration::from_millis(20));
    assert_eq!(
        counted(&dataplane, Reason::Closed, Direction::Egress).packets,
        1
    );
    assert_eq!(
        counted(&dataplane, Reason::Forwarded, Direction::Egress).packets,
        100
    );
    // No such link in the caller's namespace.
    let none = pair
        .container
        .inside(|| dataplane.test_run(Hook::FromContainer, &packet, 999, 1));
    assert!(none.unwrap().is_err());
}

#[test]
fn each_part_can_go_to_its_thread() {
    fn goes<T: Send + 'static>() {}
    goes::<Dataplane>();
    goes::<fairway_dataplane::Events>();
}
