//! SIGKILL at every step, for every plugin: the release binary, unmodified, under `strace`.
//!
//! A runtime kills a plugin that takes too long, the OOM killer takes whom it likes, and a node that
//! loses power stops anywhere. What must hold: after an ADD that was killed anywhere a DEL makes the state
//! what it was before; an ADD without that DEL corrupts nothing; a DEL that was killed is finished by the
//! next, and so is a GC. "State" is links, addresses, routes, ports, rules and address files of node and
//! container, looked at after each kill, and all the kernel's settings besides once at the end of each test.
//!
//! The bridge, the base chains and forwarding are the node's: a resident container has them made before,
//! and must come through unharmed. `first` is the other case: the killed one was the first on the node.

mod first;
mod legacy;
mod rounds;

use fairway_tests_netns::{Bed, Families, Result, Value, json};
use rounds::{Ends, adds, dels, gcs};

/// Everything that a bridge's ADD can be asked for.
fn everything(bed: &Bed, backend: &str) -> Value {
    bed.conf(
        "bridge",
        json!({"isDefaultGateway": true, "ipMasq": true, "ipMasqBackend": backend, "macspoofchk": true,
               "hairpinMode": true, "portIsolation": true, "mtu": 1400}),
    )
}

fn bridge_nftables(bed: &Bed) -> Value {
    everything(bed, "nftables")
}

fn bridge_iptables(bed: &Bed) -> Value {
    everything(bed, "iptables")
}

fn bridge_plain(bed: &Bed) -> Value {
    bed.conf("bridge", json!({"ipam": bed.ipam(Families::V4)}))
}

fn bridge_static(bed: &Bed) -> Value {
    // Two containers cannot have one address: the resident is given another by its CNI_ARGS.
    let addresses = json!([{"address": "10.1.0.9/24"}, {"address": "fd00:1::9/64"}]);
    let ipam = json!({"type": "static", "addresses": addresses});
    bed.conf("bridge", json!({"isGateway": true, "ipam": ipam}))
}

fn ptp_nftables(bed: &Bed) -> Value {
    bed.conf("ptp", json!({"ipMasq": true, "ipMasqBackend": "nftables"}))
}

fn ptp_iptables(bed: &Bed) -> Value {
    bed.conf("ptp", json!({"ipMasq": true, "ipMasqBackend": "iptables"}))
}

fn ptp_limited(bed: &Bed) -> Value {
    let rates = json!({"ingressRate": 20_000_000, "egressRate": 10_000_000});
    bed.conf(
        "ptp",
        json!({"bandwidth": rates, "ipam": bed.ipam(Families::V4)}),
    )
}

/// With what stands for the daemon, which is not killed: that it may be is its own tests' matter.
fn vxlan(bed: &Bed) -> Value {
    bed.start_daemon().expect("the daemon's socket");
    bed.conf("vxlan", json!({}))
}

/// The node's `up0`, which is there before.
fn wired(bed: &Bed) {
    let there = bed.node().run("ip link show up0").is_ok();
    let laid = there || bed.node().sh("ip link add up0 type veth peer name far; ip link set up0 addrgenmode none up; ip link set far addrgenmode none up").is_ok();
    assert!(laid, "a wire");
}

fn macvlan(bed: &Bed) -> Value {
    wired(bed);
    // Duplicate address detection would have each of a hundred containers wait for two seconds.
    let ipam = bed.ipam(Families::V4);
    bed.conf(
        "macvlan",
        json!({"master": "up0", "mtu": 1400, "ipam": ipam}),
    )
}

fn tap(bed: &Bed) -> Value {
    bed.conf("tap", json!({"mtu": 1400, "mac": "c2:11:22:33:44:55"}))
}

fn host_device(bed: &Bed) -> Value {
    wired(bed);
    let ipam = bed.ipam(Families::V4);
    bed.conf("host-device", json!({"device": "up0", "ipam": ipam}))
}

/// What a list has behind the bridge, in one configuration: ports that are chosen, since the resident has some too.
/// Their files are in the folder of addresses, so that one that is left is seen.
fn chained(bed: &Bed, backend: &str) -> Value {
    let ports = json!([{"containerPort": 80}, {"containerPort": 53, "protocol": "udp"}]);
    bed.conf(
        "bridge",
        json!({"isDefaultGateway": true, "runtimeConfig": {"portMappings": ports}, "chain": [
            {"type": "portmap", "backend": backend, "capabilities": {"portMappings": true},
             "hostPortRange": "30000-30099", "dataDir": bed.data()},
            {"type": "tuning", "mtu": 1400, "dataDir": bed.data().join("net")},
            {"type": "firewall", "backend": backend, "ingressPolicy": "same-bridge"},
        ]}),
    )
}

fn chain_nftables(bed: &Bed) -> Value {
    chained(bed, "nftables")
}

fn chain_iptables(bed: &Bed) -> Value {
    chained(bed, "iptables")
}

/// Two networks of three plugins. What is killed is one process: all of them are in this very binary.
fn multi(bed: &Bed) -> Value {
    bed.multi(
        r#"[{"name": "far", "default-route": ["10.2.0.1"], "bandwidth": {"egressRate": 10000000}}]"#,
    )
}

fn loopback(bed: &Bed) -> Value {
    bed.conf("loopback", json!({}))
}

fn host_local(bed: &Bed) -> Value {
    bed.conf("host-local", json!({}))
}

/// A link in a container whose namespace is not named cannot be found, and goes with it: the kill is followed by a
/// DEL that is told the namespace, or by nothing.
macro_rules! killed_inside {
    ($($case:ident),*) => { $(mod $case {
        use super::*;

        #[test]
        fn add_then_del() -> Result {
            adds(super::$case, Ends::Del)
        }

        #[test]
        fn add_then_add_then_del() -> Result {
            adds(super::$case, Ends::AddThenDel)
        }

        #[test]
        fn del_then_del() -> Result {
            dels(super::$case)
        }
    })* };
}

killed_inside!(macvlan, tap, host_device);

macro_rules! killed {
    ($($case:ident),*) => { $(mod $case {
        use super::*;

        #[test]
        fn add_then_del() -> Result {
            adds(super::$case, Ends::Del)
        }

        #[test]
        fn add_then_del_without_namespace() -> Result {
            adds(super::$case, Ends::DelWithoutNamespace)
        }

        #[test]
        fn add_then_add_then_del() -> Result {
            adds(super::$case, Ends::AddThenDel)
        }

        #[test]
        fn del_then_del() -> Result {
            dels(super::$case)
        }
    })* };
}

killed!(
    bridge_nftables,
    bridge_iptables,
    bridge_plain,
    bridge_static,
    ptp_nftables,
    ptp_iptables,
    ptp_limited,
    vxlan,
    chain_nftables,
    chain_iptables,
    multi,
    loopback,
    host_local
);

macro_rules! collected {
    ($($case:ident = $conf:ident),*) => { $(
        #[test]
        fn $case() -> Result {
            gcs($conf)
        }
    )* };
}

collected!(
    gc_of_bridge_nftables = bridge_nftables,
    gc_of_bridge_iptables = bridge_iptables,
    gc_of_ptp_nftables = ptp_nftables,
    gc_of_ptp_iptables = ptp_iptables,
    gc_of_vxlan = vxlan,
    gc_of_chain_nftables = chain_nftables,
    gc_of_chain_iptables = chain_iptables,
    gc_of_multi = multi,
    gc_of_host_local = host_local
);
