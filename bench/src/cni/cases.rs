//! Which types are measured, with which keys, and what is aimed at.
//!
//! A type that stands behind others is called as the runtime calls it, in a list: what is measured is its own process
//! by itself, and the list as a whole.

use super::REFERENCE;
use fairway_lab::{Value, json};

/// Shares of the reference's time: ADD, CHECK, DEL, and CPU time of each.
type Shares = [f64; 4];

const PAIR: Shares = [0.25, 0.25, 0.6, 0.25];
const LINK: Shares = [0.3, 0.3, 0.6, 0.3];
/// The node's wire.
const WIRE: &str =
    "ip link add up0 type veth peer name far; ip link set up0 up; ip link set far up";

/// One type.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What the node has to have, as a script.
    pub(crate) node: &'static str,
    /// The list's plugins: their keys besides version and name. The last is what the case is about.
    pub(crate) list: Vec<Value>,
    /// `None` where it is only told.
    pub(crate) shares: Option<Shares>,
    /// Without where the reference's does not work.
    pub(crate) checks: bool,
    /// Takes seconds: fewer rounds do.
    pub(crate) slow: bool,
    /// Whom it is compared with.
    pub(crate) peer: &'static str,
    /// Keys that differ at the reference's side.
    pub(crate) instead: Value,
}

impl Case {
    fn new(name: &'static str, list: impl Into<Vec<Value>>) -> Self {
        Self {
            name,
            node: "true",
            list: list.into(),
            shares: Some(LINK),
            checks: true,
            slow: false,
            peer: REFERENCE,
            instead: json!({}),
        }
    }

    fn on_a_wire(self) -> Self {
        Self { node: WIRE, ..self }
    }

    /// In ours alone: the reference's next of kin takes its place.
    fn beside(self, peer: &'static str, instead: Value) -> Self {
        Self {
            peer,
            instead,
            shares: None,
            ..self
        }
    }

    /// The plugins' configurations on one side, whose addresses are kept in `data`, and in `run` what is gone at boot.
    pub(crate) fn configs(&self, side: usize, data: &str, run: &str) -> Vec<Value> {
        let last = self.list.len() - 1;
        let configs = self.list.iter().enumerate().map(|(at, keys)| {
            let mut config = json!({"cniVersion": "1.0.0", "name": "net"});
            let instead = (side == 0 && at == last).then_some(&self.instead);
            let keys = [Some(keys), instead].into_iter().flatten();
            for (key, value) in keys.filter_map(Value::as_object).flatten() {
                config[key] = value.clone();
            }
            for key in ["ipam", "dataDir"] {
                match &mut config[key] {
                    Value::Null => drop(config.as_object_mut().and_then(|all| all.remove(key))),
                    Value::Object(ipam) => drop(ipam.insert("dataDir".to_owned(), json!(data))),
                    own => *own = json!(run),
                }
            }
            config
        });
        configs.collect()
    }
}

/// host-local on one IPv4 range.
fn ipam() -> Value {
    json!({"type": "host-local", "subnet": "10.64.0.0/14"})
}

fn bridge() -> Value {
    json!({"type": "bridge", "bridge": "br0", "isGateway": true, "ipam": ipam()})
}

fn dual() -> Value {
    json!({"type": "host-local", "ranges": [[{"subnet": "10.64.0.0/14"}], [{"subnet": "fd64::/64"}]]})
}

/// What this kernel has, in the order of the table.
pub(crate) fn here() -> Vec<Case> {
    let ports = json!([{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
                       {"hostPort": 8053, "containerPort": 53, "protocol": "udp"}]);
    let rates = json!({"type": "bandwidth", "ingressRate": 100_000_000, "ingressBurst": 10_000_000,
                       "egressRate": 100_000_000, "egressBurst": 10_000_000});
    let with = |mut keys: Value, more: &Value| {
        for (key, value) in more.as_object().into_iter().flatten() {
            keys[key] = value.clone();
        }
        keys
    };
    let macvlan = || json!({"type": "macvlan", "master": "up0", "ipam": ipam()});
    let bridged = |name, keys| Case::new(name, [bridge(), keys]);
    vec![
        Case {
            shares: Some(PAIR),
            ..Case::new("bridge", [bridge()])
        },
        Case {
            shares: Some(PAIR),
            ..Case::new("bridge, ipMasq", [with(bridge(), &json!({"ipMasq": true}))])
        },
        // Whether anybody objects to an address of IPv6: ours does not ask, where nobody can.
        Case {
            shares: None,
            ..Case::new(
                "bridge, IPv6 as well",
                [with(bridge(), &json!({"ipam": dual()}))],
            )
        },
        Case::new("ptp", [json!({"type": "ptp", "ipam": ipam()})]),
        Case::new("macvlan", [macvlan()]).on_a_wire(),
        // Here both wait for that.
        Case {
            shares: None,
            slow: true,
            ..Case::new(
                "macvlan, IPv6 as well",
                [with(macvlan(), &json!({"ipam": dual()}))],
            )
            .on_a_wire()
        },
        Case::new("tap", [json!({"type": "tap", "ipam": ipam()})])
            .beside(
                "the reference's macvlan (it has no tap)",
                json!({"type": "macvlan", "master": "up0"}),
            )
            .on_a_wire(),
        Case::new(
            "host-device",
            [json!({"type": "host-device", "device": "up0", "ipam": ipam()})],
        )
        .on_a_wire(),
        Case::new("loopback", [json!({"type": "loopback"})]),
        Case {
            // The reference's looks for rules of IPv4 in IPv6's table.
            checks: false,
            ..bridged(
                "portmap",
                json!({"type": "portmap", "snat": true, "runtimeConfig": {"portMappings": ports}}),
            )
        },
        bridged(
            "tuning",
            json!({"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}}),
        ),
        bridged(
            "tuning, of the link",
            json!({"type": "tuning", "mac": "02:11:22:33:44:55", "mtu": 1400, "dataDir": true}),
        ),
        Case {
            // The reference's macvlan misses the route that its sbr has moved.
            checks: false,
            ..Case::new("sbr", [macvlan(), json!({"type": "sbr"})]).on_a_wire()
        },
        bridged(
            "firewall",
            json!({"type": "firewall", "backend": "iptables"}),
        ),
        bridged("bandwidth", rates),
    ]
}

/// What it lacks; and one of each kind that it has, to see what an emulated CPU makes of it.
pub(crate) fn in_a_guest() -> Vec<Case> {
    let child = |name, keys: Value| Case::new(name, [keys]).on_a_wire();
    let dummy = json!({"type": "macvlan", "master": "up0"});
    vec![
        Case::new("bridge", [bridge()]),
        child(
            "macvlan",
            json!({"type": "macvlan", "master": "up0", "ipam": ipam()}),
        ),
        child(
            "ipvlan",
            json!({"type": "ipvlan", "master": "up0", "ipam": ipam()}),
        ),
        child(
            "vlan",
            json!({"type": "vlan", "master": "up0", "vlanId": 100, "ipam": ipam()}),
        ),
        child("dummy", json!({"type": "dummy", "ipam": ipam()}))
            .beside("the reference's macvlan (it has no dummy)", dummy),
        Case {
            // As with sbr.
            checks: false,
            ..Case::new("vrf", [bridge(), json!({"type": "vrf", "vrfname": "red"})])
        },
    ]
}
