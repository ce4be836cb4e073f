//! Namespaces and the settings in them.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::os::fd::{AsFd, AsRawFd};

use common::{in_new_netns, new_netns, run};
use fairway_netlink::sysctl::{self, SysctlError};
use fairway_netlink::{BridgeSpec, Handle, NetNs, Netlink, NsError, VethPeer, VethSpec};
use nix::sched::{CloneFlags, unshare};

#[test]
fn what_is_no_namespace_is_told_apart() {
    let file = std::env::temp_dir().join(format!("fairway-no-netns-{}", std::process::id()));
    std::fs::write(&file, "").unwrap();
    assert!(matches!(NetNs::open(&file), Err(NsError::NotANamespace(path)) if path == file));
    std::fs::remove_file(&file).unwrap();
    run(&format!("mkfifo {}", file.display()));
    let pipe = NetNs::open(&file);
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(pipe, Err(NsError::NotANamespace(_))), "{pipe:?}");
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let socket = NetNs::open(format!("/proc/self/fd/{}", one.as_raw_fd()));
    assert!(
        matches!(socket, Err(NsError::NotANamespace(_))),
        "{socket:?}"
    );
    assert!(matches!(NetNs::open(&file), Err(NsError::Gone(path)) if path == file));
    assert!(matches!(NetNs::open(""), Err(NsError::Gone(_))));
    // A process that is gone, and a path through a file.
    assert!(matches!(
        NetNs::open("/proc/4194999/ns/net"),
        Err(NsError::Gone(_))
    ));
    assert!(matches!(
        NetNs::open("/proc/version/ns"),
        Err(NsError::Gone(_))
    ));
    assert!(matches!(NetNs::open("nul\0"), Err(NsError::Io { .. })));
}

#[test]
fn a_path_may_be_another_namespaces_by_now() {
    in_new_netns(|| {
        let here = NetNs::current().unwrap();
        let (path, (device, inode)) = (here.path().to_owned(), here.identity().unwrap());
        let same = NetNs::open_same(&path, (device, inode)).unwrap().unwrap();
        assert!(same.same_as(&here).unwrap());
        assert!(
            NetNs::open_same(&path, (device, inode + 1))
                .unwrap()
                .is_none()
        );
        assert!(
            NetNs::open_same(&path, (device + 1, inode))
                .unwrap()
                .is_none()
        );
        let gone = NetNs::open_same("/nowhere", (device, inode));
        assert!(matches!(gone, Err(NsError::Gone(_))), "{gone:?}");
    });
}

#[test]
fn other_files_of_proc_pass_the_first_look_only() {
    in_new_netns(|| {
        // As with the reference plugins, the file system is what is looked at.
        for path in ["/proc/self/ns/mnt", "/proc/version"] {
            let odd = NetNs::open(path).unwrap();
            let error = odd.enter().map(drop).unwrap_err();
            assert!(matches!(error, NsError::NotANamespace(_)), "{error}");
        }
    });
}

#[test]
fn whoever_takes_away_finds_a_namespace_or_nothing() {
    in_new_netns(|| {
        let file = std::env::temp_dir().join(format!("fairway-no-ns-{}", std::process::id()));
        std::fs::write(&file, "").unwrap();
        let file = file.to_str().unwrap();
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let socket = format!("/proc/self/fd/{}", one.as_raw_fd());
        for nothing in [
            Some(socket.as_str()),
            None,
            Some(""),
            Some("/run/netns/fairway-is-not-there"),
            Some("/proc/4194999/ns/net"),
            Some(file),
            Some("/"),
            Some("/proc/self/ns/mnt"),
            Some("/proc/version"),
        ] {
            let opened = Handle::open_if_there(nothing).unwrap();
            assert!(opened.is_none(), "{nothing:?}");
        }
        std::fs::remove_file(file).unwrap();
        let there = new_netns();
        let path = format!("/proc/self/fd/{}", there.as_fd().as_raw_fd());
        let inside = Handle::open_if_there(Some(&path)).unwrap().unwrap();
        let mut inside = inside;
        assert_eq!(inside.links().unwrap().len(), 1);
        Handle::open_if_there(Some("nul\0")).unwrap_err();
    });
}

/// Of a namespace that is there and cannot be entered, nobody may say that it is gone.
#[test]
fn without_proc_nothing_is_gone() {
    in_new_netns(|| {
        let there = new_netns();
        let name = std::env::temp_dir().join(format!("fairway-bound-{}", std::process::id()));
        std::fs::write(&name, "").unwrap();
        let path = name.to_str().unwrap();
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        run("mount --make-rprivate /");
        let fd = there.as_fd().as_raw_fd();
        let pid = std::process::id();
        run(&format!("mount --bind /proc/{pid}/fd/{fd} {path}"));
        Handle::open_if_there(Some(path)).unwrap().unwrap();
        run("mount -t tmpfs none /proc");
        let error = Handle::open_if_there(Some(path)).unwrap_err();
        run("umount /proc");
        run(&format!("umount {path}"));
        std::fs::remove_file(path).unwrap();
        assert!(
            error.to_string().contains("/proc/thread-self/ns/net"),
            "{error}"
        );
    });
}

