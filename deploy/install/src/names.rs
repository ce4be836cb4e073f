//! Names of files that this crate may write: a plugin's type and a configuration's name. Each is one part of a path.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The multi-call binary's own name, which no plugin can have.
pub(crate) const BINARY: &str = "fairway-cni";

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {name:?} {reason}")]
pub struct NameError {
    field: &'static str,
    name: String,
    reason: &'static str,
}

/// A plugin's type, such as `bridge`: the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginType(String);

/// The name of a configuration's file, such as `00-fairway.conflist`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfName(String);

/// What libcni reads in a folder of configurations.
pub(crate) const CONF_ENDINGS: [&str; 3] = [".conflist", ".conf", ".json"];

/// What a file system allows, less what this crate puts before and behind.
const LONGEST: usize = 200;

fn part(field: &'static str, name: &str) -> Result<(), NameError> {
    let refuse = |reason| {
        Err(NameError {
            field,
            name: name.to_owned(),
            reason,
        })
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match name {
        "" => refuse("is empty"),
        _ if name.len() > LONGEST => refuse("is too long"),
        _ if name.starts_with(['.', '-']) => refuse("begins with a dot or a dash"),
        _ if !name.chars().all(fits) => {
            refuse("has other characters than letters, digits, '.', '_' and '-'")
        }
        _ => Ok(()),
    }
}

impl FromStr for PluginType {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        part("types", name)?;
        if name == BINARY {
            return Err(NameError {
                field: "types",
                name: name.to_owned(),
                reason: "is the binary itself",
            });
        }
        Ok(Self(name.to_owned()))
    }
}

impl FromStr for ConfName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        part("name", name)?;
        if !(name.ends_with(".conflist") || name.ends_with(".conf")) {
            return Err(NameError {
                field: "name",
                name: name.to_owned(),
                reason: "ends neither with .conflist nor with .conf",
            });
        }
        Ok(Self(name.to_owned()))
    }
}

macro_rules! as_text {
    ($type:ident) => {
        impl $type {
            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                name.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

as_text!(PluginType);
as_text!(ConfName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_path() {
        for good in ["bridge", "host-local", "a.b_c", "9p"] {
            assert_eq!(good.parse::<PluginType>().unwrap().as_str(), good);
        }
        let long = "x".repeat(201);
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "/a",
            "-x",
            ".x",
            "a b",
            "é",
            "fairway-cni",
            &long,
        ] {
            let error = bad.parse::<PluginType>().unwrap_err().to_string();
            assert!(error.starts_with("types: "), "{error}");
        }
        assert!("00-fairway.conflist".parse::<ConfName>().is_ok());
        assert!("cni.conf".parse::<ConfName>().is_ok());
        for bad in ["x", "x.json", "../x.conf", ".x.conf", "x.conf.new"] {
            let error = bad.parse::<ConfName>().unwrap_err().to_string();
            assert!(error.starts_with("name: "), "{error}");
        }
    }
}
