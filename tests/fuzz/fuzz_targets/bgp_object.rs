//! `BgpConfig` and `BgpPeer` objects, one a line: one that is taken is the same when its stored form is read; one that
//! is refused says why, a line for each fault; what all of them mean on a node does not depend on their order.
#![no_main]

use fairway_bgp::object::{self, Node, Object, for_node};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut configs, mut peers) = (Vec::new(), Vec::new());
    for line in data.split(|byte| *byte == b'\n') {
        match object::parse_slice(line) {
            Ok(parsed) => {
                assert_eq!(object::parse(parsed.json.clone()).as_ref(), Ok(&parsed));
                for warning in parsed.object.warnings() {
                    assert_eq!(warning.to_string().lines().count(), 1);
                }
                match parsed.object {
                    Object::Config(config) => configs.push(config),
                    Object::Peer(peer) => peers.push(peer),
                }
            }
            Err(error) => {
                assert!(!error.faults.is_empty());
                assert_eq!(error.to_string().lines().count(), error.faults.len());
            }
        }
    }
    // Of the same name neither is the first.
    configs.sort_by(|one, other| one.name.cmp(&other.name));
    configs.dedup_by(|one, other| one.name == other.name);
    peers.sort_by(|one, other| one.name.cmp(&other.name));
    peers.dedup_by(|one, other| one.name == other.name);
    let addresses = [[10, 0, 0, 1].into()];
    let node = Node {
        name: "n1",
        addresses: &addresses,
    };
    let found = for_node(node, &configs, &peers);
    let turned = for_node(node, configs.iter().rev(), peers.iter().rev());
    assert_eq!(found, turned);
    for problem in &found.problems {
        assert_eq!(problem.to_string().lines().count(), 1);
    }
});
