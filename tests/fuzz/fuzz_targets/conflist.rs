//! Configuration lists: each plugin of one that parses gets a configuration of the list's name.
#![no_main]

use fairway_cni::conflist::ConfList;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Ok(list) = ConfList::parse(data) else {
        return;
    };
    let runtime = json!({"mac": "02:00:00:00:00:01", "ips": ["10.0.0.2/24"]});
    let runtime = runtime.as_object().expect("an object");
    assert_eq!(list.types().count(), list.len());
    for index in 0..list.len() {
        let conf = list
            .plugin(index, runtime, Some(json!({})))
            .expect("there is one for each");
        assert_eq!(conf.name, list.name);
    }
});
