//! What a node knows of the store.

/// What a node knows of the store.
#[derive(Debug, Clone, Default)]
pub struct View {}
