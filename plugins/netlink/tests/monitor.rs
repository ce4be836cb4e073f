//! What the monitor tells of changes that `ip` makes.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{in_new_netns, link, new_netns, run};
use fairway_netlink::{
    Event, Family, Handle, MacAddr, Monitor, Netlink, Route, RouteChange, RouteFilter, retry,
};

const OURS: u8 = 77;

/// The first event that is wanted, within ten seconds.
fn wait<R>(monitor: &mut Monitor, mut wanted: impl FnMut(Event) -> Option<R>) -> R {
    let mut seen = Vec::new();
    let attempt = || {
        while let Some(event) = monitor.try_next()? {
            seen.push(event.clone());
            if let Some(found) = wanted(event) {
                return Ok(Some(found));
            }
        }
        Ok::<_, fairway_netlink::Error>(None)
    };
    let found = retry::until(Duration::from_secs(10), attempt).unwrap();
    found.unwrap_or_else(|| panic!("not told; what was told: {seen:#?}"))
}

fn drain(monitor: &mut Monitor) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = monitor.try_next().unwrap() {
        events.push(event);
    }
    events
}

#[test]
fn each_sort_of_change_is_told() {
    in_new_netns(|| {
        let mut monitor = Monitor::open().unwrap();
        assert_eq!(monitor.try_next().unwrap(), None);
        run("ip link add br0 type bridge");
        let index = wait(&mut monitor, |event| match event {
            Event::LinkChanged(link) if link.name == "br0" && link.is_bridge() => Some(link.index),
            _ => None,
        });
        run("ip link set br0 up mtu 1400");
        wait(&mut monitor, |event| match event {
            Event::LinkChanged(link) => (link.up && link.mtu == 1400).then_some(()),
            _ => None,
        });
        for (ip, dst, via) in [
            ("10.0.0.1/24", "10.1.0.0/16", "10.0.0.2"),
            ("fd00::1/64", "fd01::/64", "fd00::2"),
        ] {
            run(&format!("ip address add {ip} dev br0 nodad"));
            let told = wait(&mut monitor, |event| match event {
                Event::AddressChanged(address) if address.ip.to_string() == ip => Some(address),
                _ => None,
            });
            assert_eq!(told.index, index);
            run(&format!("ip route add {dst} via {via} protocol 77"));
            let ours =
                |routes: &[Route]| routes[0].dst.to_string() == dst && routes[0].oif == Some(index);
            let told = wait(&mut monitor, |event| match event {
                Event::RouteChanged { routes, replaced } if ours(&routes) => {
                    assert!(!replaced);
                    Some(routes)
                }
                _ => None,
            });
            assert_eq!(told[0].protocol, OURS);
            run(&format!(
                "ip route replace {dst} via {via} protocol 77 mtu 1300"
            ));
            wait(&mut monitor, |event| match event {
                Event::RouteChanged { routes, replaced } if ours(&routes) => {
                    assert!(replaced && routes[0].mtu == Some(1300));
                    Some(())
                }
                _ => None,
            });
            run(&format!("ip route del {dst}"));
            wait(&mut monitor, |event| match event {
                Event::RouteGone(routes) => ours(&routes).then_some(()),
                _ => None,
            });
            let mac = MacAddr([2, 0, 0, 0, 0, 9]);
            run(&format!("ip neigh add {via} lladdr {mac} dev br0"));
            let told = wait(&mut monitor, |event| match event {
                Event::NeighbourChanged(told) => (told.ip.to_string() == via).then_some(told),
                _ => None,
            });
            assert_eq!((told.index, told.mac), (index, Some(mac)));
            run(&format!("ip neigh del {via} dev br0"));
            wait(&mut monitor, |event| match event {
                Event::NeighbourGone(told) => (told.ip.to_string() == via).then_some(()),
                _ => None,
            });
            run(&format!("ip address del {ip} dev br0"));
            wait(&mut monitor, |event| match event {
                Event::AddressGone(address) => (address.ip.to_string() == ip).then_some(()),
                _ => None,
            });
        }
        run("ip link del br0");
        wait(&mut monitor, |event| match event {
            Event::LinkGone(link) => (link.index == index).then_some(()),
            _ => None,
        });
    });
}

#[test]
fn a_port_that_leaves_its_bridge_is_not_gone() {
    in_new_netns(|| {
        run("ip link add br0 type bridge");
        run("ip link add port0 type veth peer name peer0");
        run("ip link set port0 master br0");
        let mut monitor = Monitor::open().unwrap();
        run("ip link set port0 nomaster");
        run("ip link set br0 up");
        wait(&mut monitor, |event| match event {
            Event::LinkChanged(link) => (link.name == "br0" && link.up).then_some(()),
            Event::LinkGone(link) => panic!("{link:?} is there"),
            _ => None,
        });
        // One that leaves the namespace is.
        let other = new_netns();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&other));
        run(&format!(
            "ip link set port0 netns /proc/{}/fd/{fd}",
            std::process::id()
        ));
        wait(&mut monitor, |event| match event {
            Event::LinkGone(link) => (link.name == "port0").then_some(()),
            _ => None,
        });
    });
}

