//! What a plugin says when it is run by hand.

use crate::Version;

/// The text for standard error where no `CNI_COMMAND` is set.
pub fn about(kind: &str) -> String {
    let versions = Version::ALL.map(Version::as_str).join(", ");
    format!(
        "CNI {kind} plugin {} (Fairway)\nCNI protocol versions supported: {versions}\n",
        env!("CARGO_PKG_VERSION")
    )
}
