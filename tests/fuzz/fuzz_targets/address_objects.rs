//! `IPPool`, `IPClaim` and `Network` objects: one that is taken is the same when it is written and read again; one that is
//! refused says why, a line for each fault.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| match fairway_pools::parse_slice(data) {
    Ok(object) => assert_eq!(fairway_pools::parse(&object.json()).as_ref(), Ok(&object)),
    Err(error) => {
        assert!(!error.faults.is_empty());
        assert_eq!(error.to_string().lines().count(), error.faults.len());
    }
});
