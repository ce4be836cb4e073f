//! How objects lie in the store: as they were applied, in an envelope with a version.

use serde::Deserialize;
use serde_json::{Value, json};

/// The version that this program writes and the newest that it reads.
const VERSION: u64 = 1;

/// What is applied as JSON.
pub(crate) trait Object: Sized {
    /// As it was applied.
    fn json(&self) -> &Value;
    /// Reads that again.
    fn parse(json: Value) -> Result<Self, String>;
}

impl Object for fairway_policy::object::Parsed {
    fn json(&self) -> &Value {
        &self.json
    }

    fn parse(json: Value) -> Result<Self, String> {
        fairway_policy::object::parse(json).map_err(|error| error.to_string())
    }
}

impl Object for fairway_rates::object::Parsed {
    fn json(&self) -> &Value {
        &self.json
    }

    fn parse(json: Value) -> Result<Self, String> {
        fairway_rates::object::parse(json).map_err(|error| error.to_string())
    }
}

impl Object for fairway_bgp::object::Parsed {
    fn json(&self) -> &Value {
        &self.json
    }

    fn parse(json: Value) -> Result<Self, String> {
        fairway_bgp::object::parse(json).map_err(|error| error.to_string())
    }
}

impl Object for fairway_definitions::Parsed {
    fn json(&self) -> &Value {
        &self.json
    }

    fn parse(json: Value) -> Result<Self, String> {
        fairway_definitions::parse(&json).map_err(|error| error.to_string())
    }
}

/// Where an object came from, if not by `netctl apply`: whoever it came from also changes it, and takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// From an API server of Kubernetes.
    Kubernetes,
    /// From what this program does not know yet.
    #[serde(other)]
    Unknown,
}

/// Writes an object that was applied.
pub(crate) fn encode(object: &impl Object) -> Vec<u8> {
    json!({ "version": VERSION, "object": object.json() })
        .to_string()
        .into_bytes()
}

/// Writes one that came from an API server.
#[cfg(feature = "k8s")]
pub(crate) fn encode_mirrored(object: &impl Object) -> Vec<u8> {
    json!({ "version": VERSION, "origin": "kubernetes", "object": object.json() })
        .to_string()
        .into_bytes()
}

/// Who wrote what lies at a key, and in which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) struct Envelope {
    /// None: somebody applied it.
    #[serde(default)]
    pub(crate) origin: Option<Origin>,
    #[serde(default)]
    version: u64,
}

impl Envelope {
    /// Reads it; of what cannot be read nothing is known, and it is nobody's but an administrator's.
    pub(crate) fn of(value: &[u8]) -> Envelope {
        serde_json::from_slice(value).unwrap_or_default()
    }

    /// A newer program wrote it.
    #[cfg(feature = "k8s")]
    pub(crate) fn is_newer(self) -> bool {
        self.version > VERSION
    }
}

/// Reads one.
///
/// # Errors
/// Where it is none, or a newer program wrote it.
pub(crate) fn decode<O: Object>(value: &[u8]) -> Result<O, String> {
    let mut value: Value = serde_json::from_slice(value).map_err(|error| error.to_string())?;
    match value["version"].as_u64() {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(format!(
                "version {newer} is newer than {VERSION}, the newest that this program knows"
            ));
        }
        _ => return Err("version: missing or not a whole number above 0".to_owned()),
    }
    O::parse(value["object"].take())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> Value {
        json!({
            "apiVersion": "fairway.network/v1alpha1",
            "kind": "RateLimit",
            "metadata": { "name": "a" },
            "spec": { "ingress": { "rate": "1M" } },
        })
    }

    fn policy() -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": "a", "namespace": "web" },
            "spec": { "podSelector": {} },
        })
    }

    fn comes_back<O: Object + PartialEq + std::fmt::Debug>(json: Value) {
        let object = O::parse(json).unwrap();
        assert_eq!(decode::<O>(&encode(&object)), Ok(object));
    }

    #[test]
    fn what_was_written_is_read() {
        comes_back::<fairway_rates::object::Parsed>(limit());
        comes_back::<fairway_policy::object::Parsed>(policy());
    }

    #[test]
    #[cfg(feature = "k8s")]
    fn what_came_from_elsewhere_says_so() {
        let object = fairway_rates::object::Parsed::parse(limit()).unwrap();
        let (own, mirrored) = (encode(&object), encode_mirrored(&object));
        assert_eq!(Envelope::of(&own).origin, None);
        assert_eq!(Envelope::of(&mirrored).origin, Some(Origin::Kubernetes));
        assert_eq!(decode(&mirrored), Ok(object));
        let other = br#"{"version": 2, "origin": "nomad", "object": {}}"#;
        let read = Envelope::of(other);
        assert!(read.origin == Some(Origin::Unknown) && read.is_newer());
        assert_eq!(Envelope::of(b"x"), Envelope::default());
    }

    #[test]
    fn another_version_is_not_read() {
        for (version, what) in [
            (
                json!(2),
                "version 2 is newer than 1, the newest that this program knows",
            ),
            (json!(0), "version: missing or not a whole number above 0"),
            (json!("1"), "version: missing or not a whole number above 0"),
            (
                Value::Null,
                "version: missing or not a whole number above 0",
            ),
        ] {
            let value = json!({ "version": version, "object": limit() }).to_string();
            let read = decode::<fairway_rates::object::Parsed>(value.as_bytes());
            assert_eq!(read, Err(what.to_owned()));
        }
    }
}
