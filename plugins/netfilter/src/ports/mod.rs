//! Ports of the host that lead to containers: destinations are translated, and where the
//! answers would not find their way back, sources too.
//!
//! What has gone wrong with others, and shaped this: two containers get the same port and
//! the last one wins (so each port is looked for among all mappings of the node, whoever
//! wrote them, and what is found free is taken in the same transaction); mappings that
//! stay because DEL is not told of them (so they are found by the container's name);
//! packets that go on to a container that is gone, because their connection was known
//! (so connections are forgotten with the mapping).

mod conditions;
mod nftables;
mod program;
mod taken;
mod xt;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnetwork::IpNetwork;

pub use conditions::{Conditions, Dialect};
pub use taken::Holder;

use crate::backend::Flavor;
use crate::conntrack::{self, Flows};
use crate::valid::Valid;
use crate::{Attachment, Backend, Error, Netfilter};

/// A protocol that has ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// All of them, as iptables sorts their names.
    pub const ALL: [Self; 3] = [Self::Sctp, Self::Tcp, Self::Udp];

    /// The protocol's number in IP.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// Its name, in small letters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.number() == number)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a protocol that has ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is none of tcp, udp and sctp")]
pub struct NotAProtocol;

impl FromStr for Protocol {
    type Err = NotAProtocol;

    fn from_str(name: &str) -> Result<Self, NotAProtocol> {
        let all = Self::ALL.into_iter();
        let mut named = all.filter(|known| known.name().eq_ignore_ascii_case(name));
        named.next().ok_or(NotAProtocol)
    }
}

/// A port that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The host's; None: one of the range.
    pub host_port: Option<u16>,
    /// The container's.
    pub container_port: u16,
    /// Of which protocol.
    pub protocol: Protocol,
    /// Only at this address of the host; an unspecified one is all of its family, None all
    /// of both.
    pub host_ip: Option<IpAddr>,
}

/// A port of the host that leads, or is to lead, to one of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mapping {
    /// The host's.
    pub host_port: u16,
    /// The container's.
    pub container_port: u16,
    /// Of which protocol.
    pub protocol: Protocol,
    /// As in [`Asked`].
    pub host_ip: Option<IpAddr>,
}

impl Mapping {
    /// Whether it is for packets of that family.
    pub(crate) fn is_of(&self, v4: bool) -> bool {
        self.host_ip.is_none_or(|ip| ip.is_ipv4() == v4)
    }

    /// The one address that it is for.
    pub(crate) fn only_at(&self) -> Option<IpAddr> {
        self.host_ip.filter(|ip| !ip.is_unspecified())
    }
}

/// Who marks packets whose source must be translated, with iptables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marking {
    /// A chain of the plugin's own, by this bit of the mark (0 to 31).
    Bit(u8),
    /// A chain of somebody else's, who translates as well.
    Chain(String),
}

/// What is asked for on an attachment's behalf.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Whose.
    pub attachment: Attachment<'a>,
    /// The container's addresses, each with its subnet's prefix: at most one of a family.
    pub addresses: &'a [IpNetwork],
    /// The ports.
    pub asked: &'a [Asked],
    /// Where ports come from that are not named.
    pub range: Option<RangeInclusive<u16>>,
    /// Whether sources are translated of what the container or this host itself sends to
    /// the port.
    pub snat: bool,
    /// Whether they are, whoever sends.
    pub masquerade_all: bool,
    /// How iptables knows which.
    pub marking: Marking,
    /// What packets must be beside, by family.
    pub conditions: [Conditions; 2],
}

impl Wanted<'_> {
    pub(crate) fn address(&self, v4: bool) -> Option<IpNetwork> {
        let mut addresses = self.addresses.iter();
        addresses.find(|address| address.is_ipv4() == v4).copied()
    }

    pub(crate) fn conditions(&self, v4: bool) -> &Conditions {
        let [four, six] = &self.conditions;
        if v4 { four } else { six }
    }

    fn families(&self) -> impl Iterator<Item = bool> {
        let there = |v4: &bool| self.address(*v4).is_some();
        [true, false].into_iter().filter(there)
    }
}

/// A mapping of one family as it is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forward {
    pub(crate) protocol: Protocol,
    pub(crate) at: Option<IpAddr>,
    pub(crate) host_port: u16,
    pub(crate) to: SocketAddr,
}

/// Makes an attachment's ports lead to it, and says which they are. What is in place
/// already stays, what an earlier try left behind goes. Connections that were known under
/// one of the ports are forgotten where their protocol has no beginning.
///
/// # Errors
/// [`Error::PortTaken`] and [`Error::NoPortLeft`] say which of the ports asked for; then, and
/// after any other error, nothing is written, but for iptables-legacy as with
/// [`masq::setup`](crate::masq::setup).
pub fn setup(
    netfilter: &mut Netfilter,
    backend: Backend,
    wanted: &Wanted<'_>,
) -> Result<Vec<Mapping>, Error> {
    let Netfilter { nft, programs } = netfilter;
    let by_program = backend == Backend::Iptables
        && (matches!(programs.flavor(), Some(Flavor::Legacy | Flavor::Unknown))
            || wanted
                .families()
                .any(|v4| !wanted.conditions(v4).is_native()));
    let mappings = match backend {
        Backend::Nftables => nftables::setup(nft, programs, wanted)?,
        Backend::Iptables if by_program => program::setup(nft, programs, wanted)?,
        Backend::Iptables => xt::setup(nft, programs, wanted)?,
    };
    forget(netfilter, &forwards(wanted, &mappings), true);
    Ok(mappings)
}

