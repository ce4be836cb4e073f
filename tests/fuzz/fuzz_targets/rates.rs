//! A rate as people write it: whatever comes, it is refused or within its bounds, and is read as it is said.
#![no_main]

use fairway_shape::Rate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(rate) = text.parse::<Rate>() {
        assert!(rate >= Rate::MIN && rate <= Rate::MAX);
        assert_eq!(rate.to_string().parse(), Ok(rate));
    }
});
