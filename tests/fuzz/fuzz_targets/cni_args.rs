//! `CNI_ARGS`: a value that is read stands in the variable behind its key.
#![no_main]

use fairway_cni::CniArgs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(args) = CniArgs::parse(text) {
        assert_eq!(args.raw(), text);
        for key in ["IP", "GATEWAY", "MAC", "K8S_POD_NAME", "IgnoreUnknown"] {
            if let Some(value) = args.get(key) {
                assert!(text.contains(&format!("{key}={value}")));
            }
        }
    }
});
