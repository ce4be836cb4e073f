//! Limits on a model of the kernel; `tests/kernel` asks the real one.

mod bulk;
mod packets;
mod rates;

use fairway_netlink::fake::{Change, Recorder, namespaces};
use fairway_netlink::{
    Error as NetlinkError, HtbClass, Link, Netlink, Qdisc, QdiscKind, Qdiscs, TcHandle,
};
use nix::errno::Errno;

use crate::{BULK, Burst, Error, HANDLE, Limit, Means, Rate, SPARSE, Side};
use crate::{apply, check, departures, remove};

fn limit(bits: u64) -> Limit {
    Limit::new(Rate::new(bits).unwrap())
}

fn bed() -> (Recorder, u32) {
    let (host, _) = namespaces();
    let mut link = Link::new(0, "v");
    (link.gso_max_segs, link.tso_max_segs) = (Some(65_535), Some(65_535));
    let index = host.put_link(link);
    (host, index)
}

fn refusal() -> NetlinkError {
    NetlinkError::Kernel {
        op: "of",
        subject: "the test".into(),
        errno: Errno::ENOMEM,
        ext_ack: None,
    }
}

fn ceil(host: &mut Recorder, index: u32, handle: TcHandle) -> Option<HtbClass> {
    let classes = host.classes(index).unwrap();
    classes.into_iter().find(|class| class.handle == handle)
}

#[test]
fn a_limit_is_made_once_changed_and_removed() {
    let (mut host, index) = bed();
    let before = host.snapshot();
    let twenty = limit(20_000_000);
    let made = apply(&mut host, index, &twenty, Side::Container).unwrap();
    assert_eq!(made, Means::Htb);
    let bulk = ceil(&mut host, index, BULK).unwrap();
    assert_eq!((bulk.rate, bulk.ceil), (1_250_000, 2_500_000));
    let link = host.link_by_index(index).unwrap().unwrap();
    assert_eq!(link.gso_max_segs, Some(3), "5000 bytes in 2 ms");
    check(&mut host, index, &twenty, Side::Container).unwrap();

    let so_far = host.calls().len();
    apply(&mut host, index, &twenty, Side::Container).unwrap();
    assert_eq!(host.calls().len(), so_far, "nothing is done twice");

    let hundred = limit(100_000_000);
    let error = check(&mut host, index, &hundred, Side::Container).unwrap_err();
    assert!(error.to_string().contains("100000000 bit/s"), "{error}");
    apply(&mut host, index, &hundred, Side::Container).unwrap();
    let calls = &host.calls()[so_far..];
    let classes = calls
        .iter()
        .filter(|call| matches!(call.change, Change::PutClass(..)));
    // The three classes, and how much sockets send at once; the queue is as long as before.
    assert_eq!((classes.count(), calls.len()), (3, 4), "{calls:?}");
    check(&mut host, index, &hundred, Side::Container).unwrap();

    assert!(remove(&mut host, index).unwrap());
    assert!(!remove(&mut host, index).unwrap());
    assert_eq!(host.snapshot(), before);
    let error = check(&mut host, index, &hundred, Side::Host).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}

#[test]
fn what_fails_leaves_nothing() {
    for nth in 0.. {
        let (mut host, index) = bed();
        let before = host.snapshot();
        host.fail_at(nth, refusal());
        let done = apply(&mut host, index, &limit(1_000_000), Side::Container);
        let refused = host.calls().iter().any(|call| call.refused);
        if !refused {
            done.unwrap();
            assert!(nth > 30, "only {nth} changes");
            return;
        }
        assert!(done.is_err(), "call {nth}");
        assert_eq!(host.snapshot(), before, "call {nth}");
    }
}

/// The same, with a limit that was there: it can be brought to the new one, and to the old.
#[test]
fn what_fails_half_way_is_completed() {
    for nth in 0..4 {
        let (mut host, index) = bed();
        let (old, new) = (limit(1_000_000), limit(1_000_000_000));
        apply(&mut host, index, &old, Side::Container).unwrap();
        let before = host.snapshot();
        host.fail_at(nth, refusal());
        apply(&mut host, index, &new, Side::Container).unwrap_err();
        apply(&mut host, index, &new, Side::Container).unwrap();
        check(&mut host, index, &new, Side::Container).unwrap();
        apply(&mut host, index, &old, Side::Container).unwrap();
        assert_eq!(host.snapshot(), before);
    }
}

/// A process that is killed undoes nothing.
#[test]
fn what_a_killed_process_left_is_completed_or_removed() {
    let wanted = limit(5_000_000);
    let (mut host, index) = bed();
    apply(&mut host, index, &wanted, Side::Container).unwrap();
    let (whole, calls) = (host.snapshot(), host.calls());
    for killed in 1..calls.len() {
        for end in [false, true] {
            let (mut host, index) = bed();
            let before = host.snapshot();
            for call in &calls[..killed] {
                replay(&mut host, call.change.clone());
            }
            if end {
                assert!(remove(&mut host, index).unwrap());
                assert_eq!(host.snapshot(), before, "killed at {killed}");
            } else {
                apply(&mut host, index, &wanted, Side::Container).unwrap();
                assert_eq!(host.snapshot(), whole, "killed at {killed}");
            }
        }
    }
}

