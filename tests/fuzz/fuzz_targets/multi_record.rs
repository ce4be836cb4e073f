//! What `multi` keeps of a container: one that is read is the same when it is written and read again.
#![no_main]

use fairway_cni::Object;
use fairway_multi::record::Record;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn read(value: &Value) -> Option<Record> {
    let root = Object::root(value.as_object()?);
    Record::from_json(&root).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some(record) = serde_json::from_slice(data)
        .ok()
        .and_then(|value| read(&value))
    else {
        return;
    };
    assert_eq!(read(&record.to_json()).as_ref(), Some(&record));
});
