//! When the index is believed, and when the files are looked at.

use super::*;
use crate::{
    folder::LISTINGS,
    index::{Slot, key_of},
    session::REVIEW,
};
use fairway_cni::Fault as _;

/// With 50,000 files each listing takes half a second, under the lock.
#[test]
fn a_no_lists_nothing() {
    let net = small();
    for n in 0..5 {
        net.add(&format!("c{n}")).unwrap();
    }
    let before = LISTINGS.get();
    assert_eq!(net.add("x").unwrap_err().code().number(), 101);
    assert_eq!(
        net.add_exactly("x", "10.0.0.4")
            .unwrap_err()
            .code()
            .number(),
        102
    );
    assert!(net.full());
    assert!(net.holdings("x").is_empty());
    net.del("x");
    assert_eq!(net.add("c0").unwrap_err().code().number(), 103);
    net.del("c1");
    assert_eq!(net.add("x").unwrap(), ["10.0.0.3"]);
    assert_eq!(LISTINGS.get() - before, 0);
}

/// An administrator may remove a file in the very moment of an operation of ours: the index goes on
/// saying that the address is taken, for a minute at most.
#[test]
fn a_full_index_is_reviewed_once_a_minute() {
    let net = small();
    net.add("a").unwrap();
    let lie = |built: u64| {
        let lie = net.store().with(|session| {
            for n in 1..7 {
                session.occupy(IpAddr::from([10, 0, 0, n]));
            }
            session.index().set_built(built);
            Ok::<_, AllocError>(())
        });
        lie.unwrap();
    };
    let now = crate::mark::seconds();
    lie(now);
    assert!(net.full());
    assert_eq!(net.add("b").unwrap_err().code().number(), 101);
    lie(now - REVIEW - 1);
    assert_eq!(net.add("b").unwrap(), ["10.0.0.3"]);
    assert!(!net.full());
}

#[test]
fn status_without_a_map() {
    let mut net = Net::new(json!([[{"subnet": "10.0.0.0/30", "gateway": "10.9.9.9"}]]));
    net.add("a").unwrap();
    net.sets = Net::new(
        json!([[{"subnet": "10.8.0.0/30", "gateway": "10.9.9.9"}], [{"subnet": "fd00::/64"}]]),
    )
    .sets;
    let before = LISTINGS.get();
    assert!(!net.full());
    assert_eq!(LISTINGS.get(), before);
    net.foreign("10.8.0.1", "b\r\neth0");
    assert!(!net.full());
    net.foreign("10.8.0.2", "c\r\neth0");
    assert!(net.full());
}

/// On a file system with coarse times: removed and made anew in one tick, the file of another container
/// has the mark of the one that we had indexed.
fn mistaken() -> Net {
    let net = small();
    net.foreign("10.0.0.5", "bbbb\r\neth0");
    let lie = net.store().with(|session| {
        let index = session.index();
        let slot = index.slots_of(key_of("bbbb")).unwrap()[0];
        assert!(!slot.settled, "it is a moment old");
        index.remove(slot.key, slot.ip);
        index.insert(Slot {
            key: key_of("aaaa"),
            ..slot
        });
        Ok::<_, AllocError>(())
    });
    lie.unwrap();
    net
}

#[test]
fn a_mark_that_two_files_have_had() {
    let net = mistaken();
    net.foreign("10.0.0.6", "cccc\r\neth0");
    net.del("bbbb");
    assert_eq!(net.files().into_keys().collect::<Vec<_>>(), ["10.0.0.6"]);

    let net = mistaken();
    net.del("aaaa");
    net.del("bbbb");
    assert!(net.files().is_empty());
}

#[test]
fn what_we_have_written_is_settled_at_once() {
    let net = small();
    net.add("a").unwrap();
    let settled = net
        .store()
        .with(|session| Ok::<_, AllocError>(session.index().slots_of(key_of("a")).unwrap()[0]));
    assert!(settled.unwrap().settled);
}
