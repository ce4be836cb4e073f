//! What is wrong with a policy.

use super::PrefixMatch;
use crate::Prefix;

/// Why rules are no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A rule by itself.
    #[error("rule {rule}: {fault}")]
    Rule {
        /// Its name.
        rule: String,
        /// What of it.
        fault: Fault,
    },
    /// Two rules have one name, and an explanation would not say which.
    #[error("there is more than one rule {0}")]
    Twice(String),
    /// An earlier rule matches everything.
    #[error("rule {rule} is never reached: rule {after} before it matches everything")]
    Unreachable {
        /// Its name.
        rule: String,
        /// The earlier one.
        after: String,
    },
    /// A match of prefixes.
    #[error(
        "{prefix} with lengths {from} to {to}: they have to be at least /{least}, at most /{most}, and in order"
    )]
    Lengths {
        /// The prefix.
        prefix: Prefix,
        /// The shortest.
        from: u8,
        /// The longest.
        to: u8,
        /// The prefix's own length.
        least: u8,
        /// The family's.
        most: u8,
    },
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has no name.
    #[error("it has no name")]
    NoName,
    /// A list of which one is to match has nothing in it.
    #[error("a list of {0} is empty, so that nothing matches")]
    Nothing(&'static str),
    /// A path that is at least longer than at most.
    #[error("no path is at least {0} and at most {1} long")]
    PathLength(usize, usize),
    /// A rule that refuses changes something.
    #[error("it refuses, so that \"{0}\" would never be done")]
    RefusedChange(String),
    /// Two actions set the same thing.
    #[error("two actions set {0}")]
    SetTwice(&'static str),
    /// An IPv4 next hop where routes may be IPv6.
    #[error(
        "an IPv4 next hop is none of IPv6 routes: the rule has to be of ipv4-unicast alone, or of IPv4 prefixes"
    )]
    NextHopFamily,
    /// Of an IPv6 next hop, `::`; of an IPv4 one, `0.0.0.0`; or one of a group.
    #[error("{0} is no next hop")]
    NoHop(std::net::IpAddr),
    /// More than makes sense, or nothing.
    #[error("an AS is prepended 1 to 32 times, not {0}")]
    Prepend(u8),
    /// Prefixes of one family where the other is asked for.
    #[error("{0} is not of the family that the rule asks for, so that it never matches")]
    OtherFamily(PrefixMatch),
}
