//! Virtual routing: links whose packets have a table of their own.

/// A VRF to create; it is up from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VrfSpec {
    /// Name, 1 to 15 bytes.
    pub name: String,
    /// The table that packets of its links are looked up in, above 0.
    pub table: u32,
}
