//! Qdiscs, classes and u32 filters, against the kernel and `tc`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "in tests they are the checks"
)]

mod common;

use common::{in_new_netns, ip_link, json, link, run};
use fairway_netlink::{
    Handle, HtbClass, LinkChange, Netlink, Qdisc, QdiscKind, Qdiscs, Tbf, TcHandle, U32Filter,
    U32Key, is_unknown_kind, ticks,
};
use nix::errno::Errno;
use serde_json::Value;

const ROOT: TcHandle = TcHandle::new(0xfa17, 0);

fn at(parent: TcHandle, major: u16, kind: QdiscKind) -> Qdisc {
    let handle = TcHandle::new(major, 0);
    Qdisc {
        parent,
        handle,
        kind,
    }
}

fn htb() -> Qdisc {
    at(TcHandle::ROOT, 0xfa17, QdiscKind::Htb { default: 0x20 })
}

fn class(minor: u16, parent: u16, bytes_per_second: u64) -> HtbClass {
    HtbClass {
        handle: TcHandle::new(0xfa17, minor),
        parent: TcHandle::new(0xfa17, parent),
        rate: bytes_per_second / 2,
        ceil: bytes_per_second,
        buffer: ticks(1600, bytes_per_second / 2),
        cbuffer: ticks(1600, bytes_per_second),
        quantum: 3000,
        priority: 1,
    }
}

/// What `tc` says of the link's qdiscs, or classes.
fn shown(what: &str) -> Vec<Value> {
    let shown = json(&format!("tc -j {what} show dev v"));
    shown.as_array().unwrap().clone()
}

#[test]
fn a_tree_is_made_changed_and_told() {
    in_new_netns(|| {
        run("ip link add v type veth peer name w");
        let mut handle = Handle::open().unwrap();
        let index = link(&mut handle, "v").index;
        assert_eq!(handle.qdisc(index, TcHandle::ROOT).unwrap(), None);
        handle.add_qdisc(index, &htb()).unwrap();
        assert!(handle.add_qdisc(index, &htb()).unwrap_err().is_exists());
        assert_eq!(handle.qdisc(index, TcHandle::ROOT).unwrap(), Some(htb()));
        let told = &shown("qdisc")[0];
        assert_eq!(
            (&told["kind"], &told["handle"]),
            (&"htb".into(), &"fa17:".into())
        );
        assert_eq!(told["options"]["default"], "0x20", "{told}");

        let (top, leaf) = (class(1, 0, 125_000), class(0x20, 1, 125_000));
        handle.put_class(index, &top).unwrap();
        handle.put_class(index, &leaf).unwrap();
        // The rate of something that runs, and one that has no room in 32 bits.
        for rate in [125_000, 2_500_000, 125_000_000_000] {
            let (top, leaf) = (class(1, 0, rate), class(0x20, 1, rate));
            handle.put_class(index, &top).unwrap();
            handle.put_class(index, &leaf).unwrap();
            let classes = handle.classes(index).unwrap();
            assert_eq!(classes.len(), 2);
            assert_eq!(classes[1], leaf);
            let told = (classes[0].handle, classes[0].ceil, classes[0].cbuffer);
            assert_eq!(told, (top.handle, rate, top.cbuffer));
            assert_eq!(classes[0].parent, TcHandle::ROOT);
            let text = run("tc -d class show dev v classid fa17:20");
            let bits = match rate {
                125_000 => "rate 500Kbit ceil 1Mbit",
                2_500_000 => "rate 10Mbit ceil 20Mbit",
                _ => "rate 500Gbit ceil 1Tbit",
            };
            assert!(text.contains(bits), "{text}");
            assert!(text.contains("prio 1 quantum 3000"), "{text}");
            assert!(text.contains("linklayer ethernet"), "{text}");
            let burst = "burst 1600b";
            assert!(rate > 2_500_000 || text.contains(burst), "{text}");
        }

        // What waits in a class.
        let place = leaf.handle;
        assert_eq!(handle.qdisc(index, place).unwrap(), None);
        for (major, kind) in [
            (0xfa19, QdiscKind::Bfifo { limit: 4_000_000 }),
            (0xfa19, QdiscKind::Bfifo { limit: 5_000_000 }),
            (0xfa1a, QdiscKind::Pfifo { limit: 100 }),
        ] {
            let wanted = at(place, major, kind);
            handle.put_qdisc(index, &wanted).unwrap();
            assert_eq!(handle.qdisc(index, place).unwrap(), Some(wanted));
        }
        let text = run("tc qdisc show dev v parent fa17:20");
        assert!(text.starts_with("qdisc pfifo fa1a: "), "{text}");
        assert!(text.contains("limit 100p"), "{text}");

        // Another handle in the root's place, or none.
        let (root, other) = (TcHandle::ROOT, TcHandle::new(1, 0));
        assert!(!handle.delete_qdisc(index, root, other).unwrap());
        assert!(handle.delete_qdisc(index, root, ROOT).unwrap());
        assert!(!handle.delete_qdisc(index, root, ROOT).unwrap());
        assert_eq!(handle.classes(index).unwrap(), []);
        assert!(!run("tc qdisc show dev v").contains("htb"));
    });
}

