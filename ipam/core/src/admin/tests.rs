//! What administrators do, against a store of one map.

mod claims;
mod nodes;
mod pools;
