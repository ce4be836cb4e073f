//! What is kept in files: flows are handed on, nothing half-made stays.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::fs;

use common::{bpftool, config, dumped, names, options, pin, sizes, with_pins};
use fairway_dataplane::abi::{Track, TrackKey};
use fairway_dataplane::{Dataplane, Options, Sizes, clear};
use nix::sys::statfs::statfs;

const FAR_AWAY: u64 = u64::MAX / 2;

fn flow(port: u16) -> TrackKey {
    TrackKey {
        link: 7,
        local_port: port,
        ..TrackKey::default()
    }
}

fn track(expires: u64, epoch: u32) -> Track {
    Track {
        expires,
        epoch,
        ..Track::default()
    }
}

#[test]
fn flows_are_handed_on_in_the_same_tables_or_by_copy() {
    with_pins(|root| {
        let mut first = Dataplane::load(&options(root)).unwrap();
        assert_eq!(first.inherited_epoch(), None);
        first.set_config(&config(3)).unwrap();
        for port in 0..100 {
            let expires = if port < 10 { 1 } else { FAR_AWAY };
            first
                .put_track(true, flow(port), &track(expires, 2))
                .unwrap();
            first
                .put_track(false, flow(port), &track(expires, 2))
                .unwrap();
        }
        first.seal().unwrap();
        let number = |generation, map: &str| {
            let shown = bpftool(&["map", "show", "pinned", &pin(root, generation, map)]);
            shown["id"].as_u64().unwrap()
        };

        // The same sizes: the very same tables. All others are new.
        let mut second = Dataplane::load(&options(root)).unwrap();
        assert_eq!(second.inherited_epoch(), Some(3));
        second.seal().unwrap();
        for (map, same) in [
            ("TRACK_OPEN", true),
            ("TRACK_NEW", true),
            ("CONFIG", false),
            ("PEERS", false),
        ] {
            assert_eq!(number(1, map) == number(2, map), same, "{map}");
        }
        let fill: Vec<_> = second.fill().iter().map(|fill| fill.entries).collect();
        assert_eq!(fill[9..], [100, 100]);
        second.retire_older().unwrap();
        drop(first);
        assert_eq!(names(root), ["generation-2"]);

        // Another size: a copy, without what has expired. What comes late is taken along.
        let wider = Options {
            sizes: Sizes {
                track_open: 9999,
                ..sizes()
            },
            ..options(root)
        };
        let mut third = Dataplane::load(&wider).unwrap();
        third.seal().unwrap();
        assert_ne!(number(2, "TRACK_OPEN"), number(3, "TRACK_OPEN"));
        assert_eq!(number(2, "TRACK_NEW"), number(3, "TRACK_NEW"));
        assert_eq!(dumped(&pin(root, 3, "TRACK_OPEN")).len(), 90);
        second
            .put_track(true, flow(1000), &track(FAR_AWAY, 7))
            .unwrap();
        third
            .put_track(true, flow(50), &track(FAR_AWAY, 8))
            .unwrap();
        third.retire_older().unwrap();
        let [open, _] = third.tracks().unwrap();
        assert_eq!(open.len(), 91);
        let newer = open.iter().find(|(key, _)| *key == flow(50)).unwrap().1;
        assert_eq!(newer.epoch, 8, "what was written meanwhile stays");

        // Smaller than what it has to hold: as much as fits.
        let narrower = Options {
            sizes: Sizes {
                track_open: 20,
                ..sizes()
            },
            ..options(root)
        };
        let fourth = Dataplane::load(&narrower).unwrap();
        assert_eq!(fourth.tracks().unwrap()[0].len(), 20);
        assert!(fourth.inherited_epoch().unwrap() >= 2);
    });
}

#[test]
fn what_is_half_made_is_thrown_away() {
    with_pins(|root| {
        let mut first = Dataplane::load(&options(root)).unwrap();
        first.put_track(true, flow(1), &track(FAR_AWAY, 1)).unwrap();
        first.seal().unwrap();
        first.seal().unwrap();
        drop(first);
        // One that is given up, one that dies before it is filled, and what another left of a folder.
        drop(Dataplane::load(&options(root)).unwrap());
        assert_eq!(names(root), ["generation-1"]);
        std::mem::forget(Dataplane::load(&options(root)).unwrap());
        fs::create_dir(root.join("making-77")).unwrap();
        fs::create_dir(root.join("of-somebody-else")).unwrap();
        assert_eq!(
            names(root),
            ["generation-1", "making-2", "making-77", "of-somebody-else"]
        );

        let mut third = Dataplane::load(&options(root)).unwrap();
        assert_eq!(
            names(root),
            ["generation-1", "making-78", "of-somebody-else"]
        );
        assert_eq!(third.tracks().unwrap()[0].len(), 1);
        third.seal().unwrap();
        drop(third);
        // It died after it was filled, before the older one was let go: the newest counts.
        let mut fourth = Dataplane::load(&options(root)).unwrap();
        assert_eq!(
            (fourth.number(), fourth.tracks().unwrap()[0].len()),
            (Some(79), 1)
        );
        fourth.seal().unwrap();
        fourth.retire_older().unwrap();
        assert_eq!(names(root), ["generation-79", "of-somebody-else"]);
        // A generation that was half removed is no reason to fail.
        for file in fs::read_dir(root.join("generation-79")).unwrap() {
            let path = file.unwrap().path();
            if !path.to_str().unwrap().contains("CONFIG") {
                fs::remove_file(path).unwrap();
            }
        }
        let fifth = Dataplane::load(&options(root)).unwrap();
        assert_eq!(fifth.tracks().unwrap()[0].len(), 0);
        clear(root).unwrap();
        clear(root).unwrap();
        assert_eq!(names(root), ["of-somebody-else"]);
        clear(&root.join("none")).unwrap();
    });
}

#[test]
fn a_bpf_filesystem_is_mounted_once() {
    with_pins(|root| {
        drop(Dataplane::load(&options(root)).unwrap());
        let kind = statfs(root).unwrap().filesystem_type();
        assert_eq!(kind.0, nix::libc::BPF_FS_MAGIC);
        drop(Dataplane::load(&options(root)).unwrap());
        // A folder below one that is mounted needs no other.
        drop(Dataplane::load(&options(&root.join("below"))).unwrap());
        let mounts = fs::read_to_string("/proc/thread-self/mounts").unwrap();
        let ours = mounts
            .lines()
            .filter(|line| line.contains(root.to_str().unwrap()));
        assert_eq!(ours.count(), 1, "{mounts}");
        // A file is in the way.
        let file = root.parent().unwrap().join("file");
        fs::write(&file, "").unwrap();
        let error = Dataplane::load(&options(&file.join("pins"))).unwrap_err();
        assert!(error.to_string().contains("file/pins"), "{error}");
    });
}
