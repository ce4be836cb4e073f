//! The differential suite: which configs are compared.

macro_rules! cases {
    ($($(#[$meta:meta])* $name:ident: $case:expr;)*) => {
        $(#[test] $(#[$meta])* fn $name() -> fairway_lab::Result { $case })*
    };
}

mod bandwidth;
mod bridge;
mod chained;
mod changeover;
mod firewall;
mod host_device;
mod host_local;
mod loopback;
mod macvlan;
mod portmap;
mod proof;
mod protocol;
mod ptp;
mod sbr;
mod static_ipam;
mod tuning;
