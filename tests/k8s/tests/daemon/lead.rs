//! One leads; when it is gone, another does.

use crate::Outcome;
use fairway_tests_k8s::node::{Node, apply, bed};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

fn holder(bed: &Bed) -> String {
    let lease = bed.json(User::Admin, "get lease fairway -n kube-system");
    let holder = lease.unwrap_or_default()["spec"]["holderIdentity"].clone();
    holder.as_str().unwrap_or_default().to_owned()
}

fn comes(bed: &Bed, node: &Node, name: &str) -> Outcome {
    apply(
        bed,
        &format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":{name:?}}}}}"#),
    )?;
    Ok(node.soon(name, || node.has("namespaces", name))?)
}

#[test]
fn another_leads_when_the_leader_is_gone() -> Outcome {
    let bed = bed()?;
    let (mut a, mut b) = (Node::new(&bed, "a")?, Node::new(&bed, "b")?);
    a.start()?;
    a.soon("a leads", || holder(&bed) == "a")?;
    b.start()?;
    comes(&bed, &b, "one")?;
    assert_eq!(holder(&bed), "a");

    // Killed: after the time of its lease, and not before.
    let killed = Instant::now();
    a.end(Signal::SIGKILL)?;
    b.soon("b leads", || holder(&bed) == "b")?;
    let took = killed.elapsed();
    assert!(
        took > Duration::from_secs(8),
        "{took:?}: the lease was not over"
    );
    comes(&bed, &b, "two")?;

    // Ended: it gives the lease back.
    a.start()?;
    comes(&bed, &a, "three")?;
    assert_eq!(holder(&bed), "b");
    b.end(Signal::SIGTERM)?;
    assert_eq!(holder(&bed), "");
    a.soon("a leads again", || holder(&bed) == "a")?;
    comes(&bed, &a, "four")?;

    // Stopped for a while, as a machine may be: it finds out that its time is over.
    b.start()?;
    b.soon("b follows", || b.has("namespaces", "four"))?;
    a.signal(Signal::SIGSTOP)?;
    b.soon("b leads", || holder(&bed) == "b")?;
    comes(&bed, &b, "five")?;
    a.signal(Signal::SIGCONT)?;
    a.soon("a follows", || {
        a.has("namespaces", "five") && a.log().contains("mirrors the API server no more")
    })?;
    assert_eq!(holder(&bed), "b");
    comes(&bed, &a, "six")
}
