//! The model's qdiscs go the way of the kernel's; `tests/qdiscs.rs` asks the kernel the same.

use super::*;
use crate::{HtbClass, Netlink, Qdisc, QdiscKind, Qdiscs, U32Filter, U32Key, is_unknown_kind};

const ROOT: TcHandle = TcHandle::new(0xfa17, 0);

fn at(parent: TcHandle, major: u16, kind: QdiscKind) -> Qdisc {
    let handle = TcHandle::new(major, 0);
    Qdisc {
        parent,
        handle,
        kind,
    }
}

#[test]
fn a_tree_comes_and_goes() {
    let (mut host, mut container) = namespaces();
    let index = host.put_link(Link::new(0, "v"));
    let before = host.snapshot();
    let htb = at(TcHandle::ROOT, 0xfa17, QdiscKind::Htb { default: 0x20 });
    let class = |minor, parent| HtbClass {
        handle: TcHandle::new(0xfa17, minor),
        parent: TcHandle::new(0xfa17, parent),
        rate: 1,
        ceil: 2,
        buffer: 3,
        cbuffer: 4,
        quantum: 5,
        priority: 6,
    };
    assert!(host.put_class(index, &class(1, 0)).is_err());
    host.add_qdisc(index, &htb).unwrap();
    assert!(host.add_qdisc(index, &htb).unwrap_err().is_exists());
    assert!(host.put_qdisc(index, &htb).is_err(), "it has no change");
    assert_eq!(host.qdisc(index, TcHandle::ROOT).unwrap(), Some(htb));
    assert_eq!(container.qdisc(index, TcHandle::ROOT).unwrap(), None);
    host.put_class(index, &class(1, 0)).unwrap();
    assert_eq!(host.classes(index).unwrap()[0].quantum, 5);
    host.put_class(index, &class(0x20, 1)).unwrap();
    let told = host.classes(index).unwrap();
    assert_eq!((told[0].parent, told[0].quantum), (TcHandle::ROOT, 0));
    assert_eq!(told[1], class(0x20, 1));
    let place = TcHandle::new(0xfa17, 0x20);
    for limit in [1, 2] {
        let leaf = at(place, 0xfa19, QdiscKind::Bfifo { limit });
        host.put_qdisc(index, &leaf).unwrap();
        assert_eq!(host.qdisc(index, place).unwrap(), Some(leaf));
    }
    let nowhere = at(TcHandle::new(0xfa17, 9), 2, QdiscKind::Pfifo { limit: 1 });
    assert!(host.put_qdisc(index, &nowhere).unwrap_err().is_not_found());
    let filter = U32Filter {
        parent: ROOT,
        priority: 1,
        node: 1,
        protocol: 0x0800,
        class: place,
        keys: vec![U32Key {
            offset: 0,
            mask: 0,
            value: 0,
        }],
    };
    let filters = [filter];
    host.add_u32_filters(index, &filters).unwrap();
    assert!(host.add_u32_filters(index, &filters).is_err());
    assert_eq!(host.u32_filters(index, ROOT).unwrap(), filters);
    assert!(host.delete_filters(index, ROOT, 1).unwrap());
    assert!(!host.delete_filters(index, ROOT, 1).unwrap());
    let (root, other) = (TcHandle::ROOT, TcHandle::new(1, 0));
    assert!(!host.delete_qdisc(index, root, other).unwrap());
    assert!(host.delete_qdisc(index, root, ROOT).unwrap());
    assert!(!host.delete_qdisc(index, root, ROOT).unwrap());
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_kernel_may_lack_a_kind() {
    let (mut host, _) = namespaces();
    let index = host.put_link(Link::new(0, "v"));
    let htb = at(TcHandle::ROOT, 0xfa17, QdiscKind::Htb { default: 0 });
    host.lack("htb");
    assert!(is_unknown_kind(&host.add_qdisc(index, &htb).unwrap_err()));
    let fifo = at(TcHandle::ROOT, 0xfa17, QdiscKind::Pfifo { limit: 1 });
    host.add_qdisc(index, &fifo).unwrap();
    host.delete_link(index).unwrap();
    assert!(host.snapshot().queues.is_empty());
}
