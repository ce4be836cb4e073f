//! What the store alone shows.

use super::{super::*, *};
use crate::{
    AppName, Family, PoolSpec, RangeSpec, Release,
    keys::Key,
    record::{Claim, ClaimRecord, Kind, Part, Record, SetSpec, WantRecord},
};

#[test]
fn a_claim_that_is_gone_leaks_and_is_repaired_where_nobody_owns_the_block() {
    let (mut store, facts) = healthy();
    let two = vec![claimed("10.1.0.130", "u8"), claimed("10.1.0.131", "u9")];
    store.block("web", "10.1.0.128/26", None, two);
    let report = audit(&store, &facts);
    assert_eq!(report.findings.len(), 2);
    assert_eq!(report.findings[0].kind, FindingKind::UnknownClaim);
    assert_eq!(report.findings[0].ip, Some(ip("10.1.0.130")));
    assert_eq!(report.fixes().len(), 1, "one transaction for both");
    repair(&mut store, &facts);
    let record = store.block_record("web", "10.1.0.128/26").unwrap();
    assert_eq!(
        record.entries,
        [cooling("10.1.0.130"), cooling("10.1.0.131")]
    );
    // In a block with an owner only that one may do it.
    store.remove(&Key::Claim(pool_name("web"), claim_name("prod/db-1")));
    let finding = one(&store, &facts, FindingKind::UnknownClaim);
    assert_eq!(finding.fix, None);
}

#[test]
fn a_repair_fails_where_something_has_changed() {
    let (mut store, facts) = healthy();
    store.block(
        "web",
        "10.1.0.128/26",
        None,
        vec![claimed("10.1.0.130", "u9")],
    );
    let fixes = audit(&store, &facts).fixes();
    let Fix::Txn(txn) = &fixes[0].0 else {
        panic!("a transaction")
    };
    store.block(
        "web",
        "10.1.0.128/26",
        Some("n2"),
        vec![claimed("10.1.0.130", "u9")],
    );
    assert!(!store.commit(txn));
}

#[test]
fn a_claim_must_stand_in_its_block() {
    for entries in [
        vec![],
        vec![cooling("10.1.0.130")],
        vec![claimed("10.1.0.130", "u8")],
    ] {
        let (mut store, facts) = healthy();
        store.block("web", "10.1.0.128/26", None, entries);
        store.claim("web", "prod/db-2", claim("u3", "10.1.0.130"));
        assert!(kinds(&store, &facts).contains(&FindingKind::NotGranted));
        assert!(!audit(&store, &facts).is_clean());
    }
    let (mut store, facts) = healthy();
    store.claim("web", "prod/db-2", claim("u3", "10.1.0.130"));
    let finding = one(&store, &facts, FindingKind::NotGranted);
    assert_eq!(
        finding.text,
        "claim prod/db-2 has 10.1.0.130, which rests in block 10.1.0.128/26, nobody's"
    );
    repair(&mut store, &facts);
    let record = store.block_record("web", "10.1.0.128/26").unwrap();
    assert_eq!(record.entries, [claimed("10.1.0.130", "u3")]);
    // The record of the block is lost altogether.
    store.claim("web", "prod/db-3", claim("u4", "10.1.9.9"));
    repair(&mut store, &facts);
    let record = store.block_record("web", "10.1.9.0/26").unwrap();
    let u4 = "u4".parse().unwrap();
    assert_eq!(
        record.entries[0].used,
        crate::record::Use::Claimed { uid: u4 }
    );
    assert!(record.owner.is_none() && record.epoch > 0);
    // A container has it: nothing is done by itself.
    let live = vec![live("10.1.0.131", "c9")];
    store.block("web", "10.1.0.128/26", None, live);
    store.claim("web", "prod/db-2", claim("u3", "10.1.0.131"));
    let finding = one(&store, &facts, FindingKind::NotGranted);
    assert_eq!(finding.fix, None);
    assert!(
        finding.text.contains("is apps/c9/eth0's"),
        "{}",
        finding.text
    );
}

#[test]
fn an_address_in_two_places() {
    let (mut store, facts) = healthy();
    store.claim("web", "prod/db-2", claim("u3", "10.1.0.5"));
    assert_eq!(
        kinds(&store, &facts),
        [FindingKind::Duplicate, FindingKind::NotGranted]
    );
    let (mut store, facts) = healthy();
    store.block("web", "10.1.0.128/26", None, vec![cooling("10.1.0.66")]);
    assert_eq!(
        kinds(&store, &facts),
        [FindingKind::Duplicate, FindingKind::BadEntry]
    );
    let web = audit(&store, &facts).pools[1].clone();
    assert_eq!(
        (web.allocated, web.live + web.claimed + web.cooling),
        (6, 7)
    );
    let (mut store, facts) = healthy();
    store.block(
        "web",
        "10.1.0.128/26",
        None,
        vec![cooling("10.1.0.130"), live("10.1.0.130", "c9")],
    );
    assert_eq!(kinds(&store, &facts), [FindingKind::Duplicate]);
}