fn replay(host: &mut Recorder, change: Change) {
    match change {
        Change::AddQdisc(index, qdisc) => host.add_qdisc(index, &qdisc).unwrap(),
        Change::PutQdisc(index, qdisc) => host.put_qdisc(index, &qdisc).unwrap(),
        Change::PutClass(index, class) => host.put_class(index, &class).unwrap(),
        Change::AddU32Filter(index, filter) => host.add_u32_filters(index, &[filter]).unwrap(),
        Change::ChangeLink(index, change) => host.change_link(index, &change).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn somebody_elses_is_left_alone() {
    let (mut host, index) = bed();
    let theirs = Qdisc {
        parent: TcHandle::ROOT,
        handle: TcHandle::new(1, 0),
        kind: QdiscKind::Other("cake".into()),
    };
    host.add_qdisc(index, &theirs).unwrap();
    let before = host.snapshot();
    let error = apply(&mut host, index, &limit(1_000_000), Side::Host).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("cake 1:") && text.contains("somebody else's"),
        "{text}"
    );
    assert!(departures(&mut host, index, Side::Host).is_err());
    assert!(check(&mut host, index, &limit(1_000_000), Side::Host).is_err());
    assert!(!remove(&mut host, index).unwrap());
    assert_eq!(host.snapshot(), before);
}

#[test]
fn what_was_bent_is_straightened() {
    let (mut host, index) = bed();
    let wanted = limit(1_000_000);
    apply(&mut host, index, &wanted, Side::Container).unwrap();
    let before = host.snapshot();
    let bent = |host: &mut Recorder| {
        check(host, index, &wanted, Side::Container).unwrap_err();
        apply(host, index, &wanted, Side::Container).unwrap();
        assert_eq!(host.snapshot(), before);
    };
    // A queue of another length, kind, or handle; or none.
    for (major, kind) in [
        (0xfa19, QdiscKind::Bfifo { limit: 1 }),
        (0xfa19, QdiscKind::Pfifo { limit: 1 }),
        (7, QdiscKind::Pfifo { limit: 1 }),
    ] {
        host.delete_qdisc(index, BULK, TcHandle::new(0xfa19, 0))
            .unwrap();
        let (parent, handle) = (BULK, TcHandle::new(major, 0));
        let queue = Qdisc {
            parent,
            handle,
            kind,
        };
        host.put_qdisc(index, &queue).unwrap();
        bent(&mut host);
    }
    host.delete_qdisc(index, SPARSE, TcHandle::new(0xfa18, 0))
        .unwrap();
    bent(&mut host);
    // Filters that are lost, or another's in between.
    host.delete_filters(index, HANDLE, 2).unwrap();
    bent(&mut host);
    let mut other = host.u32_filters(index, HANDLE).unwrap()[0].clone();
    other.node = 0x77;
    host.add_u32_filters(index, &[other]).unwrap();
    bent(&mut host);
    // A class that borrows from another cannot be changed in place.
    let mut class = ceil(&mut host, index, BULK).unwrap();
    class.parent = SPARSE;
    host.put_class(index, &class).unwrap();
    bent(&mut host);
    // A tree that sends what it does not know past all limits.
    host.delete_qdisc(index, TcHandle::ROOT, HANDLE).unwrap();
    let (parent, handle, kind) = (TcHandle::ROOT, HANDLE, QdiscKind::Htb { default: 0 });
    host.add_qdisc(
        index,
        &Qdisc {
            parent,
            handle,
            kind,
        },
    )
    .unwrap();
    bent(&mut host);
}

#[test]
fn a_kernel_without_htb_has_a_bucket() {
    let (mut host, index) = bed();
    let before = host.snapshot();
    host.lack("htb");
    let wanted = limit(1_000_000);
    for _ in 0..2 {
        let made = apply(&mut host, index, &wanted, Side::Host).unwrap();
        assert_eq!(made, Means::Tbf);
        let checked = check(&mut host, index, &wanted, Side::Host).unwrap();
        assert_eq!(checked, Means::Tbf);
    }
    assert_eq!(host.calls().len(), 2, "one try, and the bucket");
    let faster = limit(1_000_000_000);
    check(&mut host, index, &faster, Side::Host).unwrap_err();
    apply(&mut host, index, &faster, Side::Host).unwrap();
    check(&mut host, index, &faster, Side::Host).unwrap();
    let root = host.qdisc(index, TcHandle::ROOT).unwrap().unwrap();
    let QdiscKind::Tbf(tbf) = root.kind else {
        panic!("{root:?}");
    };
    // What goes in a millisecond; what waits at most.
    assert_eq!((tbf.burst, tbf.limit), (125_000, 12_500_000));
    assert!(remove(&mut host, index).unwrap());
    assert_eq!(host.snapshot(), before);

    host.lack("tbf");
    let error = apply(&mut host, index, &wanted, Side::Host).unwrap_err();
    assert!(matches!(error, Error::NoMeans), "{error}");
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_kernel_without_u32_has_one_queue() {
    let (mut host, index) = bed();
    host.lack("u32");
    let wanted = limit(1_000_000);
    apply(&mut host, index, &wanted, Side::Host).unwrap();
    assert_eq!(host.u32_filters(index, HANDLE).unwrap(), []);
    check(&mut host, index, &wanted, Side::Host).unwrap();
}

#[test]
fn departures_take_a_limits_place_or_leave_it() {
    let (mut host, index) = bed();
    let wanted = limit(1_000_000);
    assert!(departures(&mut host, index, Side::Host).unwrap());
    let fair = host.snapshot();
    let so_far = host.calls().len();
    assert!(departures(&mut host, index, Side::Host).unwrap());
    assert_eq!(host.calls().len(), so_far, "nothing is done twice");
    apply(&mut host, index, &wanted, Side::Host).unwrap();
    check(&mut host, index, &wanted, Side::Host).unwrap();
    assert!(departures(&mut host, index, Side::Host).unwrap());
    assert_eq!(host.snapshot(), fair);

    // Killed between the two, or with other lengths.
    host.delete_qdisc(index, TcHandle::ROOT, HANDLE).unwrap();
    for handle in [TcHandle::new(0xfa16, 0), HANDLE] {
        let kind = QdiscKind::Fq {
            limit: 1,
            flow_limit: 1,
        };
        let parent = TcHandle::ROOT;
        host.put_qdisc(
            index,
            &Qdisc {
                parent,
                handle,
                kind,
            },
        )
        .unwrap();
        assert!(departures(&mut host, index, Side::Host).unwrap());
        assert_eq!(host.snapshot(), fair);
    }
    apply(&mut host, index, &wanted, Side::Host).unwrap();
    let limited = host.snapshot();
    host.lack("fq");
    assert!(!departures(&mut host, index, Side::Host).unwrap());
    assert_eq!(host.snapshot(), limited);
    remove(&mut host, index).unwrap();
    assert!(!departures(&mut host, index, Side::Host).unwrap());
}

#[test]
fn departures_end_what_a_limit_told_the_containers_sockets() {
    let segments = |host: &mut Recorder, index| {
        let link = host.link_by_index(index).unwrap().unwrap();
        link.gso_max_segs.unwrap()
    };
    let (mut host, index) = bed();
    let wanted = limit(1_000_000);
    apply(&mut host, index, &wanted, Side::Container).unwrap();
    assert_eq!(segments(&mut host, index), 1);
    host.lack("fq");
    assert!(!departures(&mut host, index, Side::Container).unwrap());
    assert_eq!(segments(&mut host, index), 1, "the limit stays");

    // Whichever of the changes fails: done again, all is as it should be.
    for nth in 0.. {
        let (mut host, index) = bed();
        apply(&mut host, index, &wanted, Side::Container).unwrap();
        host.fail_at(nth, refusal());
        let done = departures(&mut host, index, Side::Container);
        let refused = host.calls().iter().any(|call| call.refused);
        assert_eq!(done.is_err(), refused, "call {nth}");
        assert!(departures(&mut host, index, Side::Container).unwrap());
        assert_eq!(segments(&mut host, index), 65_535, "call {nth}");
        if !refused {
            assert_eq!(nth, 3, "two roots, and what sockets send");
            break;
        }
    }
    // On the host's end it is somebody else's matter.
    let (mut host, _) = bed();
    let mut link = Link::new(0, "w");
    link.gso_max_segs = Some(7);
    let index = host.put_link(link);
    assert!(departures(&mut host, index, Side::Host).unwrap());
    assert_eq!(segments(&mut host, index), 7);
}

#[test]
fn a_burst_is_a_packet_at_least() {
    let (mut host, index) = bed();
    let mut link = Link::new(0, "jumbo");
    link.mtu = 9000;
    let jumbo = host.put_link(link);
    let burst = |bytes| Limit {
        burst: Some(Burst::new(bytes).unwrap()),
        ..limit(1_000_000)
    };
    apply(&mut host, index, &burst(1500), Side::Host).unwrap();
    let bulk = ceil(&mut host, index, BULK).unwrap();
    assert_eq!(bulk.cbuffer, 187_500, "12 ms");
    let error = apply(&mut host, jumbo, &burst(8999), Side::Host).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("8999") && text.contains("9000"), "{text}");
    apply(&mut host, jumbo, &burst(9000), Side::Host).unwrap();
    let error = apply(&mut host, 999, &burst(9000), Side::Host).unwrap_err();
    assert!(matches!(error, Error::NoLink { index: 999 }), "{error}");
    assert!(!remove(&mut host, 999).unwrap());
}
