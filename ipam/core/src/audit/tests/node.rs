//! A node's journal beside its kernel and beside the store.

use super::{super::*, *};

#[test]
fn a_container_that_is_gone_leaks() {
    let (store, mut facts) = healthy();
    facts.sightings.remove(0);
    assert!(
        audit(&store, &facts).is_clean(),
        "not every link can be seen"
    );
    facts.gone.insert(attachment("c1"));
    let finding = one(&store, &facts, FindingKind::Leaked);
    assert_eq!(
        finding.text,
        "apps/c1/eth0 on node n1 is gone and has 10.1.0.2, fd00::2 still"
    );
    assert_eq!(finding.fix, Some(Fix::Gone(attachment("c1"), 7)));
    // It was given after the kernel was looked at: it is another container's by now, or the same anew.
    facts.leases[0].seq = 11;
    assert!(audit(&store, &facts).is_clean());
}

#[test]
fn a_container_that_the_journal_does_not_know() {
    let (store, facts) = healthy();
    let mut facts = facts.container("c9", &["10.1.0.9", "192.168.7.7"], None);
    facts.leases.pop();
    let finding = one(&store, &facts, FindingKind::NotInJournal);
    assert_eq!(
        finding.ip,
        Some(ip("10.1.0.9")),
        "the other one is no pool's"
    );
    assert_eq!(finding.pool, Some(pool_name("web")));
    let (store, mut facts) = healthy();
    facts.sightings[1].addresses.push(ip("10.1.0.9"));
    one(&store, &facts, FindingKind::NotInJournal);
}

#[test]
fn a_container_without_its_address() {
    let (store, mut facts) = healthy();
    facts.sightings[0].addresses.pop();
    let finding = one(&store, &facts, FindingKind::KernelDiffers);
    assert_eq!(finding.ip, Some(ip("fd00::2")));
    facts.leases[0].seq = 11;
    assert!(audit(&store, &facts).is_clean(), "it is being set up");
}

#[test]
fn a_container_that_was_cut_off() {
    let (mut store, mut facts) = healthy();
    store.block("web", "fd00::/122", Some("n2"), vec![]);
    let mut entries = store.block_record("web", "10.1.0.0/26").unwrap().entries;
    entries.remove(0);
    store.block("web", "10.1.0.0/26", Some("n1"), entries);
    facts.leases[0].cut_off = true;
    let report = audit(&store, &facts);
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.ip)).collect();
    let cut = |text| (FindingKind::CutOff, Some(ip(text)));
    assert_eq!(found, [cut("10.1.0.2"), cut("fd00::2")]);
    facts.sightings[0].addresses.clear();
    assert!(audit(&store, &facts).is_clean());
}

#[test]
fn the_store_must_show_what_the_journal_says() {
    let (mut store, facts) = healthy();
    store.block("web", "fd00::/122", Some("n1"), vec![]);
    let finding = one(&store, &facts, FindingKind::NotPublished);
    assert_eq!(finding.ip, Some(ip("fd00::2")));
    let (mut store, facts) = healthy();
    store.block(
        "web",
        "fd00::/122",
        Some("n1"),
        vec![live("fd00::2", "c1"), live("fd00::3", "c9")],
    );
    let finding = one(&store, &facts, FindingKind::NotPublished);
    assert_eq!(finding.ip, Some(ip("fd00::3")));
    // Another node's block is not ours to judge.
    let (mut store, facts) = healthy();
    store.block(
        "web",
        "fd00::40/122",
        Some("n2"),
        vec![live("fd00::42", "c9")],
    );
    assert!(audit(&store, &facts).is_clean());
    // The prefix is gone from under it.
    let (store, facts) = healthy();
    let facts = facts.container("c9", &["10.9.0.9"], None);
    let finding = one(&store, &facts, FindingKind::NotPublished);
    assert_eq!(finding.pool, None);
    let report = audit(&store, &facts);
    assert!(
        report.pools.iter().all(|pool| !pool.holds),
        "whose it is, nobody knows"
    );
}

#[test]
fn holders_are_the_same_in_store_and_journal() {
    let (mut store, facts) = healthy();
    store.claim(
        "web",
        "prod/db-0",
        held(claim("u1", "10.1.0.4"), "n2", "c9"),
    );
    let finding = one(&store, &facts, FindingKind::HolderMismatch);
    assert_eq!(
        finding.text,
        "apps/c2/eth0 on node n1 has claim prod/db-0, which the store says is held by apps/c9/eth0 on node n2"
    );
    let (mut store, facts) = healthy();
    store.claim(
        "web",
        "prod/db-1",
        held(claim("u2", "10.1.0.5"), "n1", "c9"),
    );
    let finding = one(&store, &facts, FindingKind::HolderMismatch);
    assert!(
        finding
            .text
            .contains("the journal of node n1 does not say so"),
        "{}",
        finding.text
    );
    let (mut store, facts) = healthy();
    store.claim("web", "prod/db-0", claim("u1", "10.1.0.4"));
    let finding = one(&store, &facts, FindingKind::HolderMismatch);
    assert!(finding.text.ends_with("held by nobody"), "{}", finding.text);
}
