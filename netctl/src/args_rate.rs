//! Values on the command line that are about rates. How much a rate or a burst is, the daemon judges.

use crate::args_policy::ObjectName;
use std::{fmt, str::FromStr};

/// Why a value is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRateValue {
    #[error("not NAMESPACE/POD")]
    Workload,
    #[error("not a rate such as 20M or 1.5Gbit, nor `none`")]
    Rate,
}

/// `NAMESPACE/POD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workload(String);

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Workload {
    type Err = BadRateValue;

    fn from_str(text: &str) -> Result<Workload, BadRateValue> {
        match text.parse::<ObjectName>() {
            Ok(_) if text.contains('/') => Ok(Workload(text.to_owned())),
            _ => Err(BadRateValue::Workload),
        }
    }
}

/// A rate, or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RateArg {
    None,
    Rate(String),
}

impl FromStr for RateArg {
    type Err = BadRateValue;

    fn from_str(text: &str) -> Result<RateArg, BadRateValue> {
        match text {
            "" => Err(BadRateValue::Rate),
            "none" => Ok(RateArg::None),
            text => Ok(RateArg::Rate(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_have_a_namespace() {
        let workload: Workload = "shop/db-0".parse().unwrap();
        assert_eq!(workload.to_string(), "shop/db-0");
        for bad in ["", "db-0", "/db-0", "shop/", "a/b/c"] {
            assert_eq!(
                bad.parse::<Workload>(),
                Err(BadRateValue::Workload),
                "{bad}"
            );
        }
    }

    #[test]
    fn none_is_no_rate() {
        assert_eq!("none".parse(), Ok(RateArg::None));
        assert_eq!("20M".parse(), Ok(RateArg::Rate("20M".to_owned())));
        assert_eq!("".parse::<RateArg>(), Err(BadRateValue::Rate));
    }
}
