//! Bytes and values of qdiscs, classes and u32 filters.

use proptest::collection::vec;
use proptest::prelude::*;

use super::qdisc::{
    add_filter, decode, decode_class, decode_filter, delete, filters, get, put, put_class,
};
use crate::qdisc::{HtbClass, Qdisc, QdiscKind, Tbf, TcHandle, U32Filter, U32Key, bytes_in, ticks};

const ROOT: TcHandle = TcHandle::new(0xfa17, 0);

/// Numbers in hexadecimal; spaces and `|` are for the reader.
fn hex(text: &str) -> Vec<u8> {
    let digits = text.chars().filter_map(|digit| digit.to_digit(16));
    let digits: Vec<u8> = digits.map(|digit| digit as u8).collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn at(parent: TcHandle, major: u16, kind: QdiscKind) -> Qdisc {
    let handle = TcHandle::new(major, 0);
    Qdisc {
        parent,
        handle,
        kind,
    }
}

fn kinds() -> impl Strategy<Value = QdiscKind> {
    prop_oneof![
        any::<u16>().prop_map(|default| QdiscKind::Htb { default }),
        (any::<u32>(), any::<u32>())
            .prop_map(|(limit, flow_limit)| QdiscKind::Fq { limit, flow_limit }),
        any::<u32>().prop_map(|limit| QdiscKind::Pfifo { limit }),
        any::<u32>().prop_map(|limit| QdiscKind::Bfifo { limit }),
    ]
}

#[cfg(target_endian = "little")]
mod bytes {
    use super::*;

    #[test]
    fn of_qdiscs() {
        let head = "00 000000 07000000 000017fa ffffffff 00000000";
        let htb = at(TcHandle::ROOT, 0xfa17, QdiscKind::Htb { default: 0x20 });
        let expected = "| 0800 0100 68746200 \
            | 2400 0280 | 1800 0200 03000000 0a000000 20000000 00000000 00000000 \
            | 0800 0500 e8030000";
        let bytes = put(7, &htb).unwrap().unwrap();
        assert_eq!(bytes, hex(&format!("{head}{expected}")));
        assert_eq!(decode(&bytes, 7), Some(htb));
        assert_eq!(decode(&bytes, 8), None);

        let leaf = at(
            TcHandle::new(0xfa17, 0x20),
            0xfa19,
            QdiscKind::Bfifo { limit: 4_000_000 },
        );
        let expected = "00 000000 07000000 000019fa 200017fa 00000000 \
            | 0a00 0100 626669666f00 0000 | 0800 0200 00093d00";
        let bytes = put(7, &leaf).unwrap().unwrap();
        assert_eq!(bytes, hex(expected));
        assert_eq!(decode(&bytes, 7), Some(leaf));

        // 20 Mbit/s: 16,000 bytes are 6.4 ms, 100,000 ticks.
        let tbf = Tbf {
            rate: 2_500_000,
            burst: 16_000,
            limit: 4_000_000,
        };
        let tbf = at(TcHandle::ROOT, 0xfa17, QdiscKind::Tbf(tbf));
        let expected = "| 0800 0100 74626600 | 3400 0280 \
            | 2800 0100 00 01 0000 0000 0000 a0252600 | 00 00 0000 0000 0000 00000000 \
            00093d00 a0860100 00000000 | 0800 0600 803e0000";
        let bytes = put(7, &tbf).unwrap().unwrap();
        assert_eq!(bytes, hex(&format!("{head}{expected}")));
        assert_eq!(decode(&bytes, 7), Some(tbf));

        assert_eq!(get(7, TcHandle::ROOT).unwrap()[12..16], [0xff; 4]);
        assert_eq!(delete(7, TcHandle::ROOT, ROOT).unwrap(), hex(head));
        let other = at(TcHandle::ROOT, 1, QdiscKind::Other("cake".into()));
        assert!(put(7, &other).is_none());
    }

    #[test]
    fn of_classes() {
        let class = HtbClass {
            handle: TcHandle::new(0xfa17, 0x10),
            parent: TcHandle::new(0xfa17, 1),
            rate: 1_250_000,
            ceil: 2_500_000,
            buffer: 20_000,
            cbuffer: 10_000,
            quantum: 3000,
            priority: 2,
        };
        let head = "00 000000 07000000 100017fa 010017fa 00000000 | 0800 0100 68746200";
        let expected = "| 3400 0280 | 3000 0100 \
            00 01 0000 0000 0000 d0121300 | 00 01 0000 0000 0000 a0252600 \
            | 204e0000 10270000 b80b0000 00000000 02000000";
        let bytes = put_class(7, &class).unwrap();
        assert_eq!(bytes, hex(&format!("{head}{expected}")));
        assert_eq!(decode_class(&bytes, 7), Some(class));
        // What has no room in 32 bits stands beside.
        let fast = HtbClass {
            ceil: 125_000_000_000,
            ..class
        };
        let expected = "| 4000 0280 | 3000 0100 \
            00 01 0000 0000 0000 d0121300 | 00 01 0000 0000 0000 ffffffff \
            | 204e0000 10270000 b80b0000 00000000 02000000 | 0c00 0700 00a2941a1d000000";
        let bytes = put_class(7, &fast).unwrap();
        assert_eq!(bytes, hex(&format!("{head}{expected}")));
        assert_eq!(decode_class(&bytes, 7), Some(fast));
        assert_eq!(decode_class(&bytes, 8), None);
    }

    #[test]
    fn of_filters() {
        let filter = U32Filter {
            parent: ROOT,
            priority: 2,
            node: 3,
            protocol: 0x86dd,
            class: TcHandle::new(0xfa17, 0x10),
            keys: vec![U32Key {
                offset: 4,
                mask: 0x0000_ff00,
                value: 0x0000_3a00,
            }],
        };
        let expected = "00 000000 07000000 03000000 000017fa 86dd 0200 | 0800 0100 75333200 \
            | 3000 0280 | 0800 0100 100017fa \
            | 2400 0500 01 00 01 00 0000 0000 0000 0000 00000000 \
            | 0000ff00 00003a00 04000000 00000000";
        let mut bytes = add_filter(7, &filter).unwrap();
        assert_eq!(bytes, hex(expected));
        // The kernel tells the hash table with the node.
        bytes[8..12].copy_from_slice(&0x8000_0003_u32.to_le_bytes());
        assert_eq!(decode_filter(&bytes, 7, ROOT), Some(filter));
        assert_eq!(decode_filter(&bytes, 8, ROOT), None);
        assert_eq!(decode_filter(&bytes, 7, TcHandle::ROOT), None);
        bytes[8..12].copy_from_slice(&0x8000_0000_u32.to_le_bytes());
        assert_eq!(decode_filter(&bytes, 7, ROOT), None, "a hash table");
        let of_priority = "00 000000 07000000 00000000 000017fa 0000 0200";
        assert_eq!(filters(7, ROOT, 2).unwrap(), hex(of_priority));
    }
}

#[test]
fn handles_are_said_as_tc_says_them() {
    for (handle, text) in [
        (TcHandle::ROOT, "root"),
        (ROOT, "fa17:"),
        (TcHandle::new(0xfa17, 0x20), "fa17:20"),
        (TcHandle::new(1, 0xa), "1:a"),
    ] {
        assert_eq!(handle.to_string(), text);
    }
}

#[test]
fn time_is_counted_in_ticks_of_64_nanoseconds() {
    assert_eq!(ticks(16_000, 2_500_000), 100_000);
    assert_eq!(bytes_in(100_000, 2_500_000), 16_000);
    for (bytes, rate) in [(1, 0), (u64::MAX, 1), (0, 0)] {
        assert_eq!(ticks(bytes, rate), u32::MAX, "{bytes} at {rate}");
    }
    assert_eq!(bytes_in(u32::MAX, u64::MAX), u64::MAX);
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        (index, parent, major) in (any::<u32>(), any::<u32>(), any::<u16>()),
        kind in kinds(),
    ) {
        let qdisc = at(TcHandle(parent), major, kind);
        let bytes = put(index, &qdisc).unwrap().unwrap();
        prop_assert_eq!(decode(&bytes, index), Some(qdisc));
    }

    #[test]
    fn classes_and_filters_are_read_as_written(
        numbers in vec(any::<u32>(), 6),
        rates in vec(prop_oneof![any::<u64>(), 0..u64::from(u32::MAX)], 2),
        keys in vec((any::<u8>(), any::<u32>(), any::<u32>()), 0..16),
        node in 1_u16..0xfff,
    ) {
        let (handle, parent) = (TcHandle(numbers[0]), TcHandle(numbers[1]));
        let class = HtbClass {
            handle,
            parent,
            rate: rates[0],
            ceil: rates[1],
            buffer: numbers[2],
            cbuffer: numbers[3],
            quantum: numbers[4],
            priority: numbers[5],
        };
        prop_assert_eq!(decode_class(&put_class(7, &class).unwrap(), 7), Some(class));
        let key = |(offset, mask, value)| U32Key { offset, mask, value };
        let filter = U32Filter {
            parent,
            priority: numbers[2] as u16,
            node,
            protocol: numbers[3] as u16,
            class: handle,
            keys: keys.into_iter().map(key).collect(),
        };
        let bytes = add_filter(7, &filter).unwrap();
        prop_assert_eq!(decode_filter(&bytes, 7, parent), Some(filter));
    }

    #[test]
    fn garbage(
        head in vec(any::<u8>(), 0..24),
        kind in prop_oneof![Just("htb"), Just("tbf"), Just("fq"), Just("bfifo"), Just("u32")],
        rest in vec(any::<u8>(), 0..120),
        depth in 0_u16..8,
    ) {
        let mut writer = crate::raw::attr::Writer::with_header(&head);
        writer.put_str(1, kind);
        writer.nest(2, |options| {
            options.put(depth, &rest);
        });
        let bytes = writer.finish().unwrap();
        for end in [bytes.len(), bytes.len() / 2] {
            let _ = decode(&bytes[..end], 7);
            let _ = decode_class(&bytes[..end], 7);
            let _ = decode_filter(&bytes[..end], 7, ROOT);
        }
    }
}