#[test]
fn ipv4_routes_go_in_silence_with_their_link() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        run("ip link add br0 type bridge");
        run("ip link set br0 up");
        run("ip route add 10.1.0.0/16 dev br0");
        let index = link(&mut handle, "br0").index;
        let mut monitor = Monitor::open().unwrap();
        assert!(handle.delete_link(index).unwrap());
        let events = drain(&mut monitor);
        let gone = |event: &Event| matches!(event, Event::LinkGone(link) if link.index == index);
        assert!(events.iter().any(gone), "{events:?}");
        let of_v4 = |event: &&Event| match event {
            Event::RouteGone(routes) => routes[0].dst.is_ipv4() && routes[0].table == Route::MAIN,
            _ => false,
        };
        let told = events.iter().find(of_v4);
        assert_eq!(told, None, "the documentation says otherwise");
        assert_eq!(handle.routes(&RouteFilter::default()).unwrap(), []);
    });
}

fn route(n: u32, oif: u32) -> Route {
    Route {
        oif: Some(oif),
        protocol: OURS,
        priority: Some(100),
        ..Route::to(
            format!("10.{}.{}.0/26", n >> 8 & 255, n & 255)
                .parse()
                .unwrap(),
        )
    }
}

#[test]
fn too_much_calls_for_a_list_and_is_told_once() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        run("ip link add br0 type bridge");
        run("ip link set br0 up");
        let br0 = link(&mut handle, "br0").index;
        let mut monitor = Monitor::open().unwrap();
        monitor.reserve(16 * 1024);
        let changes: Vec<_> = (0..1000).map(|n| RouteChange::Add(route(n, br0))).collect();
        let results = handle.change_routes(&changes).unwrap();
        assert!(results.iter().all(Result::is_ok));
        let events = drain(&mut monitor);
        assert!(events.len() < 1000);
        assert!(events.contains(&Event::ListAnew));
        // From here on it is whole again.
        handle.delete_route(&route(0, br0)).unwrap();
        let events = drain(&mut monitor);
        assert!(matches!(events[..], [Event::RouteGone(_)]), "{events:?}");
    });
}

/// What a follower knows of our routes, by destination.
#[derive(Debug, Default, PartialEq)]
struct Known(BTreeMap<String, Route>);

impl Known {
    fn listed(handle: &mut Handle) -> Self {
        let filter = RouteFilter {
            family: Some(Family::V4),
            protocol: Some(OURS),
            ..RouteFilter::default()
        };
        let told = handle.routes(&filter).unwrap().into_iter();
        Self(told.map(|route| (route.dst.to_string(), route)).collect())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::RouteChanged { routes, .. } => {
                let ours = routes.into_iter().filter(|route| route.protocol == OURS);
                self.0
                    .extend(ours.map(|route| (route.dst.to_string(), route)));
            }
            Event::RouteGone(routes) => {
                for route in routes.iter().filter(|route| route.protocol == OURS) {
                    self.0.remove(&route.dst.to_string());
                }
            }
            Event::ListAnew => panic!("an overrun of so few"),
            _ => {}
        }
    }
}

#[test]
fn a_list_and_what_follows_leave_no_gap() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        run("ip link add br0 type bridge");
        run("ip link set br0 up");
        let br0 = link(&mut handle, "br0").index;
        // Somebody changes routes all the while.
        let mut other = Handle::open().unwrap();
        let busy = std::thread::spawn(move || {
            for round in 0..40 {
                let changes: Vec<_> = (0..50)
                    .map(|n| (n * 7 + round * 13) % 120)
                    .map(|n| match (n + round) % 3 {
                        0 => RouteChange::Delete(route(n, br0)),
                        _ => RouteChange::Replace(Route {
                            mtu: Some(1300 + round),
                            ..route(n, br0)
                        }),
                    })
                    .collect();
                for result in other.change_routes(&changes).unwrap() {
                    result.unwrap();
                }
            }
        });
        let mut followers = Vec::new();
        // A few of them, begun at different moments.
        loop {
            let monitor = Monitor::open().unwrap();
            followers.push((monitor, Known::listed(&mut handle)));
            if busy.is_finished() || followers.len() == 50 {
                break;
            }
        }
        busy.join().unwrap();
        let truth = Known::listed(&mut handle);
        assert!(!truth.0.is_empty());
        for (mut monitor, mut known) in followers {
            for event in drain(&mut monitor) {
                known.apply(event);
            }
            assert_eq!(known, truth);
        }
    });
}
