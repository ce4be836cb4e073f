//! The daemon's socket: a frame that is taken is the same after it was written, in both directions, and
//! reading from a stream finds what splitting a slice finds.
#![no_main]

use fairway_api::frame::{self, HEADER, MAX_REPLY, MAX_REQUEST};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let split = frame::split(data, MAX_REQUEST);
    let read = frame::read(&mut &data[..], MAX_REQUEST).expect("no input or output");
    match (&split, &read) {
        (Ok(Some(body)), Ok(Some(same))) => assert_eq!(body, same),
        (Ok(None), Ok(None)) => assert!(data.is_empty()),
        (Ok(None) | Err(_), Err(_)) => {}
        other => panic!("{other:?}"),
    }
    // Both as a frame and as the body of one: a length is seldom guessed right.
    let framed = split.ok().flatten();
    for body in [Some(data), framed].into_iter().flatten() {
        if let Ok(request) = frame::request(body) {
            let written = frame::encode(&request, MAX_REPLY).expect("what we read");
            assert_eq!(
                frame::request(&written[HEADER..]).expect("what we wrote"),
                request
            );
        }
        if let Ok(reply) = frame::reply(body) {
            let written = frame::encode(&reply, MAX_REPLY).expect("what we read");
            assert_eq!(
                frame::reply(&written[HEADER..]).expect("what we wrote"),
                reply
            );
        }
    }
});
