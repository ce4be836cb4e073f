//! What BGP neighbours send. Input: an octet that says what was agreed on, and what follows the header of a message whose
//! type is in the next octet. What is read is the same after it was written, under each such agreement; no message that is
//! written is too long.
#![no_main]

use fairway_bgp::message::{Message, Update};
use fairway_bgp::wire::{self, Coding, Unwritable};
use libfuzzer_sys::fuzz_target;

/// Numbers of two octets go without confederations: what those have between other segments is lost in AS4_PATH.
fn coding(bits: u8) -> Coding {
    let bit = |n: u8| bits >> n & 1 == 1;
    Coding {
        ipv4: !bit(0),
        ipv6: !bit(1),
        ipv4_by_ipv6: bit(2),
        four_octets: bit(3),
        extended_messages: bit(4),
        enhanced_refresh: bit(5),
        internal: bit(6),
        confederation: bit(3) && bit(7),
        as_sets: bit(7),
    }
}

/// What updates that follow each other say together, each family's prefixes by themselves.
fn together(updates: impl IntoIterator<Item = Update>) -> Update {
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

fn both_ways(message: Message, coding: &Coding) {
    let mut bytes = Vec::new();
    match wire::write(&message, coding, &mut bytes) {
        Ok(()) => {}
        Err(Unwritable::TooLong { .. }) => return assert!(bytes.is_empty()),
        Err(error) => panic!("{message:?}: {error}"),
    }
    let mut rest = &bytes[..];
    let mut updates = Vec::new();
    while !rest.is_empty() {
        let frame = wire::split(rest, coding)
            .expect("what we wrote")
            .expect("all of it");
        let again = wire::read(&frame, coding).expect("what we wrote");
        assert!(again.faults.is_empty());
        rest = &rest[frame.bytes().len()..];
        match again.message.expect("what we wrote") {
            Message::Update(update) => updates.push(update),
            again => {
                assert!(rest.is_empty());
                assert_eq!(again, message);
            }
        }
    }
    if let Message::Update(update) = message {
        assert_eq!(together(updates), together([update]));
    }
}

fuzz_target!(|data: &[u8]| {
    // As it is, in place of a stream.
    let _ = wire::split(data, &Coding::default());
    let [bits, kind, body @ ..] = data else {
        return;
    };
    let Ok(length) = u16::try_from(19 + body.len()) else {
        return;
    };
    let bytes = [&[0xFF; 16][..], &length.to_be_bytes(), &[*kind], body].concat();
    // Of two octets, and of four.
    for bits in [bits & !8, bits | 8] {
        let coding = coding(bits);
        let Ok(Some(frame)) = wire::split(&bytes, &coding) else {
            continue;
        };
        if let Ok(read) = wire::read(&frame, &coding)
            && let Some(message) = read.message
        {
            both_ways(message, &coding);
        }
    }
});
