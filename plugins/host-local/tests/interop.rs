//! Ours and the reference plugin on one folder: a node changes over with containers running, either way.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::{Bed, OURS, addresses, theirs};
use fairway_lab::{json, poll};
use std::{collections::HashSet, fs, sync::Mutex, thread, time::Duration};

fn dual() -> Bed {
    Bed::new(json!([
        [{"subnet": "10.0.0.0/29"}, {"subnet": "10.0.1.0/29", "gateway": "10.0.1.6"}],
        [{"subnet": "fd00::/64"}]
    ]))
}

fn change_over(from: &str, to: &str) {
    let bed = dual();
    for (id, ip) in [
        ("c1", "10.0.0.2/29"),
        ("c2", "10.0.0.3/29"),
        ("c3", "10.0.0.4/29"),
    ] {
        assert_eq!(bed.add(from, id)[0], ip);
    }
    // What the one has given out the other finds and releases, and goes on in the same order.
    let prev = json!({"cniVersion": "1.0.0", "ips": [{"address": "10.0.0.3/29"}, {"address": "fd00::3/64"}]});
    bed.call(to, "c2").check(&prev).unwrap().ok().unwrap();
    bed.del(to, "c2");
    assert!(bed.call(to, "c2").check(&prev).unwrap().ok().is_err());
    assert_eq!(bed.add(to, "c4"), ["10.0.0.5/29", "fd00::5/64"]);
    let error = bed.call(to, "c1").add().unwrap().error.unwrap();
    assert!(
        error.msg.contains("duplicate allocation is not allowed"),
        "{error:?}"
    );
    // And back again.
    let prev = json!({"cniVersion": "1.0.0", "ips": [{"address": "10.0.0.5/29"}, {"address": "fd00::5/64"}]});
    bed.call(from, "c4").check(&prev).unwrap().ok().unwrap();
    assert_eq!(bed.add(from, "c5"), ["10.0.0.6/29", "fd00::6/64"]);
    assert_eq!(bed.add(to, "c6"), ["10.0.1.1/29", "fd00::7/64"]);
    bed.del(from, "c4");
    for id in ["c1", "c3", "c5", "c6"] {
        bed.del(to, id);
    }
    assert!(bed.files().is_empty(), "{:?}", bed.files());
    // Each by itself leaves the same.
    let last = |n| fs::read_to_string(bed.folder().join(format!("last_reserved_ip.{n}"))).unwrap();
    assert_eq!(
        (last(0).as_str(), last(1).as_str()),
        ("10.0.1.1", "fd00::7")
    );
}

#[test]
fn from_the_reference_to_ours() {
    if let Some(theirs) = theirs("from_the_reference_to_ours") {
        change_over(&theirs, OURS);
    }
}

#[test]
fn from_ours_to_the_reference() {
    if let Some(theirs) = theirs("from_ours_to_the_reference") {
        change_over(OURS, &theirs);
    }
}

#[test]
fn both_fill_the_same_pool_to_the_brim() {
    let Some(theirs) = theirs("both_fill_the_same_pool_to_the_brim") else {
        return;
    };
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/28"}]]));
    let mut given = HashSet::new();
    for n in 0..13 {
        let program = if n % 2 == 0 { OURS } else { &theirs };
        assert!(given.insert(bed.add(program, &format!("c{n}"))));
    }
    for program in [OURS, &theirs] {
        let error = bed.call(program, "more").add().unwrap().error.unwrap();
        assert!(
            error.msg.contains("no IP addresses available in range set"),
            "{error:?}"
        );
    }
    bed.call(OURS, "more").add().unwrap().fails(101).unwrap();
}

/// Both at once, many times: no address twice, none left over.
#[test]
fn alternating_under_load() {
    let Some(theirs) = theirs("alternating_under_load") else {
        return;
    };
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/26"}], [{"subnet": "fd00::/120"}]]));
    let live = Mutex::new(HashSet::new());
    let (bed, live, theirs) = (&bed, &live, theirs.as_str());
    let turn =
        move |worker: usize, round: usize, verb: usize| match (worker * 7 + round * 3 + verb) % 2 {
            0 => OURS,
            _ => theirs,
        };
    let work = move |worker: usize| {
        for round in 0..15 {
            let id = format!("w{worker}r{round}");
            let given = bed.add(turn(worker, round, 0), &id);
            for ip in &given {
                assert!(
                    live.lock().unwrap().insert(ip.clone()),
                    "{ip} was given out twice"
                );
            }
            let prev = json!({"cniVersion": "1.0.0", "ips": [{"address": given[0]}, {"address": given[1]}]});
            bed.call(OURS, &id).check(&prev).unwrap().ok().unwrap();
            for ip in &given {
                live.lock().unwrap().remove(ip);
            }
            bed.del(turn(worker, round, round), &id);
        }
    };
    thread::scope(|scope| {
        for worker in 0..8 {
            scope.spawn(move || work(worker));
        }
    });
    assert!(bed.files().is_empty(), "{:?}", bed.files());
}

#[test]
fn both_wait_for_the_same_lock() {
    let Some(theirs) = theirs("both_wait_for_the_same_lock") else {
        return;
    };
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/28"}]]));
    bed.add(OURS, "c0");
    let lock = fs::File::open(bed.folder().join("lock")).unwrap();
    lock.lock().unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&lock.metadata().unwrap());
    let bed = &bed;
    thread::scope(|scope| {
        let waiting: Vec<_> = [OURS, &theirs]
            .into_iter()
            .map(|program| {
                let program = program.to_owned();
                scope.spawn(move || {
                    addresses(
                        &bed.call(&program, &format!("c-{}", program.len()))
                            .add()
                            .unwrap()
                            .ok()
                            .unwrap(),
                    )
                })
            })
            .collect();
        // Both have the file open, and neither has an address.
        poll(Duration::from_secs(20), "both to wait", || {
            holders(inode) >= 3
        })
        .unwrap();
        assert_eq!(bed.files().len(), 1);
        lock.unlock().unwrap();
        let mut given: Vec<_> = waiting
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        given.sort();
        assert_eq!(given, ["10.0.0.3/28", "10.0.0.4/28"]);
    });
}

/// How many processes have the file of this inode open, ourselves included.
fn holders(inode: u64) -> usize {
    let has = |entry: fs::DirEntry| {
        let fds = fs::read_dir(entry.path().join("fd")).ok()?;
        let is = |fd: fs::DirEntry| {
            fs::metadata(fd.path())
                .is_ok_and(|meta| std::os::unix::fs::MetadataExt::ino(&meta) == inode)
        };
        fds.flatten().any(is).then_some(())
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(has).count()
}
