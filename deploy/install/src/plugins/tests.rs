//! Each call ended before each of its steps, and then made again.

use super::*;
use crate::shared;
use std::cell::Cell;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::MutexGuard;
use tempfile::TempDir;

/// A binary that is these types, as a script; `version` tells one from the other.
fn binary(folder: &Path, version: u32, types: &str) -> PathBuf {
    let path = folder.join(format!("fairway-cni-{version}"));
    fs::write(
        &path,
        format!("#!/bin/sh\n# {version}\nprintf '%s\\n' {types}\n"),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

struct Bed {
    _alone: MutexGuard<'static, ()>,
    _temp: [TempDir; 2],
    folder: PathBuf,
    one: Wanted,
    two: Wanted,
}

/// A folder with somebody else's `bridge`, a `portmap` that is a link, and a type that nobody asks for.
fn bed() -> Bed {
    let alone = shared::alone();
    let (temp, memory) = (tempfile::tempdir().unwrap(), shared::folder());
    let folder = memory.path().join("bin");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("bridge"), "their bridge").unwrap();
    fs::write(folder.join("dhcp"), "their dhcp").unwrap();
    symlink("dhcp", folder.join("portmap")).unwrap();
    let wanted = |version, types| {
        let path = binary(temp.path(), version, types);
        Wanted::of(&path, None).unwrap()
    };
    let (one, two) = (
        wanted(1, "bridge portmap vxlan"),
        wanted(2, "bridge portmap tap"),
    );
    Bed {
        _alone: alone,
        _temp: [temp, memory],
        folder,
        one,
        two,
    }
}

fn stopping(after: usize) -> Disk {
    Disk {
        left: Some(Cell::new(after)),
    }
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_default()
}

/// All files below, by their paths; links by what they say.
fn all(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match fs::read_link(&path) {
            Ok(target) => found.push((path, format!("-> {}", target.display()))),
            Err(_) if path.is_dir() => found.extend(all(&path)),
            Err(_) => found.push((path.clone(), fs::read_to_string(&path).unwrap())),
        }
    }
    found.sort();
    found
}

#[test]
fn what_was_there_comes_back() {
    let bed = bed();
    let before = all(&bed.folder);
    let changes = put(&Disk::real(), &bed.folder, &bed.one).unwrap();
    assert_eq!(
        changes.changed,
        ["bridge", "portmap", "vxlan", "fairway-cni"]
    );
    assert_eq!(changes.kept, ["bridge", "portmap"]);
    check(&bed.folder, &bed.one).unwrap();
    assert_eq!(text(&bed.folder, "dhcp"), "their dhcp");
    // Once more changes nothing, not even a file's time.
    let files = || {
        let meta = |(path, _): (PathBuf, String)| fs::symlink_metadata(path).unwrap().ctime_nsec();
        all(&bed.folder).into_iter().map(meta).collect::<Vec<_>>()
    };
    let times = files();
    assert_eq!(
        put(&Disk::real(), &bed.folder, &bed.one).unwrap(),
        Changes::default()
    );
    assert_eq!(files(), times);

    // Another version has other types.
    let changes = put(&Disk::real(), &bed.folder, &bed.two).unwrap();
    assert_eq!(changes.kept, [] as [&str; 0]);
    check(&bed.folder, &bed.two).unwrap();
    assert!(!bed.folder.join("vxlan").exists());
    assert!(check(&bed.folder, &bed.one).is_err());
    let changes = remove(&Disk::real(), &bed.folder).unwrap();
    assert_eq!(changes.restored, ["bridge", "portmap"]);
    assert_eq!(all(&bed.folder), before);
    assert_eq!(
        remove(&Disk::real(), &bed.folder).unwrap(),
        Changes::default()
    );
    assert_eq!(
        remove(&Disk::real(), Path::new("/nowhere")).unwrap(),
        Changes::default()
    );
}

#[test]
fn a_call_that_is_killed_anywhere_is_put_right_by_the_next() {
    let mut steps = 0;
    // Installation, upgrade, removal; each killed before its nth step, each followed by each.
    for killed in 0..3 {
        for after in 0.. {
            let bed = bed();
            let before = all(&bed.folder);
            let call = |number: u8, disk: &Disk| match number {
                0 => put(disk, &bed.folder, &bed.one),
                1 => put(disk, &bed.folder, &bed.two),
                _ => remove(disk, &bed.folder),
            };
            (0..killed).for_each(|number| drop(call(number, &Disk::real()).unwrap()));
            let ended = call(killed, &stopping(after)).is_ok();
            // A runtime that looks now finds a whole program under each name that there was.
            let whole = ["their bridge".to_owned(), of(&bed.one), of(&bed.two)];
            assert!(
                whole.contains(&text(&bed.folder, "bridge")),
                "{killed} {after}"
            );
            for next in 0..3 {
                call(next, &Disk::real()).unwrap();
                match next {
                    0 => check(&bed.folder, &bed.one).unwrap(),
                    1 => check(&bed.folder, &bed.two).unwrap(),
                    _ => assert_eq!(all(&bed.folder), before, "{killed} {after}"),
                }
            }
            steps += 1;
            if ended {
                break;
            }
        }
    }
    assert!(steps > 60, "{steps} steps");
}

