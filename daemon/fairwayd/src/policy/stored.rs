//! How objects lie in the store: as they were applied, in an envelope with a version.

use fairway_policy::object::{self, Parsed};
use serde_json::{Value, json};

/// The version that this program writes and the newest that it reads.
const VERSION: u64 = 1;

/// Writes an object.
pub(crate) fn encode(parsed: &Parsed) -> Vec<u8> {
    json!({ "version": VERSION, "object": parsed.json })
        .to_string()
        .into_bytes()
}

/// Reads one.
pub(crate) fn decode(value: &[u8]) -> Result<Parsed, String> {
    let mut value: Value = serde_json::from_slice(value).map_err(|error| error.to_string())?;
    match value["version"].as_u64() {
        Some(VERSION) => {}
        Some(newer) => {
            return Err(format!(
                "version {newer} is newer than {VERSION}, the newest that this program knows"
            ));
        }
        None => return Err("version: missing or not a whole number above 0".to_owned()),
    }
    object::parse(value["object"].take()).map_err(|error| error.to_string())
}