#[test]
fn a_thread_goes_there_and_comes_back() {
    in_new_netns(|| {
        let here = NetNs::current().unwrap();
        let there = new_netns();
        assert!(here.same_as(&NetNs::current().unwrap()).unwrap());
        assert!(!here.same_as(&there).unwrap());
        {
            let entered = there.enter().unwrap();
            assert!(NetNs::current().unwrap().same_as(&there).unwrap());
            assert!(entered.home().same_as(&here).unwrap());
            // Into a third and back to the second.
            let third = new_netns();
            let inside = third.run(|| NetNs::current().unwrap()).unwrap();
            assert!(inside.same_as(&third).unwrap());
            assert!(NetNs::current().unwrap().same_as(&there).unwrap());
        }
        assert!(NetNs::current().unwrap().same_as(&here).unwrap());
        let panic = std::panic::catch_unwind(|| {
            let _ = there.run(|| panic!("on purpose"));
        });
        assert!(panic.is_err());
        assert!(NetNs::current().unwrap().same_as(&here).unwrap());
    });
}

#[test]
fn a_handle_stays_where_it_was_opened() {
    in_new_netns(|| {
        let here = NetNs::current().unwrap();
        let there = new_netns();
        let mut inside = Handle::open_in(&there).unwrap();
        assert!(NetNs::current().unwrap().same_as(&here).unwrap());
        let spec = BridgeSpec {
            name: "br0".into(),
            ..Default::default()
        };
        inside.create_bridge(&spec).unwrap();
        assert!(inside.link_by_name("br0").unwrap().is_some());
        assert!(
            Handle::open()
                .unwrap()
                .link_by_name("br0")
                .unwrap()
                .is_none()
        );
        assert!(there.run(|| run("ip link")).unwrap().contains("br0"));

        // Both ends elsewhere than the handle.
        let third = new_netns();
        let spec = VethSpec {
            name: "near".into(),
            netns: Some(there.as_fd()),
            peer: VethPeer {
                name: "far".into(),
                netns: Some(third.as_fd()),
                ..Default::default()
            },
            ..Default::default()
        };
        let mut handle = Handle::open().unwrap();
        handle.create_veth(&spec).unwrap();
        assert!(inside.link_by_name("near").unwrap().is_some());
        let far = Handle::open_in(&third)
            .unwrap()
            .link_by_name("far")
            .unwrap();
        assert!(far.is_some());
        assert_eq!(handle.links().unwrap().len(), 1, "the loopback alone");
    });
}

#[test]
fn settings_are_those_of_the_threads_namespace() {
    in_new_netns(|| {
        let there = new_netns();
        let key = "net/ipv4/ip_forward";
        let before = sysctl::read(key).unwrap();
        let other = if before == "1" { "0" } else { "1" };
        there.run(|| sysctl::write(key, other).unwrap()).unwrap();
        assert_eq!(there.run(|| sysctl::read(key).unwrap()).unwrap(), other);
        assert_eq!(sysctl::read(key).unwrap(), before);
        assert!(sysctl::ensure(key, other).unwrap());
        assert!(!sysctl::ensure(key, other).unwrap());
        assert_eq!(sysctl::read(key).unwrap(), other);
    });
}

#[test]
fn an_interface_name_may_hold_dots() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let spec = BridgeSpec {
            name: "br0.100".into(),
            ..Default::default()
        };
        handle.create_bridge(&spec).unwrap();
        let key = "net/ipv6/conf/br0.100/accept_ra";
        assert!(sysctl::ensure(key, "0").unwrap());
        assert_eq!(run("cat /proc/sys/net/ipv6/conf/br0.100/accept_ra"), "0\n");
        let missing = sysctl::read("net/ipv4/conf/nowhere/forwarding").unwrap_err();
        assert!(missing.is_not_found(), "{missing}");
        for key in [
            "",
            "/etc/passwd",
            "../../etc/passwd",
            "net/../../../etc/passwd",
            "net//ipv4",
            "net/./ipv4",
            "net/",
            "n\0",
        ] {
            assert!(
                matches!(sysctl::read(key), Err(SysctlError::Key(_))),
                "{key:?}"
            );
        }
        let refused = sysctl::write("net/ipv4/ip_forward", "not a number").unwrap_err();
        assert!(!refused.is_not_found());
        assert!(
            refused
                .to_string()
                .starts_with("write kernel setting net/ipv4/ip_forward: ")
        );
    });
}
