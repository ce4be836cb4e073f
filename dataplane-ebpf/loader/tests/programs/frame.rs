//! Packets, byte by byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const SCTP: u8 = 132;
pub(crate) const ICMP: u8 = 1;
pub(crate) const ICMP6: u8 = 58;

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A packet to be.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Hardware addresses: destination, source.
    pub(crate) macs: [[u8; 6]; 2],
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) hops: u8,
    pub(crate) protocol: u8,
    /// IPv4's options, or IPv6's extension headers with the number of the first.
    pub(crate) options: Vec<u8>,
    pub(crate) next: Option<u8>,
    /// Offset in bytes, whether more follow, identification.
    pub(crate) part: Option<(u16, bool, u32)>,
    pub(crate) transport: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(
        source: IpAddr,
        destination: IpAddr,
        protocol: u8,
        transport: Vec<u8>,
    ) -> Self {
        Self {
            macs: [[2, 0, 0, 0, 0, 0xff], [2, 0, 0, 0, 0, 0xee]],
            source,
            destination,
            hops: 64,
            protocol,
            options: Vec::new(),
            next: None,
            part: None,
            transport,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.macs.concat();
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.v4(&mut bytes, source, destination)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.v6(&mut bytes, source, destination)
            }
            _ => panic!("two families"),
        }
        bytes.extend(&self.transport);
        bytes
    }

    fn v4(&self, bytes: &mut Vec<u8>, source: Ipv4Addr, destination: Ipv4Addr) {
        bytes.extend([0x08, 0x00]);
        let header = 20 + self.options.len();
        let total = u16::try_from(header + self.transport.len()).unwrap();
        let (offset, more, id) = self.part.unwrap_or((0, false, 0));
        let part = (offset / 8) | if more { 0x2000 } else { 0 };
        let mut head = vec![0x40 | u8::try_from(header / 4).unwrap(), 0];
        head.extend(total.to_be_bytes());
        head.extend(u16::try_from(id).unwrap().to_be_bytes());
        head.extend(part.to_be_bytes());
        head.extend([self.hops, self.protocol, 0, 0]);
        head.extend(source.octets());
        head.extend(destination.octets());
        head.extend(&self.options);
        let sum = checksum(&head);
        head[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes.extend(head);
    }

    fn v6(&self, bytes: &mut Vec<u8>, source: Ipv6Addr, destination: Ipv6Addr) {
        bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        let mut extensions = self.options.clone();
        let mut next = self.next.unwrap_or(self.protocol);
        if let Some((offset, more, id)) = self.part {
            // The fragment header is the only one, or the first.
            let mut head = vec![next, 0];
            head.extend((offset | u16::from(more)).to_be_bytes());
            head.extend(id.to_be_bytes());
            head.extend(extensions);
            extensions = head;
            next = 44;
        }
        let payload = u16::try_from(extensions.len() + self.transport.len()).unwrap();
        bytes.extend(payload.to_be_bytes());
        bytes.extend([next, self.hops]);
        bytes.extend(source.octets());
        bytes.extend(destination.octets());
        bytes.extend(extensions);
    }
}

/// The internet checksum (RFC 1071).
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([
            pair[0],
            pair.get(1).copied().unwrap_or(0),
        ]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

pub(crate) fn tcp(source: u16, destination: u16, flags: u8) -> Vec<u8> {
    let mut bytes = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes
}

pub(crate) fn udp(source: u16, destination: u16) -> Vec<u8> {
    let mut bytes = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    bytes.extend([0, 12, 0, 0, 1, 2, 3, 4]);
    bytes
}

pub(crate) fn sctp(source: u16, destination: u16) -> Vec<u8> {
    let mut bytes = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    bytes.extend([0; 8]);
    bytes
}

/// ICMP of either family, with an identifier or whatever the second word is.
pub(crate) fn icmp(kind: u8, code: u8, id: u16, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(id.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(rest);
    bytes
}

/// ARP: who says, and whom it asks for.
pub(crate) fn arp(
    mac: [u8; 6],
    sender_mac: [u8; 6],
    sender: Ipv4Addr,
    target: Ipv4Addr,
) -> Vec<u8> {
    let mut bytes = [[0xff; 6], mac].concat();
    bytes.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    bytes.extend(sender_mac);
    bytes.extend(sender.octets());
    bytes.extend([0; 6]);
    bytes.extend(target.octets());
    bytes
}
