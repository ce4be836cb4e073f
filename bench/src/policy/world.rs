//! One endpoint, and a policy of so many rules for it: each rule lets one peer in by one port, and the peer that
//! knocks is that of the last one.
//!
//! The peers' addresses fill a block around that of the last, so that a trie of prefixes branches at each bit on the
//! way to it: as deep as it can be for so many.

use anyhow::Result;
use fairway_dataplane::abi;
use fairway_lab::{Value, json};
use fairway_policy::input::{Endpoint, EndpointId, Input};
use fairway_policy::object;
use fairway_policy::spec::Labels;
use ipnetwork::IpNetwork;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many rules.
pub(super) const SIZES: [u32; 3] = [10, 1_000, 12_500];
/// The port that rules let in, TCP.
pub(super) const PORT: u16 = 5201;
/// The namespace of all of it.
pub(super) const NAMESPACE: &str = "bench";

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// How rules name peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Pods,
    Blocks,
    /// Of ten blocks seven are addresses, two usual subnets, and one is something else, like that of the peer.
    Mixed,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) size: u32,
    pub(super) named: Named,
    pub(super) family: Family,
}

impl Family {
    pub(super) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// Bits of an address.
    pub(super) fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The endpoint's address.
    pub(super) fn server(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(10, 78, 0, 2).into(),
            Self::V6 => Ipv6Addr::new(0xfd00, 0x78, 0, 0, 0, 0, 0, 2).into(),
        }
    }

    /// The peer of the last rule.
    pub(super) fn client(self) -> IpAddr {
        self.peer(0)
    }

    /// The block of a rule so many before the last, where lengths are mixed; the last one's has the client.
    fn mixed(self, before: u32) -> IpNetwork {
        let some = (before / 10) as u8 % 6;
        let (ip, length): (IpAddr, u8) = match self {
            Self::V4 if before == 0 => (Ipv4Addr::new(10, 77, 128, 0).into(), 20),
            Self::V6 if before == 0 => (Ipv6Addr::new(0xfd00, 0x77, 0, 0, 0, 0, 0, 0).into(), 52),
            Self::V4 => {
                let ip = Ipv4Addr::from_bits(0x0a80_0000 + (before << 8));
                (ip.into(), [32, 24, 25 + some][kind(before)])
            }
            Self::V6 => {
                let ip = Ipv6Addr::new(0xfd00, 0x79, 0, before as u16, 0, 0, 0, 0);
                (ip.into(), [128, 64, 65 + 8 * some][kind(before)])
            }
        };
        IpNetwork::new(ip, length).unwrap_or_else(|_| ip.into())
    }

    /// The peer of a rule so many before the last.
    pub(super) fn peer(self, before: u32) -> IpAddr {
        match self {
            Self::V4 => {
                let last = Ipv4Addr::new(10, 77, 128, 2).to_bits();
                Ipv4Addr::from_bits(last ^ before).into()
            }
            Self::V6 => {
                let last = Ipv6Addr::new(0xfd00, 0x77, 0, 0, 0, 0, 1, 2).to_bits();
                Ipv6Addr::from_bits(last ^ u128::from(before)).into()
            }
        }
    }
}

/// Which kind of block a rule has: an address, a usual subnet, something else.
fn kind(before: u32) -> usize {
    match before % 10 {
        0..7 => 0,
        7..9 => 1,
        _ => 2,
    }
}

impl Named {
    pub(super) const BOTH: [Self; 2] = [Self::Pods, Self::Blocks];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Blocks => "blocks",
            Self::Mixed => "blocks of many lengths",
        }
    }
}

impl Case {
    /// `from pods, IPv4`.
    pub(super) fn name(self) -> String {
        format!("from {}, {}", self.named.name(), self.family.name())
    }

    /// All of both kinds and families, of one size.
    pub(super) fn all(size: u32) -> impl Iterator<Item = Self> {
        Self::of(&Named::BOTH, size)
    }

    /// Of these kinds and both families.
    pub(super) fn of(named: &[Named], size: u32) -> impl Iterator<Item = Self> {
        let each = move |named| {
            Family::BOTH.map(|family| Case {
                size,
                named,
                family,
            })
        };
        named.iter().copied().flat_map(each)
    }

    /// The endpoints: that of the policy, and where rules name pods theirs.
    pub(super) fn endpoints(self) -> Vec<Input> {
        let server = endpoint("server", vec![self.family.server()], true);
        let pods = match self.named {
            Named::Pods => 0..self.size,
            Named::Blocks | Named::Mixed => 0..0,
        };
        let pod = |at| {
            let name = format!("pod-{at}");
            Input::Endpoint(endpoint(&name, vec![self.peer(at)], false))
        };
        [Input::Endpoint(server)]
            .into_iter()
            .chain(pods.map(pod))
            .collect()
    }

    fn peer(self, at: u32) -> IpAddr {
        self.family.peer(self.size - 1 - at)
    }

    /// The policy as somebody writes it. The rule at `changed.0` has another port.
    pub(super) fn policy(self, changed: Option<(u32, u16)>) -> Value {
        let rule = |at| {
            let peer = match self.named {
                Named::Pods => {
                    json!({"podSelector": {"matchLabels": {"name": format!("pod-{at}")}}})
                }
                Named::Blocks => {
                    let cidr = format!("{}/{}", self.peer(at), self.family.bits());
                    json!({"ipBlock": {"cidr": cidr}})
                }
                Named::Mixed => {
                    let cidr = self.family.mixed(self.size - 1 - at).to_string();
                    json!({"ipBlock": {"cidr": cidr}})
                }
            };
            let port = match changed {
                Some((one, port)) if one == at => port,
                _ => PORT,
            };
            json!({"from": [peer], "ports": [{"protocol": "TCP", "port": port}]})
        };
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "large", "namespace": NAMESPACE},
            "spec": {
                "podSelector": {"matchLabels": {"name": "server"}},
                "policyTypes": ["Ingress"],
                "ingress": (0..self.size).map(rule).collect::<Vec<_>>(),
            },
        })
    }

    /// The endpoints and the policy.
    pub(super) fn inputs(self) -> Result<Vec<Input>> {
        let mut inputs = self.endpoints();
        inputs.push(read(self.policy(None))?);
        Ok(inputs)
    }
}

/// An object for the engine.
pub(super) fn read(object: Value) -> Result<Input> {
    Ok(Input::Object(object::parse(object)?.object))
}

fn endpoint(name: &str, addresses: Vec<IpAddr>, local: bool) -> Endpoint {
    Endpoint {
        id: EndpointId {
            node: if local { "here" } else { "there" }.to_owned(),
            container: name.to_owned(),
            ifname: "eth0".to_owned(),
            network: "net".to_owned(),
        },
        namespace: NAMESPACE.to_owned(),
        pod: name.to_owned(),
        labels: Labels::from([("name".to_owned(), name.to_owned())]),
        groups: BTreeSet::new(),
        ports: Vec::new(),
        addresses,
        local,
    }
}

/// The entry of a link, but for what policies say of it.
pub(super) fn entry(addresses: &[IpAddr], mac: [u8; 6], host_mac: [u8; 6]) -> abi::Endpoint {
    let mut entry = abi::Endpoint {
        flags: abi::Endpoint::OPEN,
        mtu: 1500,
        mac,
        host_mac,
        ..abi::Endpoint::default()
    };
    for address in addresses {
        match address {
            IpAddr::V4(ip) => entry.v4 = u32::from_ne_bytes(ip.octets()),
            IpAddr::V6(ip) => entry.v6 = abi::Addr::from_octets(ip.octets()).0,
        }
    }
    entry
}
