//! The node's name: held under a lease, so that others see it alive and nobody else takes it.
//!
//! Two daemons with one name would each take the other's blocks for its own former ones. So whoever finds
//! the name taken, by another journal, does not go on; only the same machine waits a while first, since it
//! may have lost its journal just before.

use super::Link;
use crate::{code::Coded as _, news::news};
use fairway_ipam::{
    JournalId, NodeName,
    keys::Key,
    record::{NodeRecord, Record, UnderlayRecord},
};
use fairway_kv::Entry;
use fairway_store::{
    StoreError,
    presence::{self, Keeper, Presence, State},
};
use std::{future::pending, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout_at},
};
use tracing::info;

/// How long the name stays after the daemon is gone.
const TTL: Duration = Duration::from_secs(10);
/// How long a name that this very machine has under another journal is waited for.
const WAIT: Duration = Duration::from_secs(25);

/// Somebody else has the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "node {node} is alive already, on host {host} with another journal ({journal}): each node needs a name of \
     its own (--node); if that one is gone for good, its name is free {}s after its end", TTL.as_secs()
)]
pub struct NameError {
    /// The name.
    pub node: NodeName,
    /// The other's host.
    pub host: String,
    /// The other's journal.
    pub journal: String,
}

/// How it stands with the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameState {
    /// Not known yet: the store is away.
    Unknown,
    /// This machine has it under another journal; that will end.
    Waiting,
    /// It is ours.
    Held,
    /// Another has it.
    Taken(NameError),
}

/// Keeps the name, and tells how it stands.
pub async fn keep_name(
    link: Link,
    node: NodeName,
    record: NodeRecord,
    mut underlay: watch::Receiver<Option<UnderlayRecord>>,
    states: watch::Sender<NameState>,
) {
    let store = link.opened().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let key = Key::Node(node.clone()).path();
    // Where this node is changes under way; its record is then written anew, under another lease.
    let keep = async {
        loop {
            let record = NodeRecord {
                underlay: underlay.borrow_and_update().clone(),
                ..record.clone()
            };
            let presence = Presence {
                key: key.clone(),
                value: record.encode(),
                ttl: TTL,
            };
            let kept = Kept {
                journal: record.journal.clone(),
                tell: tell.clone(),
            };
            let changed = async {
                if underlay.changed().await.is_err() {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                never = presence::keep(store.clone(), presence, kept) => match never {},
                // The store is perhaps spoken to from an address that is gone.
                () = changed => store.renew(),
            }
        }
    };
    let judge = async {
        let mut until = None;
        loop {
            let state = match until {
                Some((at, _)) => timeout_at(at, told.recv()).await,
                None => Ok(told.recv().await),
            };
            match (state, &until) {
                (Ok(Some(State::Held)), _) => {
                    until = None;
                    states.send_replace(NameState::Held);
                }
                (Ok(Some(State::Taken(entry))), None) => {
                    let (error, wait) = judged(&node, &record, &entry);
                    match wait && *states.borrow() != NameState::Held {
                        true => {
                            info!("{error}; it is this machine's, so it is waited for");
                            until = Some((Instant::now() + WAIT, error));
                            states.send_replace(NameState::Waiting);
                        }
                        false => drop(states.send_replace(NameState::Taken(error))),
                    }
                }
                (Ok(Some(_)), _) => {}
                (Ok(None), _) => return,
                (Err(_), Some((_, error))) => {
                    states.send_replace(NameState::Taken(error.clone()));
                    until = None;
                }
                (Err(_), None) => {}
            }
        }
    };
    tokio::select! {
        () = keep => {}
        () = judge => {}
    }
}

/// Who has the name, and whether that is this machine.
fn judged(node: &NodeName, own: &NodeRecord, found: &Entry) -> (NameError, bool) {
    let record = NodeRecord::decode(&found.value);
    let (host, journal) = match &record {
        Ok(record) => (record.host.clone(), record.journal.to_string()),
        Err(error) => ("?".to_owned(), error.to_string()),
    };
    let same = record.is_ok_and(|record| record.host == own.host);
    let node = node.clone();
    let error = NameError {
        node,
        host,
        journal,
    };
    (error, same)
}

struct Kept {
    journal: JournalId,
    tell: mpsc::UnboundedSender<State>,
}

impl Keeper for Kept {
    fn state(&mut self, state: State) {
        drop(self.tell.send(state));
    }

    fn ours(&self, found: &Entry, _: &Presence) -> bool {
        NodeRecord::decode(&found.value).is_ok_and(|record| record.journal == self.journal)
    }

    fn trouble(&mut self, error: &StoreError) {
        news!(warn, code = error.number(), "this node's name: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_ipam::UnixSeconds;
    use fairway_kv::Revision;
    use std::collections::BTreeMap;

    fn record(host: &str, journal: &str) -> NodeRecord {
        NodeRecord {
            journal: JournalId::new(journal).unwrap(),
            labels: BTreeMap::new(),
            since: UnixSeconds(1),
            daemon: "0.1.0".into(),
            host: host.into(),
            underlay: None,
        }
    }

    fn entry(value: Vec<u8>) -> Entry {
        Entry {
            key: "k".into(),
            value,
            created: Revision(1),
            modified: Revision(1),
        }
    }

    #[test]
    fn a_name_is_ours_by_its_journal_alone() {
        let node = NodeName::new("n1").unwrap();
        let own = record("h1", "j1");
        let (tell, _told) = mpsc::unbounded_channel();
        let journal = own.journal.clone();
        let kept = Kept { journal, tell };
        let presence = Presence {
            key: "k".into(),
            value: own.encode(),
            ttl: TTL,
        };
        let mut before = own.clone();
        before.since = UnixSeconds(0);
        assert!(kept.ours(&entry(before.encode()), &presence));
        for (other, same) in [(record("h1", "j2"), true), (record("h2", "j2"), false)] {
            let found = entry(other.encode());
            assert!(!kept.ours(&found, &presence));
            let (error, wait) = judged(&node, &own, &found);
            assert_eq!(wait, same);
            assert!(error.to_string().contains(&other.host), "{error}");
        }
        let newer = entry(br#"{"version":9}"#.to_vec());
        assert!(!kept.ours(&newer, &presence));
        assert!(judged(&node, &own, &newer).0.to_string().contains("newer"));
    }
}
