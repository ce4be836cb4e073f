//! Marks of where a pool, a network or a claim came from: any bytes are one or none, and what is one is written as it was
//! read.

#![no_main]

use fairway_pools::Mark;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(mark) = Mark::read(data) {
        assert_eq!(Mark::read(&mark.write()), Some(mark));
    }
});
