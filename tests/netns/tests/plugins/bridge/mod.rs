//! The bridge plugin's keys.

mod dad;
mod gateway;
mod layer2;
mod mac;
pub(crate) mod masquerade;
mod port;
mod routes;
mod spoof;
