//! Objects of our kinds on a real server: refused by field, filled with defaults, shown, told how they stand.

use fairway_lab::{Value, json, poll};
use fairway_tests_k8s::{Answer, Bed, Doc, Result, User};
use std::time::Duration;

/// A minute, and what a busy machine needs more.
const PUBLISHED: Duration = Duration::from_secs(120);

/// An object that was taken.
fn made(bed: &Bed, kind: &str, name: &str, spec: Value) -> Result {
    let answer = bed.apply(&Doc::ours(kind, name, spec))?;
    assert!(answer.done, "{kind} {name}: {}", answer.text);
    Ok(())
}

#[test]
fn what_is_wrong_is_refused_by_field() -> Result {
    let bed = Bed::shared()?;
    let range = json!([{"cidr": "10.1.0.0/16"}]);
    for (kind, spec, says) in [
        ("IPPool", json!({}), "spec.ranges: Required value"),
        ("IPPool", json!({"ranges": []}), "spec.ranges"),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0"}]}),
            "spec.ranges.cidr",
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/33"}]}),
            "spec.ranges.cidr",
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}, {"cidr": "10.1.0.0/16"}]}),
            ".spec.ranges: duplicate entries",
        ),
        (
            "IPPool",
            json!({"ranges": range, "cooldown": 604_801}),
            "spec.cooldown",
        ),
        (
            "IPPool",
            json!({"ranges": range, "handover": "Wait"}),
            "spec.handover: Unsupported value",
        ),
        (
            "IPPool",
            json!({"ranges": range, "release": "later"}),
            "spec.release",
        ),
        ("IPClaim", json!({"pool": "Web"}), "spec.pool"),
        (
            "IPClaim",
            json!({"pool": "web", "addresses": ["10.1.0.300"]}),
            "spec.addresses",
        ),
        (
            "Network",
            json!({"pools": ["web"], "vni": 16_777_216}),
            "spec.vni",
        ),
        (
            "Network",
            json!({"pools": ["web", "web"]}),
            ".spec.pools: duplicate entries",
        ),
        ("RateLimit", json!({}), "spec.ingress: Required value"),
        (
            "RateLimit",
            json!({"egress": {"rate": "fast"}}),
            "spec.egress.rate",
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": 10}}),
            "spec.egress.rate",
        ),
        (
            "RateLimit",
            json!({"egress": {"dscp": 64}}),
            "spec.egress.dscp",
        ),
        (
            "BgpPeer",
            json!({"asn": 65001}),
            "spec.address: Required value",
        ),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1", "asn": "internal"}),
            "spec.asn",
        ),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1", "asn": 0}),
            "spec.asn",
        ),
        (
            "BgpPeer",
            json!({"address": "tor", "asn": 1}),
            "spec.address",
        ),
        ("BgpConfig", json!({"multipath": 65}), "spec.multipath"),
        (
            "BgpConfig",
            json!({"gracefulRestart": {"mode": "full"}}),
            "spec.gracefulRestart.mode",
        ),
    ] {
        let Answer { done, text } = bed.apply(&Doc::ours(kind, "wrong", spec.clone()))?;
        assert!(
            !done && text.contains(says),
            "{kind} {spec}: not {says}: {text}"
        );
    }
    Ok(())
}

/// Names of pools and networks are shorter than those of other objects.
#[test]
fn a_name_that_no_pool_can_have_is_refused() -> Result {
    let bed = Bed::shared()?;
    let name = "x".repeat(64);
    let pool = Doc::ours(
        "IPPool",
        &name,
        json!({"ranges": [{"cidr": "10.1.0.0/16"}]}),
    );
    let Answer { done, text } = bed.apply(&pool)?;
    assert!(!done && text.contains("metadata.name"), "{text}");
    Ok(())
}

