//! TCP segments between the client and the server, byte for byte.

use super::world::{Family, PORT};
use std::net::IpAddr;

/// Hardware addresses of the two ends of the server's link.
pub(super) const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub(super) const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

pub(super) const SYN: u8 = 0x02;
pub(super) const SYN_ACK: u8 = 0x12;
pub(super) const ACK: u8 = 0x10;

/// From the client to the server.
pub(super) fn request(family: Family, port: u16, flags: u8) -> Vec<u8> {
    let macs = (HOST_MAC, SERVER_MAC);
    segment(
        macs,
        (family.client(), port),
        (family.server(), PORT),
        flags,
    )
}

/// And back.
pub(super) fn answer(family: Family, port: u16, flags: u8) -> Vec<u8> {
    let macs = (SERVER_MAC, HOST_MAC);
    segment(
        macs,
        (family.server(), PORT),
        (family.client(), port),
        flags,
    )
}

fn segment(
    (from_mac, to_mac): ([u8; 6], [u8; 6]),
    (from, from_port): (IpAddr, u16),
    (to, to_port): (IpAddr, u16),
    flags: u8,
) -> Vec<u8> {
    let payload = 64;
    let mut tcp = [&from_port.to_be_bytes()[..], &to_port.to_be_bytes()].concat();
    tcp.extend([
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
        5 << 4,
        flags,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
    ]);
    tcp.extend(std::iter::repeat_n(0, payload));
    let (ethertype, header) = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = vec![0x45, 0];
            header.extend((20 + tcp.len() as u16).to_be_bytes());
            header.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
            header.extend(from.octets().into_iter().chain(to.octets()));
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            ([0x08, 0x00], header)
        }
        _ => {
            let octets = |ip| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            let mut header = vec![0x60, 0, 0, 0];
            header.extend((tcp.len() as u16).to_be_bytes());
            header.extend([6, 64]);
            header.extend(octets(from).into_iter().chain(octets(to)));
            ([0x86, 0xdd], header)
        }
    };
    [&to_mac[..], &from_mac, &ethertype, &header, &tcp].concat()
}

fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2);
    let words = words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

/// The same packet to another port of the server.
pub(super) fn elsewhere(mut packet: Vec<u8>, family: Family, port: u16) -> Vec<u8> {
    let header = match family {
        Family::V4 => 20,
        Family::V6 => 40,
    };
    let at = 14 + header + 2;
    packet[at..at + 2].copy_from_slice(&port.to_be_bytes());
    packet
}
