//! What each plugin does, key by key and verb by verb, as the kernel and independent tools see it.

mod bad;
mod bandwidth;
mod bridge;
mod changeover;
mod check;
mod del;
mod gc;
mod host_device;
mod ipam;
mod late;
mod loopback;
mod macvlan;
mod many;
mod mesos;
mod ptp;
mod status;
mod tap;
mod unwind;
mod versions;
mod vxlan;
