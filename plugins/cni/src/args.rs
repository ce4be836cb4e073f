//! `CNI_ARGS`: `KEY=VALUE;KEY=VALUE`.
//!
//! An unknown key is an error unless `IgnoreUnknown` is set, as containerd and Podman do. Known keys
//! are known to every plugin of ours: the reference plugins each know only their own, so that there
//! `MAC` for bridge makes host-local fail.

use crate::{Code, Fault, labels};

/// The keys that some plugin of ours reads (besides [`labels`]), and those that Kubernetes runtimes always pass.
const KNOWN: &[&str] = &[
    "IgnoreUnknown",
    "IP",
    "GATEWAY",
    "MAC",
    "K8S_POD_NAMESPACE",
    "K8S_POD_NAME",
    "K8S_POD_INFRA_CONTAINER_ID",
    "K8S_POD_UID",
];

/// Why `CNI_ARGS` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgsError {
    /// Not `KEY=VALUE`.
    #[error("CNI_ARGS: {pair:?} is not KEY=VALUE")]
    Pair {
        /// The piece between two semicolons.
        pair: String,
    },
    /// Keys that nothing of ours reads.
    #[error("CNI_ARGS: unknown keys {keys:?} (IgnoreUnknown=1 accepts them)")]
    Unknown {
        /// The keys.
        keys: Vec<String>,
    },
    /// `IgnoreUnknown` with something other than a boolean.
    #[error("CNI_ARGS: IgnoreUnknown={value:?} is neither 1/true nor 0/false")]
    Boolean {
        /// What it held.
        value: String,
    },
}

impl Fault for ArgsError {
    fn code(&self) -> Code {
        Code::INVALID_ENVIRONMENT
    }
}

/// The pairs of `CNI_ARGS`, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CniArgs {
    pairs: Vec<(String, String)>,
    raw: String,
}

impl CniArgs {
    /// Parses the variable's value; empty pieces are skipped.
    pub fn parse(raw: &str) -> Result<Self, ArgsError> {
        let malformed =
            |piece: &str| !matches!(piece.split_once('='), Some((key, _)) if !key.is_empty());
        if let Some(pair) = pieces(raw).find(|piece| malformed(piece)) {
            return Err(ArgsError::Pair {
                pair: pair.to_owned(),
            });
        }
        let args = CniArgs::parse_leniently(raw);
        let ignore = args
            .get("IgnoreUnknown")
            .map(boolean)
            .transpose()?
            .unwrap_or(false);
        let keys = args.pairs.iter().map(|(key, _)| key.as_str());
        let unknown: Vec<_> = keys
            .filter(|key| !KNOWN.contains(key) && !labels::KEYS.contains(key))
            .map(ToOwned::to_owned)
            .collect();
        if !ignore && !unknown.is_empty() {
            return Err(ArgsError::Unknown { keys: unknown });
        }
        Ok(args)
    }

    /// The pairs that can be made out. For DEL, which must succeed whatever an earlier plugin let through,
    /// and for plugins that read none of them.
    pub fn parse_leniently(raw: &str) -> Self {
        let pairs = pieces(raw).filter_map(|piece| piece.split_once('='));
        CniArgs {
            pairs: pairs
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            raw: raw.to_owned(),
        }
    }

    /// The value of `key`; the last one where it stands twice.
    pub fn get(&self, key: &str) -> Option<&str> {
        let pair = self.pairs.iter().rev().find(|(name, _)| name == key)?;
        Some(&pair.1)
    }

    /// The variable as it came, for handing it on to a delegate.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

fn pieces(raw: &str) -> impl Iterator<Item = &str> {
    raw.split(';').filter(|piece| !piece.is_empty())
}

fn boolean(value: &str) -> Result<bool, ArgsError> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(ArgsError::Boolean {
            value: value.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_in_any_order() {
        let args = CniArgs::parse("K8S_POD_NAME=web-0;IgnoreUnknown=1;FOO=a=b;MAC=").unwrap();
        assert_eq!(args.get("K8S_POD_NAME"), Some("web-0"));
        assert_eq!(args.get("FOO"), Some("a=b"));
        assert_eq!(args.get("MAC"), Some(""));
        assert_eq!(args.get("IP"), None);
    }

    #[test]
    fn unknown_keys_need_leave() {
        assert!(CniArgs::parse("FOO=1;IgnoreUnknown=TRUE").is_ok());
        assert!(CniArgs::parse("fairway.network/claim=db").is_ok());
        for raw in [
            "FOO=1",
            "FOO=1;IgnoreUnknown=0",
            "FOO=1;IgnoreUnknown=false",
        ] {
            let error = CniArgs::parse(raw).unwrap_err();
            assert!(
                matches!(error, ArgsError::Unknown { ref keys } if keys == &["FOO"]),
                "{error}"
            );
        }
    }

    #[test]
    fn malformed() {
        for raw in ["FOO", "=x", "IgnoreUnknown=maybe"] {
            assert!(CniArgs::parse(raw).is_err(), "{raw}");
        }
        assert_eq!(CniArgs::parse(";;").unwrap().get("IP"), None);
        let some = CniArgs::parse_leniently("FOO;IP=10.0.0.2/24;=x;BAR=1");
        assert_eq!(some.get("IP"), Some("10.0.0.2/24"));
    }
}
