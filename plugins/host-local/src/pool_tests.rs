use super::*;
use crate::{crash::crash_after, identity::Identity, request::Request};
use fairway_cni::{Fault as _, Field, NetworkName};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

/// A network of its own, with what the plugin would be told about it.
pub(super) struct Net {
    dir: tempfile::TempDir,
    pub(super) sets: Vec<RangeSet>,
    boot: u8,
}

/// A folder, in memory where there is room: these tests make thousands of files.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn id(name: &str) -> ContainerId {
    name.parse().unwrap()
}

fn eth0() -> IfName {
    "eth0".parse().unwrap()
}

impl Net {
    pub(super) fn new(ranges: Value) -> Self {
        let read =
            |(index, set)| RangeSet::from_json(&Field::new(set, format!("ipam.ranges[{index}]")));
        let sets = ranges.as_array().unwrap().iter().enumerate().map(read);
        Net {
            dir: scratch(),
            sets: sets.collect::<Result<_, _>>().unwrap(),
            boot: 1,
        }
    }

    fn store(&self) -> Store {
        let spans = self
            .sets
            .iter()
            .flat_map(RangeSet::ranges)
            .map(|range| range.span())
            .collect();
        let name: NetworkName = "net".parse().unwrap();
        let identity = Identity {
            boot: Some([self.boot; 16]),
            machine: Some([9; 16]),
        };
        Store::new(self.dir.path(), &name, spans)
            .with_identity(identity)
            .with_wait(Duration::from_secs(10))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("net").join(name)
    }

    pub(super) fn add(&self, name: &str) -> Result<Vec<String>, AllocError> {
        let wanted = vec![None; self.sets.len()];
        let given = add(&self.store(), &self.sets, &wanted, &id(name), &eth0())?;
        Ok(given.iter().map(ToString::to_string).collect())
    }

    fn add_exactly(&self, name: &str, ip: &str) -> Result<Vec<String>, AllocError> {
        let request = Request::new(ip.parse().unwrap(), "runtimeConfig.ips[0]");
        let given = add(
            &self.store(),
            &self.sets,
            &[Some(&request)],
            &id(name),
            &eth0(),
        )?;
        Ok(given.iter().map(ToString::to_string).collect())
    }

    pub(super) fn del(&self, name: &str) {
        assert!(del(&self.store(), &id(name), &eth0()).unwrap().is_empty());
    }

    fn gc(&self, valid: &[&str]) {
        let valid = valid.iter().map(|id| (*id, "eth0"));
        assert!(gc(&self.store(), valid).unwrap().is_empty());
    }

    fn holdings(&self, name: &str) -> Vec<String> {
        let held = holdings(&self.store(), &id(name), &eth0()).unwrap();
        held.iter().map(ToString::to_string).collect()
    }

    fn full(&self) -> bool {
        exhausted(&self.store(), &self.sets).unwrap().is_some()
    }

    /// The reference plugin's way: no index, no care.
    fn foreign(&self, ip: &str, content: &str) {
        self.file(ip, content);
        self.file("last_reserved_ip.0", ip);
    }

    fn file(&self, name: &str, content: &str) {
        fs::create_dir_all(self.dir.path().join("net")).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    /// Address files and what is in them.
    fn files(&self) -> BTreeMap<String, String> {
        let Ok(dir) = fs::read_dir(self.dir.path().join("net")) else {
            return BTreeMap::new();
        };
        let entries = dir.map(|entry| entry.unwrap());
        let address = entries.filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.parse::<IpAddr>().is_ok())
        });
        let read = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            (
                name,
                String::from_utf8(fs::read(entry.path()).unwrap()).unwrap(),
            )
        };
        address.map(read).collect()
    }

    /// Does the index agree with the files, without their being read?
    fn sound(&self) {
        for (ip, content) in self.files() {
            if let Record::Owner {
                id,
                ifname: Some(_),
            } = Record::parse(content.as_bytes())
            {
                assert!(
                    self.holdings(id.as_str()).contains(&ip),
                    "{ip} of {id} is not found"
                );
            }
        }
    }
}

fn small() -> Net {
    Net::new(json!([[{"subnet": "10.0.0.0/29"}]]))
}

fn dual() -> Net {
    Net::new(json!([[{"subnet": "10.0.0.0/29"}], [{"subnet": "fd00::/120"}]]))
}

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
fn a_reboot_frees_only_what_is_proven_dead_and_only_when_needed() {
    let mut net = small();
    for name in ["a", "b", "c"] {
        net.add(name).unwrap();
    }
    net.boot = 2;
    // Written by the reference in the new boot before we were called: over one of ours, and beside.
    fs::remove_file(net.path("10.0.0.3")).unwrap();
    net.foreign("10.0.0.3", "n1\r\neth0");
    net.foreign("10.0.0.5", "n2\r\neth0");
    assert_eq!(
        net.add("d").unwrap(),
        ["10.0.0.6"],
        "while there are others, nothing is taken back"
    );
    assert_eq!(net.files().len(), 5);
    assert!(!net.full());
    assert_eq!(net.add("e").unwrap(), ["10.0.0.2"]);
    let left: Vec<_> = net.files().into_values().collect();
    assert_eq!(left, ["e\r\neth0", "n1\r\neth0", "n2\r\neth0", "d\r\neth0"]);
    net.add("f").unwrap();
    assert_eq!(net.add("g").unwrap_err().code().number(), 101);
    // A file that has been touched since is not the one that we indexed.
    net.boot = 3;
    net.del("nobody");
    fs::write(net.path("10.0.0.2"), "e\r\neth0").unwrap();
    assert_eq!(net.add("g").unwrap(), ["10.0.0.5"]);
    assert!(net.files()["10.0.0.2"].starts_with('e'));
}