/// What mappings come to for a container's addresses.
fn forwards(wanted: &Wanted<'_>, mappings: &[Mapping]) -> Vec<Forward> {
    let mut all = Vec::new();
    for address in wanted.addresses {
        let of_family = mappings
            .iter()
            .filter(|mapping| mapping.is_of(address.is_ipv4()));
        all.extend(of_family.map(|mapping| Forward {
            protocol: mapping.protocol,
            at: mapping.only_at(),
            host_port: mapping.host_port,
            to: SocketAddr::new(address.ip(), mapping.container_port),
        }));
    }
    all
}

/// Forgets connections of protocols that have no beginning, where they go elsewhere than
/// the mapping says (`set_up`) or to where it said. It is best effort: what cannot be
/// forgotten ends by itself once nobody sends for a while.
fn forget(netfilter: &mut Netfilter, forwards: &[Forward], set_up: bool) {
    for forward in forwards {
        if forward.protocol == Protocol::Tcp {
            continue;
        }
        let flows = Flows {
            protocol: forward.protocol.number(),
            port: forward.host_port,
            v4: forward.to.is_ipv4(),
            at: forward.at,
            container: forward.to.ip(),
            leads_there: !set_up,
        };
        if let Err(error) = conntrack::forget(netfilter.conntrack(), &flows) {
            eprintln!(
                "fairway: connections to port {}: {error}",
                forward.host_port
            );
        }
    }
}

/// Removes an attachment's mappings, of all backends and both families, and forgets the
/// connections that went by them. Costs next to nothing where there are none.
///
/// # Errors
/// Each backend is tried; all failures are told.
pub fn teardown(netfilter: &mut Netfilter, attachment: &Attachment<'_>) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    let (mut errors, mut gone) = (Vec::new(), Vec::new());
    for removed in [
        nftables::teardown(nft, attachment),
        xt::teardown(nft, attachment),
        program::teardown(programs, attachment),
    ] {
        match removed {
            Ok(forwards) => gone.extend(forwards),
            Err(error) => errors.push(error),
        }
    }
    forget(netfilter, &gone, false);
    Error::collect(errors)
}

/// Whether an attachment's ports lead to it.
///
/// # Errors
/// [`Error::MissingRule`] names the first that does not.
pub fn check(
    netfilter: &mut Netfilter,
    backend: Backend,
    wanted: &Wanted<'_>,
    mappings: &[Mapping],
) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    match (backend, programs.flavor()) {
        (Backend::Nftables, _) => nftables::check(nft, wanted, mappings),
        (Backend::Iptables, None) => xt::check(nft, wanted, mappings),
        (Backend::Iptables, Some(Flavor::Nft)) => match xt::check(nft, wanted, mappings) {
            // Another iptables may have written the same in other words.
            Err(Error::MissingRule { .. }) => program::check(programs, wanted, mappings),
            done => done,
        },
        (Backend::Iptables, Some(Flavor::Legacy | Flavor::Unknown)) => {
            program::check(programs, wanted, mappings)
        }
    }
}

/// Whether a port could be made to lead to a container now.
///
/// # Errors
/// What is missing: nf_tables in this kernel, or a program that would be needed.
pub fn ready(
    netfilter: &mut Netfilter,
    backend: Backend,
    conditions: &[Conditions; 2],
) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    let native = conditions.iter().all(Conditions::is_native);
    let flavor = programs.flavor();
    let legacy = matches!(flavor, Some(Flavor::Legacy | Flavor::Unknown));
    let program = match backend {
        Backend::Iptables if legacy || !native => Some("iptables-restore"),
        Backend::Nftables if !conditions.iter().all(|one| one.native().is_some()) => Some("nft"),
        _ => None,
    };
    if let Some(program) = program
        && programs.find(program).is_none()
    {
        let program = program.to_owned();
        return Err(Error::NotInstalled { program });
    }
    match legacy && backend == Backend::Iptables {
        true => Ok(()),
        false => nft.must_be_there(),
    }
}

/// Removes the mappings of a network's attachments that are not among `valid` (container ID
/// and interface name), of all backends. Those that the reference plugin wrote with
/// nftables stay: nothing in them tells their network.
///
/// Returns what could not be removed; the rest is.
pub fn gc(netfilter: &mut Netfilter, network: &str, valid: &[(String, String)]) -> Vec<Error> {
    let Netfilter { nft, programs } = netfilter;
    let valid = Valid::new(network, valid);
    let (mut errors, mut gone) = (Vec::new(), Vec::new());
    for removed in [
        nftables::gc(nft, &valid),
        xt::gc(nft, &valid),
        program::gc(programs, &valid),
    ] {
        match removed {
            Ok(forwards) => gone.extend(forwards),
            Err(error) => errors.push(error),
        }
    }
    forget(netfilter, &gone, false);
    errors
}
