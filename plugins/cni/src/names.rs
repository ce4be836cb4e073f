//! Names that come from outside and end up in file names, rules and the kernel.

use std::{fmt, str::FromStr};

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// A byte that has no place in it.
    #[error("{name:?} has a character that is not allowed: {allowed}")]
    Character {
        /// The name as it came.
        name: String,
        /// What would be allowed.
        allowed: &'static str,
    },
    /// Longer than the kernel or the file system takes.
    #[error("{name:?} is longer than {max} bytes")]
    TooLong {
        /// The name as it came.
        name: String,
        /// The limit in bytes.
        max: usize,
    },
    /// `.` or `..`.
    #[error("{name:?} is not allowed")]
    Reserved {
        /// The name as it came.
        name: String,
    },
}

macro_rules! name {
    ($(#[$doc:meta])+ $type:ident, $check:path) => {
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                $check(name)?;
                Ok($type(name.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A container's id: `^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$`.
    ContainerId, identifier
}
name! {
    /// A network's name: `^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$`, 255 bytes at most as it names a folder.
    NetworkName, network_name
}
name! {
    /// An interface's name: 1–15 bytes, not `.` or `..`, no `/`, `:` or white space (Linux, `dev_valid_name`).
    IfName, interface_name
}

fn identifier(name: &str) -> Result<(), NameError> {
    let bytes = name.as_bytes();
    let first = bytes.first().ok_or(NameError::Empty)?;
    let rest = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if !first.is_ascii_alphanumeric() || !bytes.iter().all(rest) {
        return Err(NameError::Character {
            name: name.to_owned(),
            allowed: "a letter or digit, then letters, digits, '_', '.' and '-'",
        });
    }
    Ok(())
}

fn network_name(name: &str) -> Result<(), NameError> {
    identifier(name)?;
    at_most(name, 255)
}

fn interface_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    at_most(name, 15)?;
    if name == "." || name == ".." {
        return Err(NameError::Reserved {
            name: name.to_owned(),
        });
    }
    let bad = |c: char| c == '/' || c == ':' || c.is_whitespace() || c == '\0';
    if name.contains(bad) {
        return Err(NameError::Character {
            name: name.to_owned(),
            allowed: "anything but '/', ':' and white space",
        });
    }
    Ok(())
}

fn at_most(name: &str, max: usize) -> Result<(), NameError> {
    if name.len() > max {
        return Err(NameError::TooLong {
            name: name.to_owned(),
            max,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for good in ["a", "0", "a.b-c_d", "A9"] {
            assert!(good.parse::<ContainerId>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a/b", "a b", "ä", "a\n", "../x"] {
            assert!(bad.parse::<ContainerId>().is_err(), "{bad}");
            assert!(bad.parse::<NetworkName>().is_err(), "{bad}");
        }
        assert!("n".repeat(256).parse::<NetworkName>().is_err());
    }

    #[test]
    fn interface_names() {
        for good in ["eth0", "a", "eth0.100", "ä", "123456789012345"] {
            assert!(good.parse::<IfName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a:b",
            "a b",
            "a\tb",
            "1234567890123456",
        ] {
            assert!(bad.parse::<IfName>().is_err(), "{bad}");
        }
    }
}
