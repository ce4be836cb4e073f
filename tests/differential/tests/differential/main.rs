//! The differential suite: which configs are compared.

macro_rules! cases {
    ($($(#[$meta:meta])* $name:ident: $case:expr;)*) => {
        $(#[test] $(#[$meta])* fn $name() -> fairway_lab::Result { $case })*
    };
}

mod bandwidth;
mod bridge;
mod changeover;
mod host_device;
mod host_local;
mod loopback;
mod macvlan;
mod proof;
mod protocol;
mod ptp;
mod static_ipam;
