//! `spec.config` of a `NetworkAttachmentDefinition`: what is read has a name, plugins, and is never this plugin itself;
//! read again, it is the same.
#![no_main]

use fairway_multi::definition;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(read) = definition::parse(text, "own") else {
        return;
    };
    let Some(network) = read else {
        assert!(text.trim().is_empty());
        return;
    };
    assert!(!network.name().as_str().contains('/') && !network.name().as_str().is_empty());
    assert!(!network.list().is_empty());
    assert!(network.list().types().all(|kind| kind != "multi"));
    let again = Value::Object(network.raw().clone()).to_string();
    assert_eq!(definition::parse(&again, "other"), Ok(Some(network)));
});
