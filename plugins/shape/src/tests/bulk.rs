//! Where the bulk waits: packets that are cut, or whole.

use super::*;
use fairway_netlink::Tbf;

fn queue(host: &mut Recorder, index: u32) -> Qdisc {
    host.qdisc(index, BULK).unwrap().unwrap()
}

fn burst(host: &mut Recorder, index: u32) -> Option<u32> {
    match queue(host, index).kind {
        QdiscKind::Tbf(tbf) => Some(tbf.burst),
        _ => None,
    }
}

const CUT: TcHandle = TcHandle::new(0xfa1a, 0);

#[test]
fn what_a_container_gets_slowly_is_cut() {
    for (bits, side, expected) in [
        (1_000, Side::Host, Some(3_200)),
        (1_000_000, Side::Host, Some(3_200)),
        (200_000_000, Side::Host, Some(7_850)),
        (201_000_000, Side::Host, None),
        (1_000_000, Side::Container, None),
    ] {
        let (mut host, index) = bed();
        apply(&mut host, index, &limit(bits), side).unwrap();
        check(&mut host, index, &limit(bits), side).unwrap();
        assert_eq!(burst(&mut host, index), expected, "{bits} {side:?}");
    }
    // No frame of the link is longer than the bucket, nor what the limit lets go at once.
    let (mut host, _) = bed();
    let mut link = Link::new(0, "jumbo");
    link.mtu = 9000;
    let index = host.put_link(link);
    apply(&mut host, index, &limit(1_000_000), Side::Host).unwrap();
    assert_eq!(burst(&mut host, index), Some(10_618));
    let wide = Limit {
        burst: Some(Burst::new(65_536).unwrap()),
        ..limit(1_000_000)
    };
    apply(&mut host, index, &wide, Side::Host).unwrap();
    assert_eq!(burst(&mut host, index), Some(74_554));
}

/// A packet that waits is never longer than the bucket, or it would wait for ever; and none is thrown away.
#[test]
fn a_queue_is_neither_replaced_nor_narrowed() {
    for (first, second) in [
        (1_000_000, 1_000_000_000),
        (1_000_000_000, 1_000_000),
        (100_000_000, 1_000_000),
    ] {
        let (mut host, index) = bed();
        let mut bucket = None;
        apply(&mut host, index, &limit(first), Side::Host).unwrap();
        let handle = queue(&mut host, index).handle;
        for bits in [first, second, first, second] {
            apply(&mut host, index, &limit(bits), Side::Host).unwrap();
            check(&mut host, index, &limit(bits), Side::Host).unwrap();
            assert_eq!(queue(&mut host, index).handle, handle);
            let now = burst(&mut host, index);
            assert!(now >= bucket, "{bits}: {now:?}");
            bucket = now;
        }
        // Wide enough for any, once it was fast.
        assert!(first > second || bucket >= Some(1 << 20), "{bucket:?}");
        let gone = |change: &Change| matches!(change, Change::DeleteQdisc(..));
        assert!(!host.calls().iter().any(|call| gone(&call.change)));
    }
}

#[test]
fn a_kernel_without_tbf_keeps_packets_whole() {
    let (mut host, index) = bed();
    host.lack("tbf");
    for _ in 0..2 {
        let made = apply(&mut host, index, &limit(1_000_000), Side::Host).unwrap();
        assert_eq!(made, Means::Htb);
        check(&mut host, index, &limit(1_000_000), Side::Host).unwrap();
        let queue = queue(&mut host, index);
        assert_eq!(queue.kind, QdiscKind::Bfifo { limit: 4_000_000 });
    }
}

#[test]
fn a_bent_bucket_is_straightened() {
    let (mut host, index) = bed();
    let wanted = limit(1_000_000);
    apply(&mut host, index, &wanted, Side::Host).unwrap();
    let before = host.snapshot();
    let tbf = |rate, burst, limit| QdiscKind::Tbf(Tbf { rate, burst, limit });
    let fine = tbf(12_500_000_000, 3_200, 4_000_000);
    for (handle, kind) in [
        // A frame would not fit into it.
        (CUT, tbf(12_500_000_000, 1_000, 4_000_000)),
        (CUT, tbf(125_000, 3_200, 4_000_000)),
        (CUT, tbf(12_500_000_000, 3_200, 4_000)),
        (CUT, QdiscKind::Pfifo { limit: 5 }),
        (TcHandle::new(7, 0), fine),
    ] {
        host.delete_qdisc(index, BULK, CUT).unwrap();
        let bent = Qdisc {
            parent: BULK,
            handle,
            kind,
        };
        host.put_qdisc(index, &bent).unwrap();
        check(&mut host, index, &wanted, Side::Host).unwrap_err();
        apply(&mut host, index, &wanted, Side::Host).unwrap();
        assert_eq!(host.snapshot(), before, "{bent:?}");
    }
}

/// A kernel without htb: a packet of what went at once before would never go.
#[test]
fn the_one_bucket_is_made_anew_where_it_gets_smaller() {
    let (mut host, index) = bed();
    host.lack("htb");
    apply(&mut host, index, &limit(1_000_000), Side::Host).unwrap();
    for (bits, anew) in [(1_000_000_000, false), (1_000_000, true)] {
        let so_far = host.calls().len();
        apply(&mut host, index, &limit(bits), Side::Host).unwrap();
        check(&mut host, index, &limit(bits), Side::Host).unwrap();
        let calls = &host.calls()[so_far..];
        let gone = |change: &Change| matches!(change, Change::DeleteQdisc(..));
        assert_eq!(calls.iter().any(|call| gone(&call.change)), anew, "{bits}");
    }
}
