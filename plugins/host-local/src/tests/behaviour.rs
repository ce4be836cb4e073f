use super::*;
use fairway_cni::Fault as _;
use std::os::unix::fs::MetadataExt as _;

#[test]
fn files_are_the_references() {
    let net = dual();
    assert_eq!(net.add("c1").unwrap(), ["10.0.0.2", "fd00::2"]);
    assert_eq!(net.add("c2").unwrap(), ["10.0.0.3", "fd00::3"]);
    net.del("c1");
    let files = net.files();
    assert_eq!(files["10.0.0.3"], "c2\r\neth0");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["10.0.0.3", "fd00::3"]);
    assert_eq!(
        fs::read_to_string(net.path("last_reserved_ip.0")).unwrap(),
        "10.0.0.3"
    );
    assert_eq!(
        fs::read_to_string(net.path("last_reserved_ip.1")).unwrap(),
        "fd00::3"
    );
    let mut names: Vec<_> = fs::read_dir(net.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "10.0.0.3",
            "fd00::3",
            "last_reserved_ip.0",
            "last_reserved_ip.1",
            "lock"
        ]
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(net.path("10.0.0.3")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn round_robin_and_full() {
    let net = small();
    for (name, ip) in [
        ("a", "10.0.0.2"),
        ("b", "10.0.0.3"),
        ("c", "10.0.0.4"),
        ("d", "10.0.0.5"),
    ] {
        assert_eq!(net.add(name).unwrap(), [ip]);
    }
    net.del("a");
    assert_eq!(
        net.add("e").unwrap(),
        ["10.0.0.6"],
        "not the one just freed"
    );
    assert!(!net.full());
    assert_eq!(net.add("f").unwrap(), ["10.0.0.2"], "around");
    let error = net.add("g").unwrap_err();
    assert_eq!(error.code().number(), 101);
    assert_eq!(
        error.to_string(),
        "ipam.ranges[0]: no IP addresses available in range set: 10.0.0.1-10.0.0.6"
    );
    assert!(net.full());
    net.del("d");
    assert!(!net.full());
    assert_eq!(net.add("g").unwrap(), ["10.0.0.5"]);
}

#[test]
fn a_shorter_last_address_replaces_a_longer_one_whole() {
    let net = Net::new(
        json!([[{"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.8", "rangeEnd": "10.0.0.11"}]]),
    );
    for name in ["a", "b", "c", "d"] {
        net.add(name).unwrap();
    }
    net.del("b");
    assert_eq!(net.add("e").unwrap(), ["10.0.0.9"]);
    assert_eq!(
        fs::read_to_string(net.path("last_reserved_ip.0")).unwrap(),
        "10.0.0.9"
    );
}

#[test]
fn all_or_nothing() {
    let net = Net::new(json!([[{"subnet": "10.0.0.0/24"}], [{"subnet": "10.0.1.0/30"}]]));
    net.add("a").unwrap();
    assert_eq!(net.add("b").unwrap_err().code().number(), 101);
    assert_eq!(net.files().len(), 2);
    assert!(net.holdings("b").is_empty());
    net.sound();
}

#[test]
fn twice_is_refused() {
    let net = dual();
    net.add("a").unwrap();
    let error = net.add("a").unwrap_err();
    assert_eq!(error.code().number(), 103);
    assert!(
        error
            .to_string()
            .contains("10.0.0.2 has been allocated to a eth0, duplicate"),
        "{error}"
    );
    // The form of old versions holds for every interface.
    fs::write(net.path("10.0.0.5"), "old\n").unwrap();
    assert_eq!(net.add("old").unwrap_err().code().number(), 103);
    assert_eq!(net.files().len(), 3);
}

#[test]
fn a_requested_address() {
    let net = small();
    assert_eq!(net.add_exactly("a", "10.0.0.5").unwrap(), ["10.0.0.5"]);
    let error = net.add_exactly("b", "10.0.0.5").unwrap_err();
    assert_eq!(error.code().number(), 102);
    assert_eq!(
        error.to_string(),
        "runtimeConfig.ips[0]: requested IP address 10.0.0.5 is not available: a eth0 has it"
    );
    assert_eq!(
        net.add("c").unwrap(),
        ["10.0.0.6"],
        "the order goes on from the requested one"
    );
    // What a power cut left is nobody's.
    net.foreign("10.0.0.4", "");
    assert_eq!(net.add_exactly("d", "10.0.0.4").unwrap(), ["10.0.0.4"]);
    net.foreign("10.0.0.3", "kept for the printer");
    let error = net.add_exactly("e", "10.0.0.3").unwrap_err().to_string();
    assert!(error.ends_with("/net/10.0.0.3 is in the way"), "{error}");
}

#[test]
fn del_takes_what_is_its_own() {
    let net = Net::new(json!([[{"subnet": "10.0.0.0/24"}]]));
    net.add("a").unwrap();
    for (ip, content) in [
        ("10.0.0.20", "a\r\neth1"),
        ("10.0.0.21", "a"),
        ("10.0.0.22", "b\n"),
        ("10.0.0.23", "a\neth0"),
        ("10.0.0.24", ""),
        ("10.9.9.9", " a\r\neth0\n"),
    ] {
        net.foreign(ip, content);
    }
    fs::write(net.path("notes"), "a\r\neth0").unwrap();
    net.del("a");
    let left: Vec<_> = net.files().into_keys().collect();
    assert_eq!(
        left,
        ["10.0.0.20", "10.0.0.21", "10.0.0.22", "10.0.0.23"],
        "the empty one is nobody's"
    );
    net.del("a");
    net.del("b");
    assert_eq!(
        net.files().into_keys().collect::<Vec<_>>(),
        ["10.0.0.20", "10.0.0.23"]
    );
    assert!(net.path("notes").exists());
}

#[test]
fn del_makes_no_folder() {
    let net = small();
    net.del("a");
    net.gc(&[]);
    assert!(!net.full());
    assert!(net.holdings("a").is_empty());
    assert_eq!(fs::read_dir(net.dir.path()).unwrap().count(), 0);
}

#[test]
fn gc_keeps_what_is_listed() {
    let net = Net::new(json!([[{"subnet": "10.0.0.0/24"}]]));
    for name in ["a", "b", "c"] {
        net.add(name).unwrap();
    }
    net.foreign("10.0.0.20", "a\r\neth1");
    net.foreign("10.0.0.21", "b");
    net.foreign("10.0.0.22", "x");
    net.foreign("10.0.0.23", "kept for the printer");
    net.foreign("10.0.0.24", "\0\0\0");
    net.gc(&["b"]);
    assert_eq!(
        net.files().into_keys().collect::<Vec<_>>(),
        ["10.0.0.21", "10.0.0.23", "10.0.0.3"]
    );
    net.sound();
    assert_eq!(net.add("d").unwrap(), ["10.0.0.25"]);
}

#[test]
fn links_in_the_folder_are_not_followed() {
    let net = small();
    net.add("a").unwrap();
    let outside = net.dir.path().join("outside");
    fs::write(&outside, "z\r\neth0").unwrap();
    for name in ["10.0.0.3", "last_reserved_ip.0"] {
        let _ = fs::remove_file(net.path(name));
        std::os::unix::fs::symlink(&outside, net.path(name)).unwrap();
    }
    fs::create_dir(net.path("10.0.0.4")).unwrap();
    assert_eq!(net.add("b").unwrap(), ["10.0.0.5"]);
    net.del("z");
    net.gc(&["b"]);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "z\r\neth0");
    assert!(net.path("10.0.0.3").is_symlink());
    fs::remove_file(net.path("lock")).unwrap();
    std::os::unix::fs::symlink(&outside, net.path("lock")).unwrap();
    let error = net.add("c").unwrap_err();
    assert_eq!(error.code().number(), 5);
    assert!(error.to_string().contains("/net/lock"), "{error}");
}

