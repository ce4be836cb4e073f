//! What fairway-install finds beside its files: a record that is read names files of its folder only, and is written as
//! it was read.
#![no_main]

use fairway_install::record::{Confs, Plugins, Record as _};
use libfuzzer_sys::fuzz_target;

fn is_a_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && !name.starts_with('.')
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(plugins) = Plugins::parse(bytes) {
        assert!(plugins.types.iter().all(|kind| is_a_name(kind.as_str())));
        let again = serde_json::to_vec(&plugins).unwrap();
        assert_eq!(Plugins::parse(&again), Ok(plugins));
    }
    if let Ok(confs) = Confs::parse(bytes) {
        assert!(confs.files.keys().all(|name| is_a_name(name.as_str())));
        let again = serde_json::to_vec(&confs).unwrap();
        assert_eq!(Confs::parse(&again), Ok(confs));
    }
});
