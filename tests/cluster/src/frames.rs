//! Frames as they are on a wire: made by hand, and counted where they arrive.

use fairway_lab::{Error, Ns, Result};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt::RcvBufForce,
};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// A hardware address.
pub type Mac = [u8; 6];

/// A frame with a datagram of UDP in it.
#[derive(Debug, Clone, Copy)]
pub struct Datagram {
    /// Hardware address of the sender.
    pub from_mac: Mac,
    /// And of the receiver.
    pub to_mac: Mac,
    /// Sender.
    pub from: IpAddr,
    /// Receiver.
    pub to: IpAddr,
    /// Port of the receiver; the sender's is 7777.
    pub port: u16,
}

impl Datagram {
    /// Its bytes. Both addresses must be of one family; else there are none.
    pub fn bytes(&self) -> Vec<u8> {
        let (kind, ip) = match (self.from, self.to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => ([0x08, 0x00], v4(from, to, self.port)),
            (IpAddr::V6(from), IpAddr::V6(to)) => ([0x86, 0xdd], v6(from, to, self.port)),
            _ => return Vec::new(),
        };
        [&self.to_mac[..], &self.from_mac, &kind, &ip].concat()
    }
}

const PAYLOAD: &[u8] = b"forged!!";
const UDP: u8 = 17;

fn udp(pseudo: &[u8], port: u16) -> Vec<u8> {
    let length = u16::try_from(8 + PAYLOAD.len()).unwrap_or(u16::MAX);
    let words = [7777, port, length, 0].map(u16::to_be_bytes).concat();
    let mut udp = [&words[..], PAYLOAD].concat();
    let sum = checksum(&[pseudo, &[0, UDP], &length.to_be_bytes(), &udp].concat());
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    udp
}

fn v4(from: Ipv4Addr, to: Ipv4Addr, port: u16) -> Vec<u8> {
    let ends = [from.octets(), to.octets()].concat();
    let udp = udp(&ends, port);
    let length = u16::try_from(20 + udp.len()).unwrap_or(u16::MAX);
    let fixed = [0, 1, 0x40, 0, 64, UDP, 0, 0];
    let mut header = [&[0x45, 0], &length.to_be_bytes()[..], &fixed, &ends].concat();
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    [header, udp].concat()
}

fn v6(from: Ipv6Addr, to: Ipv6Addr, port: u16) -> Vec<u8> {
    let ends = [from.octets(), to.octets()].concat();
    let udp = udp(&ends, port);
    let length = u16::try_from(udp.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0x60, 0, 0, 0], &length[..], &[UDP, 64], &ends, &udp].concat()
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(*high) << 8 | u32::from(*low),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// Bytes of frames, with what the kernel needs for each, that wait to be looked at.
const ROOM: usize = 64 << 20;

/// A socket on all links of a namespace, also on those that come later.
#[derive(Debug)]
pub struct Frames {
    fd: OwnedFd,
}

impl Frames {
    /// Sees all that comes and goes, from now on.
    ///
    /// # Errors
    /// Where the kernel has no packet sockets.
    pub fn watch(ns: &Ns) -> Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let all = SockProtocol::EthAll;
        let open = || socket(AddressFamily::Packet, SockType::Raw, flags, all);
        let fd = ns.inside(open)?.map_err(os("a packet socket"))?;
        setsockopt(&fd, RcvBufForce, &ROOM).map_err(os("room for frames"))?;
        Ok(Self { fd })
    }

    /// What has come since the last time, whole frames. When more came than fits in the socket's buffer,
    /// what came first is what is there.
    pub fn seen(&self) -> Vec<Vec<u8>> {
        let mut bytes = vec![0; 1 << 16];
        let mut next = || {
            recv(self.fd.as_raw_fd(), &mut bytes, MsgFlags::empty())
                .ok()
                .map(|count| bytes[..count].to_vec())
        };
        std::iter::from_fn(&mut next).collect()
    }
}

