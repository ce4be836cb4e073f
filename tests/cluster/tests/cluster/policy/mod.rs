//! Who may talk to whom, by real packets between real containers.

mod away;
mod bad;
mod byhand;
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
mod objects;
mod open;
mod oracle;
mod past;
mod pressure;
mod reach;
mod table;
mod truth;
mod without;
mod workload;
mod world;
