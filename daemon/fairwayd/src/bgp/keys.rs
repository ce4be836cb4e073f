//! Where objects of BGP lie in the store: `bgp/configs/NAME` and `bgp/peers/NAME`, as they were applied.

use fairway_bgp::object::Kind;
use fairway_kv::ROOT;

/// The key of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl Key {
    /// As it stands in the store.
    pub(crate) fn path(&self) -> String {
        format!("{}{}", folder(self.kind), self.name)
    }

    /// Reads a key; none: nothing of BGP.
    pub(crate) fn parse(path: &str) -> Option<Key> {
        let rest = path.strip_prefix(ROOT)?.strip_prefix("bgp/")?;
        let (kind, name) = match rest.split_once('/')? {
            ("configs", name) => (Kind::BgpConfig, name),
            ("peers", name) => (Kind::BgpPeer, name),
            _ => return None,
        };
        let name = name.to_owned();
        Some(Key { kind, name })
    }
}

/// Where all objects of a kind lie.
pub(crate) fn folder(kind: Kind) -> String {
    match kind {
        Kind::BgpConfig => format!("{ROOT}bgp/configs/"),
        Kind::BgpPeer => format!("{ROOT}bgp/peers/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for path in ["bgp/configs/all", "bgp/peers/tor-1"] {
            let path = format!("{ROOT}{path}");
            assert_eq!(Key::parse(&path).expect("a key").path(), path);
        }
        for path in ["bgp", "bgp/peers", "bgp/others/a", "peers/a"] {
            assert_eq!(Key::parse(&format!("{ROOT}{path}")), None, "{path}");
        }
    }
}
