//! A healthy cluster has no finding; each finding is provoked, and what is repaired is right afterwards.

mod node;
mod store;

use super::*;
use crate::{Lease, Sighting, UnixSeconds, fixture::*};
use std::collections::BTreeSet;

/// What a node knows, owned.
pub(super) struct Facts {
    node: NodeName,
    journal: JournalId,
    pub(super) leases: Vec<Lease>,
    pub(super) sightings: Vec<Sighting>,
    pub(super) gone: BTreeSet<AttachmentId>,
}

impl Facts {
    pub(super) fn new(node: &str) -> Facts {
        Facts {
            node: node.parse().unwrap(),
            journal: journal(node),
            leases: Vec::new(),
            sightings: Vec::new(),
            gone: BTreeSet::new(),
        }
    }

    /// A container with its addresses, in journal and kernel.
    pub(super) fn container(mut self, name: &str, ips: &[&str], claim: Option<&str>) -> Facts {
        let addresses: Vec<_> = ips.iter().map(|text| ip(text)).collect();
        self.leases.push(Lease {
            attachment: attachment(name),
            netns: None,
            addresses: addresses.clone(),
            claim: claim.map(claim_name),
            label: None,
            seq: 7,
            since: UnixSeconds(900),
            cut_off: false,
        });
        self.sightings.push(Sighting {
            attachment: attachment(name),
            netns: None,
            addresses,
        });
        self
    }

    pub(super) fn facts(&self) -> NodeFacts<'_> {
        NodeFacts {
            node: &self.node,
            journal: &self.journal,
            before: 10,
            leases: &self.leases,
            sightings: &self.sightings,
            gone: &self.gone,
        }
    }
}

/// Two nodes, containers with and without claims, something at rest, a claim that nobody holds.
pub(super) fn healthy() -> (Store, Facts) {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16", "fd00::/64"]);
    store.pool("db", &["10.2.0.0/16"]);
    store.node("n1");
    store.node("n2");
    let entries = vec![
        live("10.1.0.2", "c1"),
        cooling("10.1.0.3"),
        claimed("10.1.0.4", "u1"),
        claimed("10.1.0.5", "u2"),
    ];
    store.block("web", "10.1.0.0/26", Some("n1"), entries);
    store.block("web", "fd00::/122", Some("n1"), vec![live("fd00::2", "c1")]);
    store.block(
        "web",
        "10.1.0.64/26",
        Some("n2"),
        vec![live("10.1.0.66", "c3")],
    );
    store.block("web", "10.1.0.128/26", None, vec![cooling("10.1.0.130")]);
    store.claim(
        "web",
        "prod/db-0",
        held(claim("u1", "10.1.0.4"), "n1", "c2"),
    );
    store.claim("web", "prod/db-1", claim("u2", "10.1.0.5"));
    let facts = Facts::new("n1")
        .container("c1", &["10.1.0.2", "fd00::2"], None)
        .container("c2", &["10.1.0.4"], Some("prod/db-0"));
    (store, facts)
}

pub(super) fn audit(store: &Store, facts: &Facts) -> Report {
    check(&store.view(), None, &[facts.facts()])
}

/// The only finding, which the proof fails or not with.
pub(super) fn one(store: &Store, facts: &Facts, kind: FindingKind) -> Finding {
    let report = audit(store, facts);
    let lines: Vec<_> = report.findings.iter().map(Finding::line).collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!(report.findings[0].kind, kind, "{lines:?}");
    assert_eq!(report.is_clean(), !kind.breaks(), "{lines:?}");
    report.findings[0].clone()
}

pub(super) fn kinds(store: &Store, facts: &Facts) -> Vec<FindingKind> {
    let report = audit(store, facts);
    let kinds: BTreeSet<_> = report.findings.iter().map(|finding| finding.kind).collect();
    kinds.into_iter().collect()
}

/// Repairs it; then nothing is left.
pub(super) fn repair(store: &mut Store, facts: &Facts) {
    for (fix, _) in audit(store, facts).fixes() {
        let Fix::Txn(txn) = fix else {
            panic!("a transaction")
        };
        assert!(store.commit(&txn));
    }
    let report = audit(store, facts);
    let lines: Vec<_> = report.findings.iter().map(Finding::line).collect();
    assert!(report.is_clean(), "{lines:#?}");
}

#[test]
fn a_healthy_cluster_has_no_finding() {
    let (store, facts) = healthy();
    let report = audit(&store, &facts);
    assert_eq!(report.findings, []);
    assert!(report.is_clean());
    assert_eq!(report.nodes, ["n1".parse().unwrap()]);
    let web = Balance {
        pool: pool_name("web"),
        allocated: 7,
        live: 4,
        claimed: 1,
        cooling: 2,
        orphaned: 0,
        holds: true,
    };
    assert_eq!(report.pools[1], web);
    let only = check(&store.view(), Some(&pool_name("web")), &[]);
    assert_eq!(only.pools, [web]);
    assert_eq!(audit(&Store::default(), &Facts::new("n1")).findings, []);
}

#[test]
fn what_stands_only_once_does_not_count() {
    let (mut store, facts) = healthy();
    store.block(
        "web",
        "10.1.0.128/26",
        None,
        vec![claimed("10.1.0.130", "u9")],
    );
    let first = audit(&store, &facts);
    assert!(!first.is_clean());
    let again = audit(&store, &facts).confirmed(&first);
    assert_eq!(again.findings.len(), 1);
    assert!(!again.is_clean());
    store.block("web", "10.1.0.128/26", None, vec![]);
    let healed = audit(&store, &facts).confirmed(&first);
    assert!(healed.is_clean() && healed.findings.is_empty());
    store.block(
        "web",
        "10.1.0.192/26",
        None,
        vec![claimed("10.1.0.194", "u9")],
    );
    // Another one: on its way, as the first was.
    let other = audit(&store, &facts).confirmed(&first);
    assert!(other.findings.is_empty() && other.is_clean());
    let web = &other.pools[1];
    assert_eq!((web.allocated, web.cooling, web.orphaned), (7, 2, 0));
    let raw = &audit(&store, &facts).pools[1];
    assert_eq!((raw.cooling, raw.orphaned, raw.holds), (1, 1, false));
}

#[test]
fn kinds_have_names_of_their_own() {
    let names: BTreeSet<_> = FindingKind::ALL.iter().map(|kind| kind.1).collect();
    assert_eq!(names.len(), FindingKind::ALL.len());
    for (kind, name, breaks, meaning) in FindingKind::ALL {
        assert_eq!((kind.as_str(), kind.breaks()), (*name, *breaks));
        assert!(
            name.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'),
            "{name}"
        );
        assert!(!meaning.is_empty());
    }
}

#[test]
fn each_kind_is_documented() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/concepts/addresses.md"
    );
    let text = std::fs::read_to_string(path).unwrap();
    for (_, name, breaks, _) in FindingKind::ALL {
        assert!(
            text.contains(&format!("`{name}`")),
            "{name} is not in {path}"
        );
        let harmless = text.lines().rev().find(|line| !line.is_empty()).unwrap();
        assert_eq!(!harmless.contains(&format!("`{name}`")), *breaks, "{name}");
    }
}
