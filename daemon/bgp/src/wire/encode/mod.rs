//! UPDATEs of many prefixes.
//!
//! As RFC 7606, 5.1 has it, a message has one of withdrawn routes, announced routes, MP_UNREACH_NLRI and MP_REACH_NLRI,
//! and these two come first of all attributes: so does a receiver find the routes whatever else is wrong.

mod attributes;
mod messages;

pub use attributes::Encoded;
pub use messages::{announce, end_of_rib, withdraw};
