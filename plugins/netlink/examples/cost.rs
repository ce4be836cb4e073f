//! What each operation costs: a container is attached to a bridge as a plugin
//! does it, in a namespace of the process's own, ROUNDS times (default 1, as in a
//! plugin's short life), beside PORTS other ports (default 0). Prints the median
//! time of each step in microseconds.
//!
//! `cargo run --release -p fairway-netlink --example cost -- [ROUNDS [PORTS]]`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement for developers"
)]

use std::os::fd::AsFd;
use std::time::Instant;

use fairway_netlink::{
    AddressSpec, BridgePort, BridgeSpec, Family, Handle, LinkChange, MacAddr, NetNs, Netlink,
    Route, RouteFilter, VethPeer, VethSpec,
};
use nix::sched::{CloneFlags, unshare};

#[derive(Default)]
struct Clock {
    steps: Vec<(&'static str, Vec<f64>)>,
}

impl Clock {
    fn time<R>(&mut self, step: &'static str, run: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = run();
        let took = start.elapsed().as_secs_f64() * 1e6;
        match self.steps.iter_mut().find(|(known, _)| *known == step) {
            Some((_, times)) => times.push(took),
            None => self.steps.push((step, vec![took])),
        }
        result
    }

    fn print(&mut self) {
        for (step, times) in &mut self.steps {
            times.sort_by(f64::total_cmp);
            println!("{:9.1} µs  {step}", times[times.len() / 2]);
        }
    }
}

fn new_netns() -> NetNs {
    std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        NetNs::current().unwrap()
    })
    .join()
    .unwrap()
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().unwrap());
    let rounds: usize = numbers.next().unwrap_or(1);
    let ports: usize = numbers.next().unwrap_or(0);
    unshare(CloneFlags::CLONE_NEWNET).expect("needs root");
    let mut clock = Clock::default();
    for round in 0..rounds {
        attach(&mut clock, round, ports);
    }
    clock.print();
}

fn attach(clock: &mut Clock, round: usize, ports: usize) {
    let container = new_netns();
    let path = format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&container.as_fd())
    );
    let up = LinkChange {
        up: Some(true),
        ..LinkChange::default()
    };
    let container = clock.time("open namespace", || NetNs::open(path).unwrap());
    let mut host = clock.time("open handle", || Handle::open().unwrap());
    let bridge = |host: &mut Handle| host.link_by_name("br0").unwrap();
    if round == 0 {
        let spec = BridgeSpec {
            name: "br0".into(),
            up: true,
            ..BridgeSpec::default()
        };
        clock.time("create bridge, up", || host.create_bridge(&spec).unwrap());
        let master = bridge(&mut host).map(|bridge| bridge.index);
        for port in 0..ports {
            let spec = VethSpec {
                name: format!("port{port}"),
                master,
                peer: VethPeer {
                    name: format!("peer{port}"),
                    ..VethPeer::default()
                },
                ..VethSpec::default()
            };
            host.create_veth(&spec).unwrap();
        }
    }
    let master = clock.time("get bridge by name", || bridge(&mut host).unwrap());
    let spec = VethSpec {
        name: "veth0".into(),
        master: Some(master.index),
        up: true,
        peer: VethPeer {
            name: "eth0".into(),
            mac: Some(MacAddr([2, 0, 0, 0, 0, 7])),
            netns: Some(container.as_fd()),
            ..VethPeer::default()
        },
        ..VethSpec::default()
    };
    clock.time("create veth, master, up, peer in netns", || {
        host.create_veth(&spec).unwrap();
    });
    let near = clock.time("get veth by name", || host.link_by_name("veth0").unwrap());
    let near = near.unwrap();
    let port = BridgePort {
        hairpin: Some(true),
        isolated: None,
    };
    clock.time("set bridge port", || {
        host.set_bridge_port(near.index, &port).unwrap();
    });
    let mut inside = clock.time("open handle in netns", || {
        Handle::open_in(&container).unwrap()
    });
    let far = clock.time("get eth0 by name", || inside.link_by_name("eth0").unwrap());
    let far = far.unwrap().index;
    for (step, address, family, gateway) in [
        ("add IPv4 address", "10.1.0.2/16", Family::V4, "10.1.0.1"),
        ("add IPv6 address", "fd00::2/64", Family::V6, "fd00::1"),
    ] {
        let spec = AddressSpec {
            nodad: true,
            ..AddressSpec::new(address.parse().unwrap())
        };
        clock.time(step, || inside.add_address(far, &spec).unwrap());
        if family == Family::V4 {
            clock.time("set eth0 up", || inside.change_link(far, &up).unwrap());
        }
        let route = Route {
            gateway: gateway.parse().ok(),
            oif: Some(far),
            ..Route::to(family.all())
        };
        clock.time("add default route", || inside.add_route(&route).unwrap());
    }
    clock.time("list addresses of eth0", || {
        inside.addresses(Some(far)).unwrap()
    });
    clock.time("list routes", || {
        inside.routes(&RouteFilter::default()).unwrap()
    });
    clock.time("list links of the host", || host.links().unwrap());
    clock.time("list VLANs of the port", || {
        host.port_vlans(near.index).unwrap()
    });
    clock.time("delete veth", || host.delete_link(near.index).unwrap());
}
