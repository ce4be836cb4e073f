//! What each plugin does, key by key and verb by verb, as the kernel and independent tools see it.

mod bad;
mod bandwidth;
mod bridge;
mod changeover;
mod check;
mod del;
mod firewall;
mod gc;
mod host_device;
mod ipam;
mod late;
mod loopback;
mod macvlan;
mod many;
mod mesos;
mod multi;
mod portmap;
mod ptp;
mod sbr;
mod status;
mod tap;
mod tuning;
mod unwind;
mod versions;
mod vrf;
mod vxlan;
