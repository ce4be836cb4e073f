//! Protocol versions, and which verb came with which.

use crate::{Code, Fault, env::Verb};
use std::{fmt, str::FromStr};

/// A released version of the CNI specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 0.1.0: ADD and DEL, one address of each family.
    V0_1_0,
    /// 0.2.0: VERSION.
    V0_2_0,
    /// 0.3.0: interfaces and several addresses.
    V0_3_0,
    /// 0.3.1.
    V0_3_1,
    /// 0.4.0: CHECK, prevResult on DEL.
    V0_4_0,
    /// 1.0.0: no `version` in `ips`.
    V1_0_0,
    /// 1.1.0: GC, STATUS.
    V1_1_0,
}

/// A version that is malformed, unknown, or does not have the verb asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VersionError {
    /// Not one of [`Version::ALL`].
    #[error(
        "incompatible CNI versions: config is {asked:?}, plugin supports [{}]",
        supported()
    )]
    Unsupported {
        /// What `cniVersion` held.
        asked: String,
    },
    /// The verb came with a later version.
    #[error("config version {version} does not allow {verb}: it needs {needs} or later")]
    VerbTooNew {
        /// The verb asked for.
        verb: Verb,
        /// The version of the configuration.
        version: String,
        /// The first version that has the verb.
        needs: Version,
    },
}

impl Fault for VersionError {
    fn code(&self) -> Code {
        Code::INCOMPATIBLE_VERSION
    }
}

fn supported() -> String {
    Version::ALL.map(Version::as_str).join(" ")
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Version; 7] = [
        Version::V0_1_0,
        Version::V0_2_0,
        Version::V0_3_0,
        Version::V0_3_1,
        Version::V0_4_0,
        Version::V1_0_0,
        Version::V1_1_0,
    ];

    /// The newest.
    pub const LATEST: Version = Version::V1_1_0;

    /// The dotted form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Version::V0_1_0 => "0.1.0",
            Version::V0_2_0 => "0.2.0",
            Version::V0_3_0 => "0.3.0",
            Version::V0_3_1 => "0.3.1",
            Version::V0_4_0 => "0.4.0",
            Version::V1_0_0 => "1.0.0",
            Version::V1_1_0 => "1.1.0",
        }
    }

    /// Reads the `cniVersion` of a configuration for `verb`.
    ///
    /// The verb is judged first, then the version, as the reference library does: a runtime that asks
    /// an unknown old version for GC is told about the verb. An empty string means 0.1.0.
    pub fn for_verb(asked: &str, verb: Verb) -> Result<Version, VersionError> {
        let asked = if asked.is_empty() { "0.1.0" } else { asked };
        let needs = verb.since();
        if triple(asked).is_some_and(|v| triple(needs.as_str()).is_some_and(|n| v < n)) {
            return Err(VersionError::VerbTooNew {
                verb,
                version: asked.to_owned(),
                needs,
            });
        }
        asked.parse()
    }
}

/// `major.minor.patch`, for comparing versions that we may not know.
fn triple(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.splitn(3, '.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Version::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| VersionError::Unsupported {
                asked: text.to_owned(),
            })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_need_their_version() {
        assert_eq!(Version::for_verb("", Verb::Add), Ok(Version::V0_1_0));
        assert_eq!(Version::for_verb("1.1.0", Verb::Gc), Ok(Version::V1_1_0));
        assert!(matches!(
            Version::for_verb("0.3.1", Verb::Check),
            Err(VersionError::VerbTooNew {
                needs: Version::V0_4_0,
                ..
            })
        ));
        assert!(matches!(
            Version::for_verb("0.3.7", Verb::Gc),
            Err(VersionError::VerbTooNew { .. })
        ));
    }

    #[test]
    fn unknown_versions_are_named() {
        for text in ["2.0.0", "1.1", "x", "1.1.0 ", "99999999999.0.0"] {
            let error = Version::for_verb(text, Verb::Add).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
