//! What is wrong with an object: all of it at once, each with the path of its field.
//!
//! Who writes a policy of fifty rules wants to mend it in one go, so nothing stops at the first fault.

use crate::spec::{ObjectName, Tier};
use ipnetwork::IpNetwork;
use std::fmt;

/// An object that is refused: one fault or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectError {
    /// In the order in which they were found.
    pub faults: Vec<Fault>,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path, as `spec.ingress[0].ports[1].endPort`; empty for the object itself.
    pub field: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not JSON.
    #[error("not JSON: {what}")]
    Syntax {
        /// What the reader says, with line and column.
        what: String,
    },
    /// JSON of another type.
    #[error("must be {wanted}, is {found}")]
    Type {
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Not there, or empty.
    #[error("must be given")]
    Missing,
    /// Nobody knows such a field.
    #[error("no such field")]
    Unknown,
    /// There twice.
    #[error("is given twice")]
    Twice,
    /// None of those that there are.
    #[error("{given:?} is not known; there are {}", known.join(", "))]
    NoneOf {
        /// What was given.
        given: String,
        /// What there is.
        known: &'static [&'static str],
    },
    /// Text of another form.
    #[error("{given:?} must be {form}")]
    Form {
        /// What was given.
        given: String,
        /// What it must look like.
        form: &'static str,
    },
    /// A number out of range.
    #[error("{given} is not in {least} to {most}")]
    Range {
        /// What was given.
        given: String,
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// More than fit.
    #[error("has {count} {of}, may have {most}")]
    Many {
        /// How many.
        count: usize,
        /// Of what.
        of: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Not an address with a prefix length.
    #[error("{given:?} is not a CIDR: {what}")]
    Cidr {
        /// What was given.
        given: String,
        /// Why not.
        what: &'static str,
    },
    /// It names a host, not a network.
    #[error("{given:?} has host bits; {meant} was probably meant")]
    HostBits {
        /// What was given.
        given: String,
        /// The same without them.
        meant: IpNetwork,
    },
    /// Not within the block that it is taken from, or all of it.
    #[error("{given} must be smaller than {cidr} and within it")]
    Outside {
        /// What was given.
        given: IpNetwork,
        /// The block.
        cidr: IpNetwork,
    },
    /// None of several.
    #[error("must have one of {}", of.join(", "))]
    OneAtLeast {
        /// Of these.
        of: &'static [&'static str],
    },
    /// Not one of several, or more than one.
    #[error("must have exactly one of {}", of.join(", "))]
    ExactlyOne {
        /// Of these.
        of: &'static [&'static str],
    },
    /// Fields that exclude each other.
    #[error("{given} may not be given together with {with}")]
    Together {
        /// One of them.
        given: &'static str,
        /// The others.
        with: &'static str,
    },
    /// Not where another field says what it says.
    #[error("may not be given where {when}")]
    Misplaced {
        /// What the other says.
        when: &'static str,
    },
    /// The end of a range before its start.
    #[error("{end} must be {rule} {start}")]
    Order {
        /// The end.
        end: u16,
        /// How they must stand.
        rule: &'static str,
        /// The start.
        start: u16,
    },
    /// Its own reader says why not.
    #[error("{what}")]
    Refused {
        /// What is wrong, with what was given.
        what: String,
    },
    /// It is known and cannot be enforced.
    #[error("{what}")]
    Unsupported {
        /// What, and what to do.
        what: &'static str,
    },
    /// A label that the name decides has another value.
    #[error("{given:?} must be the object's name, {name:?}")]
    NotTheName {
        /// What was given.
        given: String,
        /// The name.
        name: String,
    },
    /// Two policies at one place of the order.
    #[error(
        "{priority} is the priority of {other} already, also of tier {tier}; which of them decides would be undefined"
    )]
    Taken {
        /// The priority.
        priority: u16,
        /// The tier.
        tier: Tier,
        /// Who has it.
        other: ObjectName,
    },
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Admin => "Admin",
            Tier::Baseline => "Baseline",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}", self.reason)
    }
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ObjectError {}

impl ObjectError {
    /// One fault alone.
    pub fn one(field: &str, reason: Reason) -> ObjectError {
        let field = field.to_owned();
        ObjectError {
            faults: vec![Fault { field, reason }],
        }
    }
}

/// What was given, as far as anybody wants to read it again.
pub fn clip(given: &str) -> String {
    match given.char_indices().nth(CLIP) {
        None => given.to_owned(),
        Some((at, _)) => format!("{}…", &given[..at]),
    }
}

/// Longer than the longest of names, in characters.
const CLIP: usize = 256;
