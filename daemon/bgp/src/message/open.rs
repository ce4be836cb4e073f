//! OPEN.

use super::Capability;
use crate::{Asn, HoldTime, RouterId};

/// Who one is, and what one can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The AS: of the four-octet capability where it is there, else of the message.
    pub asn: Asn,
    /// How long one lets the other be silent.
    pub hold_time: HoldTime,
    /// The identifier.
    pub router: RouterId,
    /// What one can do, in the order it was told; unknown ones too.
    pub capabilities: Vec<Capability>,
}