#[test]
fn blocks_that_no_pool_has() {
    let (mut store, facts) = healthy();
    store.block("web", "10.9.0.0/26", None, vec![]);
    let finding = one(&store, &facts, FindingKind::StaleBlock);
    assert_eq!(finding.text, "block 10.9.0.0/26 is none of pool web");
    repair(&mut store, &facts);
    store.block("web", "10.1.1.0/27", None, vec![]);
    one(&store, &facts, FindingKind::StaleBlock);
    repair(&mut store, &facts);
    store.block("gone", "10.9.0.0/26", Some("n2"), vec![]);
    let finding = one(&store, &facts, FindingKind::StaleBlock);
    assert!(
        finding.text.ends_with("pool gone, which does not exist"),
        "{}",
        finding.text
    );
    assert_eq!(finding.fix, None, "its owner must give it back");
    assert_eq!(
        check(&store.view(), Some(&pool_name("web")), &[]).findings,
        []
    );
    let (mut store, facts) = healthy();
    store.block("web", "10.1.0.0/27", None, vec![]);
    assert_eq!(
        kinds(&store, &facts),
        [FindingKind::Overlap, FindingKind::StaleBlock]
    );
}

#[test]
fn pools_that_overlap() {
    let (mut store, facts) = healthy();
    let spec = PoolSpec::new(vec![RangeSpec::new(cidr("10.2.4.0/24"))]);
    store.set(&Key::Pool(pool_name("x")), spec.encode());
    let finding = one(&store, &facts, FindingKind::Overlap);
    assert_eq!(finding.pool, Some(pool_name("db")));
}

#[test]
fn claims_that_cannot_be_used() {
    let (mut store, facts) = healthy();
    store.claim("gone", "a", claim("u5", "10.9.0.1"));
    one(&store, &facts, FindingKind::StaleClaim);
    repair(&mut store, &facts);
    store.claim("web", "a", claim("u5", "10.9.0.1"));
    let finding = one(&store, &facts, FindingKind::StaleClaim);
    assert_eq!(
        finding.text,
        "claim a has 10.9.0.1, which is not in pool web"
    );
    assert_eq!(finding.fix, None, "somebody may want it");
    store.remove(&Key::Claim(pool_name("web"), claim_name("a")));
    let borrowed = Claim {
        kind: Kind::Borrowed,
        parts: vec![],
        ..claim("u5", "10.9.0.1")
    };
    store.claim("web", "~borrow/u5", borrowed);
    one(&store, &facts, FindingKind::StaleClaim);
    repair(&mut store, &facts);
    let refused = Part::Refused {
        block: cidr("10.1.0.0/26"),
        ip: None,
        reason: "full".to_owned(),
    };
    let refused = Claim {
        parts: vec![refused],
        ..claim("u5", "10.9.0.1")
    };
    store.claim("web", "a", refused.clone());
    let finding = one(&store, &facts, FindingKind::StaleClaim);
    assert_eq!(finding.text, "claim a was refused an address: full");
    repair(&mut store, &facts);
    store.claim("web", "a", held(refused, "n2", "c9"));
    assert_eq!(
        one(&store, &facts, FindingKind::StaleClaim).fix,
        None,
        "somebody holds it"
    );
}

#[test]
fn a_gateway_is_no_containers() {
    let (mut store, facts) = healthy();
    store.block(
        "web",
        "10.1.0.0/26",
        Some("n2"),
        vec![live("10.1.0.1", "c9")],
    );
    assert!(kinds(&store, &facts).contains(&FindingKind::GatewayTaken));
}

#[test]
fn what_cannot_be_read() {
    let (mut store, facts) = healthy();
    let newer = br#"{"version":2}"#.to_vec();
    store.set(
        &Key::Claim(pool_name("web"), claim_name("later")),
        newer.clone(),
    );
    let finding = one(&store, &facts, FindingKind::Unreadable);
    assert_eq!(finding.pool, Some(pool_name("web")));
    assert!(
        finding.text.contains("version 2 is newer than 1"),
        "{}",
        finding.text
    );
    // It may be the claim that an address is set aside for.
    store.block(
        "web",
        "10.1.0.128/26",
        None,
        vec![claimed("10.1.0.130", "u9")],
    );
    let report = audit(&store, &facts);
    assert_eq!((report.findings.len(), report.is_clean()), (1, false));
    store.set(&Key::Pool(pool_name("db")), newer);
    store.block("db", "10.2.0.0/26", None, vec![]);
    assert_eq!(kinds(&store, &facts), [FindingKind::Unreadable]);
}

