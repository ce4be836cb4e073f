//! Selectors: what is read, written and read again is the same, and judges the same.
#![no_main]

use fairway_ipam::Selector;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

fuzz_target!(|text: &str| {
    let Ok(selector) = Selector::parse(text) else {
        return;
    };
    let again = Selector::parse(&selector.to_string()).expect("what we wrote");
    assert_eq!(again, selector);
    let words = text.split(|c: char| " =!,()".contains(c));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).take(8).collect();
    for key in &words {
        for value in &words {
            let labels = BTreeMap::from([((*key).to_owned(), (*value).to_owned())]);
            assert_eq!(again.matches(&labels), selector.matches(&labels));
        }
    }
    assert!(selector.matches(&BTreeMap::new()) || !selector.is_empty());
});
