//! Maps that are full, sizes that cannot be, flows that have expired.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::collections::BTreeSet;

use common::config;
use fairway_dataplane::abi::{Endpoint, Lengths, Peer, PeerKey, PortKey, Set, Track, TrackKey};
use fairway_dataplane::{Dataplane, Error, Options, Result, Sizes, Swept};
use nix::time::{ClockId, clock_gettime};

const ROOM: u32 = 3;

fn small() -> Options {
    let sizes = Sizes {
        endpoints: ROOM,
        addresses: ROOM,
        blocks: ROOM,
        prefixes4: ROOM,
        prefixes6: ROOM,
        routes: ROOM,
        sets: ROOM,
        peers: ROOM,
        ports: ROOM,
        track_open: ROOM,
        ..Sizes::default()
    };
    Options { sizes, pins: None }
}

type Write = fn(&mut Dataplane, u32) -> Result<()>;

/// A way to write entry number so and so into each map.
const WRITES: [(&str, Write); 10] = [
    ("ENDPOINTS", |dataplane, n| {
        dataplane.put_endpoint(n, &Endpoint::default())
    }),
    ("ADDRESSES", |dataplane, n| {
        let ip = std::net::Ipv4Addr::from(n);
        dataplane.put_address(ip.into(), &Peer::default())
    }),
    ("BLOCKS", |dataplane, n| {
        let net = format!("10.{n}.0.0/24").parse().unwrap();
        dataplane.put_prefix(net, n)
    }),
    ("PREFIXES4", |dataplane, n| {
        let net = format!("10.{n}.0.0/16").parse().unwrap();
        dataplane.put_prefix(net, n)
    }),
    ("PREFIXES6", |dataplane, n| {
        let net = format!("fd00:{n}::/32").parse().unwrap();
        dataplane.put_prefix(net, n)
    }),
    ("ROUTES", |dataplane, n| {
        let net = format!("10.{n}.0.0/26").parse().unwrap();
        dataplane.put_route(5, net, None)
    }),
    ("SETS", |dataplane, n| dataplane.put_set(n, &Set::default())),
    ("PEERS", |dataplane, n| {
        let key = PeerKey { set: 1, peer: n };
        dataplane.put_peer(key, &Lengths::default())
    }),
    ("PORTS", |dataplane, n| {
        let key = PortKey {
            table: n,
            ..PortKey::default()
        };
        dataplane.put_ports(key, &Default::default())
    }),
    ("TRACK_OPEN", |dataplane, n| {
        dataplane.put_track(true, flow(n, 0), &Track::default())
    }),
];

fn flow(link: u32, port: u16) -> TrackKey {
    TrackKey {
        link,
        local_port: port,
        ..TrackKey::default()
    }
}

#[test]
fn a_full_map_is_named_and_keeps_what_it_has() {
    let mut dataplane = Dataplane::load(&small()).unwrap();
    for (name, write) in WRITES {
        for n in 1..=ROOM {
            write(&mut dataplane, n).unwrap();
        }
        let error = write(&mut dataplane, ROOM + 1).unwrap_err();
        assert!(error.is_full(), "{error}");
        assert_eq!(
            error.to_string(),
            format!("map {name} is full: it has room for 3 entries")
        );
        // Those that are there can be replaced all the same.
        write(&mut dataplane, 2).unwrap();
        let fill = dataplane.fill();
        let fill = fill.iter().find(|fill| fill.map == name).unwrap();
        assert_eq!((fill.entries, fill.room), (ROOM, ROOM), "{name}");
    }
    assert_eq!(dataplane.endpoints().unwrap().len(), 3);
    assert_eq!(dataplane.addresses().unwrap().len(), 3);
    assert_eq!(dataplane.prefixes().unwrap().len(), 9);
    assert_eq!(dataplane.routes().unwrap().len(), 3);
    assert_eq!(dataplane.sets().unwrap().len(), 3);
    assert_eq!(dataplane.peers().unwrap().len(), 3);
    assert_eq!(dataplane.ports().unwrap().len(), 3);
    assert_eq!(dataplane.tracks().unwrap()[0].len(), 3);
    // Room that was made is room.
    assert!(dataplane.remove_set(1).unwrap());
    dataplane.put_set(99, &Set::default()).unwrap();
}

#[test]
fn a_map_without_room_is_refused_by_name() {
    for (peers, sets, name) in [(0, 1, "PEERS"), (1, 0, "SETS"), (u32::MAX, 1, "PEERS")] {
        let sizes = Sizes {
            peers,
            sets,
            ..Sizes::default()
        };
        let options = Options { sizes, pins: None };
        let error = Dataplane::load(&options).unwrap_err();
        let Error::Size { map, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(map, name);
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let options = small();
    for object in [&b""[..], &[0; 100], &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]] {
        let error = Dataplane::load_object(&options, object).unwrap_err();
        assert!(matches!(error, Error::Object(_)), "{error}");
    }
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Steps until both tables were gone through.
fn sweep(dataplane: &mut Dataplane, budget: usize) -> (u32, Swept) {
    let mut steps = 0;
    let mut sum = Swept::default();
    while !sum.complete {
        let swept = dataplane.sweep(budget).unwrap();
        steps += 1;
        sum.seen += swept.seen;
        sum.removed += swept.removed;
        sum.complete = swept.complete;
        assert!(steps < 10_000, "comes to no end");
    }
    (steps, sum)
}

#[test]
fn expired_flows_go_step_by_step_and_no_others() {
    let mut dataplane = Dataplane::load(&Options::default()).unwrap();
    dataplane.set_config(&config(1)).unwrap();
    let now = now();
    let (old, young) = (now - 1, now + 60_000_000_000);
    for port in 0..3000 {
        for answered in [true, false] {
            let expires = if port % 3 == 0 { old } else { young };
            let track = Track {
                expires,
                ..Track::default()
            };
            let link = 7 + u32::from(port % 2);
            dataplane
                .put_track(answered, flow(link, port), &track)
                .unwrap();
        }
    }
    let (steps, swept) = sweep(&mut dataplane, 256);
    assert_eq!((swept.seen, swept.removed), (6000, 2000));
    assert!(steps > 10, "{steps} steps");
    let (_, swept) = sweep(&mut dataplane, usize::MAX);
    assert_eq!((swept.seen, swept.removed), (4000, 0));
    for table in dataplane.tracks().unwrap() {
        assert_eq!(table.len(), 2000);
        assert!(
            table
                .iter()
                .all(|(key, track)| track.expires == young && key.local_port % 3 != 0)
        );
    }
    let fill: Vec<_> = dataplane.fill().iter().map(|fill| fill.entries).collect();
    assert_eq!(fill[9..], [2000, 2000]);

    // A link goes with all its flows.
    let gone = dataplane
        .remove_tracks_of(&BTreeSet::from([7, 99]))
        .unwrap();
    assert_eq!(gone, 2000);
    for table in dataplane.tracks().unwrap() {
        assert_eq!(table.len(), 1000);
        assert!(table.iter().all(|(key, _)| key.link == 8));
    }
}
