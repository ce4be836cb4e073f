//! A tap that belongs to another SELinux context than ours.
//!
//! The kernel gives it the context of the process that makes it. A process gets another one by executing a
//! program, so `ip` makes it, as with the reference plugin.

use fairway_iface::Error;
use fairway_netlink::tap::TapSpec;
use std::{fs, io, path::Path, process::Command};

/// There as soon as a policy decides.
const POLICY: &str = "/sys/fs/selinux/enforce";
/// The context of the next program that this thread executes.
const NEXT: &str = "/proc/thread-self/attr/exec";

/// Does SELinux decide on this node? Where it does not, a context means nothing.
pub(super) fn decides() -> bool {
    Path::new(POLICY).exists()
}

/// Makes the tap, in the calling thread's namespace.
pub(super) fn create(spec: &TapSpec, context: &str) -> Result<(), Error> {
    let failed = |what: &str, error: io::Error| Error::Labelled {
        context: context.to_owned(),
        what: format!("{what}: {error}"),
    };
    fs::write(NEXT, context).map_err(|error| failed(NEXT, error))?;
    let made = Command::new("ip").args(arguments(spec)).output();
    // Or the next program, an IPAM plugin, would run in it.
    fs::write(NEXT, "").map_err(|error| failed(NEXT, error))?;
    let made = made.map_err(|error| failed("ip", error))?;
    match made.status.success() {
        true => Ok(()),
        false => {
            let told = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            Err(failed("ip tuntap add", io::Error::other(told)))
        }
    }
}

fn arguments(spec: &TapSpec) -> Vec<String> {
    let mut words = vec!["tuntap", "add", "mode", "tap", "name", &spec.name];
    if spec.multi_queue {
        words.push("multi_queue");
    }
    let mut words: Vec<_> = words.into_iter().map(ToOwned::to_owned).collect();
    for (word, id) in [("user", spec.owner), ("group", spec.group)] {
        words.extend(
            id.map(|id| [word.to_owned(), id.to_string()])
                .into_iter()
                .flatten(),
        );
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ip_is_told() {
        let spec = TapSpec {
            name: "eth0".to_owned(),
            multi_queue: true,
            owner: Some(107),
            group: Some(0),
        };
        let told = arguments(&spec).join(" ");
        assert_eq!(
            told,
            "tuntap add mode tap name eth0 multi_queue user 107 group 0"
        );
        let plain = TapSpec {
            name: "eth0".to_owned(),
            ..TapSpec::default()
        };
        assert_eq!(arguments(&plain).join(" "), "tuntap add mode tap name eth0");
    }
}
