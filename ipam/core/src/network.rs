//! Networks, as the store has them: tenants, each a table of its own.
//!
//! A network names its pools, a pool does not know its network: an administrator who takes a pool out of
//! a network changes one key.

use crate::PoolName;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

/// A network's name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("network: {value:?} is no name: {RULE}")]
pub struct InvalidNetworkName {
    /// As it was given.
    pub value: String,
}

const RULE: &str = "1 to 63 of a-z 0-9 . -, the first and last a letter or a digit";

/// A network: a tenant's own table. Shared, not copied: it stands beside each of thousands of routes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(Arc<str>);

impl NetworkName {
    /// Judges a name.
    ///
    /// # Errors
    /// Where it does not have the form.
    pub fn new(value: &str) -> Result<NetworkName, InvalidNetworkName> {
        let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = value.len() <= 63
            && value.bytes().all(|c| letter(c) || matches!(c, b'.' | b'-'))
            && value.bytes().next().is_some_and(letter)
            && value.bytes().last().is_some_and(letter);
        match valid {
            true => Ok(NetworkName(value.into())),
            false => Err(InvalidNetworkName {
                value: value.to_owned(),
            }),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NetworkName {
    type Err = InvalidNetworkName;

    fn from_str(text: &str) -> Result<NetworkName, InvalidNetworkName> {
        NetworkName::new(text)
    }
}

impl TryFrom<String> for NetworkName {
    type Error = InvalidNetworkName;

    fn try_from(value: String) -> Result<NetworkName, InvalidNetworkName> {
        NetworkName::new(&value)
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> String {
        name.as_str().to_owned()
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number that is no VNI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("vni: {number} is out of range: 1 to 16777215")]
pub struct InvalidVni {
    /// As it was given.
    pub number: u32,
}

/// A VXLAN network identifier (RFC 7348): 1 to 16777215.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Vni(u32);

impl Vni {
    /// The first that a network gets which names none.
    pub const FIRST: Vni = Vni(4096);

    /// Judges a number.
    ///
    /// # Errors
    /// For 0 and for more than 24 bits.
    pub fn new(number: u32) -> Result<Vni, InvalidVni> {
        match number {
            1..=0xff_ffff => Ok(Vni(number)),
            _ => Err(InvalidVni { number }),
        }
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Vni {
    type Error = InvalidVni;

    fn try_from(number: u32) -> Result<Vni, InvalidVni> {
        Vni::new(number)
    }
}

impl From<Vni> for u32 {
    fn from(vni: Vni) -> u32 {
        vni.0
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When packets to another node are encapsulated.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Encap {
    /// To every node. Works on every underlay.
    #[default]
    Always,
    /// To nodes outside our subnet; the others are gateways.
    CrossSubnet,
    /// To none. Nodes outside our subnet get no route from us: the fabric has to know the way.
    Never,
}

impl Encap {
    const ALL: [Encap; 3] = [Encap::Always, Encap::CrossSubnet, Encap::Never];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Encap::Always => "always",
            Encap::CrossSubnet => "cross-subnet",
            Encap::Never => "never",
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Encap::default()
    }
}

/// A word that says nothing about encapsulation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of always, cross-subnet, never")]
pub struct InvalidEncap {
    /// As it was given.
    pub text: String,
}

impl FromStr for Encap {
    type Err = InvalidEncap;

    fn from_str(text: &str) -> Result<Encap, InvalidEncap> {
        let found = Encap::ALL.into_iter().find(|encap| encap.as_str() == text);
        found.ok_or_else(|| InvalidEncap {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Encap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `networks/<network>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// Its VNI.
    pub vni: Vni,
    /// Its pools; the first is for workloads that name none.
    pub pools: Vec<PoolName>,
    /// Whose containers its own reach.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub imports: BTreeSet<NetworkName>,
}

impl crate::record::Record for NetworkRecord {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record as _;

    #[test]
    fn names_and_numbers_are_judged() {
        for good in ["a", "tenant-1", "a.b"] {
            assert_eq!(NetworkName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "A", "a/b", &"x".repeat(64)] {
            assert!(NetworkName::new(bad).is_err(), "{bad}");
        }
        for bad in [0, 1 << 24] {
            assert_eq!(Vni::new(bad), Err(InvalidVni { number: bad }));
        }
        for encap in Encap::ALL {
            assert_eq!(encap.as_str().parse(), Ok(encap));
            let json = serde_json::to_string(&encap).unwrap();
            assert_eq!(json, format!("\"{encap}\""));
        }
        assert!("sometimes".parse::<Encap>().is_err());
    }

    #[test]
    fn records_are_read_as_they_are_written_and_bad_ones_name_the_field() {
        let text = r#"{"version":1,"vni":4097,"pools":["web","db"],"imports":["shared"]}"#;
        let record = NetworkRecord::decode(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(record.encode()).unwrap(), text);
        for (bad, field) in [
            (r#"{"version":1,"vni":0,"pools":[]}"#, "vni"),
            (r#"{"version":1,"vni":5,"pools":["W"]}"#, "pools[0]"),
            (r#"{"version":1,"vni":5}"#, "value"),
            (
                r#"{"version":1,"vni":5,"pools":[],"imports":["-"]}"#,
                "imports",
            ),
        ] {
            let error = NetworkRecord::decode(bad.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(field), "{bad}: {error}");
        }
    }
}
