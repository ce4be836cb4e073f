//! Names that are keys in the store, so that a bad one can never get there.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A name that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no {kind}: {rule}")]
pub struct InvalidName {
    /// What it was meant to be.
    pub kind: &'static str,
    /// As it was given.
    pub value: String,
    /// What such a name looks like.
    pub rule: &'static str,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, $rule:literal, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Judges a name.
            ///
            /// # Errors
            /// Where it does not have the form.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidName> {
                let value = value.into();
                let valid: fn(&str) -> bool = $valid;
                match valid(&value) {
                    true => Ok($name(value)),
                    false => Err(InvalidName { kind: $kind, value, rule: $rule }),
                }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(value: String) -> Result<Self, InvalidName> {
                Self::new(value)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(value: &str) -> Result<Self, InvalidName> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A node of the cluster.
    NodeName = "node name", "1 to 253 of a-z A-Z 0-9 . _ -, the first a letter or a digit", |text| simple(text, 253);
    /// A pool.
    PoolName = "pool name", "1 to 63 of a-z 0-9 . -, the first and last a letter or a digit", |text| {
        let lower = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.len() <= 63
            && text.bytes().all(|c| lower(c) || matches!(c, b'.' | b'-'))
            && text.bytes().next().is_some_and(lower)
            && text.bytes().last().is_some_and(lower)
    };
    /// A claim: parts of `[A-Za-z0-9._:~#@-]` with a slash between them.
    ClaimName = "claim name", "1 to 253 of A-Z a-z 0-9 . _ : ~ # @ -, in parts with / between them", parts;
    /// An application that claims belong to: `StatefulSet/NAMESPACE/NAME` and the like.
    AppName = "application name", "1 to 253 of A-Z a-z 0-9 . _ : ~ # @ -, in parts with / between them", parts;
    /// Which journal, so which incarnation of a node: made anew with each new journal.
    JournalId = "journal id", "1 to 64 of a-z A-Z 0-9 . _ -, the first a letter or a digit", |text| simple(text, 64);
    /// Which incarnation of a claim.
    Uid = "uid", "1 to 128 of A-Z a-z 0-9 . _ : ~ # @ -, in parts with / between them", |text| text.len() <= 128 && parts(text);
}

impl Uid {
    /// The claim that a journal made as its so manieth thing.
    pub(crate) fn made(journal: &JournalId, seq: u64) -> Uid {
        Uid(format!("{journal}:{seq}"))
    }
}

impl ClaimName {
    /// A claim of one container, out of another node's block.
    pub(crate) fn borrowed(uid: &Uid) -> ClaimName {
        ClaimName(format!("~borrow/{uid}"))
    }

    /// A member of a set. `None`: the name would be too long.
    pub(crate) fn member(&self, number: u32) -> Option<ClaimName> {
        ClaimName::new(format!("{self}#{number}")).ok()
    }
}

fn simple(text: &str, max: usize) -> bool {
    text.len() <= max
        && text
            .bytes()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'))
}

fn parts(text: &str) -> bool {
    let allowed = |c: u8| {
        c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b':' | b'~' | b'#' | b'@' | b'-')
    };
    let part =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(allowed);
    text.len() <= 253 && text.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged() {
        for good in ["n1", "node-1.example.com", "N_1"] {
            assert_eq!(NodeName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-n", "a/b", "a b", "é"] {
            assert!(NodeName::new(bad).is_err(), "{bad}");
        }
        assert!(PoolName::new("web.v4-1").is_ok());
        for bad in ["", "Web", "web-", ".web", "a/b", &"x".repeat(64)] {
            assert!(PoolName::new(bad).is_err(), "{bad}");
        }
        for good in [
            "db-0",
            "web/db-0",
            "web/Deployment/front#3",
            "~borrow/n1/abc/eth0",
        ] {
            assert!(ClaimName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/db", "db/", "a//b", "a/../b", "a b", &"x".repeat(254)] {
            assert!(ClaimName::new(bad).is_err(), "{bad}");
        }
    }
}