#[test]
fn filters_are_added_told_and_deleted_by_priority() {
    in_new_netns(|| {
        run("ip link add v type veth peer name w");
        let mut handle = Handle::open().unwrap();
        let index = link(&mut handle, "v").index;
        let filter = |priority, node, protocol| U32Filter {
            parent: ROOT,
            priority,
            node,
            protocol,
            class: TcHandle::new(0xfa17, 0x10),
            keys: vec![
                U32Key {
                    offset: 8,
                    mask: 0x00ff_0000,
                    value: 0x0001_0000,
                },
                U32Key {
                    offset: 20,
                    mask: 0xffff_0000,
                    value: 0x0800_0000,
                },
            ],
        };
        let first = [filter(1, 1, 0x0800)];
        assert!(handle.add_u32_filters(index, &first).is_err());
        assert!(!handle.delete_filters(index, ROOT, 1).unwrap());
        assert_eq!(handle.u32_filters(index, ROOT).unwrap(), []);
        handle.add_qdisc(index, &htb()).unwrap();
        let wanted = [
            filter(1, 1, 0x0800),
            filter(1, 2, 0x0800),
            filter(2, 1, 0x86dd),
        ];
        handle.add_u32_filters(index, &wanted).unwrap();
        handle.add_u32_filters(index, &[]).unwrap();
        assert!(handle.add_u32_filters(index, &first).is_err());
        assert_eq!(handle.u32_filters(index, ROOT).unwrap(), wanted);
        let text = run("tc filter show dev v parent fa17:");
        for part in [
            "protocol ip pref 1 u32",
            "protocol ipv6 pref 2 u32",
            "flowid fa17:10",
            "match 00010000/00ff0000 at 8",
            "match 08000000/ffff0000 at 20",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(handle.delete_filters(index, ROOT, 1).unwrap());
        assert!(!handle.delete_filters(index, ROOT, 1).unwrap());
        assert_eq!(handle.u32_filters(index, ROOT).unwrap(), wanted[2..]);
        for unsound in [
            filter(0, 1, 0x0800),
            filter(1, 0, 0x0800),
            filter(1, 0x1000, 0x0800),
        ] {
            assert!(handle.add_u32_filters(index, &[unsound]).is_err());
        }
        assert!(handle.delete_filters(index, ROOT, 0).is_err());
    });
}

#[test]
fn a_token_bucket_keeps_its_burst_at_any_rate() {
    in_new_netns(|| {
        run("ip link add v type veth peer name w");
        let mut handle = Handle::open().unwrap();
        let index = link(&mut handle, "v").index;
        for (rate, burst) in [
            (125, 1514),
            (2_500_000, 16_000),
            (125_000_000_000, 40_000_000),
        ] {
            let limit = 4_000_000;
            let wanted = at(
                TcHandle::ROOT,
                0xfa17,
                QdiscKind::Tbf(Tbf { rate, burst, limit }),
            );
            handle.put_qdisc(index, &wanted).unwrap();
            let told = handle.qdisc(index, TcHandle::ROOT).unwrap().unwrap();
            let QdiscKind::Tbf(tbf) = told.kind else {
                panic!("{told:?}");
            };
            assert_eq!((tbf.rate, tbf.limit), (rate, limit));
            let off = u64::from(tbf.burst.abs_diff(burst)) * 1000;
            assert!(off <= u64::from(burst) + 64 * rate / 1_000_000, "{tbf:?}");
            let options = &shown("qdisc")[0]["options"];
            assert_eq!(options["rate"], rate, "{options}");
        }
        // What is another's is told as it is, and what is unknown as unknown.
        run("tc qdisc replace dev v root handle 1: pfifo limit 7");
        let other = at(TcHandle::ROOT, 1, QdiscKind::Pfifo { limit: 7 });
        assert_eq!(
            handle.qdisc(index, TcHandle::ROOT).unwrap(),
            Some(other.clone())
        );
        assert!(handle.add_qdisc(index, &htb()).unwrap_err().is_exists());
        let unknown = QdiscKind::Other("pfifo".into());
        assert!(
            handle
                .add_qdisc(index, &at(TcHandle::ROOT, 2, unknown))
                .is_err()
        );
        assert_eq!(handle.qdisc(index, TcHandle::ROOT).unwrap(), Some(other));
        assert_eq!(handle.qdisc(999, TcHandle::ROOT).unwrap(), None);
        let error = handle.add_qdisc(999, &htb()).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENODEV));
        assert!(!is_unknown_kind(&error));
        let no_handle = at(TcHandle::ROOT, 0, QdiscKind::Pfifo { limit: 7 });
        assert!(handle.add_qdisc(index, &no_handle).is_err());
    });
}

