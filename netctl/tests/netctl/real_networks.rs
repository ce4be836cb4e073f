//! Networks and routes against the daemon itself, in a network namespace of its own.

use crate::real::{LIMIT, Real};
use fairway_lab::{Ns, poll};
use serde_json::json;
use std::{fs, os::unix::fs::MetadataExt};

#[test]
fn every_verb_of_networks_is_understood_by_the_daemon() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("\nSKIP every_verb_of_networks_is_understood_by_the_daemon: needs root");
        return;
    }
    let ns = Ns::new("n1").unwrap();
    ns.up("lo").unwrap();
    ns.run("ip link add under0 type veth peer name far0")
        .unwrap();
    ns.addr("under0", "192.0.2.1/24").unwrap();
    for link in ["under0", "far0"] {
        ns.up(link).unwrap();
    }
    let node = ns.clone();
    ns.inside(|| {
        let real = Real::start();
        assert_eq!(real.does("network-ls", "network ls"), json!([]));
        assert_eq!(real.does("endpoint-ls", "endpoint ls"), json!([]));
        assert_eq!(real.does("route-ls", "route ls"), json!([]));
        assert_eq!(real.does("bgp-routes", "bgp routes"), json!([]));
        traffic(&real, &node);
        networks(&real);
        routes(&real);
        gone(&real);
    })
    .unwrap();
}

/// A container whose link is of ours is there, and what it sends is counted on its own end.
fn traffic(real: &Real, node: &Ns) {
    let container = Ns::new("c1").unwrap();
    let names = ["fw00000001", "eth0"];
    node.run("ip link add fw00000001 type veth peer name eth0")
        .unwrap();
    node.run("ip link set fw00000001 alias fairway:cni/c1/eth0")
        .unwrap();
    let netns = container.path();
    node.run(&format!("ip link set eth0 netns {}", netns.display()))
        .unwrap();
    for (ns, link, end) in [(node, names[0], 1), (&container, names[1], 2)] {
        ns.addr(link, &format!("198.51.100.{end}/24")).unwrap();
        ns.up(link).unwrap();
    }
    let before = real.does_once("top", "top");
    let ping = "ping -n -q -c 50 -i 0.002 -s 1000 198.51.100.1";
    let pinging = container
        .command("sh")
        .args(["-c", &format!("while {ping}; do :; done")]);
    let pinging = pinging.spawn().unwrap();
    let top = poll(LIMIT, "its traffic", || {
        let top = real.does_once("top", "top");
        let sent = top["containers"][0]["sent"]["bytes"].as_u64().unwrap();
        (sent > 50_000).then_some(top)
    });
    drop(pinging);
    let (before, after) = (&before["containers"][0], &top.unwrap()["containers"][0]);
    // What a link says when it comes up is little.
    assert!(
        before["sent"]["bytes"].as_u64().unwrap() < 10_000,
        "{before}"
    );
    assert_eq!(
        (&after["container"], &after["ifname"], &after["link"]),
        (&json!("c1"), &json!("eth0"), &json!(names[0]))
    );
    assert!(
        after["received"]["bytes"].as_u64().unwrap() > 50_000,
        "{after}"
    );
    node.run("ip link del fw00000001").unwrap();
}

fn networks(real: &Real) {
    let line =
        "pool create web --cidr 10.91.0.0/16,fd91::/64 --encap cross-subnet --masquerade off";
    let web = real.does_once("pool", line);
    assert_eq!(
        (&web["encap"], &web["masquerade"], web.get("network")),
        (&json!("cross-subnet"), &json!(false), None)
    );
    real.does_once("pool", "pool create db --cidr 10.92.0.0/16");
    let set = real.does("pool", "pool set db --encap never --masquerade on");
    assert_eq!(
        (&set["encap"], &set["masquerade"]),
        (&json!("never"), &json!(true))
    );
    let shared = real.does_once("network", "network create shared --pool db --vni 5000");
    assert_eq!(shared["vni"], 5000);
    let blue = real.does_once("network", "network create blue --pool web --import shared");
    assert_eq!(
        (&blue["vni"], &blue["imports"], &blue["pools"]),
        (&json!(4096), &json!(["shared"]), &json!(["web"]))
    );
    for (line, says) in [
        (
            "network create blue --pool web",
            "network blue exists already",
        ),
        (
            "network create red --pool web",
            "pool web is in network blue",
        ),
        ("network create red --pool none", "pool none does not exist"),
        (
            "network create red --pool web --vni 0",
            "vni: 0 is out of range",
        ),
        (
            "network create red --pool web --vni 5000",
            "that of network shared",
        ),
        ("network create Red --pool web", "\"Red\""),
        ("network set blue --import blue", "would import itself"),
        (
            "network set none --import blue",
            "network none does not exist",
        ),
        ("network rm none", "network none does not exist"),
        ("pool rm web", "--remove-pool web"),
        ("route ls --network none", "no network none"),
        ("route why 192.0.2.77", "name the network whose table"),
    ] {
        real.refuses(line, says);
    }
    let change = "network set blue --unimport shared";
    assert_eq!(real.does("network", change)["imports"], json!([]));
    real.does("network", "network set blue --import shared");
    let rows = real.does("network-ls", "network ls");
    assert_eq!(
        (&rows[0]["name"], &rows[1]["name"], rows[0].get("problems")),
        (&json!("blue"), &json!("shared"), None)
    );
    let pools = real.does("pool-ls", "pool ls");
    assert_eq!(
        (&pools[0]["network"], &pools[1]["network"]),
        (&json!("shared"), &json!("blue"))
    );
}

fn routes(real: &Real) {
    // What the store has is known to the routes a moment later.
    let known =
        |line: &str| poll(LIMIT, "the routes' news", || real.run(line).status == 0).unwrap();
    known("route why 10.91.0.5");
    let why = real.does("route-why", "route why 10.91.0.5");
    assert_eq!(
        (&why["network"], &why["address"]),
        (&json!("blue"), &json!("10.91.0.5"))
    );
    let why = real.does("route-why", "route why fd91::5 --network shared");
    assert_eq!(why["network"], "shared");
    real.does("route-ls", "route ls --network blue");
    let none = real.run("endpoint show 8d4f");
    assert_eq!(none.status, 1, "{none:?}");
    let underlay = || {
        let nodes = real.does_once("node-ls", "node ls");
        nodes[0]["underlay"] == json!(["192.0.2.1/24"]) && nodes[0]["mtu"] == 1500
    };
    poll(LIMIT, "the node's underlay", underlay).unwrap();
    // Whether policies can be enforced is the machine's affair.
    let settled = || {
        let status = real.does_once("status", "status");
        let problems = status["problems"].as_array().into_iter().flatten();
        let others = problems.filter(|problem| {
            let text = problem.as_str().unwrap();
            !text.starts_with("policies are not enforced on this node: ")
        });
        others.count() == 0
    };
    poll(LIMIT, "a status without problems of routes", settled).unwrap();
}

fn gone(real: &Real) {
    for (line, says) in [
        ("network rm blue", "network blue is gone; its pools stay\n"),
        ("network rm shared --force -o json", "{}\n"),
    ] {
        let ran = real.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (0, says), "{ran:?}");
    }
    assert_eq!(real.does("network-ls", "network ls"), json!([]));
    real.does_once("pool", "pool rm web");
}