#[test]
fn changed_ranges() {
    let mut net = Net::new(json!([[{"subnet": "10.0.0.0/30"}]]));
    net.add("a").unwrap();
    assert!(net.full());
    net.sets = Net::new(json!([[{"subnet": "10.0.0.0/30"}, {"subnet": "10.8.0.0/16"}]])).sets;
    assert_eq!(net.add("b").unwrap(), ["10.8.0.2"]);
    net.del("a");
    net.sets = Net::new(json!([[{"subnet": "fd00::/64"}]])).sets;
    assert_eq!(net.add("c").unwrap(), ["fd00::2"]);
    assert_eq!(net.files().len(), 2);
    net.sound();
}

#[test]
fn far_more_taken_than_are_tried() {
    // Unmapped, as there are too many; mapped only when built anew; and around the end.
    let large = Net::new(json!([[{"subnet": "fd00::/64"}]]));
    let mut late = Net::new(json!([[{"subnet": "10.7.0.0/24"}]]));
    late.add("first").unwrap();
    late.sets = Net::new(json!([[{"subnet": "10.0.0.0/16", "rangeEnd": "10.0.20.0"}]])).sets;
    for n in 2..3000u32 {
        large.file(&format!("fd00::{n:x}"), &format!("c{n}"));
        late.file(&format!("10.0.{}.{}", n >> 8, n & 255), &format!("c{n}"));
    }
    fs::remove_file(late.path("last_reserved_ip.0")).unwrap();
    assert_eq!(large.add("x").unwrap(), ["fd00::bb8"]);
    assert_eq!(late.add("x").unwrap(), ["10.0.11.184"]);
    large.foreign("fd00::ffff:ffff:ffff:ffff", "last");
    large.del("c2500");
    assert_eq!(large.add("y").unwrap(), ["fd00::9c4"]);
    assert_eq!(late.add("y").unwrap(), ["10.0.11.185"]);
}

