//! How much in a second, and how much at once.
//!
//! Two traditions write rates: Kubernetes' quantities (`20M`, `1.5G`, `1Mi`, `1e6`) and tc's (`20Mbit`). Both mean
//! bits a second here. `bps` is refused, for it means bits to some and bytes to tc.

use std::fmt;
use std::str::FromStr;

/// A rate in bits a second, from 1 kbit/s to 1 Tbit/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

/// Why a rate is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// Less than there can be.
    #[error("{0} bit/s is less than 1000 bit/s, the least that is kept")]
    TooLow(u64),
    /// More than there can be.
    #[error("{0} bit/s is more than 1000000000000 bit/s, the most that is kept")]
    TooHigh(u128),
    /// Not a number with a unit.
    #[error("{0:?} is no rate: a number of bits a second, such as 20M, 1.5Gbit, 500k or 1Mi")]
    Malformed(String),
}

impl Rate {
    /// 1 kbit/s: a full frame takes 12 s.
    pub const MIN: Self = Self(1_000);
    /// 1 Tbit/s.
    pub const MAX: Self = Self(1_000_000_000_000);

    /// A rate of so many bits a second.
    ///
    /// # Errors
    /// Outside [`Rate::MIN`] to [`Rate::MAX`].
    pub fn new(bits_per_second: u64) -> Result<Self, RateError> {
        if bits_per_second < Self::MIN.0 {
            return Err(RateError::TooLow(bits_per_second));
        }
        if bits_per_second > Self::MAX.0 {
            return Err(RateError::TooHigh(u128::from(bits_per_second)));
        }
        Ok(Self(bits_per_second))
    }

    /// Bits a second.
    pub const fn bits_per_second(self) -> u64 {
        self.0
    }

    /// Whole bytes a second, which is what the kernel counts in: 125 to 125,000,000,000.
    pub const fn bytes_per_second(self) -> u64 {
        self.0 / 8
    }

    /// Bytes in so many microseconds, an hour at most.
    pub(crate) const fn bytes_in_microseconds(self, microseconds: u32) -> u64 {
        let bits = self.0 as u128 * microseconds as u128;
        (bits / 8_000_000) as u64
    }
}

impl TryFrom<u64> for Rate {
    type Error = RateError;

    fn try_from(bits_per_second: u64) -> Result<Self, RateError> {
        Self::new(bits_per_second)
    }
}

const DECIMAL: [(&str, u64); 4] = [
    ("Tbit", 1_000_000_000_000),
    ("Gbit", 1_000_000_000),
    ("Mbit", 1_000_000),
    ("kbit", 1_000),
];

/// As it can be read back: `20Mbit`, `1500kbit`, `1234567bit`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, factor): &&(&str, u64)| self.0.is_multiple_of(*factor);
        match DECIMAL.iter().find(whole) {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}bit", self.0),
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let malformed = || RateError::Malformed(text.to_owned());
        let bits = bits(text).ok_or_else(malformed)?;
        match u64::try_from(bits) {
            Ok(bits) => Self::new(bits),
            Err(_) => Err(RateError::TooHigh(bits)),
        }
    }
}

/// Digits, a fraction, a unit. Parts of a bit are dropped; what has no room is the most there is.
fn bits(text: &str) -> Option<u128> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (fraction.is_empty() && number.contains('.')) {
        return None;
    }
    let factor = factor(unit)?;
    // More digits than these are parts of a bit at any unit.
    let fraction = fraction.get(..fraction.len().min(18))?;
    let parts: u128 = match fraction {
        "" => 0,
        digits => digits.parse().ok()?,
    };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let whole: u128 = match whole.trim_start_matches('0') {
        "" => 0,
        digits if digits.len() > 20 => return Some(u128::MAX),
        digits => digits.parse().ok()?,
    };
    Some(whole.saturating_mul(factor) + parts * factor / scale)
}

/// What a unit stands for; at most 2⁵⁰. Kubernetes takes rates up to 1P, so such is too much, and no nonsense.
fn factor(unit: &str) -> Option<u128> {
    if let Some(exponent) = unit.strip_prefix(['e', 'E']) {
        let digits = !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit());
        let exponent: u32 = exponent.parse().ok().filter(|_| digits)?;
        return (exponent <= 12).then(|| 10_u128.pow(exponent));
    }
    let unit = unit.strip_suffix("/s").unwrap_or(unit);
    let unit = unit.strip_suffix("bit").unwrap_or(unit);
    Some(match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "P" => 1_000_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        _ => return None,
    })
}

/// Bytes that may go at once, from 1500 to 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Burst(u32);

/// Why a burst is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BurstError {
    /// Less than a packet, which therefore could never go.
    #[error("{0} bytes are less than a packet of 1500 bytes")]
    TooSmall(u64),
    /// More than there can be.
    #[error("{0} bytes are more than 4294967295")]
    TooLarge(u64),
}

impl Burst {
    /// The MTU of Ethernet.
    pub const MIN: Self = Self(1500);

    /// A burst of so many bytes.
    ///
    /// # Errors
    /// Outside the range.
    pub fn new(bytes: u64) -> Result<Self, BurstError> {
        match u32::try_from(bytes) {
            Err(_) => Err(BurstError::TooLarge(bytes)),
            Ok(bytes) if bytes < Self::MIN.0 => Err(BurstError::TooSmall(u64::from(bytes))),
            Ok(bytes) => Ok(Self(bytes)),
        }
    }

    /// Bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }
}
