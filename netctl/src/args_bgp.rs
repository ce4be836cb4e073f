//! Values on the command line that are about BGP. Which numbers are an AS's, the daemon judges.

use serde_json::Value;
use std::str::FromStr;

/// Why a value is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBgpValue {
    #[error("not an AS such as 65001, nor `internal` or `external`")]
    Asn,
}

/// Of which AS a neighbour has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsnArg {
    Is(u32),
    Internal,
    External,
}

impl AsnArg {
    /// As `spec.asn` has it.
    pub(crate) fn field(self) -> Value {
        match self {
            AsnArg::Is(number) => number.into(),
            AsnArg::Internal => "Internal".into(),
            AsnArg::External => "External".into(),
        }
    }
}

impl FromStr for AsnArg {
    type Err = BadBgpValue;

    fn from_str(text: &str) -> Result<AsnArg, BadBgpValue> {
        let digits = text.bytes().all(|c| c.is_ascii_digit());
        match (text.to_ascii_lowercase().as_str(), text.parse()) {
            ("internal", _) => Ok(AsnArg::Internal),
            ("external", _) => Ok(AsnArg::External),
            // No sign, which `parse` would take.
            (_, Ok(number)) if digits => Ok(AsnArg::Is(number)),
            _ => Err(BadBgpValue::Asn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_as_is_a_number_or_one_of_two_words() {
        for (text, asn) in [
            ("65001", AsnArg::Is(65001)),
            ("4294967295", AsnArg::Is(u32::MAX)),
            ("internal", AsnArg::Internal),
            ("External", AsnArg::External),
        ] {
            assert_eq!(text.parse(), Ok(asn), "{text}");
        }
        for bad in ["", "+1", "-1", "4294967296", "1.10", "AS65001", "inside"] {
            assert_eq!(bad.parse::<AsnArg>(), Err(BadBgpValue::Asn), "{bad}");
        }
    }
}
