//! Results: what was read and written once reads and writes the same ever after, in each version.
#![no_main]

use fairway_cni::{CniResult, Object, Version};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fn read(value: &Value, version: Version) -> CniResult {
    let object = Object::root(value.as_object().expect("an object"));
    CniResult::from_json(&object, version).expect("what we wrote")
}

fuzz_target!(|data: &[u8]| {
    let Ok(map) = serde_json::from_slice::<Map<String, Value>>(data) else {
        return;
    };
    for asked in Version::ALL {
        let Ok(result) = CniResult::from_json(&Object::root(&map), asked) else {
            continue;
        };
        for version in Version::ALL {
            let written = result.to_json(version);
            let again = read(&written, version);
            assert_eq!(again.to_json(version), written);
        }
        assert_eq!(
            read(&result.to_json(Version::LATEST), Version::LATEST),
            result
        );
    }
});
