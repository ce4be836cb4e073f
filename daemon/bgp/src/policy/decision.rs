//! What was decided, and why.

use super::Policy;
use crate::attr::Community;
use std::fmt;

/// Whether a route goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// It does.
    pub accepted: bool,
    /// Who said so.
    pub why: Why,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The rule of this number, from 0.
    Rule(u32),
    /// No rule matched.
    NoRule,
    /// The neighbour is of another AS and has no policy (RFC 8212).
    NoPolicy,
    /// There is no policy, and none is needed.
    NotNeeded,
    /// It is the default route, and the rule that would accept it (or having no policy) does not name it.
    DefaultRoute(Option<u32>),
    /// A community that says who may not be told (RFC 1997).
    Community(Community),
}

impl Why {
    /// The number of the rule, where there is one.
    pub fn rule(self) -> Option<u32> {
        match self {
            Why::Rule(number) => Some(number),
            Why::DefaultRoute(number) => number,
            _ => None,
        }
    }
}

impl Decision {
    pub(crate) const fn accepted(why: Why) -> Decision {
        Decision {
            accepted: true,
            why,
        }
    }

    pub(crate) const fn refused(why: Why) -> Decision {
        Decision {
            accepted: false,
            why,
        }
    }

    /// In words, of the policy that decided.
    pub fn explain(self, policy: Option<&Policy>) -> String {
        Explained(self, policy).to_string()
    }
}

struct Explained<'a>(Decision, Option<&'a Policy>);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explained(decision, policy) = *self;
        f.write_str(match decision.accepted {
            true => "accepted: ",
            false => "refused: ",
        })?;
        let rule = |f: &mut fmt::Formatter<'_>, number: u32| {
            write!(f, "rule {}", number + 1)?;
            match policy {
                Some(policy) => write!(f, " of policy {}", policy.name()),
                None => Ok(()),
            }
        };
        match decision.why {
            Why::Rule(number) => {
                rule(f, number)?;
                match policy.and_then(|policy| policy.rule(decision)) {
                    Some(rule) => write!(f, ", {rule}"),
                    None => Ok(()),
                }
            }
            Why::NoRule => match policy {
                Some(policy) => write!(f, "no rule of policy {} matches", policy.name()),
                None => f.write_str("no rule matches"),
            },
            Why::NoPolicy => {
                f.write_str("a neighbour of another AS needs a policy, and has none (RFC 8212)")
            }
            Why::NotNeeded => f.write_str("there is no policy, and none is needed"),
            Why::DefaultRoute(Some(number)) => {
                f.write_str("it is the default route, and ")?;
                rule(f, number)?;
                f.write_str(" does not name it exactly")
            }
            Why::DefaultRoute(None) => f.write_str("it is the default route, and no rule names it"),
            Why::Community(Community::NO_EXPORT) => f.write_str("it bears NO_EXPORT"),
            Why::Community(Community::NO_ADVERTISE) => f.write_str("it bears NO_ADVERTISE"),
            Why::Community(Community::NO_EXPORT_SUBCONFED) => {
                f.write_str("it bears NO_EXPORT_SUBCONFED")
            }
            Why::Community(other) => write!(f, "it bears {other}"),
        }
    }
}
