//! Recordings of BGP sessions: one that is read is the same when it is written and read again, and whatever it says, a
//! session that is told it answers, or it is said where it differs.
#![no_main]

use fairway_bgp::session::record::Recording;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Recording::parse(text) {
        Ok(recording) => {
            let written = recording.to_string();
            let again = Recording::parse(&written).expect("it was read before");
            assert_eq!(again.to_string(), written);
            let (one, other) = (recording.replay(), again.replay());
            assert_eq!(one.is_ok(), other.is_ok());
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1),
    }
});
