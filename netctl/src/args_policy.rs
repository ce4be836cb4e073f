//! Values on the command line that are about objects and policies.

use fairway_api::admin;
use std::{fmt, net::IpAddr, str::FromStr};

/// Why a value is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPolicyValue {
    #[error("not a name, nor NAMESPACE/NAME")]
    Name,
    #[error("not NAMESPACE/POD, nor an address")]
    Party,
    #[error("not a port such as 80 or 80/udp")]
    Port,
    #[error("not a protocol's name, such as tcp or icmp")]
    Protocol,
}

/// `NAME` or `NAMESPACE/NAME`, neither empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectName {
    namespace: Option<String>,
    name: String,
}

impl ObjectName {
    /// With the namespace that was said elsewhere; none where it is said twice.
    pub(crate) fn within(&self, other: Option<&String>) -> Option<(Option<String>, String)> {
        let namespace = match (&self.namespace, other) {
            (Some(_), Some(_)) => return None,
            (one, other) => one.as_ref().or(other).cloned(),
        };
        Some((namespace, self.name.clone()))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for ObjectName {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<ObjectName, BadPolicyValue> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, text),
        };
        match namespace.as_deref() == Some("") || name.is_empty() || name.contains('/') {
            true => Err(BadPolicyValue::Name),
            false => Ok(ObjectName {
                namespace,
                name: name.to_owned(),
            }),
        }
    }
}

/// One end of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Party {
    Pod(String),
    Address(IpAddr),
}

impl Party {
    pub(crate) fn api(&self) -> admin::Party {
        match self {
            Party::Pod(name) => admin::Party::Pod(name.clone()),
            Party::Address(address) => admin::Party::Address(*address),
        }
    }
}

impl FromStr for Party {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Party, BadPolicyValue> {
        if let Ok(address) = text.parse() {
            return Ok(Party::Address(address));
        }
        match text.parse() {
            Ok(ObjectName {
                namespace: Some(_), ..
            }) => Ok(Party::Pod(text.to_owned())),
            _ => Err(BadPolicyValue::Party),
        }
    }
}

/// A protocol's name, in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol(String);

impl Protocol {
    /// Where nothing was said.
    pub(crate) fn usual(port: bool) -> Protocol {
        Protocol(if port { "tcp" } else { "icmp" }.to_owned())
    }

    pub(crate) fn has_ports(&self) -> bool {
        ["tcp", "udp", "sctp"].contains(&self.0.as_str())
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Protocol {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Protocol, BadPolicyValue> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        match !text.is_empty() && text.chars().all(fits) {
            true => Ok(Protocol(text.to_ascii_lowercase())),
            false => Err(BadPolicyValue::Protocol),
        }
    }
}

/// `80` or `80/udp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PortArg {
    pub(crate) number: u16,
    pub(crate) protocol: Option<Protocol>,
}

impl FromStr for PortArg {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<PortArg, BadPolicyValue> {
        let (number, protocol) = match text.split_once('/') {
            Some((number, protocol)) => (number, Some(protocol.parse()?)),
            None => (text, None),
        };
        let digits = number.bytes().all(|c| c.is_ascii_digit());
        match number.parse() {
            Ok(number @ 1..) if digits => Ok(PortArg { number, protocol }),
            _ => Err(BadPolicyValue::Port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parties_are_judged() {
        let name: ObjectName = "web/dns".parse().unwrap();
        assert_eq!(name.within(None), Some((Some("web".into()), "dns".into())));
        assert_eq!(name.within(Some(&"web".to_owned())), None);
        let name: ObjectName = "dns".parse().unwrap();
        assert_eq!(name.within(None), Some((None, "dns".into())));
        for bad in ["", "/", "a/", "/a", "a/b/c"] {
            assert!(bad.parse::<ObjectName>().is_err(), "{bad}");
            assert!(bad.parse::<Party>().is_err(), "{bad}");
        }
        assert_eq!("a/b".parse(), Ok(Party::Pod("a/b".to_owned())));
        let address = "fd00::1".parse().unwrap();
        assert_eq!("fd00::1".parse(), Ok(Party::Address(address)));
        for bad in ["web", "10.0.0.300", "10.0.0.0/8/x"] {
            assert!(bad.parse::<Party>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ports_are_judged() {
        let port: PortArg = "80/UDP".parse().unwrap();
        assert_eq!((port.number, port.protocol.unwrap().0), (80, "udp".into()));
        for bad in [
            "", "0", "65536", "+80", "-1", "http", "80/", "/tcp", "80/u p",
        ] {
            assert!(bad.parse::<PortArg>().is_err(), "{bad}");
        }
    }
}
