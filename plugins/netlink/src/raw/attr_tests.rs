//! Attributes both ways.

use proptest::collection::vec;
use proptest::prelude::*;

use super::attr::*;

#[test]
fn bytes_are_as_the_kernel_wants_them() {
    let mut writer = Writer::with_header(&[1, 2, 3]);
    writer
        .put_u8(1, 7)
        .put_str(2, "lo")
        .nest(3, |nest| {
            nest.put_u16_be(4, 0x1234).put_flag(5);
        })
        .put_u32(6, 1);
    let mut expected: Vec<u8> = vec![1, 2, 3, 0];
    let mut add = |length: u16, kind: u16, value: &[u8]| {
        expected.extend_from_slice(&length.to_ne_bytes());
        expected.extend_from_slice(&kind.to_ne_bytes());
        expected.extend_from_slice(value);
    };
    add(5, 1, &[7, 0, 0, 0]);
    add(7, 2, b"lo\0\0");
    add(16, 0x8003, &[]);
    add(6, 4, &[0x12, 0x34, 0, 0]);
    add(4, 5, &[]);
    add(8, 6, &1_u32.to_ne_bytes());
    assert_eq!(writer.finish().unwrap(), expected);
}

#[test]
fn what_cannot_be_told_is_an_error() {
    let mut writer = Writer::new();
    writer.put(1, &[0; 65_531]);
    assert!(writer.clone().finish().is_ok());
    writer.nest(2, |nest| {
        nest.put(1, &[0; 65_528]);
    });
    assert_eq!(writer.finish(), Err(TooLong));
    let mut writer = Writer::new();
    writer.put(1, &[0; 65_532]);
    assert_eq!(writer.finish(), Err(TooLong));
}

#[test]
fn reading_ends_where_nothing_fits() {
    let whole = [8, 0, 1, 0, 1, 2, 3, 4];
    for (bytes, count) in [
        (&[][..], 0),
        (&[0][..], 0),
        (&[0, 0, 0, 0][..], 0),
        (&[3, 0, 1, 0][..], 0),
        (&[4, 0, 1, 0][..], 1),
        (&[5, 0, 1, 0, 9][..], 1),
        (&[9, 0, 1, 0, 1, 2, 3, 4][..], 0),
        (&whole[..], 1),
        (&whole[..7], 0),
    ] {
        assert_eq!(Attrs::new(bytes).count(), count, "{bytes:?}");
    }
    let mut attrs = Attrs::new(&[4, 0, 1, 0, 77, 77]);
    assert_eq!(attrs.by_ref().count(), 1);
    assert_eq!(attrs.rest(), [77, 77]);
}

#[test]
fn values_are_read_leniently() {
    fn attr(value: &[u8]) -> Attr<'_> {
        Attr { kind: 0, value }
    }
    assert_eq!(attr(&[1, 0, 0]).u32(), None);
    assert_eq!(
        attr(&[1, 1, 1, 1, 2]).u32(),
        Some(0x0101_0101),
        "a longer form"
    );
    assert_eq!(attr(&[1, 2]).u16_be(), Some(0x102));
    assert_eq!(attr(b"lo\0junk").text(), "lo");
    assert_eq!(attr(b"lo").text(), "lo");
    assert_eq!(attr(b"").text(), "");
    assert_eq!(attr(b"\xff").text(), "\u{fffd}");
    assert_eq!(attr(&[10, 0, 0, 1]).ip(), Some([10, 0, 0, 1].into()));
    assert_eq!(attr(&[0; 5]).ip(), None);
}

proptest! {
    /// Whatever was written is read.
    #[test]
    fn round_trip(attrs in vec((0_u16..0x4000, vec(any::<u8>(), 0..40)), 0..20)) {
        let mut writer = Writer::new();
        writer.nest(1, |nest| {
            for (kind, value) in &attrs {
                nest.put(*kind, value);
            }
        });
        let bytes = writer.finish().unwrap();
        let mut outer = Attrs::new(&bytes);
        let nest = outer.next().unwrap();
        prop_assert_eq!(outer.next(), None);
        let read: Vec<_> = nest.nested().map(|a| (a.kind, a.value.to_vec())).collect();
        prop_assert_eq!(read, attrs);
    }

    /// Whatever comes in, reading neither panics nor goes on for ever, and gives
    /// nothing that was not there.
    #[test]
    fn garbage(bytes in vec(any::<u8>(), 0..200)) {
        let mut total = 0;
        for attr in Attrs::new(&bytes) {
            total += 4 + attr.value.len();
            let _ = (attr.u8(), attr.u16(), attr.u32(), attr.u64_be(), attr.ip(), attr.text());
            prop_assert!(attr.nested().count() <= attr.value.len() / 4);
        }
        prop_assert!(total <= bytes.len());
    }
}
