//! Installation, upgrade and removal, by the programs that people use for it.

mod chart;
mod deb;
mod manifests;
mod rpm;
mod server;
mod systemd;
mod unit;
mod values;
