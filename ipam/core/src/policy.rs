//! What becomes of a claim's addresses: release policies and handover modes.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// When a claim's addresses are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Release {
    /// With the container: there is no claim at all.
    #[default]
    OnDelete,
    /// When the application that the workload belongs to is deleted.
    OnAppDelete,
    /// When the application is deleted, or scaled down below this workload.
    OnScaleDown,
    /// So many seconds after the last holder has gone.
    After(u64),
    /// By hand only.
    Never,
}

/// A release policy or handover mode that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not one of {choices}")]
pub struct NotAChoice {
    value: String,
    choices: &'static str,
}

impl FromStr for Release {
    type Err = NotAChoice;

    fn from_str(text: &str) -> Result<Self, NotAChoice> {
        let after = |text: &str| duration(text.strip_prefix("after:")?).map(Release::After);
        match text {
            "on-delete" => Ok(Release::OnDelete),
            "on-app-delete" => Ok(Release::OnAppDelete),
            "on-scale-down" => Ok(Release::OnScaleDown),
            "never" => Ok(Release::Never),
            _ => after(text).ok_or_else(|| NotAChoice {
                value: text.to_owned(),
                choices: "on-delete, on-app-delete, on-scale-down, after:DURATION (30s, 5m, 2h, 7d), never",
            }),
        }
    }
}

/// A whole number with `s`, `m`, `h` or `d`; in seconds. At most ten years.
pub(crate) fn duration(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    if !number.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let seconds = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (seconds <= 10 * 366 * 86400).then_some(seconds)
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Release::OnDelete => f.write_str("on-delete"),
            Release::OnAppDelete => f.write_str("on-app-delete"),
            Release::OnScaleDown => f.write_str("on-scale-down"),
            Release::After(seconds) => write!(f, "after:{seconds}s"),
            Release::Never => f.write_str("never"),
        }
    }
}

/// What a newcomer gets while the claim's present holder is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Handover {
    /// It waits for the holder to go, bounded; then ADD fails with 11 and the runtime tries again.
    #[default]
    Wait,
    /// An ordinary address of the pool, for this container's life.
    Temporary,
    /// An error at once that says who holds it.
    Strict,
}

impl FromStr for Handover {
    type Err = NotAChoice;

    fn from_str(text: &str) -> Result<Self, NotAChoice> {
        match text {
            "wait" => Ok(Handover::Wait),
            "temporary" => Ok(Handover::Temporary),
            "strict" => Ok(Handover::Strict),
            _ => Err(NotAChoice {
                value: text.to_owned(),
                choices: "wait, temporary, strict",
            }),
        }
    }
}

impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Handover::Wait => "wait",
            Handover::Temporary => "temporary",
            Handover::Strict => "strict",
        })
    }
}

macro_rules! by_text {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = NotAChoice;

            fn try_from(text: String) -> Result<Self, NotAChoice> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    )*};
}

by_text! { Release Handover }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_policies_are_read_and_written() {
        for text in [
            "on-delete",
            "on-app-delete",
            "on-scale-down",
            "never",
            "after:90s",
        ] {
            assert_eq!(text.parse::<Release>().unwrap().to_string(), text);
        }
        assert_eq!("after:2h".parse(), Ok(Release::After(7200)));
        for bad in [
            "",
            "after",
            "after:",
            "after:h",
            "after:-1h",
            "after:1y",
            "after:+1h",
            "after:99999999999d",
            "after:1é",
        ] {
            assert!(bad.parse::<Release>().is_err(), "{bad}");
        }
    }

    #[test]
    fn handover_modes_are_read_and_written() {
        for text in ["wait", "temporary", "strict"] {
            assert_eq!(text.parse::<Handover>().unwrap().to_string(), text);
        }
        assert!("Wait".parse::<Handover>().is_err());
    }
}
