//! Who may talk to whom, by real packets between real containers.

mod away;
mod bad;
pub(crate) mod byhand;
mod cases;
mod contest;
mod explain;
mod first;
mod forged;
mod fragments;
mod labels;
mod links;
mod mesos;
mod mixture;
pub(crate) mod objects;
mod open;
mod oracle;
mod past;
mod pressure;
mod reach;
mod services;
mod table;
mod truth;
mod upgrade;
mod wayout;
mod without;
pub(crate) mod workload;
mod world;
