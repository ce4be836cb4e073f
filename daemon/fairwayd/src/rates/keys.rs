//! Where what is said of rates lies in the store.
//!
//! `ratelimits/NAME` holds objects as they were applied, `rates/NAMESPACE/POD` an administrator's word on a workload.

use fairway_kv::ROOT;

/// A key that rates know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A `RateLimit`.
    Limit(String),
    /// An administrator's word on a workload.
    Override {
        /// Its namespace.
        namespace: String,
        /// Its name.
        pod: String,
    },
}

impl Key {
    /// As it stands in the store.
    pub(crate) fn path(&self) -> String {
        match self {
            Key::Limit(name) => format!("{}{name}", limits()),
            Key::Override { namespace, pod } => format!("{ROOT}rates/{namespace}/{pod}"),
        }
    }

    /// Reads a key; none: nothing that rates know.
    pub(crate) fn parse(path: &str) -> Option<Key> {
        let rest = path.strip_prefix(ROOT)?;
        match rest.split_once('/')? {
            ("ratelimits", name) => Some(Key::Limit(name.to_owned())),
            ("rates", workload) => {
                let (namespace, pod) = workload.split_once('/')?;
                let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
                Some(Key::Override { namespace, pod })
            }
            _ => None,
        }
    }
}

/// Where all objects lie.
pub(crate) fn limits() -> String {
    format!("{ROOT}ratelimits/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for path in ["ratelimits/web", "rates/web/front-0"] {
            let path = format!("{ROOT}{path}");
            assert_eq!(Key::parse(&path).expect("a key").path(), path);
        }
        for path in [
            "ratelimits",
            "rates/web",
            "policies/RateLimit/-/web",
            "other",
        ] {
            assert_eq!(Key::parse(&format!("{ROOT}{path}")), None, "{path}");
        }
    }
}
