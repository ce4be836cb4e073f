//! Where definitions lie in the store: `definitions/NAMESPACE/NAME`, as they were applied.

use fairway_kv::ROOT;

/// The key of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    /// As it stands in the store.
    pub(crate) fn path(&self) -> String {
        format!("{}{}/{}", folder(), self.namespace, self.name)
    }

    /// Reads a key; none: no definition's.
    pub(crate) fn parse(path: &str) -> Option<Key> {
        let rest = path.strip_prefix(ROOT)?.strip_prefix("definitions/")?;
        let (namespace, name) = rest.split_once('/')?;
        Some(Key {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// Where all of them lie.
pub(crate) fn folder() -> String {
    format!("{ROOT}definitions/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let path = format!("{ROOT}definitions/shop/fast");
        assert_eq!(Key::parse(&path).expect("a key").path(), path);
        for path in ["definitions", "definitions/a", "networks/a/b"] {
            assert_eq!(Key::parse(&format!("{ROOT}{path}")), None, "{path}");
        }
    }
}