#[test]
fn fair_queues_are_there_or_known_not_to_be() {
    in_new_netns(|| {
        run("ip link add v type veth peer name w");
        let mut handle = Handle::open().unwrap();
        let index = link(&mut handle, "v").index;
        let kind = QdiscKind::Fq {
            limit: 20_000,
            flow_limit: 1000,
        };
        let wanted = at(TcHandle::ROOT, 0xfa17, kind);
        match handle.add_qdisc(index, &wanted) {
            Ok(()) => {
                let told = handle.qdisc(index, TcHandle::ROOT).unwrap();
                assert_eq!(told, Some(wanted));
                let options = &shown("qdisc")[0]["options"];
                assert_eq!(
                    (&options["limit"], &options["flow_limit"]),
                    (&20_000.into(), &1000.into())
                );
            }
            Err(error) => {
                eprintln!("SKIPPED: no fq in this kernel ({error})");
                assert!(is_unknown_kind(&error), "{error}");
                assert_eq!(handle.qdisc(index, TcHandle::ROOT).unwrap(), None);
            }
        }
    });
}

#[test]
fn a_links_most_segments_are_set() {
    in_new_netns(|| {
        run("ip link add v type veth peer name w");
        let mut handle = Handle::open().unwrap();
        let before = link(&mut handle, "v");
        assert_eq!(before.gso_max_segs, Some(65535));
        if let Some(most) = before.tso_max_segs {
            assert_eq!(most, 65535);
        }
        for segments in [1, 16, 65535] {
            let change = LinkChange {
                gso_max_segs: Some(segments),
                ..LinkChange::default()
            };
            handle.change_link(before.index, &change).unwrap();
            assert_eq!(link(&mut handle, "v").gso_max_segs, Some(segments));
            assert_eq!(ip_link("v")["gso_max_segs"], segments);
        }
    });
}
