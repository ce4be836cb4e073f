//! Bytes and values of filters.

use std::os::fd::{AsFd, AsRawFd};

use proptest::collection::vec;
use proptest::prelude::*;

use super::filter::{clsact, decode, delete, is_clsact, list, put};
use crate::filter::{ClsactHook, FilterId, FilterSpec};
use crate::raw::attr::{Attrs, Writer};

const ID: FilterId = FilterId {
    index: 7,
    hook: ClsactHook::Egress,
    priority: 3,
    handle: 0xfa,
};

/// As Linux 6 tells it: of all protocols, a program with number 42.
#[cfg(target_endian = "little")]
fn told() -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 7, 0, 0, 0, 0xfa, 0, 0, 0];
    body.extend_from_slice(&[0xf3, 0xff, 0xff, 0xff, 0, 3, 3, 0]);
    body.extend_from_slice(&[8, 0, 1, 0, b'b', b'p', b'f', 0]);
    body.extend_from_slice(&[8, 0, 11, 0, 0, 0, 0, 0]);
    body.extend_from_slice(&[44, 0, 2, 0]);
    body.extend_from_slice(&[6, 0, 7, 0, b'p', 0, 0, 0]);
    body.extend_from_slice(&[8, 0, 11, 0, 42, 0, 0, 0]);
    body.extend_from_slice(&[12, 0, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    body.extend_from_slice(&[8, 0, 8, 0, 1, 0, 0, 0]);
    body.extend_from_slice(&[4, 0, 9, 0]);
    body
}

#[test]
#[cfg(target_endian = "little")]
fn what_the_kernel_tells_is_read() {
    let filter = decode(&told()).unwrap();
    assert_eq!((filter.id, filter.protocol, &*filter.kind), (ID, 3, "bpf"));
    let program = filter.program.unwrap();
    assert_eq!(
        (&*program.name, program.id, program.direct),
        ("p", 42, true)
    );
    assert_eq!((program.tag, program.class), ([1, 2, 3, 4, 5, 6, 7, 8], 0));
    let mut classed = told();
    classed[36] += 8;
    classed.extend_from_slice(&[8, 0, 3, 0, 0x34, 0x12, 0, 0]);
    assert_eq!(decode(&classed).unwrap().program.unwrap().class, 0x1234);
    // A priority that is in use, a hook that is none, another kind, and cut off.
    let no_handle = [&told()[..8], &[0; 4], &told()[12..]].concat();
    assert_eq!(decode(&no_handle), None);
    let no_hook = [&told()[..12], &[0; 4], &told()[16..]].concat();
    assert_eq!(decode(&no_hook), None);
    let other = [&told()[..24], b"u32", &told()[27..]].concat();
    assert_eq!(decode(&other).unwrap().program, None);
    assert_eq!(decode(&told()[..19]), None);
    assert_eq!(decode(&told()[..20]), None);
}

#[test]
#[cfg(target_endian = "little")]
fn requests_are_as_the_kernel_reads_them() {
    let file = std::fs::File::open("/").unwrap();
    let spec = FilterSpec {
        id: ID,
        name: "p",
        class: 0x1234,
        program: file.as_fd(),
    };
    let bytes = put(&spec).unwrap();
    assert_eq!(bytes[..28], told()[..28]);
    let options = Attrs::after(20, &bytes).find_kind(2).unwrap();
    let found = |kind| options.nested().find_kind(kind).unwrap();
    assert_eq!(found(6).i32(), Some(file.as_raw_fd()));
    assert_eq!((found(7).text(), found(8).u32()), ("p".to_owned(), Some(1)));
    assert_eq!(found(3).u32(), Some(0x1234));
    let bytes = put(&FilterSpec { class: 0, ..spec }).unwrap();
    let options = Attrs::after(20, &bytes).find_kind(2).unwrap();
    assert_eq!(options.nested().find_kind(3), None);
    assert_eq!(delete(&ID).unwrap(), told()[..28]);
    let of_hook = list(7, ClsactHook::Ingress).unwrap();
    assert_eq!(of_hook[4..8], [7, 0, 0, 0]);
    assert_eq!(
        of_hook[8..],
        [0, 0, 0, 0, 0xf2, 0xff, 0xff, 0xff, 0, 0, 0, 0]
    );
    let qdisc = clsact(7).unwrap();
    assert_eq!(qdisc[8..16], [0, 0, 0xff, 0xff, 0xf1, 0xff, 0xff, 0xff]);
    assert_eq!(
        (is_clsact(&qdisc, 7), is_clsact(&qdisc, 8)),
        (Some(true), Some(false))
    );
    let mut ingress = Writer::with_header(&qdisc[..20]);
    ingress.put_str(1, "ingress");
    assert_eq!(is_clsact(&ingress.finish().unwrap(), 7), Some(false));
}

proptest! {
    #[test]
    fn garbage(rest in vec(any::<u8>(), 0..200), hook in prop_oneof![Just(0xf2_u8), Just(0xf3)]) {
        let mut body = rest;
        let _ = is_clsact(&body, 7);
        let _ = decode(&body);
        if body.len() > 16 {
            body[12..16].copy_from_slice(&[hook, 0xff, 0xff, 0xff]);
            let _ = decode(&body);
        }
    }
}
