//! Rules of iptables, written once: as iptables-nft sends them to the kernel, and as the
//! line that iptables-restore reads.
//!
//! What is written natively is byte for byte what iptables-nft 1.8.9 writes, so that it
//! prints, compares and deletes our rules as its own.

use std::net::{IpAddr, SocketAddr};

use ipnetwork::IpNetwork;

use crate::names::XT_COMMENT_SIZE;
use crate::nft::address::{Side, match_address};
use crate::nft::expr::{Base, Expr, Extension, IFNAME_SIZE, Verdict};
use crate::nft::rule::Rule;
use crate::ports::Protocol;
use crate::save::quoted;

/// A rule; what is not set matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XtRule {
    pub(crate) iif: Option<Link>,
    pub(crate) oif: Option<Link>,
    pub(crate) protocol: Option<Protocol>,
    /// Each with whether it must be (or, must not be) of the network.
    pub(crate) src: Option<(IpNetwork, bool)>,
    pub(crate) dst: Option<(IpNetwork, bool)>,
    pub(crate) matches: Vec<Match>,
    pub(crate) target: Target,
}

/// An interface, and whether it must be that one (or, another one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) equal: bool,
}

/// What `-m` brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    Comment(String),
    /// The destination is this host.
    Local,
    /// One of up to 15 destination ports.
    Ports(Vec<u16>),
    /// A destination port of the rule's protocol.
    Port(u16),
    /// A bit of the mark.
    Mark(u32),
    /// Of a connection that was let through, or about one.
    Established,
    /// Words that only iptables understands.
    Words(Vec<String>),
}

/// What `-j` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Accept,
    Drop,
    Return,
    Jump(String),
    Masquerade,
    /// Set a bit of the mark.
    SetMark(u32),
    Dnat(SocketAddr),
}

impl XtRule {
    pub(crate) const fn new(target: Target) -> Self {
        Self {
            iif: None,
            oif: None,
            protocol: None,
            src: None,
            dst: None,
            matches: Vec::new(),
            target,
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, matches: Match) -> Self {
        self.matches.push(matches);
        self
    }

    #[must_use]
    pub(crate) fn comment(self, text: &str) -> Self {
        let text = crate::names::cut(text.to_owned(), XT_COMMENT_SIZE - 1);
        self.with(Match::Comment(text))
    }

    /// As a rule of nf_tables; none where a match is only iptables' to read.
    pub(crate) fn native(&self, v4: bool, tag: Option<String>) -> Option<Rule> {
        let mut exprs = Vec::new();
        for (load, link) in [
            (Expr::LoadInputName, &self.iif),
            (Expr::LoadOutputName, &self.oif),
        ] {
            if let Some(link) = link {
                exprs.extend(on_link(load, link));
            }
        }
        if let Some(protocol) = self.protocol {
            exprs.extend(on_protocol(protocol));
        }
        for (side, network) in [(Side::Source, &self.src), (Side::Destination, &self.dst)] {
            if let Some((network, equal)) = network {
                exprs.extend(on_network(side, *network, *equal));
            }
        }
        for one in &self.matches {
            exprs.extend(one.native(self.protocol)?);
        }
        exprs.push(Expr::Counter);
        exprs.push(self.target.native(v4));
        Some(Rule {
            exprs,
            comment: None,
            tag,
            compat: Some(self.protocol.map_or(0, Protocol::number)),
        })
    }

    /// As `-A CHAIN …`, in the order in which iptables-save prints it.
    pub(crate) fn line(&self, chain: &str) -> String {
        let mut line = format!("-A {chain}");
        let mut push = |words: &str| {
            line.push(' ');
            line.push_str(words);
        };
        let not = |equal: bool| if equal { "" } else { "! " };
        for (option, network) in [("-s", &self.src), ("-d", &self.dst)] {
            if let Some((network, equal)) = network
                && (network.prefix() > 0 || !equal)
            {
                let (address, prefix) = (network.network(), network.prefix());
                push(&format!("{}{option} {address}/{prefix}", not(*equal)));
            }
        }
        for (option, link) in [("-i", &self.iif), ("-o", &self.oif)] {
            if let Some(Link { name, equal }) = link {
                push(&format!("{}{option} {}", not(*equal), word(name)));
            }
        }
        if let Some(protocol) = self.protocol {
            push(&format!("-p {protocol}"));
        }
        for one in &self.matches {
            push(&one.words(self.protocol));
        }
        push(&self.target.words());
        line
    }
}

/// A word as it is printed: with quotes only where it needs them.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/,!+*%@=[]".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    quoted(text)
}

