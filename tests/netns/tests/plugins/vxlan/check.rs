//! CHECK: each thing that can go wrong is found and named.

use super::{bed, conf};
use fairway_tests_netns::{Result, json};

/// By a script in the container (`c`) or on the node (`n`), in which `PORT` is the host's end; CHECK names it.
const BREAKAGES: &[(char, &str, &str)] = &[
    ('c', "ip addr del 10.1.0.2/32 dev eth0", "10.1.0.2/32"),
    ('c', "ip addr del fd00:1::2/128 dev eth0", "fd00:1::2/128"),
    ('c', "ip link set eth0 name eth9", "eth0"),
    (
        'c',
        "ip link set eth0 address 02:00:00:00:00:01",
        "hardware address",
    ),
    ('c', "ip link del eth0", "eth0"),
    ('c', "ip link set eth0 down", "eth0"),
    ('c', "ip route del default", "0.0.0.0/0"),
    ('c', "ip -6 route del default", "::/0"),
    (
        'c',
        "ip route replace default via 169.254.1.9 dev eth0 onlink",
        "0.0.0.0/0 via 169.254.1.1",
    ),
    (
        'c',
        "ip neigh del 169.254.1.1 dev eth0",
        "neighbour 169.254.1.1",
    ),
    ('c', "ip neigh del fe80::1 dev eth0", "neighbour fe80::1"),
    (
        'c',
        "ip neigh replace 169.254.1.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
        "neighbour 169.254.1.1",
    ),
    (
        'c',
        "ip neigh replace fe80::1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud stale",
        "neighbour fe80::1",
    ),
    ('n', "ip link del PORT", "eth0"),
    ('n', "ip link set PORT alias other", "eth0"),
    ('n', "ip link set PORT down", "down"),
    ('n', "ip addr del 169.254.1.1/32 dev PORT", "169.254.1.1/32"),
    ('n', "ip addr del fe80::1/64 dev PORT", "fe80::1/64"),
    ('n', "ip neigh del 10.1.0.2 dev PORT", "neighbour 10.1.0.2"),
    (
        'n',
        "ip neigh del fd00:1::2 dev PORT",
        "neighbour fd00:1::2",
    ),
];

#[test]
fn check_finds_what_is_wrong() -> Result {
    let bed = bed()?;
    let conf = conf(&bed, json!({}));
    for (place, script, word) in BREAKAGES {
        let a = bed.add("a", &conf)?;
        a.check()?;
        match place {
            'c' => a.ns.sh(script)?,
            _ => bed.node().sh(&script.replace("PORT", &a.host_link()))?,
        };
        a.check_finds(word)?;
        a.del()?;
    }
    // The last word is the daemon's.
    let a = bed.add("a", &conf)?;
    bed.daemon(|daemon| daemon.refuses("endpoint.ready", 100));
    a.check_finds("endpoint.ready")?;
    bed.daemon(|daemon| daemon.refuses("ipam.check", 100));
    a.check_finds("ipam.check")?;
    bed.daemon(|daemon| daemon.refuses("ipam.check", 0));
    // What was added beside it is nobody's business.
    a.ns.sh("ip addr add 10.9.9.9/32 dev eth0; ip route add 198.51.100.0/24 via 169.254.1.1")?;
    a.check()
}
