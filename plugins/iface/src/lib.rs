//! What every interface plugin does alike: a pair of links between host and container, addresses and
//! routes in the container, forwarding on the host, and all of it checked and removed again.
//!
//! Everything acts through [`fairway_netlink::Netlink`], so that a plugin's unwinding is tested against
//! a recorder, without a kernel.

pub mod child;
pub mod container;
pub mod detach;
pub mod error;
pub mod forward;
pub mod gateway;
pub mod ipam;
pub mod kernel;
pub mod keys;
pub mod owner;
pub mod port;
pub mod rates;
pub mod rules;
pub mod verify;
pub mod veth;

pub use container::{Dad, configure};
pub use error::Error;
pub use kernel::{Kernel, Space};
pub use owner::Owner;
pub use rates::Rates;
pub use rules::Rules;
pub use veth::{Pair, PairSpec};