/// Iptables passes over what matches every address.
fn on_network(side: Side, network: IpNetwork, equal: bool) -> Vec<Expr> {
    match network.prefix() {
        0 if equal => Vec::new(),
        _ => match_address(side, network, equal),
    }
}

fn on_protocol(protocol: Protocol) -> [Expr; 2] {
    [
        Expr::LoadTransport,
        Expr::Compare {
            equal: true,
            data: vec![protocol.number()],
        },
    ]
}

/// Iptables compares the name with its NUL; one that ends in `+` stands for all that begin so.
fn on_link(load: Expr, link: &Link) -> [Expr; 2] {
    let mut data = link.name.as_bytes().to_vec();
    match data.pop_if(|last| *last == b'+') {
        Some(_) => {}
        None => data.push(0),
    }
    data.truncate(IFNAME_SIZE);
    let equal = link.equal;
    [load, Expr::Compare { equal, data }]
}

/// Loads the destination port, which all three protocols have in the same place.
pub(crate) fn on_port(port: u16) -> [Expr; 2] {
    [
        Expr::Load {
            base: Base::Transport,
            offset: 2,
            len: 2,
        },
        Expr::Compare {
            equal: true,
            data: port.to_be_bytes().to_vec(),
        },
    ]
}

fn extension(name: &str, revision: u32, info: Vec<u8>) -> Extension {
    Extension {
        name: name.to_owned(),
        revision,
        info,
    }
}

impl Match {
    fn native(&self, protocol: Option<Protocol>) -> Option<Vec<Expr>> {
        Some(match self {
            Self::Comment(text) => vec![Expr::XtComment(text.clone())],
            Self::Local => vec![Expr::XtMatch(extension("addrtype", 1, addrtype()))],
            Self::Ports(ports) => vec![Expr::XtMatch(extension("multiport", 1, multiport(ports)))],
            Self::Port(port) if protocol == Some(Protocol::Sctp) => {
                vec![Expr::XtMatch(extension("sctp", 0, sctp(*port)))]
            }
            Self::Port(port) => on_port(*port).to_vec(),
            Self::Mark(bit) => {
                let mark = bit.to_ne_bytes().to_vec();
                vec![
                    Expr::LoadMark,
                    Expr::Mask(mark.clone()),
                    Expr::Compare {
                        equal: true,
                        data: mark,
                    },
                ]
            }
            Self::Established => {
                vec![Expr::XtMatch(extension("conntrack", 3, established()))]
            }
            Self::Words(_) => return None,
        })
    }

    fn words(&self, protocol: Option<Protocol>) -> String {
        match self {
            Self::Comment(text) => format!("-m comment --comment {}", quoted(text)),
            Self::Local => "-m addrtype --dst-type LOCAL".to_owned(),
            Self::Ports(ports) => {
                let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                format!("-m multiport --dports {}", ports.join(","))
            }
            Self::Port(port) => {
                let protocol = protocol.map_or("tcp", Protocol::name);
                format!("-m {protocol} --dport {port}")
            }
            Self::Mark(bit) => format!("-m mark --mark {bit:#x}/{bit:#x}"),
            Self::Established => "-m conntrack --ctstate RELATED,ESTABLISHED".to_owned(),
            Self::Words(words) => {
                let words: Vec<String> = words.iter().map(|text| word(text)).collect();
                words.join(" ")
            }
        }
    }
}

impl Target {
    fn native(&self, v4: bool) -> Expr {
        match self {
            Self::Accept => Expr::Verdict(Verdict::Accept),
            Self::Drop => Expr::Verdict(Verdict::Drop),
            Self::Return => Expr::Verdict(Verdict::Return),
            Self::Jump(chain) => Expr::Verdict(Verdict::Jump(chain.clone())),
            Self::Masquerade => Expr::XtMasquerade { v6: !v4 },
            Self::SetMark(bit) => {
                let info = [bit.to_ne_bytes(), bit.to_ne_bytes()].concat();
                Expr::XtTarget(extension("MARK", 2, info))
            }
            Self::Dnat(to) => Expr::XtTarget(extension("DNAT", 2, dnat(*to))),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Accept => "-j ACCEPT".to_owned(),
            Self::Drop => "-j DROP".to_owned(),
            Self::Return => "-j RETURN".to_owned(),
            Self::Jump(chain) => format!("-j {}", word(chain)),
            Self::Masquerade => "-j MASQUERADE".to_owned(),
            Self::SetMark(bit) => format!("-j MARK --set-xmark {bit:#x}/{bit:#x}"),
            Self::Dnat(to) => format!("-j DNAT --to-destination {to}"),
        }
    }
}

