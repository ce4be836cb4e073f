//! Pools, claims and networks that came from an API server: how that is known.
//!
//! They are records of the address logic, which knows of no origins and writes them anew as containers come and go. So a
//! mark is a key of its own beside them, and says of which incarnation of a record it speaks: the revision at which
//! that came into being. What somebody made anew under the same name is therefore nobody's but theirs.
//!
//! A pool, a network or a set is made in one transaction with its mark: both are of one revision. A claim is made by nodes
//! that have to agree about its address: its mark comes first and keeps the name for it, and is told the revision
//! afterwards. Whoever is killed in between finds one of the two.

use super::{AddressKind, held::ELSEWHERE};
use crate::{
    convert::body,
    service::{
        Daemon,
        change::{Stop, store_error},
    },
};
use fairway_cni::Code;
use fairway_ipam::{ClaimName, NetworkName, PoolName, View, keys::Key};
use fairway_kv::{Entry, ROOT, Revision};
use fairway_pools::Mark as Written;

/// Where all marks of a kind lie.
pub(super) fn folder(kind: AddressKind) -> String {
    format!("{ROOT}origins/{}/", kind.plural())
}

/// Where one lies.
pub(super) fn path(kind: AddressKind, name: &str) -> String {
    format!("{}{name}", folder(kind))
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A claim is being made.
    Making,
    /// The record that came into being then.
    Of(Revision),
    /// It is of a later program, or of what this one does not know.
    Newer,
}

/// A mark, as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) mark: Mark,
    #[cfg_attr(
        not(feature = "k8s"),
        allow(dead_code, reason = "only a mirror changes what is marked")
    )]
    pub(super) modified: Revision,
}

impl Stamp {
    pub(super) fn of(entry: &Entry) -> Stamp {
        let mark = match Written::read(&entry.value) {
            Some(Written::Making) => Mark::Making,
            Some(Written::Together) => Mark::Of(entry.created),
            Some(Written::Of(created)) => Mark::Of(Revision(created)),
            None => Mark::Newer,
        };
        let modified = entry.modified;
        Stamp { mark, modified }
    }
}

/// A record of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "k8s"),
    allow(dead_code, reason = "only a mirror changes what is marked")
)]
pub(super) struct Record {
    pub(super) key: String,
    /// A claim's pool.
    pub(super) pool: Option<PoolName>,
    pub(super) created: Revision,
    pub(super) modified: Revision,
}

/// Those of a name; of claims there may be one in each pool.
pub(super) fn records(view: &View, kind: AddressKind, name: &str) -> Vec<Record> {
    let record = |key: Key, pool, (created, modified)| Record {
        key: key.path(),
        pool,
        created,
        modified,
    };
    match kind {
        AddressKind::IPPool => {
            let name = PoolName::new(name).ok();
            let found = name.and_then(|name| Some((view.pools.get(&name)?, Key::Pool(name))));
            let found = found.map(|(of, key)| record(key, None, (of.created, of.modified)));
            found.into_iter().collect()
        }
        AddressKind::Network => {
            let name = NetworkName::new(name).ok();
            let found = name.and_then(|name| Some((view.networks.get(&name)?, Key::Network(name))));
            let found = found.map(|(of, key)| record(key, None, (of.created, of.modified)));
            found.into_iter().collect()
        }
        AddressKind::IPClaim => {
            let Ok(name) = ClaimName::new(name) else {
                return Vec::new();
            };
            let all = view.claims.iter().filter(|((_, own), _)| *own == name);
            all.map(|((pool, _), of)| {
                let key = Key::Claim(pool.clone(), name.clone());
                record(key, Some(pool.clone()), (of.created, of.modified))
            })
            .collect()
        }
    }
}

