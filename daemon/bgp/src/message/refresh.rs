//! ROUTE-REFRESH (RFC 2918, 7313).

use crate::Family;

/// About routes that are told once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    /// Of which family.
    pub family: Family,
    /// What of it.
    pub kind: RefreshKind,
}

/// Of RFC 7313.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshKind {
    /// They are wanted.
    Wanted,
    /// They begin.
    Begin,
    /// They were told; what was not among them is gone.
    End,
}
