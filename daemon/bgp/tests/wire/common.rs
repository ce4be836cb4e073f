//! Bytes as text, and short names.

use fairway_bgp::attr::{AsPath, Attributes, Origin};
use fairway_bgp::message::{Message, Notification, Update};
use fairway_bgp::wire::{self, Coding, Read};
use fairway_bgp::{Asn, Prefix, RouterId};

/// External, of four-octet numbers and both families: what most neighbours are.
pub(crate) const FOUR: Coding = Coding {
    ipv4: true,
    ipv6: true,
    ipv4_by_ipv6: false,
    four_octets: true,
    extended_messages: false,
    enhanced_refresh: false,
    internal: false,
    confederation: false,
    as_sets: false,
};

/// The same of two-octet numbers.
pub(crate) const TWO: Coding = Coding {
    four_octets: false,
    ..FOUR
};

/// The same within the AS.
pub(crate) const INTERNAL: Coding = Coding {
    internal: true,
    ..FOUR
};

/// Bytes of a text: hexadecimal digits, with `#` before what is said of a line. `(…)` is led by its length in two
/// octets, `<…>` in one.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut high = None;
    let mut open = Vec::new();
    for c in text
        .lines()
        .flat_map(|line| line.split('#').next().unwrap().chars())
    {
        match c {
            '(' => {
                bytes.extend([0, 0]);
                open.push(bytes.len());
            }
            '<' => {
                bytes.push(0);
                open.push(bytes.len());
            }
            ')' => {
                let at = open.pop().unwrap();
                let length = u16::try_from(bytes.len() - at).unwrap();
                bytes[at - 2..at].copy_from_slice(&length.to_be_bytes());
            }
            '>' => {
                let at = open.pop().unwrap();
                bytes[at - 1] = u8::try_from(bytes.len() - at).unwrap();
            }
            c if c.is_whitespace() => {}
            c => {
                let digit = u8::try_from(c.to_digit(16).expect(text)).unwrap();
                match high.take() {
                    None => high = Some(digit),
                    Some(high) => bytes.push(high << 4 | digit),
                }
            }
        }
    }
    assert!(high.is_none() && open.is_empty(), "{text}");
    bytes
}

/// A whole message of a type: its header, and its body as [`hex`] reads it.
pub(crate) fn message(kind: u8, body: &str) -> Vec<u8> {
    framed(kind, &hex(body))
}

/// Likewise of bytes.
pub(crate) fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap().to_be_bytes();
    [&[0xFF; 16][..], &length, &[kind], body].concat()
}

/// An UPDATE of its three fields.
pub(crate) fn update(withdrawn: &str, attributes: &str, announced: &str) -> Vec<u8> {
    message(2, &format!("({withdrawn}\n) ({attributes}\n) {announced}"))
}

/// What a single whole message means.
pub(crate) fn read(bytes: &[u8], coding: &Coding) -> Result<Read, Notification> {
    let frame = wire::split(bytes, coding)?.expect("all of it is there");
    assert_eq!(frame.bytes(), bytes);
    wire::read(&frame, coding)
}

/// What messages that follow each other mean, one by one.
pub(crate) fn read_all(mut bytes: &[u8], coding: &Coding) -> Vec<Read> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let frame = wire::split(bytes, coding).unwrap().unwrap();
        all.push(wire::read(&frame, coding).unwrap());
        bytes = &bytes[frame.bytes().len()..];
    }
    all
}

pub(crate) fn write(message: &Message, coding: &Coding) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::write(message, coding, &mut bytes).unwrap();
    bytes
}

pub(crate) fn asn(number: u32) -> Asn {
    Asn::new(number).unwrap()
}

pub(crate) fn id(text: &str) -> RouterId {
    RouterId::new(text.parse::<std::net::Ipv4Addr>().unwrap().to_bits()).unwrap()
}

pub(crate) fn prefixes<const N: usize>(texts: [&str; N]) -> Vec<Prefix> {
    texts.map(|text| text.parse().unwrap()).into()
}

/// Of the AS, in this order.
pub(crate) fn path<const N: usize>(all: [u32; N]) -> AsPath {
    AsPath::sequence(all.map(asn))
}

/// IGP, by this path.
pub(crate) fn igp<const N: usize>(all: [u32; N]) -> Attributes {
    Attributes::new(Origin::Igp, path(all))
}

/// What updates that follow each other say together, each family's prefixes by themselves.
pub(crate) fn together(updates: impl IntoIterator<Item = Update>) -> Update {
    let mut all = Update::default();
    for update in updates {
        all.withdrawn.extend(update.withdrawn);
        all.attributes = all.attributes.or(update.attributes);
        for announced in update.announced {
            let family = announced.prefixes[0].family();
            let same = all
                .announced
                .iter_mut()
                .find(|of| of.next_hop == announced.next_hop && of.prefixes[0].family() == family);
            match same {
                Some(same) => same.prefixes.extend(announced.prefixes),
                None => all.announced.push(announced),
            }
        }
        all.end_of_rib = all.end_of_rib.or(update.end_of_rib);
    }
    all.withdrawn.sort_by_key(|prefix| prefix.family());
    all
}