/// The server drops what it does not know; who asks kubectl to look, as it does unless told, hears of it. It looks at what
/// the server has published of the kind, which comes a while after the kind is served.
#[test]
fn kubectl_finds_a_field_that_nobody_knows() -> Result {
    let bed = Bed::shared()?;
    let spec = json!({"egress": {"rate": "1M"}, "podSelektor": {}});
    let doc = Doc::ours("RateLimit", "misspelt", spec).0.to_string();
    let mut last = None;
    let refuses = || {
        let line = "apply --dry-run=client -f -";
        last = bed.ask(User::Admin, line, &doc).ok();
        let found = last.as_ref().filter(|answer| !answer.done);
        found.is_some_and(|answer| answer.text.contains("unknown field \"podSelektor\""))
    };
    let refused = poll(PUBLISHED, "kubectl refuses it", refuses);
    assert!(refused.is_ok(), "{last:?}");
    Ok(())
}

#[test]
fn defaults_are_filled_in() -> Result {
    let bed = Bed::shared()?;
    made(
        &bed,
        "IPPool",
        "defaults",
        json!({"ranges": [{"cidr": "10.2.0.0/16"}]}),
    )?;
    let pool = bed.json(User::Admin, "get ipp defaults")?;
    let spec = json!({
        "ranges": [{"cidr": "10.2.0.0/16", "draining": false}], "cooldown": 30, "reserve": 8, "release": "on-delete",
        "handover": "wait", "encap": "always", "masquerade": true, "phase": "active",
    });
    assert_eq!(pool["spec"], spec);
    made(&bed, "BgpConfig", "defaults", json!({}))?;
    let config = bed.json(User::Admin, "get bgpc defaults")?;
    let spec = json!({
        "asn": 64512, "advertise": {"blocks": true, "claims": true}, "multipath": 16, "multipathRelax": false,
        "alwaysCompareMed": false,
        "gracefulRestart": {"mode": "Full", "restartTime": "120s", "staleTime": "360s", "deferral": "360s"},
    });
    assert_eq!(config["spec"], spec);
    Ok(())
}

/// The words of a table's line.
fn words(table: &str, line: usize) -> Vec<&str> {
    let line = table.lines().nth(line).unwrap_or_default();
    line.split_whitespace().collect()
}

#[test]
fn tables_show_what_matters() -> Result {
    let bed = Bed::shared()?;
    made(
        &bed,
        "IPPool",
        "shown",
        json!({"ranges": [{"cidr": "10.3.0.0/16"}, {"cidr": "fd00:3::/64"}]}),
    )?;
    let status = json!({"status": {
        "observedGeneration": 1, "phase": "active", "network": "apps", "size": "65534", "live": 12,
        "conditions": [{"type": "Accepted", "status": "True", "reason": "Valid", "message": "it holds",
            "lastTransitionTime": "2026-01-02T03:04:05Z"}],
    }});
    patched(&bed, "ippools/shown", &status)?;
    let table = bed.kubectl(User::Admin, "get ippool shown")?;
    let heads = [
        "NAME", "CIDR", "NETWORK", "PHASE", "LIVE", "SIZE", "ACCEPTED", "AGE",
    ];
    assert_eq!(words(&table, 0), heads);
    let row = [
        "shown",
        "10.3.0.0/16",
        "apps",
        "active",
        "12",
        "65534",
        "True",
    ];
    assert_eq!(words(&table, 1)[..7], row);
    made(
        &bed,
        "RateLimit",
        "shown",
        json!({"per": "Namespace", "egress": {"rate": "20M"}}),
    )?;
    let table = bed.kubectl(User::Admin, "get rl shown")?;
    assert_eq!(words(&table, 0)[..4], ["NAME", "PER", "INGRESS", "EGRESS"]);
    assert_eq!(
        words(&table, 1)[..3],
        ["shown", "Namespace", "20M"],
        "{table}"
    );
    made(
        &bed,
        "BgpPeer",
        "shown",
        json!({"address": "192.0.2.1", "asn": 65001}),
    )?;
    let table = bed.kubectl(User::Admin, "get bgpp shown")?;
    assert_eq!(
        words(&table, 1)[..3],
        ["shown", "192.0.2.1", "65001"],
        "{table}"
    );
    let all = bed.kubectl(User::Admin, "get fairway -o name")?;
    assert!(
        all.contains("ippool.fairway.network/shown") && all.contains("bgppeer"),
        "{all}"
    );
    Ok(())
}

