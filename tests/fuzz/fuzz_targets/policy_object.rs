//! Policy objects: one that is taken is the same when its stored form is read; one that is refused says
//! why, a line for each fault.
#![no_main]

use fairway_policy::object;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| match object::parse_slice(data) {
    Ok(parsed) => {
        assert_eq!(parsed.name, parsed.object.object_name());
        assert_eq!(object::conflicts(&parsed.object, [&parsed.object]), Ok(()));
        let again = object::parse(parsed.json.clone());
        assert_eq!(again.as_ref(), Ok(&parsed));
    }
    Err(error) => {
        assert!(!error.faults.is_empty());
        assert_eq!(error.to_string().lines().count(), error.faults.len());
    }
});
