use super::*;
use crate::{mark::Mark, tests::scratch};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn span(first: &str, last: &str) -> Span {
    Span::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
}

fn slot(ip: IpAddr, key: u64) -> Slot {
    let mark = Mark {
        ino: key ^ 1,
        ctime: 2,
        mtime: 3,
    };
    Slot {
        key,
        ip,
        mark,
        size: 9,
        earlier_boot: false,
        settled: true,
    }
}

fn build(dir: &std::path::Path, spans: &[Span], slots: &[Slot]) -> Index {
    Index::build(&Home::new(dir, "net"), Identity::default(), spans, slots, 0)
}

fn ip(n: u32) -> IpAddr {
    IpAddr::V4((0x0a00_0000 + n).into())
}

#[test]
fn grows_and_stays_readable() {
    let dir = scratch();
    let spans = [span("10.0.0.1", "10.0.15.255"), span("fd00::1", "fd00::ff")];
    let mut index = build(dir.path(), &spans, &[]);
    for n in 1..2000 {
        index.insert(slot(ip(n), key_of(&format!("c{n}"))));
    }
    index
        .seal(Stamp {
            dev: 1,
            mark: Mark {
                ino: 2,
                ctime: 3,
                mtime: 4,
            },
        })
        .unwrap();
    assert!(!index.broken);
    let index = Home::new(dir.path(), "net").load().unwrap();
    for n in 1..2000 {
        assert_eq!(
            index.slots_of(key_of(&format!("c{n}"))).unwrap(),
            [slot(ip(n), key_of(&format!("c{n}")))]
        );
    }
    assert_eq!(index.slots().unwrap().len(), 1999);
    assert_eq!(index.first_free(&spans[0]).unwrap(), Some(ip(2000)));
    assert_eq!(
        index.first_free(&span("10.0.7.207", "10.0.7.207")).unwrap(),
        None
    );
    assert_eq!(
        index.first_free(&spans[1]).unwrap(),
        Some("fd00::1".parse().unwrap())
    );
    assert!(!index.maps(&span("10.0.0.1", "10.0.16.0")));
}

#[test]
fn many_under_one_key() {
    let dir = scratch();
    let mut index = build(dir.path(), &[], &[]);
    for n in 0..200 {
        index.insert(slot(ip(n), 7));
    }
    for n in (0..200).step_by(2) {
        index.remove(7, ip(n));
    }
    let mut left: Vec<_> = index
        .slots_of(7)
        .unwrap()
        .iter()
        .map(|slot| slot.ip)
        .collect();
    left.sort();
    assert_eq!(left, (1..200).step_by(2).map(ip).collect::<Vec<_>>());
}

#[test]
fn truncated_or_strange_files_are_no_index() {
    let dir = scratch();
    let home = Home::new(dir.path(), "net");
    assert!(home.load().is_none());
    build(dir.path(), &[], &[slot(ip(1), 1)]);
    let path = dir.path().join(".fairway/net");
    let whole = std::fs::read(&path).unwrap();
    assert!(home.load().is_some());
    for size in [0, 1, PAGE - 1, PAGE, whole.len() - 1] {
        std::fs::write(&path, &whole[..size]).unwrap();
        assert!(home.load().is_none(), "{size} bytes");
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    assert!(home.load().is_none());
}

#[test]
fn memory_serves_where_no_file_can() {
    let dir = scratch();
    std::fs::write(dir.path().join(".fairway"), b"in the way").unwrap();
    let mut index = build(
        dir.path(),
        &[span("10.0.0.0", "10.0.0.9")],
        &[slot(ip(0), 1)],
    );
    assert!(matches!(index.storage, Storage::Memory(_)));
    for n in 1..9 {
        index.insert(slot(ip(n), u64::from(n)));
    }
    assert_eq!(
        index.first_free(&span("10.0.0.0", "10.0.0.9")).unwrap(),
        Some(ip(9))
    );
    assert!(!index.broken);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Against a plain map, with few keys so that pages overflow, and reopened now and then.
    #[test]
    fn as_a_plain_map(steps in prop::collection::vec((0u32..700, 0u64..9, any::<bool>()), 1..900)) {
        let dir = scratch();
        let range = span("10.0.0.5", "10.0.2.60");
        let mut index = build(dir.path(), &[range], &[]);
        let mut model: BTreeMap<IpAddr, u64> = BTreeMap::new();
        for (count, (n, key, add)) in steps.into_iter().enumerate() {
            let key = key << 60;
            match model.get(&ip(n)).copied() {
                None if add => {
                    index.insert(slot(ip(n), key));
                    model.insert(ip(n), key);
                }
                Some(key) if !add => {
                    index.remove(key, ip(n));
                    model.remove(&ip(n));
                }
                _ => {}
            }
            if count % 50 == 49 {
                index.seal(Stamp::default()).unwrap();
                index = Home::new(dir.path(), "net").load().unwrap();
            }
        }
        prop_assert!(!index.broken);
        let all: BTreeMap<_, _> = index.slots().unwrap().iter().map(|slot| (slot.ip, slot.key)).collect();
        prop_assert_eq!(&all, &model);
        for key in 0..9 {
            let key = key << 60;
            let mut found: Vec<_> = index.slots_of(key).unwrap().iter().map(|slot| slot.ip).collect();
            found.sort();
            let wanted: Vec<_> = model.iter().filter(|(_, k)| **k == key).map(|(ip, _)| *ip).collect();
            prop_assert_eq!(found, wanted);
        }
        let free = range.iter().find(|ip| !model.contains_key(ip));
        prop_assert_eq!(index.first_free(&range).unwrap(), free);
    }
}