/// Writes a status, as the daemon does it.
fn patched(bed: &Bed, path: &str, status: &Value) -> Result {
    let path = format!("/apis/fairway.network/v1alpha1/{path}/status");
    let done = bed.patch(User::Admin, &path, status)?;
    assert!(done.done, "{path}: {}", done.text);
    Ok(())
}

#[test]
fn a_status_is_apart_from_what_is_wanted() -> Result {
    let bed = Bed::shared()?;
    made(&bed, "Network", "apart", json!({"pools": ["web"]}))?;
    patched(
        &bed,
        "networks/apart",
        &json!({"status": {"vni": 4096}, "spec": {"vni": 7}}),
    )?;
    let network = bed.json(User::Admin, "get fwnet apart")?;
    assert_eq!(network["status"]["vni"], 4096);
    assert_eq!(network["spec"].get("vni"), None, "{network}");
    assert_eq!(network["metadata"]["generation"], 1);
    // Nor the other way.
    let mut doc = Doc::ours("Network", "apart", json!({"pools": ["web", "db"]}));
    doc.0["status"] = json!({"vni": 9});
    assert!(bed.apply(&doc)?.done);
    let network = bed.json(User::Admin, "get fwnet apart")?;
    assert_eq!(network["status"]["vni"], 4096);
    assert_eq!(network["metadata"]["generation"], 2);
    let wrong = json!({"status": {"conditions": [{"type": "Accepted", "status": "Maybe", "reason": "Valid",
        "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}]}});
    let path = "/apis/fairway.network/v1alpha1/networks/apart/status";
    let answer = bed.patch(User::Admin, path, &wrong)?;
    assert!(
        !answer.done && answer.text.contains("status.conditions.status"),
        "{}",
        answer.text
    );
    Ok(())
}

#[test]
fn what_is_applied_twice_is_written_once() -> Result {
    let bed = Bed::shared()?;
    let doc = Doc::ours(
        "IPPool",
        "twice",
        json!({"ranges": [{"cidr": "10.4.0.0/16"}], "encap": "never"}),
    );
    assert!(bed.apply(&doc)?.done);
    let version = || -> Result<Value> {
        Ok(bed.json(User::Admin, "get ipp twice")?["metadata"]["resourceVersion"].clone())
    };
    let before = version()?;
    assert!(bed.apply(&doc)?.done);
    assert_eq!(version()?, before);
    Ok(())
}

/// Ranges are known by their prefixes, so two who apply one each do not take away the other's.
#[test]
fn two_may_each_own_a_prefix_of_a_pool() -> Result {
    let bed = Bed::shared()?;
    let owns = |who: &str, cidr: &str| {
        let doc = Doc::ours("IPPool", "owned", json!({"ranges": [{"cidr": cidr}]}));
        let line = format!("apply --server-side --field-manager={who} -f -");
        bed.ask(User::Admin, &line, &doc.0.to_string())
    };
    assert!(owns("one", "10.5.0.0/16")?.done && owns("two", "fd00:5::/64")?.done);
    let pool = bed.json(User::Admin, "get ipp owned")?;
    assert_eq!(
        pool["spec"]["ranges"].as_array().map(Vec::len),
        Some(2),
        "{pool}"
    );
    Ok(())
}

/// The examples of the pages.
fn examples() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/objects");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let page = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let blocks = page.split("```yaml\n").skip(1);
        found.extend(blocks.filter_map(|block| Some(block.split_once("```")?.0.to_owned())));
    }
    found
}

#[test]
fn the_pages_examples_are_taken() -> Result {
    let bed = Bed::shared()?;
    let all = examples();
    assert!(all.len() >= 7, "{all:?}");
    for example in all {
        let Answer { done, text } = bed.ask(User::Admin, "apply -f -", &example)?;
        assert!(done && text.contains(" created"), "{example}: {text}");
    }
    Ok(())
}
