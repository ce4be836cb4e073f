//! 48-bit hardware addresses.

use std::fmt;
use std::str::FromStr;

/// An Ethernet address. Shown as `02:42:ac:11:00:02`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MacAddr(pub [u8; 6]);

/// The text is no 48-bit hardware address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a hardware address (want six hexadecimal pairs, as in 02:42:ac:11:00:02)")]
pub struct ParseMacError(pub String);

impl MacAddr {
    /// A random unicast address of the locally administered kind, as the kernel makes them for links.
    ///
    /// # Errors
    /// Where `/dev/urandom` cannot be read.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 6];
        std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
        bytes[0] = bytes[0] & 0xfe | 0x02;
        Ok(Self(bytes))
    }

    /// The six bytes in the order they have on the wire.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether the address names a group of stations, which no interface can
    /// have as its own.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Reads a kernel attribute: none where the link layer is not Ethernet-like.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from(octets: [u8; 6]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddr {
    type Err = ParseMacError;

    /// Takes what Go's `net.ParseMAC` takes for six bytes: pairs with `:` or
    /// `-` (one kind throughout), or three groups of four with `.`.
    fn from_str(text: &str) -> Result<Self, ParseMacError> {
        parse(text).ok_or_else(|| ParseMacError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<MacAddr> {
    let bytes = text.as_bytes();
    let (separator, group) = match bytes.get(2)? {
        b':' | b'-' => (bytes[2], 2),
        _ => (b'.', 4),
    };
    let mut mac = [0u8; 6];
    let mut at = 0;
    for part in bytes.split(|b| *b == separator) {
        if part.len() != group {
            return None;
        }
        for pair in part.chunks_exact(2) {
            *mac.get_mut(at)? = hex(pair[0])? << 4 | hex(pair[1])?;
            at += 1;
        }
    }
    (at == 6).then_some(MacAddr(mac))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_takes_is_taken() {
        let expected = Ok(MacAddr([0x02, 0x42, 0xac, 0x11, 0x00, 0x0f]));
        for text in [
            "02:42:ac:11:00:0f",
            "02-42-AC-11-00-0F",
            "0242.ac11.000f",
            "02:42:aC:11:00:0f",
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        let mac = MacAddr([0x02, 0x42, 0xac, 0x11, 0x00, 0x0f]);
        assert_eq!(mac.to_string(), "02:42:ac:11:00:0f");
        assert!(!mac.is_multicast());
        assert!(MacAddr([1, 0, 0, 0, 0, 0]).is_multicast());
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "02",
            "02:42:ac:11:00",
            "02:42:ac:11:00:0f:",
            "02:42:ac:11:00:0f:01",
            "02:42:ac:11:00:0f:01:02",
            "02:42-ac:11:00:0f",
            "2:42:ac:11:00:0f",
            "02:42:ac:11:00:0g",
            "0242ac11000f",
            "0242.ac11",
            "0242:ac11:000f",
            "02.42.ac.11.00.0f",
            "+2:42:ac:11:00:0f",
            "0２:42:ac:11:00:0f",
        ] {
            let error = text.parse::<MacAddr>();
            assert_eq!(error, Err(ParseMacError(text.into())), "{text}");
        }
    }
}
