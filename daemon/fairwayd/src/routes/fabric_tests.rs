use super::*;

fn net(name: &str) -> NetworkName {
    NetworkName::new(name).unwrap()
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn places(all: &[(&str, &[&str])]) -> BTreeMap<NetworkName, Vec<Cidr>> {
    let all = all.iter();
    all.map(|(name, pools)| (net(name), pools.iter().map(|pool| cidr(pool)).collect()))
        .collect()
}

fn way(peer: &str) -> Way {
    Way {
        peer: peer.parse().unwrap(),
        next_hops: vec![peer.parse().unwrap()],
        path: Path {
            preference: 100,
            as_path_len: 1,
            med: 0,
        },
    }
}

/// All are on the link.
fn on_link(next_hop: IpAddr) -> Vec<Gateway> {
    Gateway::new(next_hop, None).into_iter().collect()
}

fn learned(prefix: &str, peer: Option<&str>) -> Vec<Learned> {
    vec![Learned {
        prefix: cidr(prefix),
        way: peer.map(way),
    }]
}

/// Networks and prefixes, a - in front where they are withdrawn and a ? behind those that count beside others only.
fn told(inputs: Vec<Input>) -> Vec<String> {
    let one = |input| match input {
        Input::Route(Route::Bgp(route)) => {
            let mark = if route.beside { "?" } else { "" };
            format!("{} {} {}{mark}", route.network, route.prefix, route.peer)
        }
        Input::Withdraw(Key::Bgp(network, prefix, peer)) => format!("-{network} {prefix} {peer}"),
        other => format!("{other:?}"),
    };
    inputs.into_iter().map(one).collect()
}

#[test]
fn each_network_has_it_and_what_is_gone_is_taken_back() {
    let mut fabric = Fabric::default();
    assert_eq!(
        told(fabric.learn(learned("203.0.113.0/24", Some("192.0.2.8")), &on_link)),
        [""; 0]
    );
    let two = places(&[("a", &["10.1.0.0/16"]), ("b", &["10.2.0.0/16"])]);
    let both = ["a 203.0.113.0/24 192.0.2.8", "b 203.0.113.0/24 192.0.2.8"];
    assert_eq!(told(fabric.place(two.clone())), both);
    assert_eq!(told(fabric.place(two.clone())), [""; 0]);
    assert_eq!(
        told(fabric.learn(learned("203.0.113.0/24", Some("192.0.2.8")), &on_link)),
        [""; 0]
    );
    // Another neighbour's is another route.
    let other = told(fabric.learn(learned("203.0.113.0/24", Some("192.0.2.9")), &on_link));
    let all = [
        "-a 203.0.113.0/24 192.0.2.8",
        "-b 203.0.113.0/24 192.0.2.8",
        "a 203.0.113.0/24 192.0.2.9",
        "b 203.0.113.0/24 192.0.2.9",
    ];
    assert_eq!(other, all);
    let one = places(&[("a", &["10.1.0.0/16"])]);
    assert_eq!(told(fabric.place(one)), ["-b 203.0.113.0/24 192.0.2.9"]);
    assert_eq!(told(fabric.forget()), ["-a 203.0.113.0/24 192.0.2.9"]);
    assert_eq!(told(fabric.place(two)), [""; 0]);
}

#[test]
fn within_pools_a_neighbour_has_no_word() {
    let mut fabric = Fabric::default();
    fabric.place(places(&[("a", &["10.1.0.0/16"]), ("b", &["10.2.0.0/16"])]));
    let mut learn = |prefix| told(fabric.learn(learned(prefix, Some("192.0.2.8")), &on_link));
    assert_eq!(learn("10.1.0.0/16"), ["a 10.1.0.0/16 192.0.2.8?"]);
    assert_eq!(learn("10.2.3.4/32"), ["b 10.2.3.4/32 192.0.2.8?"]);
    // What is around a pool does not lie in it.
    let around = ["a 10.0.0.0/8 192.0.2.8", "b 10.0.0.0/8 192.0.2.8"];
    assert_eq!(learn("10.0.0.0/8"), around);
    assert_eq!(learn("0.0.0.0/0").len(), 2);
    // Nobody routes that.
    assert_eq!(learn("127.0.0.0/8"), [""; 0]);
    // A pool that comes later.
    let later = fabric.place(places(&[("a", &["10.1.0.0/16", "10.0.0.0/8"])]));
    assert!(told(later).contains(&"a 10.0.0.0/8 192.0.2.8?".to_owned()));
}

#[test]
fn a_route_goes_by_what_its_next_hop_is_reached_by_now() {
    let mut fabric = Fabric::default();
    fabric.place(places(&[("a", &["10.1.0.0/16"])]));
    let by = |text: &'static str| move |_: IpAddr| on_link(text.parse().unwrap());
    let gateways = |inputs: Vec<Input>| -> Vec<String> {
        let one = |input| match input {
            Input::Route(Route::Bgp(route)) => {
                format!("{} by {}", route.next_hops[0], route.gateways)
            }
            other => told(vec![other]).concat(),
        };
        inputs.into_iter().map(one).collect()
    };
    let far = || learned("203.0.113.0/24", Some("198.51.100.8"));
    let first = gateways(fabric.learn(far(), &by("192.0.2.1")));
    assert_eq!(first, ["198.51.100.8 by 192.0.2.1"]);
    assert_eq!(gateways(fabric.reach(&by("192.0.2.1"))), [""; 0]);
    let other = gateways(fabric.reach(&by("192.0.2.2")));
    assert_eq!(other, ["198.51.100.8 by 192.0.2.2"]);
    let none = |_: IpAddr| Vec::new();
    let gone = "-a 203.0.113.0/24 198.51.100.8";
    assert_eq!(gateways(fabric.reach(&none)), [gone]);
    // What is told while it is not reached waits.
    assert_eq!(gateways(fabric.learn(far(), &none)), [""; 0]);
    let back = gateways(fabric.reach(&by("192.0.2.1")));
    assert_eq!(back, ["198.51.100.8 by 192.0.2.1"]);
}

#[test]
fn of_several_paths_those_are_used_whose_next_hops_are_reached() {
    let mut fabric = Fabric::default();
    fabric.place(places(&[("a", &["10.1.0.0/16"])]));
    let hops = ["192.0.2.8", "192.0.2.9", "198.51.100.9"].map(|text| text.parse().unwrap());
    let way = Way {
        next_hops: hops.to_vec(),
        ..way("192.0.2.8")
    };
    let learned = |way: &Way| {
        vec![Learned {
            prefix: cidr("203.0.113.0/24"),
            way: Some(way.clone()),
        }]
    };
    let gateways = |inputs: Vec<Input>| match &inputs[..] {
        [Input::Route(Route::Bgp(route))] => {
            format!("{} by {}", route.next_hops.len(), route.gateways)
        }
        other => format!("{other:?}"),
    };
    // The third is behind two routers, one of which is a next hop itself.
    let behind = |to: IpAddr| match to == hops[2] {
        true => [hops[1], "192.0.2.7".parse().unwrap()]
            .into_iter()
            .flat_map(on_link)
            .collect(),
        false => on_link(to),
    };
    let all = gateways(fabric.learn(learned(&way), &behind));
    assert_eq!(all, "3 by 192.0.2.7, 192.0.2.8, 192.0.2.9");
    let first = |to: IpAddr| match to == hops[0] {
        true => on_link(to),
        false => Vec::new(),
    };
    assert_eq!(gateways(fabric.reach(&first)), "1 by 192.0.2.8");
    // One that goes away leaves the others.
    fabric.reach(&behind);
    let fewer = Way {
        next_hops: hops[1..].to_vec(),
        ..way.clone()
    };
    let left = gateways(fabric.learn(learned(&fewer), &behind));
    assert_eq!(left, "2 by 192.0.2.7, 192.0.2.9");
}
