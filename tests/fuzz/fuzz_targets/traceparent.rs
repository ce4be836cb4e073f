//! `TRACEPARENT`: any text is a context or none, and what is one is written as it was read.

#![no_main]

use fairway_api::Trace;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(trace) = Trace::parse(text) else {
        return;
    };
    let written = trace.to_string();
    assert_eq!(Trace::parse(&written), Some(trace));
    assert!(text.starts_with(&format!("{}-{}", &text[..2], trace.id())));
    assert!(!text.starts_with("ff") && (text.len() == 55 || !text.starts_with("00")));
    // The same trace, another caller.
    assert_eq!(Trace::of_call(Some(trace)).id(), trace.id());
});