/// `xt_addrtype_info_v1`: any source, a local destination, no flags.
fn addrtype() -> Vec<u8> {
    const LOCAL: u16 = 1 << 2;
    let [low, high] = LOCAL.to_ne_bytes();
    vec![0, 0, low, high, 0, 0, 0, 0]
}

const PORTS_MAX: usize = 15;

/// `xt_multiport_v1`: destination ports, how many, in the machine's order.
fn multiport(ports: &[u16]) -> Vec<u8> {
    const DESTINATION: u8 = 1;
    let ports = &ports[..ports.len().min(PORTS_MAX)];
    let mut info = vec![DESTINATION, u8::try_from(ports.len()).unwrap_or(0)];
    for port in ports {
        info.extend(port.to_ne_bytes());
    }
    info.resize(48, 0);
    info
}

/// The ports of such a match, if it is one of destinations, none of them a range.
pub(crate) fn ports_of(extension: &Extension) -> Option<Vec<u16>> {
    if (extension.name.as_str(), extension.revision) != ("multiport", 1) {
        return None;
    }
    let (head, rest) = extension.info.split_first_chunk::<2>()?;
    let [flags, count] = *head;
    let (ports, rest) = rest.split_at_checked(2 * PORTS_MAX)?;
    let (ranges, rest) = rest.split_at_checked(PORTS_MAX)?;
    let plain = ranges.iter().chain(rest.first()).all(|byte| *byte == 0);
    // 1: destinations; 2: either side.
    if !plain || flags == 0 {
        return None;
    }
    let (pairs, _) = ports.as_chunks::<2>();
    let all = pairs.iter().map(|pair| u16::from_ne_bytes(*pair));
    Some(all.take(count.into()).collect())
}

/// `xt_sctp_info`: that destination port, any source port, whatever the chunks. No chunk's
/// flags are asked for, which is spelt 0xff.
fn sctp(port: u16) -> Vec<u8> {
    const DESTINATION: u32 = 2;
    let [low, high] = port.to_ne_bytes();
    let mut info = vec![low, high, low, high];
    info.resize(268, 0);
    for _ in 0..4 {
        info.extend([0xff, 0, 0]);
    }
    info.extend(0_u32.to_ne_bytes());
    info.extend(DESTINATION.to_ne_bytes());
    info.extend(0_u32.to_ne_bytes());
    info.resize(info.len().next_multiple_of(8), 0);
    info
}

/// The port of such a match, or none if it asks for more.
pub(crate) fn sctp_port_of(found: &Extension) -> Option<u16> {
    let [low, high, ..] = *found.info.first_chunk::<4>()?;
    let port = u16::from_ne_bytes([low, high]);
    (*found == extension("sctp", 0, sctp(port))).then_some(port)
}

/// `xt_conntrack_mtinfo3`: states RELATED and ESTABLISHED.
fn established() -> Vec<u8> {
    /// XT_CONNTRACK_STATE.
    const STATE: u16 = 1;
    const RELATED_ESTABLISHED: u16 = 2 | 4;
    const FLAGS_AT: usize = 146;
    const STATES_AT: usize = 150;
    let mut info = vec![0; 168];
    info[FLAGS_AT..FLAGS_AT + 2].copy_from_slice(&STATE.to_ne_bytes());
    info[STATES_AT..STATES_AT + 2].copy_from_slice(&RELATED_ESTABLISHED.to_ne_bytes());
    info
}

/// `nf_nat_range2`: one address and one port.
fn dnat(to: SocketAddr) -> Vec<u8> {
    const ADDRESS_AND_PORT: u32 = 1 | 2;
    let mut address = match to.ip() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    address.resize(16, 0);
    let port = to.port().to_be_bytes();
    let mut info = ADDRESS_AND_PORT.to_ne_bytes().to_vec();
    info.extend([&address[..], &address, &port, &port].concat());
    info.resize(48, 0);
    info
}

/// Where such a target leads, or none if it says more.
pub(crate) fn dnat_of(found: &Extension, v4: bool) -> Option<SocketAddr> {
    let address = found.info.get(4..20)?;
    let ip = match v4 {
        true => IpAddr::from(<[u8; 4]>::try_from(&address[..4]).ok()?),
        false => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
    };
    let port = found.info.get(36..38)?.try_into().ok()?;
    let to = SocketAddr::new(ip, u16::from_be_bytes(port));
    (*found == extension("DNAT", 2, dnat(to))).then_some(to)
}
