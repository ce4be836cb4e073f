use super::*;
use crate::index::key_of;
use fairway_cni::Fault as _;

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
    assert_eq!(
        left,
        [
            "e\r\neth0",
            "n1\r\neth0",
            "c\r\neth0",
            "n2\r\neth0",
            "d\r\neth0"
        ],
        "one, and no more than one"
    );
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

/// Whatever the index says of the file: who is named in it now is who has the address.
#[test]
fn another_owner_in_the_file_is_not_dead() {
    let mut net = Net::new(json!([[{"subnet": "10.0.0.0/30"}]]));
    net.add("a").unwrap();
    net.boot = 2;
    net.del("nobody");
    let lie = net.store().with(|session| {
        let index = session.index();
        let slot = index.slots_of(key_of("a")).unwrap()[0];
        assert!(slot.earlier_boot);
        index.remove(slot.key, slot.ip);
        index.insert(crate::index::Slot {
            key: key_of("b"),
            settled: true,
            ..slot
        });
        Ok::<_, AllocError>(())
    });
    lie.unwrap();
    assert!(net.full());
    assert_eq!(net.add("c").unwrap_err().code().number(), 101);
    assert_eq!(net.files()["10.0.0.2"], "a\r\neth0");
}

#[test]
fn a_word_by_itself_outlives_a_reboot() {
    let mut net = small();
    net.add("a").unwrap();
    net.foreign("10.0.0.4", "reserved\n");
    assert_eq!(net.add("b").unwrap(), ["10.0.0.5"]);
    net.boot = 2;
    for ip in ["10.0.0.6", "10.0.0.3", "10.0.0.5", "10.0.0.2"] {
        assert_eq!(net.add(&format!("new{ip}")).unwrap(), [ip]);
    }
    assert_eq!(net.add("more").unwrap_err().code().number(), 101);
    let asked = net.add_exactly("more", "10.0.0.4").unwrap_err();
    assert!(asked.to_string().ends_with("reserved has it"), "{asked}");
    assert_eq!(net.add("reserved").unwrap_err().code().number(), 103);
    net.del("reserved");
    assert_eq!(net.add("more").unwrap(), ["10.0.0.4"]);
}
