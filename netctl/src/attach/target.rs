//! Which container: a process, the path of a namespace, or the name of one in /run/netns.

use fairway_cni::ContainerId;
use fairway_multi::attach::Target;
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where `ip netns` keeps names.
const NAMED: &str = "/run/netns";

/// As it is given: where its namespace is, and a name that is always the same for the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetArg {
    /// The path of the namespace, whether it is there or not.
    pub(crate) netns: PathBuf,
    container: ContainerId,
}

impl FromStr for TargetArg {
    type Err = String;

    fn from_str(text: &str) -> Result<TargetArg, String> {
        let path = Path::new(text);
        // What ip netns made has its name, by whatever words it is meant.
        let named = path.strip_prefix(NAMED).ok().and_then(Path::to_str);
        let named = named.filter(|name| name.parse::<ContainerId>().is_ok());
        let (netns, container) = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            match text.parse::<u32>() {
                Ok(pid) if pid > 0 => (format!("/proc/{pid}/ns/net").into(), format!("pid-{pid}")),
                _ => return Err("is no number of a process".to_owned()),
            }
        } else if let Some(name) = named {
            (path.to_owned(), name.to_owned())
        } else if path.is_absolute() {
            (path.to_owned(), format!("netns-{:016x}", fnv(text)))
        } else if text.contains('/') {
            return Err("a path has to begin with /".to_owned());
        } else {
            (Path::new(NAMED).join(text), text.to_owned())
        };
        let container = container.parse();
        Ok(TargetArg {
            netns,
            container: container
                .map_err(|error: fairway_cni::names::NameError| error.to_string())?,
        })
    }
}

impl TargetArg {
    /// The container, by its own name where it is told.
    pub(crate) fn target(&self, container: Option<&ContainerId>) -> Target {
        Target {
            container: container.unwrap_or(&self.container).clone(),
            netns: self.netns.to_string_lossy().into_owned(),
        }
    }
}

/// FNV-1a, 64 bits: any two paths of one node differ in it.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_a_process_a_path_or_a_name() {
        let target = |text: &str| text.parse::<TargetArg>().unwrap().target(None);
        for (text, netns, container) in [
            ("1234", "/proc/1234/ns/net", "pid-1234"),
            ("web-1", "/run/netns/web-1", "web-1"),
            ("/run/netns/web-1", "/run/netns/web-1", "web-1"),
        ] {
            let target = target(text);
            assert_eq!(target.netns, netns, "{text}");
            assert_eq!(target.container.as_str(), container, "{text}");
        }
        let own = "c1".parse().unwrap();
        let named = "1".parse::<TargetArg>().unwrap().target(Some(&own));
        assert_eq!(named.container, own);
        let path = |text: &str| target(text).container;
        assert!(path("/proc/7/ns/net").as_str().starts_with("netns-"));
        assert_eq!(path("/proc/7/ns/net"), path("/proc/7/ns/net"));
        assert_ne!(path("/proc/7/ns/net"), path("/proc/8/ns/net"));
        for wrong in ["", "0", "99999999999", "run/netns/x", "../x", "a b", "ä"] {
            assert!(wrong.parse::<TargetArg>().is_err(), "{wrong}");
        }
    }
}