#[test]
fn a_removal_right_after_a_kill_puts_all_back() {
    for after in 0.. {
        let bed = bed();
        let before = all(&bed.folder);
        let ended = put(&stopping(after), &bed.folder, &bed.one).is_ok();
        remove(&Disk::real(), &bed.folder).unwrap();
        let mut now = all(&bed.folder);
        now.retain(|(path, _)| !path.ends_with(".fairway"));
        assert_eq!(now, before, "{after}");
        if ended {
            break;
        }
    }
}

fn of(wanted: &Wanted) -> String {
    String::from_utf8(wanted.bytes.clone()).unwrap()
}

#[test]
fn what_somebody_brings_later_is_theirs() {
    let bed = bed();
    put(&Disk::real(), &bed.folder, &bed.one).unwrap();
    // Another package's upgrade, by rename.
    fs::write(bed.folder.join("new"), "their newer bridge").unwrap();
    fs::rename(bed.folder.join("new"), bed.folder.join("bridge")).unwrap();
    assert!(check(&bed.folder, &bed.one).is_err());
    let changes = put(&Disk::real(), &bed.folder, &bed.one).unwrap();
    assert_eq!(
        (&*changes.changed, &*changes.kept),
        (&["bridge".into()][..], &["bridge".into()][..])
    );
    // And once more after we were here for the last time.
    fs::write(bed.folder.join("new"), "their last vxlan").unwrap();
    fs::rename(bed.folder.join("new"), bed.folder.join("vxlan")).unwrap();
    let changes = remove(&Disk::real(), &bed.folder).unwrap();
    assert_eq!(changes.left, ["vxlan"]);
    assert_eq!(text(&bed.folder, "bridge"), "their newer bridge");
    assert_eq!(text(&bed.folder, "vxlan"), "their last vxlan");
}

#[test]
fn who_writes_into_one_name_takes_no_other_with_it() {
    for after in 0.. {
        let bed = bed();
        let before = all(&bed.folder);
        put(&Disk::real(), &bed.folder, &bed.one).unwrap();
        // `cp` does not ask whether a file has other names.
        fs::write(bed.folder.join("vxlan"), "written into").unwrap();
        assert_eq!(text(&bed.folder, "bridge"), "written into");
        let ended = put(&stopping(after), &bed.folder, &bed.one).is_ok();
        put(&Disk::real(), &bed.folder, &bed.one).unwrap();
        check(&bed.folder, &bed.one).unwrap();
        remove(&Disk::real(), &bed.folder).unwrap();
        assert_eq!(all(&bed.folder), before, "{after}");
        if ended {
            break;
        }
    }
}

#[test]
fn some_types_alone() {
    let bed = bed();
    let temp = tempfile::tempdir().unwrap();
    let path = binary(temp.path(), 3, "bridge portmap vxlan");
    let only = |names: &[&str]| -> Vec<PluginType> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    };
    let some = Wanted::of(&path, Some(&only(&["vxlan"]))).unwrap();
    put(&Disk::real(), &bed.folder, &bed.one).unwrap();
    let changes = put(&Disk::real(), &bed.folder, &some).unwrap();
    assert_eq!(changes.restored, ["bridge", "portmap"]);
    assert_eq!(text(&bed.folder, "bridge"), "their bridge");
    let error = Wanted::of(&path, Some(&only(&["dhcp"]))).unwrap_err();
    assert!(error.to_string().starts_with("types: dhcp"), "{error}");
}

#[test]
fn what_cannot_run_here_or_be_kept_replaces_nothing() {
    let bed = bed();
    let before = all(&bed.folder);
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("other-machine");
    fs::write(&path, b"\x7fELF\x02\x01").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(
        Wanted::of(&path, None),
        Err(InstallError::Unfit { .. })
    ));
    fs::create_dir(bed.folder.join("vxlan")).unwrap();
    let error = put(&Disk::real(), &bed.folder, &bed.one).unwrap_err();
    assert!(matches!(error, InstallError::NoFile { .. }), "{error}");
    fs::remove_dir(bed.folder.join("vxlan")).unwrap();
    remove(&Disk::real(), &bed.folder).unwrap();
    assert_eq!(all(&bed.folder), before);
}

#[test]
fn a_plugin_can_be_started_at_any_moment_of_an_exchange() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let bed = bed();
    put(&Disk::real(), &bed.folder, &bed.one).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..50 {
                put(&Disk::real(), &bed.folder, &bed.two).unwrap();
                put(&Disk::real(), &bed.folder, &bed.one).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        let whole = [of(&bed.one), of(&bed.two)];
        let mut looked = 0;
        while !done.load(Ordering::Relaxed) {
            assert!(whole.contains(&text(&bed.folder, "bridge")));
            looked += 1;
        }
        assert!(looked > 50, "looked {looked} times");
    });
}
