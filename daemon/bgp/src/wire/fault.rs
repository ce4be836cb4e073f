//! What is wrong with an UPDATE and can be borne (RFC 7606).

use super::code;
use std::fmt;

/// One thing that was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Where.
    pub field: Field,
    /// What.
    pub wrong: Wrong,
    /// What was done about it.
    pub treatment: Treatment,
}

/// A part of an UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The withdrawn routes.
    Withdrawn,
    /// The list of attributes.
    Attributes,
    /// An attribute, by its type.
    Attribute(u8),
    /// The announced routes.
    Announced,
}

/// What can be wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Its flags, which are these, are not those of its type.
    Flags(u8),
    /// Its length, which is this.
    Length(usize),
    /// Its value: no such origin, no address of a host, no identifier.
    Value,
    /// A segment of a path: its type, none or too few AS in it, something after the last.
    Segment,
    /// An AS 0 (RFC 7607).
    AsZero,
    /// A set of AS (RFC 9774).
    AsSet,
    /// A segment of a confederation that the neighbour is not in (RFC 5065).
    Confederation,
    /// It is not there, and must be.
    Missing,
    /// It was there before.
    Repeated,
    /// Such a neighbour does not tell it.
    Unexpected,
    /// It is of an AFI and SAFI that were not agreed on.
    Family(u16, u8),
    /// It is longer than the list of attributes.
    Overrun,
    /// The list of attributes ends amid a header.
    Underrun,
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// What is wrong is left out.
    Discard,
    /// All that was announced is taken as withdrawn.
    Withdraw,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            field,
            wrong,
            treatment,
        } = self;
        write!(f, "{field}: {wrong}; {treatment}")
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Withdrawn => f.write_str("withdrawn routes"),
            Field::Attributes => f.write_str("attributes"),
            Field::Announced => f.write_str("announced routes"),
            Field::Attribute(code) => match code::name(*code) {
                Some(name) => f.write_str(name),
                None => write!(f, "attribute {code}"),
            },
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Flags(flags) => write!(f, "flags {flags:#04x}"),
            Wrong::Length(length) => write!(f, "length {length}"),
            Wrong::Value => f.write_str("value is not allowed"),
            Wrong::Segment => f.write_str("malformed segment"),
            Wrong::AsZero => f.write_str("AS 0"),
            Wrong::AsSet => f.write_str("AS_SET"),
            Wrong::Confederation => f.write_str("segment of a confederation"),
            Wrong::Missing => f.write_str("missing"),
            Wrong::Repeated => f.write_str("repeated"),
            Wrong::Unexpected => f.write_str("not expected from such a neighbour"),
            Wrong::Family(afi, safi) => write!(f, "AFI {afi}, SAFI {safi} was not agreed on"),
            Wrong::Overrun => f.write_str("longer than the list of attributes"),
            Wrong::Underrun => f.write_str("ends amid an attribute"),
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Treatment::Discard => "left out",
            Treatment::Withdraw => "routes taken as withdrawn",
        })
    }
}
