//! One leads; when it is gone, another does.

use crate::Outcome;
use fairway_lab::Value;
use fairway_tests_k8s::node::{Node, apply, bed};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;

fn holder(bed: &Bed) -> String {
    let lease = bed.json(User::Admin, "get lease fairway -n kube-system");
    let holder = lease.unwrap_or_default()["spec"]["holderIdentity"].clone();
    holder.as_str().unwrap_or_default().to_owned()
}

fn lease(bed: &Bed) -> Outcome<Value> {
    let lease = bed.json(User::Admin, "get lease fairway -n kube-system")?;
    Ok(lease["spec"].clone())
}

/// For how long its holder has it, in seconds.
fn lasts(bed: &Bed) -> Outcome<f64> {
    let lasts = lease(bed)?["leaseDurationSeconds"].as_f64();
    Ok(lasts.ok_or("no duration")?)
}

/// What it says of a time, in seconds of that day.
fn moment(bed: &Bed, field: &str) -> Outcome<f64> {
    let lease = lease(bed)?;
    let time = lease[field].as_str().and_then(|text| text.split_once('T'));
    let (_, time) = time.ok_or_else(|| format!("no {field}: {lease}"))?;
    let mut seconds = 0.0;
    for part in time.trim_end_matches('Z').split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>()?;
    }
    Ok(seconds)
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
    a.end(Signal::SIGKILL)?;
    let (renewed, lasts) = (moment(&bed, "renewTime")?, lasts(&bed)?);
    assert!(lasts >= 10.0, "{lasts} s");
    b.soon("b leads", || holder(&bed) == "b")?;
    let took = (moment(&bed, "acquireTime")? - renewed).rem_euclid(86_400.0);
    assert!(took > lasts - 0.5, "{took} s: the lease was not over");
    comes(&bed, &b, "two")?;

    // Ended: it gives the lease back.
    a.start()?;
    comes(&bed, &a, "three")?;
    assert_eq!(holder(&bed), "b");
    // The other one would take it before anybody has looked.
    a.signal(Signal::SIGSTOP)?;
    b.end(Signal::SIGTERM)?;
    assert_eq!(holder(&bed), "");
    a.signal(Signal::SIGCONT)?;
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
