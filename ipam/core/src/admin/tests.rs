//! What administrators do, against a store of one map.

mod census;
mod claims;
mod moves;
mod networks;
mod nodes;
mod pools;
