//! Where things lie in the store.

use crate::{Cidr, ClaimName, Family, NetworkName, NodeName, PoolName};
use fairway_kv::ROOT;

/// What a key below the root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A node that is alive (bound to its lease).
    Node(NodeName),
    /// A node that takes no new containers.
    Drain(NodeName),
    /// A pool.
    Pool(PoolName),
    /// A network.
    Network(NetworkName),
    /// A block.
    Block(PoolName, Cidr),
    /// A claim, or the description of a set of claims.
    Claim(PoolName, ClaimName),
    /// A node that finds no block any more.
    Want(PoolName, NodeName, Family),
    /// Written with each change of the set of pools, so that two changes cannot cross.
    PoolsGuard,
    /// Written with each change of the set of networks.
    NetworksGuard,
}

impl Key {
    /// As it stands in the store.
    pub fn path(&self) -> String {
        match self {
            Key::Node(node) => format!("{ROOT}nodes/{node}"),
            Key::Drain(node) => format!("{ROOT}drains/{node}"),
            Key::Pool(pool) => format!("{ROOT}pools/{pool}"),
            Key::Network(network) => format!("{ROOT}networks/{network}"),
            Key::Block(pool, cidr) => format!("{ROOT}blocks/{pool}/{cidr}"),
            Key::Claim(pool, claim) => format!("{ROOT}claims/{pool}/{claim}"),
            Key::Want(pool, node, Family::V4) => format!("{ROOT}wants/{pool}/{node}/4"),
            Key::Want(pool, node, Family::V6) => format!("{ROOT}wants/{pool}/{node}/6"),
            Key::PoolsGuard => format!("{ROOT}meta/pools"),
            Key::NetworksGuard => format!("{ROOT}meta/networks"),
        }
    }

    /// Reads a key. `None`: not one of ours, or of a kind that this version does not know.
    pub fn parse(path: &str) -> Option<Key> {
        let rest = path.strip_prefix(ROOT)?;
        let (kind, rest) = rest.split_once('/')?;
        let pooled = || {
            let (pool, rest) = rest.split_once('/')?;
            Some((PoolName::new(pool).ok()?, rest))
        };
        Some(match kind {
            "nodes" => Key::Node(NodeName::new(rest).ok()?),
            "drains" => Key::Drain(NodeName::new(rest).ok()?),
            "pools" => Key::Pool(PoolName::new(rest).ok()?),
            "networks" => Key::Network(NetworkName::new(rest).ok()?),
            "blocks" => {
                let (pool, text) = pooled()?;
                let cidr: Cidr = text.parse().ok()?;
                // Another way to write it would be a second key for the same addresses.
                (cidr.to_string() == text).then_some(Key::Block(pool, cidr))?
            }
            "claims" => {
                let (pool, claim) = pooled()?;
                Key::Claim(pool, ClaimName::new(claim).ok()?)
            }
            "wants" => {
                let (pool, rest) = pooled()?;
                let (node, family) = rest.split_once('/')?;
                let family = match family {
                    "4" => Family::V4,
                    "6" => Family::V6,
                    _ => return None,
                };
                Key::Want(pool, NodeName::new(node).ok()?, family)
            }
            "meta" if rest == "pools" => Key::PoolsGuard,
            "meta" if rest == "networks" => Key::NetworksGuard,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for path in [
            "nodes/n1",
            "pools/web",
            "blocks/web/10.1.0.0/26",
            "blocks/web/fd00:1::/122",
            "claims/web/prod/db-0",
            "claims/web/prod/Deployment/front#2",
            "wants/web/n1/4",
            "wants/web/n1/6",
            "meta/pools",
            "drains/n1",
            "networks/tenant-1",
            "meta/networks",
        ] {
            let path = format!("{ROOT}{path}");
            assert_eq!(Key::parse(&path).expect("a key").path(), path);
        }
        for path in [
            "nodes/",
            "pools/A",
            "blocks/web/10.1.0.1/26",
            "blocks/web/FD00::/122",
            "blocks/web/fd00:0::/122",
            "blocks/web/10.1.0.0/026",
            "claims/web/",
            "wants/web/n1/5",
            "drains/",
            "networks/A",
            "meta/other",
            "other/x",
        ] {
            assert_eq!(Key::parse(&format!("{ROOT}{path}")), None, "{path}");
        }
        assert_eq!(Key::parse("/registry/pods/x"), None);
    }
}
