//! A claim of an API server is made by nodes that may have to wait for each other. What happens meanwhile to whoever asked
//! for it is done here in the store itself.

use crate::Outcome;
use crate::guard::{LEADS, get, revision, taken_over, value};
use fairway_lab::{Value, json, serde_json};
use fairway_tests_k8s::Bed;
use fairway_tests_k8s::node::{Node, apply, bed, condition};

/// The pool's only block.
const BLOCK: &str = "/fairway/v1/blocks/narrow/10.64.0.0/28";
/// How often it is tried to be there in between: a machine that has much to do may be too late.
const TRIES: usize = 5;

fn mark(name: &str) -> String {
    format!("/fairway/v1/origins/ipclaims/{name}")
}

fn claim(name: &str) -> String {
    format!("/fairway/v1/claims/narrow/{name}")
}

fn is(bed: &Bed, key: &str) -> bool {
    get(bed, key, &[]).is_ok_and(|there| there.is_some())
}

fn object(kind: &str, name: &str, spec: Value) -> String {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
        .to_string()
}

fn accepted(bed: &Bed, name: &str) -> bool {
    let told = condition(bed, &format!("ipclaim {name}"), "Accepted");
    told.is_some_and(|(status, ..)| status == "True")
}

#[test]
fn who_asks_for_a_claim_may_be_deposed_or_left_without_an_answer() -> Outcome {
    let bed = bed()?;
    let mut a = Node::new(&bed, "a")?;
    a.start()?;
    a.soon("it is there", || is(&bed, "/fairway/v1/nodes/a"))?;
    silent_owner(&bed)?;
    let ranges = json!([{"cidr": "10.64.0.0/28", "block": 28}]);
    let pool = json!({"ranges": ranges, "cooldown": 0});
    apply(&bed, &object("IPPool", "narrow", pool))?;

    given_up_and_there_all_the_same(&bed, &a)?;
    let deposed = changed_in_between(&bed, &a, "lead", || taken_over(&bed))?;
    let again = revision(&bed, LEADS, "mod_revision")?;
    assert!(
        deposed.changed < again && again < deposed.made,
        "{deposed:?}: led anew at {again}"
    );
    let unmarked = changed_in_between(&bed, &a, "mark", || Ok(0))?;
    assert!(
        unmarked.changed < unmarked.marked && unmarked.marked < unmarked.made,
        "{unmarked:?}"
    );
    // The other node is gone, with all that it had.
    bed.etcd.etcdctl(&["del", "/fairway/v1/nodes/b"])?;
    bed.etcd.etcdctl(&["del", BLOCK])?;
    for name in [deposed.name, unmarked.name] {
        a.soon(&name, || accepted(&bed, &name))?;
    }
    Ok(())
}

/// Another node has the block, uses nothing of it, and answers nobody. Whoever needs an address waits a while for the whole
/// block, and then for one of it.
fn silent_owner(bed: &Bed) -> Outcome {
    let mut node = value(bed, "/fairway/v1/nodes/a")?;
    node["journal"] = "b".into();
    let put = |key: &str, value: Value| bed.etcd.etcdctl(&["put", key, &value.to_string()]);
    put("/fairway/v1/nodes/b", node)?;
    let owner = json!({"node": "b", "journal": "b"});
    let block = json!({"version": 1, "owner": owner, "epoch": 1, "free": 14, "entries": []});
    put(BLOCK, block)?;
    Ok(())
}

/// A claim, and the revisions that tell in which order all was done.
#[derive(Debug)]
struct Met {
    name: String,
    changed: u64,
    marked: u64,
    made: u64,
}

/// Changes something after a claim was asked for, and before it is made: by `change`, which says when; else its mark goes.
fn changed_in_between(
    bed: &Bed,
    a: &Node,
    what: &str,
    change: impl Fn() -> Outcome<u64>,
) -> Outcome<Met> {
    for attempt in 1..=TRIES {
        let name = format!("{what}-{attempt}");
        let (mark, claim) = (mark(&name), claim(&name));
        apply(bed, &object("IPClaim", &name, json!({"pool": "narrow"})))?;
        a.soon("asked for", || is(bed, &mark))?;
        let changed = match change()? {
            0 => deleted(bed, &mark)?,
            changed => changed,
        };
        a.soon("made", || is(bed, &claim))?;
        // It is taken away again where the other node stays silent.
        let Some(made) = get(bed, &claim, &[])? else {
            continue;
        };
        let made = made["create_revision"].as_u64().unwrap_or_default();
        if changed < made {
            let marked = revision(bed, &mark, "create_revision").unwrap_or_default();
            return Ok(Met {
                name,
                changed,
                marked,
                made,
            });
        }
    }
    Err(format!("{what}: too late {TRIES} times").into())
}

fn deleted(bed: &Bed, key: &str) -> Outcome<u64> {
    let told: Value = serde_json::from_str(&bed.etcd.etcdctl(&["del", key, "-w", "json"])?)?;
    Ok(told["header"]["revision"].as_u64().ok_or("no revision")?)
}

/// While the nodes are asked, the claim comes to be in another way: they refuse it then, and it is marked all the same, and
/// not only at the next look of those that were refused.
fn given_up_and_there_all_the_same(bed: &Bed, a: &Node) -> Outcome {
    for attempt in 1..=TRIES {
        let (name, ip) = (
            format!("late-{attempt}"),
            format!("10.64.0.{}", 3 + attempt),
        );
        let spec = json!({"pool": "narrow", "addresses": [ip]});
        apply(bed, &object("IPClaim", &name, spec))?;
        a.soon("begun", || is(bed, &claim(&name)))?;
        let (Ok(begun), Ok(mut record)) = (
            revision(bed, &claim(&name), "create_revision"),
            value(bed, &claim(&name)),
        ) else {
            continue;
        };
        // As a leader of before would have made it.
        record["claim"]["uid"] = "z:1".into();
        record["claim"]["parts"] = json!([{"state": "granted", "ip": ip}]);
        bed.etcd
            .etcdctl(&["put", &claim(&name), &record.to_string()])?;
        if revision(bed, &claim(&name), "create_revision")? == begun {
            a.soon(&name, || accepted(bed, &name))?;
            let told = a.log();
            let refused = format!("{name} is refused");
            assert!(!told.contains(&refused), "{told}");
            return Ok(());
        }
    }
    Err(format!("too late {TRIES} times").into())
}
