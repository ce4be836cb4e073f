//! Releases of the specification.

use std::{fmt, str::FromStr};

const NAMES: [&str; 7] = [
    "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
];

/// A released version of the specification, older ones being less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(usize);

impl Release {
    /// The first.
    pub const V0_1_0: Release = Release(0);
    /// Interfaces and several addresses; chaining.
    pub const V0_3_0: Release = Release(2);
    /// CHECK, and `prevResult` on DEL.
    pub const V0_4_0: Release = Release(4);
    /// No `version` in `ips`.
    pub const V1_0_0: Release = Release(5);
    /// GC and STATUS.
    pub const V1_1_0: Release = Release(6);

    /// By its name; `None` where the suite knows no such release.
    pub fn named(name: &str) -> Option<Release> {
        NAMES.iter().position(|known| *known == name).map(Release)
    }

    /// As `cniVersion` holds it.
    pub fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or_default()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Release, String> {
        Release::named(text).ok_or_else(|| format!("not one of {}", NAMES.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_ordered_and_known_by_name() {
        for name in NAMES {
            assert_eq!(Release::named(name).map(Release::name), Some(name));
        }
        for (release, name) in [
            (Release::V0_1_0, "0.1.0"),
            (Release::V0_3_0, "0.3.0"),
            (Release::V0_4_0, "0.4.0"),
            (Release::V1_0_0, "1.0.0"),
            (Release::V1_1_0, "1.1.0"),
        ] {
            assert_eq!(release.to_string(), name);
            assert_eq!(name.parse(), Ok(release));
        }
        assert!(Release::V0_4_0 < Release::V1_0_0);
        assert_eq!(Release::named("1.1"), None);
    }
}
