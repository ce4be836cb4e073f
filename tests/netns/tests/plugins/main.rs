//! What each plugin does, key by key and verb by verb, as the kernel and independent tools see it.

mod bad;
mod bandwidth;
mod bridge;
mod changeover;
mod check;
mod del;
mod firewall;
mod gc;
mod ipam;
mod late;
mod loopback;
mod many;
mod mesos;
mod portmap;
mod ptp;
mod sbr;
mod status;
mod tuning;
mod unwind;
mod versions;
mod vrf;
mod vxlan;
