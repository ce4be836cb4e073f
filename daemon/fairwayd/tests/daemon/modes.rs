//! Who may look at what the daemon writes.

use crate::bed::Bed;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Everything below, with its mode.
fn walk(folder: &Path, found: &mut Vec<(PathBuf, u32)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        found.push((entry.path(), metadata.permissions().mode() & 0o777));
        if metadata.is_dir() {
            walk(&entry.path(), found);
        }
    }
}

/// A kubelet makes the folders of a node that it mounts for all to look into.
#[test]
fn what_it_writes_is_roots_alone_in_an_open_folder_too() {
    let mut bed = Bed::new();
    for folder in [bed.state(), bed.socket().parent().unwrap().to_owned()] {
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    }
    bed.start();
    bed.pool("web", "10.7.0.0/24");
    bed.add("c1");
    let mut found = Vec::new();
    walk(&bed.state(), &mut found);
    walk(bed.socket().parent().unwrap(), &mut found);
    let store = bed.lab.scratch().join("store.redb");
    let mode = fs::metadata(&store).unwrap().permissions().mode() & 0o777;
    found.push((store, mode));
    for name in ["journal.redb", "endpoints", "rates", "fairwayd.sock"] {
        let there = found.iter().any(|(path, _)| path.ends_with(name));
        assert!(there, "{name}: {found:?}");
    }
    let open: Vec<_> = found.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(open.is_empty(), "{open:?}");
}
