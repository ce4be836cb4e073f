//! What is wrong with something that was given. Each error names the field.

use fairway_ipam::{Cidr, Family};
use std::net::IpAddr;

/// Something that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not an MTU.
    #[error("mtu: {number} is out of range: 68 to 65535")]
    Mtu {
        /// As it was given.
        number: u32,
    },
    /// A name that has not the form.
    #[error("{field}: {value:?} is no name: {rule}")]
    Name {
        /// Which name.
        field: &'static str,
        /// As it was given.
        value: String,
        /// What such a name looks like.
        rule: &'static str,
    },
    /// An address that nobody can be reached at.
    #[error("{field}: {ip} is {what}")]
    Address {
        /// Which address.
        field: &'static str,
        /// As it was given.
        ip: IpAddr,
        /// What it is instead.
        what: &'static str,
    },
    /// A prefix that is not routed.
    #[error("prefix: {prefix} is {what}, which is not routed")]
    Prefix {
        /// As it was given.
        prefix: Cidr,
        /// What it is instead.
        what: &'static str,
    },
    /// No address at all.
    #[error("{field}: at least one address is needed")]
    NoAddress {
        /// Where it is missing.
        field: &'static str,
    },
    /// An underlay's address outside its own subnet.
    #[error("underlay.subnet: {subnet} does not hold the address {ip}")]
    Subnet {
        /// The address.
        ip: IpAddr,
        /// The subnet.
        subnet: Cidr,
    },
    /// A node has one underlay address of each family.
    #[error("underlay: two {family} addresses")]
    TwoUnderlays {
        /// The family.
        family: Family,
    },
    /// A VTEP of another family than the underlay that carries it.
    #[error("underlay.vtep: {vtep} is not {family} as the underlay is")]
    VtepFamily {
        /// The VTEP.
        vtep: IpAddr,
        /// The underlay's family.
        family: Family,
    },
    /// A link-local address means nothing without its link.
    #[error("gateway.link: missing, and needed for the link-local address {ip}")]
    GatewayLink {
        /// The gateway.
        ip: IpAddr,
    },
    /// Own routes are there anyway.
    #[error("imports: the network itself")]
    ImportsItself,
}