#[test]
fn a_node_that_is_away_is_told_and_breaks_nothing() {
    let (mut store, facts) = healthy();
    store.remove(&Key::Node("n2".parse().unwrap()));
    let finding = one(&store, &facts, FindingKind::NodeAway);
    assert_eq!(
        finding.line(),
        "node-away: node n2 is away: 1 blocks, 1 addresses of containers, 0 claims held \
         (`netctl node rm n2`, if it never returns)"
    );
    store.claim(
        "db",
        "x",
        Claim {
            parts: vec![],
            ..held(claim("u7", "10.2.0.2"), "n7", "c")
        },
    );
    assert_eq!(audit(&store, &facts).findings.len(), 2);
    assert_eq!(
        check(&store.view(), Some(&pool_name("db")), &[])
            .findings
            .len(),
        0
    );
}

#[test]
fn an_earlier_journal() {
    let (mut store, facts) = healthy();
    let mut old = held(claim("u2", "10.1.0.5"), "n2", "c9");
    old.holder.as_mut().unwrap().journal = "old".parse().unwrap();
    store.claim("web", "prod/db-1", old);
    one(&store, &facts, FindingKind::OldJournal);
    let (mut store, facts) = healthy();
    let mut record = store.block_record("web", "10.1.0.64/26").unwrap();
    record.owner.as_mut().unwrap().journal = "old".parse().unwrap();
    store.set(
        &Key::Block(pool_name("web"), cidr("10.1.0.64/26")),
        record.encode(),
    );
    one(&store, &facts, FindingKind::OldJournal);
}

#[test]
fn wants_of_nobody() {
    let (mut store, facts) = healthy();
    let want = |store: &mut Store, pool: &str, node: &str| {
        let key = Key::Want(pool_name(pool), node.parse().unwrap(), Family::V4);
        store.set(
            &key,
            WantRecord {
                since: UnixSeconds(1),
            }
            .encode(),
        );
    };
    want(&mut store, "web", "n1");
    assert!(audit(&store, &facts).findings.is_empty());
    want(&mut store, "web", "n9");
    one(&store, &facts, FindingKind::StaleWant);
    repair(&mut store, &facts);
    want(&mut store, "gone", "n1");
    one(&store, &facts, FindingKind::StaleWant);
    repair(&mut store, &facts);
    assert_eq!(store.view().wants.len(), 1);
    // A node that comes up meanwhile keeps its want.
    want(&mut store, "web", "n9");
    let fixes = audit(&store, &facts).fixes();
    store.node("n9");
    let Fix::Txn(txn) = &fixes[0].0 else {
        panic!("a transaction")
    };
    assert!(!store.commit(txn));
}

#[test]
fn a_set_with_too_many_members() {
    let (mut store, facts) = healthy();
    let app: Option<AppName> = None;
    let spec = SetSpec {
        size: Some(1),
        surge: 1,
        release: Release::Never,
        handover: crate::Handover::Wait,
        app,
        created: UnixSeconds(1),
    };
    let key = Key::Claim(pool_name("web"), claim_name("front"));
    store.set(&key, ClaimRecord::Set(spec).encode());
    let member = |uid: &str| Claim {
        parts: vec![],
        ..claim(uid, "10.1.0.9")
    };
    store.claim("web", "front#0", member("m0"));
    store.claim("web", "front#1", member("m1"));
    assert!(audit(&store, &facts).findings.is_empty());
    store.claim("web", "front#2", member("m2"));
    store.claim("web", "front#3", held(member("m3"), "n2", "c9"));
    store.claim("web", "other#4", member("m4"));
    let report = audit(&store, &facts);
    let texts: Vec<_> = report
        .findings
        .iter()
        .map(|finding| &*finding.text)
        .collect();
    let text = |member| format!("set front has 4 members, may have 2; nobody holds {member}");
    assert_eq!(texts, [text("front#2"), text("front#1")]);
    repair(&mut store, &facts);
    assert!(store.record("web", "front#3").is_some());
    assert_eq!(audit(&store, &facts).findings.len(), 0);
}