/// How a name stands.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "k8s"),
    allow(dead_code, reason = "only a mirror changes what is marked")
)]
pub(super) enum Standing<'a> {
    /// Nothing is there.
    Free,
    /// What is there did not come from an API server, and says why it stays.
    Foreign(&'static str),
    /// A claim is being made, and is not there yet.
    Making(&'a Stamp),
    /// It is there, and its mark does not say so yet.
    Made(&'a Stamp, &'a Record),
    /// What the mark speaks of is gone.
    Stale(&'a Stamp),
    /// It came from an API server.
    Ours(&'a Stamp, &'a Record),
}

const OTHERS: &str = "one of this name is there that did not come from the API server; \"netctl delete\" takes it \
     away, and this one counts then";
const NEWER: &str =
    "the mark of where this one came from was written by a newer program; it is left alone";

/// How a name stands, by its mark and what there is of it.
pub(super) fn standing<'a>(mark: Option<&'a Stamp>, records: &'a [Record]) -> Standing<'a> {
    let Some(stamp) = mark else {
        return match records {
            [] => Standing::Free,
            _ => Standing::Foreign(OTHERS),
        };
    };
    match (stamp.mark, records.first()) {
        (Mark::Newer, _) => Standing::Foreign(NEWER),
        (Mark::Making, None) => Standing::Making(stamp),
        (Mark::Making, Some(record)) => Standing::Made(stamp, record),
        (Mark::Of(created), _) => {
            let ours = records.iter().find(|record| record.created == created);
            ours.map_or(Standing::Stale(stamp), |ours| Standing::Ours(stamp, ours))
        }
    }
}

impl Daemon {
    /// Refuses to change by hand what an API server has.
    pub(in crate::service) async fn not_elsewhere(
        &self,
        kind: AddressKind,
        name: &str,
    ) -> Result<(), Stop> {
        let there = self.open_store()?.get(&path(kind, name)).await;
        let Some(entry) = there.map_err(|error| store_error(&error))? else {
            return Ok(());
        };
        let (stamp, view) = (Stamp::of(&entry), self.fresh().await?);
        match standing(Some(&stamp), &records(&view, kind, name)) {
            // Whoever made what is there anew may do as they like.
            Standing::Free | Standing::Stale(_) => Ok(()),
            Standing::Foreign(_)
            | Standing::Making(_)
            | Standing::Made(..)
            | Standing::Ours(..) => {
                let text = format_args!("{kind} {name}: {ELSEWHERE}");
                Err(body(Code::INVALID_CONFIG, text).into())
            }
        }
    }
}

#[cfg(all(test, feature = "k8s"))]
mod tests {
    use super::*;

    fn stamp(mark: Written, created: u64) -> Stamp {
        entry(mark.write(), created)
    }

    fn entry(value: Vec<u8>, created: u64) -> Stamp {
        let key = path(AddressKind::IPPool, "web");
        let (created, modified) = (Revision(created), Revision(9));
        Stamp::of(&Entry {
            key,
            value,
            created,
            modified,
        })
    }

    fn record(created: u64) -> Record {
        Record {
            key: "pools/web".to_owned(),
            pool: None,
            created: Revision(created),
            modified: Revision(8),
        }
    }

    #[test]
    fn a_mark_speaks_of_one_incarnation() {
        let (together, of) = (stamp(Written::Together, 5), stamp(Written::Of(5), 4));
        for mark in [together, of] {
            assert_eq!(mark.mark, Mark::Of(Revision(5)));
            let ours = [record(3), record(5)];
            assert_eq!(
                standing(Some(&mark), &ours),
                Standing::Ours(&mark, &ours[1])
            );
            // Made anew by somebody else, or not there any more.
            assert_eq!(standing(Some(&mark), &[record(6)]), Standing::Stale(&mark));
            assert_eq!(standing(Some(&mark), &[]), Standing::Stale(&mark));
        }
        assert_eq!(standing(None, &[]), Standing::Free);
        assert_eq!(standing(None, &[record(1)]), Standing::Foreign(OTHERS));
    }

    #[test]
    fn a_claim_that_is_being_made_keeps_its_name() {
        let mark = stamp(Written::Making, 5);
        let there = [record(7)];
        assert_eq!(standing(Some(&mark), &[]), Standing::Making(&mark));
        assert_eq!(
            standing(Some(&mark), &there),
            Standing::Made(&mark, &there[0])
        );
    }

    #[test]
    fn what_a_later_program_wrote_is_left_alone() {
        let mark = entry(br#"{"version":2,"origin":"kubernetes"}"#.to_vec(), 5);
        assert_eq!(mark.mark, Mark::Newer);
        let there = [record(5)];
        assert_eq!(standing(Some(&mark), &there), Standing::Foreign(NEWER));
    }

    #[test]
    fn marks_lie_where_no_record_does() {
        for kind in AddressKind::ALL {
            assert_eq!(Key::parse(&path(kind, "web")), None);
        }
    }
}
