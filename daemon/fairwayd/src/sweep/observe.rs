//! Looks at the kernel. It blocks: run it where that is fine.

use super::{NetnsState, Seen};
use fairway_ipam::{Lease, Netns};
use fairway_netlink::{Handle, Netlink};
use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// Namespaces of the leases, and the host's links.
///
/// # Errors
/// Where the links cannot be listed: then nothing may be said about anybody.
pub fn observe(leases: &[Lease]) -> fairway_netlink::Result<Seen> {
    let netns = leases.iter().filter_map(|lease| {
        let state = netns_state(lease.netns.as_ref()?);
        Some((lease.attachment.clone(), state))
    });
    // The links after the namespaces: an ADD makes the namespace first, and what is made in between is
    // seen by one of the two.
    let netns = netns.collect();
    let links = Handle::open()?.links()?;
    let aliases = links.into_iter().filter_map(|link| link.alias);
    Ok(Seen {
        netns,
        aliases: aliases.collect(),
    })
}

/// Is a namespace still there, and the same?
pub fn netns_state(netns: &Netns) -> NetnsState {
    let path = Path::new(&netns.path);
    match fs::metadata(path) {
        Ok(found) if (found.dev(), found.ino()) == (netns.device, netns.inode) => NetnsState::There,
        Ok(_) => NetnsState::Gone,
        Err(error) if is_absent(&error) && folder_is_there(path) => NetnsState::Gone,
        Err(_) => NetnsState::Unknown,
    }
}

fn is_absent(error: &io::Error) -> bool {
    let not_a_folder = error.kind() == io::ErrorKind::NotADirectory;
    error.kind() == io::ErrorKind::NotFound || not_a_folder
}

/// A daemon that does not see the folder at all (one in a mount namespace of its own) cannot tell. Below
/// /proc a folder is a process, which may well be gone.
fn folder_is_there(path: &Path) -> bool {
    let folder = match path.starts_with("/proc") {
        true => Some(Path::new("/proc/self")),
        false => path.parent(),
    };
    folder.is_some_and(Path::is_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn netns(path: &Path) -> Netns {
        let found = fs::metadata(path).unwrap();
        Netns {
            path: path.to_str().unwrap().to_owned(),
            device: found.dev(),
            inode: found.ino(),
        }
    }

    #[test]
    fn a_namespace_is_there_until_its_file_is_another_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/ns");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let one = netns(&path);
        assert_eq!(netns_state(&one), NetnsState::There);
        fs::write(folder.path().join("two"), "").unwrap();
        fs::rename(folder.path().join("two"), &path).unwrap();
        assert_eq!(netns_state(&one), NetnsState::Gone);
        fs::remove_file(&path).unwrap();
        assert_eq!(netns_state(&one), NetnsState::Gone);
        fs::remove_dir(path.parent().unwrap()).unwrap();
        assert_eq!(netns_state(&one), NetnsState::Unknown);
    }

    #[test]
    fn a_process_that_is_gone_took_its_namespace_along() {
        let mut one = netns(Path::new("/proc/self/ns/net"));
        assert_eq!(netns_state(&one), NetnsState::There);
        // Beyond the highest number that a process can have.
        one.path = "/proc/4194305/ns/net".into();
        assert_eq!(netns_state(&one), NetnsState::Gone);
    }
}
