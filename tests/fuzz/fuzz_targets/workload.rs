//! Who a container is: four lines (namespace, pod, owner, claim). No two workloads share a claim.
#![no_main]

use fairway_ipam::{ClaimName, PodFacts, Workload};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n').map(|line| Some(line.to_owned()));
    let mut next = || lines.next().flatten();
    let facts = PodFacts {
        namespace: next(),
        pod: next(),
        owner: next(),
        claim: next(),
    };
    let workload = match Workload::identify(&facts) {
        Ok(Some(workload)) => workload,
        Ok(None) => return,
        Err(error) => {
            assert!(["claim", "owner", "namespace", "pod"].contains(&error.field()));
            return;
        }
    };
    let name = workload.claim.as_str();
    assert!(!name.starts_with('~') && !name.contains('#'));
    // A member's number must fit.
    let member = ClaimName::new(format!("{name}#{}", u32::MAX));
    assert!(member.is_ok() || workload.by_hand);
    if workload.by_hand {
        assert_eq!(facts.claim.as_deref(), Some(name));
        return;
    }
    let namespace = facts.namespace.clone().unwrap_or_default();
    assert_eq!(name.split('/').next(), Some(&*namespace));
    match workload.ordinal {
        Some(ordinal) => {
            let pod = facts.pod.clone().unwrap_or_default();
            assert_eq!(name, format!("{namespace}/{pod}"));
            assert!(pod.ends_with(&format!("-{ordinal}")));
        }
        None => assert_eq!(name.split('/').count(), 3),
    }
});