#[test]
fn the_lock_is_waited_for_and_not_for_ever() {
    let net = small();
    net.add("a").unwrap();
    let file = fs::File::open(net.path("lock")).unwrap();
    file.lock().unwrap();
    let store = net.store().with_wait(Duration::from_millis(50));
    let error = del(&store, &id("a"), &eth0()).unwrap_err();
    assert_eq!(error.code().number(), 11);
    assert!(
        error.to_string().contains("/net/lock is still locked"),
        "{error}"
    );
    let net = &net;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || net.add("b").unwrap());
        assert!(!net.path("10.0.0.3").exists());
        file.unlock().unwrap();
        assert_eq!(waiting.join().unwrap(), ["10.0.0.3"]);
    });
}

/// A backup has a link to the lock file, so that its count of links does not fall to none.
#[test]
fn a_lock_file_replaced_while_we_wait() {
    let net = small();
    net.add("a").unwrap();
    let old = fs::File::open(net.path("lock")).unwrap();
    old.lock().unwrap();
    let store = net.store().with_wait(Duration::from_millis(500));
    let inode = old.metadata().unwrap().ino();
    let opened = || {
        let fds = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let meta = fds.filter_map(|fd| fs::metadata(fd.path()).ok());
        meta.filter(|meta| meta.ino() == inode && meta.is_file())
            .count()
    };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || del(&store, &id("a"), &eth0()));
        fairway_lab::poll(Duration::from_secs(10), "the wait to begin", || {
            opened() >= 2
        })
        .unwrap();
        fs::hard_link(net.path("lock"), net.path("copy")).unwrap();
        fs::remove_file(net.path("lock")).unwrap();
        let new = fs::File::create(net.path("lock")).unwrap();
        new.lock().unwrap();
        old.unlock().unwrap();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(error.code().number(), 11, "the new one is held");
    });
    assert_eq!(net.files().len(), 1);
}
