//! What keeps the kernel from being as it is wanted.

use fairway_netlink::Error;
use ipnetwork::IpNetwork;

/// Something that an operator should see, for as long as it is so.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A link has the name of ours and is not ours.
    #[error(
        "link {name} is not fairway's ({what}): nothing is encapsulated until it is gone or has another name \
         (`ip link set {name} name NEW`)"
    )]
    ForeignDevice {
        /// Its name.
        name: String,
        /// What it is.
        what: String,
    },
    /// Another VXLAN device or program has the port.
    #[error(
        "UDP port {port} is taken ({source}): another overlay on this machine (`ip -d link show type vxlan`) \
         has it; end that, or give this cluster another port"
    )]
    Port {
        /// Which.
        port: u16,
        /// The kernel's word.
        source: Error,
    },
    /// Somebody else's route is for a prefix of ours.
    #[error(
        "route {foreign} of table {table} (protocol {protocol}) lies in {ours} and is not fairway's: it is \
         left alone, and this machine's own packets to {foreign} go by it; a pool must not have addresses \
         that are used elsewhere"
    )]
    Conflict {
        /// A pool's prefix, or a route of ours.
        ours: IpNetwork,
        /// The other's.
        foreign: IpNetwork,
        /// Its table.
        table: u32,
        /// Who made it, by the kernel's number.
        protocol: u8,
    },
    /// The kernel refused.
    #[error("{what}: {source}")]
    Refused {
        /// What was to be done.
        what: String,
        /// The kernel's word.
        source: Error,
    },
}
