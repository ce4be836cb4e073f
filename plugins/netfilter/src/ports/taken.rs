//! Which ports of the node are whose, and which are free.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, socket};

use super::{Asked, Forward, Mapping, Protocol, Wanted};
use crate::Error;

/// Who has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The network's name, where the rules tell it.
    pub network: Option<String>,
    /// The container's ID, where they tell it.
    pub container_id: Option<String>,
    /// Which of its ports.
    pub to: SocketAddr,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container_id {
            Some(id) => write!(f, "container {id:?}")?,
            None => f.write_str("a container")?,
        }
        if let Some(network) = &self.network {
            write!(f, " of network {network:?}")?;
        }
        write!(f, " ({})", self.to)
    }
}

/// A mapping that is another attachment's.
#[derive(Debug, Clone)]
pub(crate) struct Foreign {
    pub(crate) network: Option<String>,
    pub(crate) container_id: Option<String>,
    pub(crate) forward: Forward,
}

impl Foreign {
    fn holder(&self) -> Holder {
        Holder {
            network: self.network.clone(),
            container_id: self.container_id.clone(),
            to: self.forward.to,
        }
    }
}

/// Whether the host's addresses that two mappings are for have any in common.
fn meet(one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

impl Mapping {
    /// Whether a packet could go by both.
    fn clashes_with(&self, forward: &Forward) -> bool {
        (self.host_port, self.protocol) == (forward.host_port, forward.protocol)
            && self.is_of(forward.to.is_ipv4())
            && meet(self.only_at(), forward.at)
    }

    fn clashes(&self, other: &Self) -> bool {
        let family = |v4| self.is_of(v4) && other.is_of(v4);
        (self.host_port, self.protocol) == (other.host_port, other.protocol)
            && (family(true) || family(false))
            && meet(self.only_at(), other.only_at())
    }
}

/// Settles which ports an attachment gets: those that it names if they are free, else those
/// that it has (`own`) or the first free ones of the range, beginning at a place that
/// depends on the container, so that neighbours seldom look at the same ones.
///
/// `others` are the mappings of all others that are in force for this family or that.
pub(crate) fn settle(
    wanted: &Wanted<'_>,
    others: &[Foreign],
    own: &[Forward],
) -> Result<Vec<Mapping>, Error> {
    let families: Vec<bool> = wanted.families().collect();
    let clash = |mapping: &Mapping| {
        let there = |foreign: &&Foreign| {
            families.contains(&foreign.forward.to.is_ipv4())
                && mapping.clashes_with(&foreign.forward)
        };
        others.iter().find(there)
    };
    let mut settled: BTreeMap<usize, Mapping> = BTreeMap::new();
    let named = |asked: &&Asked| asked.host_port.is_some();
    let indexed = || wanted.asked.iter().enumerate();
    for (index, asked) in indexed().filter(|(_, asked)| named(asked)) {
        let mapping = asked.at(asked.host_port.unwrap_or_default());
        if let Some(foreign) = clash(&mapping) {
            return Err(Error::PortTaken {
                index,
                port: mapping.host_port,
                protocol: mapping.protocol,
                holder: foreign.holder(),
            });
        }
        settled.insert(index, mapping);
    }
    for (index, asked) in indexed().filter(|(_, asked)| !named(asked)) {
        let Some(range) = &wanted.range else {
            return Err(Error::NoPortLeft { index, range: None });
        };
        let had = own.iter().filter(|forward| {
            forward.to.port() == asked.container_port
                && forward.protocol == asked.protocol
                && forward.at == asked.at(forward.host_port).only_at()
                && range.contains(&forward.host_port)
        });
        let had: Vec<u16> = had.map(|forward| forward.host_port).collect();
        let free = |port: &u16| {
            let mapping = asked.at(*port);
            clash(&mapping).is_none()
                && settled.values().all(|other| !other.clashes(&mapping))
                && (had.contains(port) || nobody_listens(&mapping))
        };
        let start = place(wanted, asked, range.start(), range.end());
        let (before, behind) = (*range.start()..start, start..=*range.end());
        let mut candidates = had.iter().copied().chain(behind).chain(before);
        let Some(port) = candidates.find(free) else {
            let range = Some(range.clone());
            return Err(Error::NoPortLeft { index, range });
        };
        settled.insert(index, asked.at(port));
    }
    Ok(settled.into_values().collect())
}

impl Asked {
    /// The mapping, with that port.
    fn at(&self, host_port: u16) -> Mapping {
        Mapping {
            host_port,
            container_port: self.container_port,
            protocol: self.protocol,
            host_ip: self.host_ip,
        }
    }
}

/// Where in the range the search begins.
fn place(wanted: &Wanted<'_>, asked: &Asked, first: &u16, last: &u16) -> u16 {
    let attachment = &wanted.attachment;
    let names = [
        attachment.network,
        "\0",
        attachment.container_id,
        "\0",
        attachment.ifname,
    ];
    let bytes = names.iter().flat_map(|name| name.bytes());
    let hash = bytes
        .chain(asked.container_port.to_be_bytes())
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    let count = u32::from(last.saturating_sub(*first)) + 1;
    first.saturating_add(u16::try_from(hash % count).unwrap_or(0))
}

/// Whether no program of this host has the port: a mapping would take it away from it. What
/// cannot be found out is taken for yes.
fn nobody_listens(mapping: &Mapping) -> bool {
    let kind = match mapping.protocol {
        Protocol::Tcp => SockType::Stream,
        Protocol::Udp => SockType::Datagram,
        Protocol::Sctp => return true,
    };
    let both = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let at = mapping.host_ip.map_or(both.to_vec(), |ip| vec![ip]);
    at.into_iter().all(|ip| {
        let at = SockaddrStorage::from(SocketAddr::new(ip, mapping.host_port));
        let family = match ip {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        // Bound and no more: nobody can connect to it.
        let bound = socket(family, kind, SockFlag::SOCK_CLOEXEC, None)
            .and_then(|socket| bind(socket.as_raw_fd(), &at));
        bound != Err(Errno::EADDRINUSE)
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use proptest::prelude::*;

    use super::*;
    use crate::Attachment;
    use crate::ports::{Conditions, Marking};

    const ATTACHMENT: Attachment<'static> = Attachment {
        network: "net",
        container_id: "c1",
        ifname: "eth0",
    };

    fn wanted<'a>(
        asked: &'a [Asked],
        addresses: &'a [ipnetwork::IpNetwork],
        range: Option<std::ops::RangeInclusive<u16>>,
    ) -> Wanted<'a> {
        Wanted {
            attachment: ATTACHMENT,
            addresses,
            asked,
            range,
            snat: true,
            masquerade_all: false,
            marking: Marking::Bit(13),
            conditions: [Conditions::default(), Conditions::default()],
        }
    }

    fn asked(host_port: Option<u16>, host_ip: Option<&str>) -> Asked {
        Asked {
            host_port,
            container_port: 80,
            protocol: Protocol::Tcp,
            host_ip: host_ip.map(|ip| ip.parse().unwrap()),
        }
    }

    fn foreign(port: u16, at: Option<&str>, to: &str) -> Foreign {
        Foreign {
            network: Some("other".into()),
            container_id: Some("c2".into()),
            forward: Forward {
                protocol: Protocol::Tcp,
                at: at.map(|ip| ip.parse().unwrap()),
                host_port: port,
                to: to.parse().unwrap(),
            },
        }
    }

    #[test]
    fn a_port_is_taken_where_a_packet_could_go_either_way() {
        let dual = [
            "10.0.0.2/24".parse().unwrap(),
            "fd00::2/64".parse().unwrap(),
        ];
        let v6 = &dual[1..];
        let taken = |ask: Asked, at: Option<&str>, to: &str, addresses: &[_]| {
            let asked = [ask];
            settle(
                &wanted(&asked, addresses, None),
                &[foreign(80, at, to)],
                &[],
            )
            .is_err()
        };
        let (four, six) = ("10.0.0.9:80", "[fd00::9]:80");
        assert!(taken(asked(Some(80), None), None, four, &dual));
        assert!(taken(asked(Some(80), None), Some("192.0.2.1"), four, &dual));
        assert!(taken(asked(Some(80), Some("192.0.2.1")), None, four, &dual));
        assert!(taken(asked(Some(80), Some("0.0.0.0")), None, four, &dual));
        assert!(!taken(asked(Some(81), None), None, four, &dual));
        assert!(!taken(
            asked(Some(80), Some("192.0.2.2")),
            Some("192.0.2.1"),
            four,
            &dual
        ));
        assert!(!taken(asked(Some(80), Some("::")), None, four, &dual));
        assert!(!taken(asked(Some(80), None), None, four, v6));
        assert!(taken(asked(Some(80), None), None, six, v6));
        let asked = [Asked {
            protocol: Protocol::Udp,
            ..asked(Some(80), None)
        }];
        assert!(
            settle(
                &wanted(&asked, &dual, None),
                &[foreign(80, None, four)],
                &[]
            )
            .is_ok()
        );
    }

    #[test]
    fn whoever_has_it_is_named() {
        let address = ["10.0.0.2/24".parse().unwrap()];
        let asked = [asked(Some(81), None), asked(Some(80), None)];
        let error = settle(
            &wanted(&asked, &address, None),
            &[foreign(80, None, "10.0.0.9:8080")],
            &[],
        );
        let error = error.unwrap_err();
        assert!(matches!(error, Error::PortTaken { index: 1, .. }));
        assert_eq!(
            error.to_string(),
            "tcp port 80 is taken by container \"c2\" of network \"other\" (10.0.0.9:8080)"
        );
    }

    #[test]
    fn a_range_is_used_up_and_what_one_had_one_keeps() {
        let address = ["10.0.0.2/24".parse().unwrap()];
        let asked = [
            asked(None, None),
            Asked {
                container_port: 81,
                ..asked(None, None)
            },
        ];
        let range = Some(40_000..=40_003);
        let others = [
            foreign(40_000, None, "10.0.0.9:1"),
            foreign(40_002, None, "10.0.0.9:2"),
        ];
        let settled = settle(&wanted(&asked, &address, range.clone()), &others, &[]).unwrap();
        let mut ports: Vec<u16> = settled.iter().map(|mapping| mapping.host_port).collect();
        let own = Forward {
            protocol: Protocol::Tcp,
            at: None,
            host_port: ports[1],
            to: "10.0.0.2:80".parse().unwrap(),
        };
        let again = settle(&wanted(&asked, &address, range.clone()), &others, &[own]).unwrap();
        assert_eq!(again[0].host_port, ports[1]);
        ports.sort_unstable();
        assert_eq!(ports, [40_001, 40_003]);
        let three = [
            asked[0],
            asked[1],
            Asked {
                container_port: 82,
                ..asked[0]
            },
        ];
        let error = settle(&wanted(&three, &address, range), &others, &[]).unwrap_err();
        assert!(
            matches!(error, Error::NoPortLeft { index: 2, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_port_that_a_program_has_is_not_given() {
        let address = ["10.0.0.2/24".parse().unwrap()];
        let program = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = program.local_addr().unwrap().port();
        let asked = [asked(None, None)];
        let error = settle(&wanted(&asked, &address, Some(port..=port)), &[], &[]);
        assert!(matches!(error, Err(Error::NoPortLeft { .. })));
        let udp = [Asked {
            protocol: Protocol::Udp,
            ..asked[0]
        }];
        settle(&wanted(&udp, &address, Some(port..=port)), &[], &[]).unwrap();
    }

    proptest! {
        #[test]
        fn no_port_is_given_twice(taken in proptest::collection::vec(41_000_u16..41_020, 0..19), many in 1_usize..8) {
            let address = ["10.0.0.2/24".parse().unwrap()];
            let others: Vec<_> = taken.iter().map(|port| foreign(*port, None, "10.0.0.9:1")).collect();
            let sctp = |at| Asked { protocol: Protocol::Sctp, container_port: at, ..asked(None, None) };
            let asked: Vec<_> = (0..many).map(|at| sctp(at as u16 + 1)).collect();
            let others: Vec<_> = others.into_iter().map(|mut other| {
                other.forward.protocol = Protocol::Sctp;
                other
            }).collect();
            if let Ok(settled) = settle(&wanted(&asked, &address, Some(41_000..=41_019)), &others, &[]) {
                let mut ports: Vec<_> = settled.iter().map(|mapping| mapping.host_port).collect();
                prop_assert!(ports.iter().all(|port| !taken.contains(port)));
                ports.sort_unstable();
                ports.dedup();
                prop_assert_eq!(ports.len(), many);
            } else {
                let free = (41_000..=41_019).filter(|port| !taken.contains(port)).count();
                prop_assert!(free < many);
            }
        }
    }
}
