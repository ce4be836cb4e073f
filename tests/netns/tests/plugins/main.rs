//! What each plugin does, key by key and verb by verb, as the kernel and independent tools see it.

mod bad;
mod bandwidth;
mod bridge;
mod changeover;
mod check;
mod del;
mod gc;
mod ipam;
mod late;
mod loopback;
mod many;
mod mesos;
mod multi;
mod ptp;
mod status;
mod unwind;
mod versions;
mod vxlan;
