//! What is written is read as the same, whatever it is; and whatever is read.

use crate::common::{framed, read_all, together};
use crate::{pairs, strategies};
use fairway_bgp::message::Message;
use fairway_bgp::wire::{self, Coding, Unwritable};
use proptest::prelude::*;

/// Writes and reads it; none where it is too long for its coding. An UPDATE may become several.
fn again(message: &Message, coding: &Coding) -> Option<Message> {
    let mut bytes = Vec::new();
    match wire::write(message, coding, &mut bytes) {
        Ok(()) => {}
        Err(Unwritable::TooLong { .. }) => {
            assert_eq!(bytes, [0_u8; 0], "nothing is left behind");
            return None;
        }
        Err(error) => panic!("{message:?}: {error}"),
    }
    let all = read_all(&bytes, coding);
    assert!(all.iter().all(|read| read.faults.is_empty()));
    let mut all = all
        .into_iter()
        .map(|read| read.message.expect("it is known"));
    match message {
        Message::Update(_) => Some(Message::Update(together(all.map(
            |message| match message {
                Message::Update(update) => update,
                other => panic!("{other:?}"),
            },
        )))),
        _ => {
            let only = all.next();
            assert_eq!(all.next(), None);
            only
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read((coding, message) in strategies::message()) {
        if let Some(again) = again(&message, &coding) {
            prop_assert_eq!(again, message);
        }
    }

    /// Arbitrary bytes, and known ones with some of them changed.
    #[test]
    fn what_is_read_is_written(
        coding in strategies::coding(),
        kind in 1..=5u8,
        body in prop::collection::vec(any::<u8>(), 0..200),
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..4),
    ) {
        let all = pairs::all();
        let (_, own, mut bytes, _) = which.get(&all).clone();
        let (_, own_body) = bytes.split_at_mut(19);
        for (index, octet) in changes {
            if !own_body.is_empty() {
                own_body[index.index(own_body.len())] = octet;
            }
        }
        for (coding, bytes) in [(coding, framed(kind, &body)), (coding, bytes.clone()), (own, bytes)] {
            let Ok(Some(frame)) = wire::split(&bytes, &coding) else {
                continue;
            };
            let Ok(read) = wire::read(&frame, &coding) else {
                continue;
            };
            let Some(message) = read.message else {
                continue;
            };
            let message = match message {
                Message::Update(update) => Message::Update(together([update])),
                other => other,
            };
            if let Some(again) = again(&message, &coding) {
                prop_assert_eq!(again, message);
            }
        }
    }
}
