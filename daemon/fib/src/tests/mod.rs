//! Against a kernel in memory.

mod bed;
mod device;
mod foreign;
mod laws;
mod repairs;
mod rest;
mod spread;
mod wanted;
