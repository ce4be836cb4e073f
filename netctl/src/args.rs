//! Values on the command line, as types that cannot be invalid.
//!
//! Only what netctl must understand to put the request together is judged here; names, selectors and
//! policies are judged by the daemon, whose errors name the field.

use ipnetwork::IpNetwork;
use std::{fmt, net::IpAddr, str::FromStr};

/// Why a value is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadValue {
    #[error("not a prefix such as 10.0.0.0/16 or fd00::/48")]
    Cidr,
    #[error("bits are set past its length; the prefix is {0}")]
    HostBits(IpNetwork),
    #[error("not a prefix length such as /26 or /122")]
    Length,
    #[error("not a time such as 30s, 5m, 2h or 7d")]
    Time,
    #[error("not an address, a prefix or FIRST-LAST")]
    Span,
    #[error("not an address, nor `none`")]
    Gateway,
    #[error("its first address is of another family than its last, or after it")]
    Order,
}

/// A prefix without bits past its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr(IpNetwork);

impl Cidr {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(address)
    }

    pub(crate) fn is_ipv4(&self) -> bool {
        self.0.is_ipv4()
    }
}

impl FromStr for Cidr {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Cidr, BadValue> {
        let network: IpNetwork = match text.contains('/') {
            true => text.parse().map_err(|_| BadValue::Cidr)?,
            false => return Err(BadValue::Cidr),
        };
        match IpNetwork::new(network.network(), network.prefix()) {
            Ok(whole) if whole == network => Ok(Cidr(network)),
            Ok(whole) => Err(BadValue::HostBits(whole)),
            Err(_) => Err(BadValue::Cidr),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A block's prefix length, 1 to 128, with or without `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockSize(pub(crate) u8);

impl FromStr for BlockSize {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<BlockSize, BadValue> {
        match number(text.strip_prefix('/').unwrap_or(text)) {
            Some(length @ 1..=128) => Ok(BlockSize(length)),
            _ => Err(BadValue::Length),
        }
    }
}

/// A time in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u64);

impl FromStr for Seconds {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Seconds, BadValue> {
        let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400)];
        units
            .iter()
            .find_map(|(unit, factor)| {
                number::<u64>(text.strip_suffix(*unit)?)?.checked_mul(*factor)
            })
            .map(Seconds)
            .ok_or(BadValue::Time)
    }
}

/// Digits only: no sign, which `parse` would take.
fn number<T: FromStr>(text: &str) -> Option<T> {
    match text.bytes().all(|c| c.is_ascii_digit()) {
        true => text.parse().ok(),
        false => None,
    }
}

/// A prefix's gateway: an address in it, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    None,
    Address(IpAddr),
}

impl FromStr for Gateway {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Gateway, BadValue> {
        match text {
            "none" => Ok(Gateway::None),
            _ => text
                .parse()
                .map(Gateway::Address)
                .map_err(|_| BadValue::Gateway),
        }
    }
}

/// What is said of exclusions: one, or that those that are there go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exclude {
    None,
    Span(Span),
}

impl FromStr for Exclude {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Exclude, BadValue> {
        match text {
            "none" => Ok(Exclude::None),
            _ => text.parse().map(Exclude::Span),
        }
    }
}

/// What is not given: an address, a prefix, or `FIRST-LAST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) first: IpAddr,
    pub(crate) last: IpAddr,
}

impl FromStr for Span {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Span, BadValue> {
        let address = |text: &str| text.trim().parse().map_err(|_| BadValue::Span);
        let (first, last): (IpAddr, IpAddr) = match (text.split_once('-'), text.contains('/')) {
            (Some((first, last)), _) => (address(first)?, address(last)?),
            (None, true) => {
                let cidr: Cidr = text.parse()?;
                (cidr.0.network(), cidr.0.broadcast())
            }
            (None, false) => (address(text)?, address(text)?),
        };
        if first.is_ipv4() != last.is_ipv4() || first > last {
            return Err(BadValue::Order);
        }
        let text = text.to_owned();
        Ok(Span { text, first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_judged() {
        for good in [
            "10.0.0.0/16",
            "0.0.0.0/0",
            "fd00::/48",
            "::/0",
            "10.0.0.1/32",
        ] {
            assert_eq!(good.parse::<Cidr>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "fd00::/129",
            "10.0.0/8",
            "x/8",
            "/8",
        ] {
            assert_eq!(bad.parse::<Cidr>(), Err(BadValue::Cidr), "{bad}");
        }
        assert_eq!(
            "10.0.0.1/24".parse::<Cidr>().unwrap_err().to_string(),
            "bits are set past its length; the prefix is 10.0.0.0/24"
        );
    }

    #[test]
    fn lengths_and_times_are_judged() {
        assert_eq!("/26".parse(), Ok(BlockSize(26)));
        assert_eq!("122".parse(), Ok(BlockSize(122)));
        for bad in ["", "/", "/0", "129", "+26", "//26", "26/"] {
            assert!(bad.parse::<BlockSize>().is_err(), "{bad}");
        }
        for (text, seconds) in [
            ("0s", 0),
            ("30s", 30),
            ("5m", 300),
            ("2h", 7200),
            ("7d", 604_800),
        ] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)));
        }
        for bad in [
            "",
            "30",
            "s",
            "-1s",
            "+1s",
            "1.5h",
            "1w",
            "99999999999999999999s",
            "1é",
        ] {
            assert!(bad.parse::<Seconds>().is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_are_judged() {
        for good in [
            "10.0.0.1",
            "10.0.0.0/30",
            "10.0.0.1-10.0.0.9",
            "fd00::1-fd00::ff",
        ] {
            assert!(good.parse::<Span>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-fd00::1",
            "10.0.0.1-",
            "10.0.0.1/30",
        ] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