/// Is it a packet of UDP or TCP to this port?
pub fn is_to_port(frame: &[u8], port: u16) -> bool {
    let at = match (frame.get(12..14), frame.get(14).map(|first| first & 15)) {
        (Some([0x08, 0x00]), Some(words)) if matches!(frame.get(23), Some(6 | 17)) => {
            14 + usize::from(words) * 4
        }
        (Some([0x86, 0xdd]), _) if matches!(frame.get(20), Some(6 | 17)) => 54,
        _ => return false,
    };
    frame.get(at + 2..at + 4) == Some(&port.to_be_bytes())
}

/// The hardware address of a link.
///
/// # Errors
/// Where there is no such link.
pub fn mac(ns: &Ns, link: &str) -> Result<Mac> {
    let address = hardware(ns, link)?;
    let none = || io::Error::other("it has none");
    address.addr().ok_or_else(none).map_err(|source| Error::Os {
        what: format!("hardware address of {link}"),
        source,
    })
}

/// Sends frames as they are.
///
/// # Errors
/// Where there is no such link, or it is down.
pub fn transmit(ns: &Ns, link: &str, frames: &[Vec<u8>]) -> Result<()> {
    let to = hardware(ns, link)?;
    let (flags, what) = (SockFlag::SOCK_CLOEXEC, format!("frames on {link}"));
    let sent = ns.inside(|| -> nix::Result<()> {
        let fd = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        bind(fd.as_raw_fd(), &to)?;
        for frame in frames {
            send(fd.as_raw_fd(), frame, MsgFlags::empty())?;
        }
        Ok(())
    })?;
    sent.map_err(os(&what))
}

fn hardware(ns: &Ns, link: &str) -> Result<LinkAddr> {
    let what = format!("the link {link} of {}", ns.name());
    let find = || -> nix::Result<Option<LinkAddr>> {
        let mut own = getifaddrs()?.filter(|entry| entry.interface_name == link);
        Ok(own.find_map(|entry| entry.address?.as_link_addr().copied()))
    };
    let found = ns.inside(find)?.map_err(os(&what))?;
    let none = || io::Error::from(io::ErrorKind::NotFound);
    found
        .ok_or_else(none)
        .map_err(|source| Error::Os { what, source })
}

fn os(what: &str) -> impl FnOnce(nix::Error) -> Error + use<> {
    let what = what.to_owned();
    move |errno| Error::Os {
        what,
        source: errno.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SOON;
    use fairway_lab::{Lab, poll};
    use std::net::UdpSocket;
    use std::time::Duration;

    #[test]
    fn a_datagram_by_hand_is_taken_by_the_kernel_and_seen() {
        let lab = Lab::new().unwrap();
        let (one, two) = (lab.container().unwrap(), lab.container().unwrap());
        let seen = Frames::watch(&two).unwrap();
        lab.wire(&one, "eth0", &two, "eth0").unwrap();
        let ends = [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")];
        for (at, (from, to)) in ends.into_iter().enumerate() {
            let length = [24, 64][at];
            one.addr("eth0", &format!("{from}/{length}")).unwrap();
            two.addr("eth0", &format!("{to}/{length}")).unwrap();
            let bind = || UdpSocket::bind((to.parse::<IpAddr>().unwrap(), 99));
            let socket = two.inside(bind).unwrap().unwrap();
            let patience = Some(Duration::from_millis(200));
            socket.set_read_timeout(patience).unwrap();
            let datagram = Datagram {
                from_mac: mac(&one, "eth0").unwrap(),
                to_mac: mac(&two, "eth0").unwrap(),
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
                port: 99,
            };
            let mut bytes = [0; 64];
            // What is sent before the kernel has seen the carrier is dropped, and nobody is told.
            let taken = poll(SOON, "the kernel takes it", || {
                transmit(&one, "eth0", &[datagram.bytes()]).unwrap();
                socket.recv_from(&mut bytes).ok()
            });
            let (count, sender) = taken.unwrap();
            assert_eq!((&bytes[..count], sender.ip()), (PAYLOAD, datagram.from));
            poll(SOON, "it is seen", || {
                seen.seen().iter().any(|frame| is_to_port(frame, 99))
            })
            .unwrap();
        }
    }
}
