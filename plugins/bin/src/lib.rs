//! All plugins by their types: what the multi-call binary is, and what judges configurations by the plugins' own words.

use fairway_child::Child;
use fairway_cni::Plugin;

/// Every type that there is.
pub const PLUGINS: &[(&str, &dyn Plugin)] = &[
    ("bandwidth", &fairway_bandwidth::Bandwidth),
    ("bridge", &fairway_bridge::Bridge),
    ("dummy", &Child::Dummy),
    ("fairway", &fairway_cluster_ipam::Fairway::new()),
    ("firewall", &fairway_firewall::Firewall),
    ("host-device", &fairway_host_device::HostDevice),
    ("host-local", &fairway_host_local::HostLocal),
    ("ipvlan", &Child::Ipvlan),
    ("loopback", &fairway_loopback::Loopback),
    ("macvlan", &Child::Macvlan),
    ("multi", &fairway_multi::Multi),
    ("portmap", &fairway_portmap::Portmap),
    ("ptp", &fairway_ptp::Ptp),
    ("sbr", &fairway_sbr::Sbr),
    ("sriov", &fairway_sriov::Sriov),
    ("static", &fairway_static::Static),
    ("tap", &Child::Tap),
    ("tuning", &fairway_tuning::Tuning),
    ("vlan", &Child::Vlan),
    ("vrf", &fairway_vrf::Vrf),
    ("vxlan", &fairway_vxlan::Vxlan::new()),
];
