//! `RateLimit` objects and overrides: one that is taken is the same when its stored form is read; one that is refused
//! says why, a line for each fault.
#![no_main]

use fairway_rates::object;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match object::parse_slice(data) {
        Ok(parsed) => assert_eq!(object::parse(parsed.json.clone()).as_ref(), Ok(&parsed)),
        Err(error) => {
            assert!(!error.faults.is_empty());
            assert_eq!(error.to_string().lines().count(), error.faults.len());
        }
    }
    if let Ok(word) = object::decode(data) {
        assert_eq!(object::decode(&object::encode(&word)), Ok(word));
    }
});
