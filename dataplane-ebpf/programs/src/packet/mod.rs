//! What a packet's headers say.

mod extensions;
mod fragments;
mod options;
mod transport;
mod v4;
mod v6;

pub(crate) use fragments::{remember, resolve};
pub(crate) use transport::tcp;

use crate::skb::{ETHER, Skb};
use core::mem::offset_of;
use fairway_dataplane_abi::{Addr, Reason, TrackKey};

/// IPv6's ICMP.
pub(crate) const ICMP6: u8 = 58;
/// IPv4's ICMP.
pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// What is done with it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// It belongs to a flow.
    Flow,
    /// An ICMP error, about a packet of a flow.
    Error,
    /// Neighbour discovery: solicitations.
    Neighbour,
    /// A neighbour advertisement.
    Advertisement,
    /// What only routers say: a router advertisement.
    Router,
    /// A redirect.
    Redirect,
    /// Multicast listener discovery.
    Listener,
    /// ARP.
    Arp,
}

/// A part of a packet?
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    Whole,
    First,
    Later,
}

/// A packet as its endpoint sees it. Without padding: the verifier wants memory that functions get to be
/// written.
#[repr(C)]
pub(crate) struct Packet {
    /// Its flow; zeros as far as the headers were not read.
    pub(crate) key: TrackKey,
    /// Fragments of one packet bear the same.
    pub(crate) id: u32,
    /// Where the transport header begins.
    pub(crate) transport: u32,
    /// Where the transport's payload begins, of TCP and UDP.
    pub(crate) payload: u32,
    /// Bytes with the Ethernet header.
    pub(crate) length: u32,
    /// The rule that decided, once it was judged.
    pub(crate) rule: u32,
    pub(crate) kind: Kind,
    pub(crate) part: Part,
    /// IPv4 without options, IPv6 without extension headers, and no fragment.
    pub(crate) plain: bool,
    /// TCP's flags.
    pub(crate) flags: u8,
    /// TTL or hop limit.
    pub(crate) hops: u8,
    /// The protocol that fragments are found by.
    pub(crate) carried: u8,
    /// ICMP's type and code.
    pub(crate) icmp: [u8; 2],
}

const _: () = assert!(size_of::<Packet>() == 44 + 20 + 8);

impl Packet {
    #[inline(always)]
    pub(crate) fn new(skb: &Skb) -> Self {
        let key = TrackKey {
            link: skb.link(),
            local: Addr([0; 4]),
            remote: Addr([0; 4]),
            local_port: 0,
            remote_port: 0,
            protocol: 0,
            zero: [0; 3],
        };
        Packet {
            key,
            id: 0,
            transport: 0,
            payload: 0,
            length: skb.len(),
            rule: 0,
            kind: Kind::Flow,
            part: Part::Whole,
            plain: true,
            flags: 0,
            hops: 0,
            carried: 0,
            icmp: [0; 2],
        }
    }

    /// Reads the headers. `IN`: it goes to the endpoint, so its source is the other.
    #[inline(always)]
    pub(crate) fn parse<const IN: bool>(&mut self, skb: &mut Skb) -> Result<(), Reason> {
        const IPV4: u16 = 0x0800;
        const ARP: u16 = 0x0806;
        const IPV6: u16 = 0x86dd;
        let ether = skb.view::<{ ETHER as usize }>(0);
        match ether.ok_or(Reason::Truncated)?.half::<12>() {
            _ if skb.in_vlan() => Err(Reason::Ethertype),
            IPV4 => v4::parse::<IN>(self, skb),
            IPV6 => v6::parse::<IN>(self, skb),
            ARP => {
                self.kind = Kind::Arp;
                Ok(())
            }
            _ => Err(Reason::Ethertype),
        }
    }

    #[inline(always)]
    fn ends<const IN: bool>(&mut self, source: Addr, destination: Addr) {
        let (local, remote) = if IN {
            (destination, source)
        } else {
            (source, destination)
        };
        self.key.local = local;
        self.key.remote = remote;
    }

    #[inline(always)]
    fn ports<const IN: bool>(&mut self, source: u16, destination: u16) {
        self.both_ports::<IN>(u32::from(source) << 16 | u32::from(destination));
    }

    /// Source and destination port, the source in the upper half.
    ///
    /// They are written as one word, as the kernel reads them for the hash: a processor waits for two halves.
    #[expect(unsafe_code, reason = "two fields are written at once")]
    #[inline(always)]
    fn both_ports<const IN: bool>(&mut self, ports: u32) {
        const {
            assert!(offset_of!(TrackKey, local_port) % 4 == 0 && cfg!(target_endian = "little"));
            assert!(offset_of!(TrackKey, remote_port) == offset_of!(TrackKey, local_port) + 2);
        };
        let ports = if IN { ports } else { ports.rotate_left(16) };
        let word = (&raw mut self.key).cast::<u32>();
        // SAFETY: Both fields are within the key, beside each other, and aligned to a word.
        unsafe { word.add(offset_of!(TrackKey, local_port) / 4).write(ports) };
    }

    /// Written as a word, as above.
    #[expect(
        unsafe_code,
        reason = "a field and the zeros after it are written at once"
    )]
    #[inline(always)]
    fn set_protocol(&mut self, protocol: u8) {
        const { assert!(offset_of!(TrackKey, protocol) == 40 && cfg!(target_endian = "little")) };
        let word = (&raw mut self.key).cast::<u32>();
        // SAFETY: It is the key's last word.
        unsafe { word.add(10).write(u32::from(protocol)) };
    }

    /// Where it goes.
    #[inline(always)]
    pub(crate) fn destination<const IN: bool>(&self) -> &Addr {
        if IN {
            &self.key.local
        } else {
            &self.key.remote
        }
    }

    /// From now on it is as the endpoint at its other end sees it. In place, because the stack is small.
    #[inline(always)]
    pub(crate) fn turn(&mut self, link: u32) {
        let key = &mut self.key;
        core::mem::swap(&mut key.local, &mut key.remote);
        key.link = link;
        let (local, remote) = (key.local_port, key.remote_port);
        self.ports::<true>(local, remote);
    }

    /// Is it the answer to the first packet of a TCP connection?
    #[inline(always)]
    pub(crate) fn answers_opening(&self) -> bool {
        const BOTH: u8 = tcp::SYN | tcp::ACK;
        self.key.protocol == TCP && self.flags & (BOTH | tcp::RST) == BOTH
    }

    /// Is it the first packet of a TCP connection?
    #[inline(always)]
    pub(crate) fn opens(&self) -> bool {
        const HOW: u8 = tcp::SYN | tcp::ACK | tcp::RST | tcp::FIN;
        self.key.protocol == TCP && self.flags & HOW == tcp::SYN
    }
}

/// `ff00::/8`.
#[inline(always)]
pub(crate) fn is_multicast(address: &Addr) -> bool {
    address.0[0] & 0xff00_0000_u32.to_be() == 0xff00_0000_u32.to_be()
}

/// `fe80::/10`.
#[inline(always)]
pub(crate) fn is_link_local(address: &Addr) -> bool {
    address.0[0] & 0xffc0_0000_u32.to_be() == 0xfe80_0000_u32.to_be()
}
