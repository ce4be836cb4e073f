//! Addresses on the PCI bus.

use std::{fmt, str::FromStr};

/// `DOMAIN:BUS:DEVICE.FUNCTION`, as `/sys/bus/pci/devices` has it: `0000:3b:02.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress(String);

/// The text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no address on the PCI bus, such as 0000:3b:02.1")]
pub struct ParsePciError;

impl PciAddress {
    /// In lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PciAddress {
    type Err = ParsePciError;

    /// Domains have four digits; those that a driver makes up (VMD, Hyper-V) may have up to eight.
    fn from_str(text: &str) -> Result<Self, ParsePciError> {
        let hex = |part: &str, digits: std::ops::RangeInclusive<usize>| {
            digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let parse = || {
            let (domain, rest) = text.split_once(':')?;
            let (bus, rest) = rest.split_once(':')?;
            let (device, function) = rest.split_once('.')?;
            let small = |part: &str, most| u8::from_str_radix(part, 16).is_ok_and(|n| n <= most);
            let fits = hex(domain, 4..=8)
                && hex(bus, 2..=2)
                && hex(device, 2..=2)
                && small(device, 0x1f)
                && hex(function, 1..=1)
                && small(function, 7);
            fits.then(|| PciAddress(text.to_ascii_lowercase()))
        };
        parse().ok_or(ParsePciError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        for text in ["0000:3b:02.1", "10000:e1:1f.7"] {
            assert_eq!(text.parse::<PciAddress>().unwrap().as_str(), text);
        }
        assert_eq!(
            "0000:3B:0A.0".parse::<PciAddress>().unwrap().as_str(),
            "0000:3b:0a.0"
        );
        for text in [
            "",
            "3b:02.1",
            "0000:3b:02",
            "0000:3b:20.0",
            "0000:3b:02.8",
            "0000:3b:02.11",
            "000:3b:02.1",
            "0000:+b:02.1",
            "0000:3b:02.1/..",
            "../../:3b:02.1",
            "eth0",
        ] {
            assert!(text.parse::<PciAddress>().is_err(), "{text}");
        }
    }

    proptest! {
        /// It is a folder's and a file's name.
        #[test]
        fn whatever_parses_leads_nowhere_else(text in "[0-9a-fA-F:./]{0,16}") {
            if let Ok(address) = text.parse::<PciAddress>() {
                prop_assert!(!address.as_str().contains('/') && !address.as_str().contains(".."));
            }
        }
    }
}