#[test]
fn after_a_reboot_the_same_container_may_come_again() {
    let mut net = small();
    net.add("a").unwrap();
    net.add("b").unwrap();
    net.boot = 2;
    assert_eq!(net.add("a").unwrap(), ["10.0.0.4"]);
    assert_eq!(
        net.add_exactly("x", "10.0.0.3").unwrap(),
        ["10.0.0.3"],
        "b is dead"
    );
    assert_eq!(net.files().len(), 2);
    assert_eq!(net.add("a").unwrap_err().code().number(), 103);
}

#[test]
fn another_machine_is_no_earlier_boot() {
    let net = small();
    for n in 0..5 {
        net.add(&format!("c{n}")).unwrap();
    }
    let other = Identity {
        boot: Some([2; 16]),
        machine: Some([8; 16]),
    };
    let store = net.store().with_identity(other);
    let error = add(&store, &net.sets, &[None], &id("x"), &eth0()).unwrap_err();
    assert_eq!(error.code().number(), 101);
    assert_eq!(net.add("y").unwrap_err().code().number(), 101);
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

/// After a kill at any step, the next operations see whole files and an index that does not lie.
fn killed_anywhere(net: impl Fn() -> Net, operation: impl Fn(&Net)) -> u32 {
    for nth in 0..1000 {
        let net = net();
        let before = net.files();
        let ended = crash_after(nth, || operation(&net));
        for (ip, content) in net.files() {
            assert!(
                content.ends_with("\r\neth0"),
                "step {nth}: {ip} holds {content:?}"
            );
        }
        net.sound();
        if ended.is_some() {
            return nth;
        }
        // What runtimes do after an ADD that failed.
        net.del("new");
        assert!(net.holdings("new").is_empty(), "step {nth}");
        let gone: Vec<_> = before
            .keys()
            .filter(|ip| !net.files().contains_key(*ip))
            .collect();
        assert!(
            gone.iter().all(|ip| before[*ip].starts_with("old")),
            "step {nth}: {gone:?} gone"
        );
        let given = net.add("next").unwrap();
        let dead = |ip: &String| before.get(ip).is_none_or(|owner| owner.starts_with("old"));
        assert!(given.iter().all(dead), "step {nth}: {given:?}");
        net.sound();
        assert_eq!(net.add("next").unwrap_err().code().number(), 103);
    }
    panic!("no end");
}

fn some() -> Net {
    let net = dual();
    net.add("c1").unwrap();
    net.add("old").unwrap();
    net
}

#[test]
fn killed_at_each_step_of_add() {
    assert_eq!(
        killed_anywhere(some, |net| drop(net.add("new").unwrap())),
        10
    );
    assert!(killed_anywhere(dual, |net| drop(net.add("new").unwrap())) > 10);
}

#[test]
fn killed_at_each_step_of_an_add_that_builds_the_index() {
    let touched = || {
        let net = some();
        net.foreign("10.0.0.5", "c5\r\neth0");
        net
    };
    assert!(killed_anywhere(touched, |net| drop(net.add("new").unwrap())) > 12);
}

#[test]
fn killed_at_each_step_of_an_add_that_grows_the_index() {
    let large = || {
        let net = Net::new(json!([[{"subnet": "10.0.0.0/24"}]]));
        // One page of 64 places: it grows at the 49th address.
        for n in 2..33 {
            net.file(&format!("10.0.0.{n}"), &format!("c{n}\r\neth0"));
        }
        for n in 0..16 {
            net.add(&format!("n{n}")).unwrap();
        }
        net
    };
    assert!(killed_anywhere(large, |net| drop((net.add("new"), net.add("new2")))) > 15);
}

#[test]
fn killed_at_each_step_of_del_and_gc() {
    assert!(killed_anywhere(some, |net| net.del("old")) > 6);
    assert!(killed_anywhere(some, |net| net.gc(&["c1"])) > 6);
}

#[test]
fn killed_at_each_step_of_taking_back() {
    let rebooted = || {
        let mut net = Net::new(json!([[{"subnet": "10.0.0.0/30", "gateway": "10.1.1.1"}]]));
        net.add("old1").unwrap();
        net.add("old2").unwrap();
        net.boot = 2;
        net
    };
    assert!(killed_anywhere(rebooted, |net| drop(net.add("new").unwrap())) > 10);
}
