//! Messages that end too early, at every octet.

use crate::common::framed;
use crate::pairs;
use fairway_bgp::wire;

#[test]
fn what_is_not_all_there_is_waited_for() {
    for (name, coding, bytes, _) in pairs::all() {
        for end in 0..bytes.len() {
            assert_eq!(
                wire::split(&bytes[..end], &coding),
                Ok(None),
                "{name}: {end}"
            );
        }
        let more = [&bytes[..], &[0x00, 0x01]].concat();
        let frame = wire::split(&more, &coding).unwrap().unwrap();
        assert_eq!(frame.bytes(), bytes, "{name}");
    }
}

/// A message that ends early by its own length is refused as such a message is, or is right by chance.
#[test]
fn what_is_cut_is_refused_with_its_own_code() {
    for (name, coding, bytes, _) in pairs::all() {
        let (kind, body) = (bytes[18], &bytes[19..]);
        for end in 0..body.len() {
            let cut = framed(kind, &body[..end]);
            let read = wire::split(&cut, &coding);
            let read = read.and_then(|frame| wire::read(&frame.expect("whole"), &coding));
            let code = read.as_ref().map_err(|refused| refused.reason.codes());
            match (kind, code) {
                // The header says that it is too short.
                (_, Err((1, 2))) if end < 10 => {}
                (1, Err((2, 0))) => {}
                (2, Err((3, 1 | 10))) => {}
                (2, Ok(read)) => {
                    // Whole prefixes are missing at the end.
                    assert_eq!(read.faults, [], "{name}: {end}");
                }
                (3, Ok(_)) => {}
                (5, Err((7, 1))) => {}
                other => panic!("{name}: {end}: {other:?}"),
            }
        }
    }
}

/// Likewise a list of attributes, with the length that leads it: never is it taken as if nothing were wrong, but where it
/// ends between two attributes that need not be there.
#[test]
fn a_list_that_is_cut_is_no_shorter_list() {
    for (name, coding, bytes, _) in pairs::all() {
        let body = &bytes[19..];
        let [0, 0, high, low, rest @ ..] = body else {
            continue;
        };
        if bytes[18] != 2 {
            continue;
        }
        let (list, announced) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        let bounds = bounds(list);
        for end in (0..list.len()).filter(|end| !bounds.contains(end)) {
            let length = u16::try_from(end).unwrap().to_be_bytes();
            let cut = [&[0, 0], &length[..], &list[..end], announced].concat();
            let cut = framed(2, &cut);
            let frame = wire::split(&cut, &coding).unwrap().unwrap();
            match wire::read(&frame, &coding) {
                Ok(read) => assert!(!read.faults.is_empty(), "{name}: {end}"),
                Err(refused) => assert_eq!(refused.reason.codes().0, 3, "{name}: {end}"),
            }
        }
    }
}

/// Where attributes begin.
fn bounds(mut list: &[u8]) -> Vec<usize> {
    let whole = list.len();
    let mut all = Vec::new();
    while let [flags, _, rest @ ..] = list {
        all.push(whole - list.len());
        let (length, rest) = match (flags & 0x10, rest) {
            (0, [length, rest @ ..]) => (usize::from(*length), rest),
            (_, [high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => panic!("it is whole"),
        };
        list = &rest[length..];
    }
    all
}
