//! Checksum offload of a link, by the ethtool family of generic netlink (Linux 5.6).
//!
//! A VXLAN device hands packets on whose inner checksum is still to be computed, and leaves that to the
//! hardware below. Hardware that claims to know tunnels and does not sends them out with a wrong checksum:
//! small packets pass and connections hang, which took others years to find (flannel and Calico ship a
//! workaround). With the offload off on the VXLAN device, the kernel computes the checksum itself.

use crate::error::Result;
use crate::raw::attr::{Attrs, Writer};
use crate::raw::{Message, RawSocket, protocols};

/// `GENL_ID_CTRL`.
const CTRL: u16 = 0x10;
const CTRL_GET_FAMILY: u8 = 3;
const CTRL_FAMILY_ID: u16 = 1;
const CTRL_FAMILY_NAME: u16 = 2;
const FEATURES_GET: u8 = 11;
const FEATURES_SET: u8 = 12;
const HEADER: u16 = 1;
const HEADER_NAME: u16 = 2;
const WANTED: u16 = 3;
const ACTIVE: u16 = 4;
const BITS: u16 = 3;
const BIT: u16 = 1;
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;
/// Length of `struct genlmsghdr`.
const GENERIC: usize = 4;
/// What a virtual device has in place of a checksum for each protocol.
const FEATURE: &str = "tx-checksum-ip-generic";

/// The ethtool family.
#[derive(Debug)]
pub struct Offload {
    socket: RawSocket,
    family: u16,
}

impl Offload {
    /// For the namespace that the calling thread is in.
    ///
    /// # Errors
    /// Where the kernel does not have the family.
    pub fn open() -> Result<Self> {
        let mut socket = RawSocket::open(protocols::NETLINK_GENERIC)?;
        let mut writer = command(CTRL_GET_FAMILY);
        writer.put_str(CTRL_FAMILY_NAME, "ethtool");
        let ask = Message::new("find generic netlink family", "ethtool", CTRL);
        let ask = ask.attributes(writer)?;
        let family = socket.get(&ask, |_, body| {
            Attrs::after(GENERIC, body).find_kind(CTRL_FAMILY_ID)?.u16()
        })?;
        Ok(Self { socket, family })
    }

    /// Is the checksum of packets that go out left to what is below?
    ///
    /// # Errors
    /// No such link.
    pub fn tx_checksum(&mut self, link: &str) -> Result<bool> {
        let mut writer = command(FEATURES_GET);
        writer.nest(HEADER, |header| {
            header.put_str(HEADER_NAME, link);
        });
        let ask = Message::new("get features", link, self.family).attributes(writer)?;
        self.socket.get(&ask, |_, body| {
            let active = Attrs::after(GENERIC, body).find_kind(ACTIVE)?.nested();
            let mut bits = active.find_kind(BITS)?.nested();
            let named = |bit: crate::raw::attr::Attr<'_>| {
                let name = bit.nested().find_kind(BIT_NAME);
                name.is_some_and(|name| name.text() == FEATURE)
            };
            Some(bits.any(named))
        })
    }

    /// Leaves it to what is below, or does not.
    ///
    /// # Errors
    /// No such link, or one that has no choice.
    pub fn set_tx_checksum(&mut self, link: &str, on: bool) -> Result<()> {
        let mut writer = command(FEATURES_SET);
        writer.nest(HEADER, |header| {
            header.put_str(HEADER_NAME, link);
        });
        writer.nest(WANTED, |wanted| {
            wanted.nest(BITS, |bits| {
                bits.nest(BIT, |bit| {
                    bit.put_str(BIT_NAME, FEATURE);
                    if on {
                        bit.put_flag(BIT_VALUE);
                    }
                });
            });
        });
        let ask = Message::new("set features", link, self.family).attributes(writer)?;
        self.socket.execute(&ask)
    }
}

fn command(number: u8) -> Writer {
    Writer::with_header(&[number, 1, 0, 0])
}
