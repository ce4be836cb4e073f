//! What the table has to hold, in cases and by lot.

mod cluster;
mod encap;
mod grace;
mod laws;
mod networks;
mod paths;
mod scale;
mod script;
mod world;
