//! A store of one map, for tests: it judges conditions as a real one does.

use crate::{
    AttachmentId, Cidr, ClaimName, Clock, Handover, Millis, PoolName, PoolSpec, RangeSpec, Release,
    UnixSeconds, View,
    admin::create_pool,
    keys::Key,
    record::{
        BlockEntry, BlockOwner, BlockRecord, Claim, ClaimRecord, Holder, Kind, NodeRecord, Part,
        Record, Use,
    },
};
use fairway_kv::{Condition, Entry, Revision, Txn, Write};
use std::{collections::BTreeMap, net::IpAddr};

#[derive(Debug, Default)]
pub(crate) struct Store {
    entries: BTreeMap<String, Entry>,
    revision: u64,
}

impl Store {
    /// Did all conditions hold?
    pub(crate) fn commit(&mut self, txn: &Txn) -> bool {
        assert!(txn.conditions.len() <= Txn::LIMIT && txn.writes.len() <= Txn::LIMIT);
        let mut written: Vec<_> = txn.writes.iter().map(Write::key).collect();
        written.sort_unstable();
        written.dedup();
        assert_eq!(
            written.len(),
            txn.writes.len(),
            "a key is written twice: {txn:?}"
        );
        let holds = |condition: &Condition| match condition {
            Condition::Absent { key } => !self.entries.contains_key(key),
            Condition::Unchanged { key, modified } => self
                .entries
                .get(key)
                .is_some_and(|entry| entry.modified == *modified),
        };
        if !txn.conditions.iter().all(holds) {
            return false;
        }
        self.revision += 1;
        for write in &txn.writes {
            match write {
                Write::Put { key, value, .. } => self.put(key.clone(), value.clone()),
                Write::Delete { key } => drop(self.entries.remove(key)),
            }
        }
        true
    }

    pub(crate) fn commit_all(&mut self, txns: &[Txn]) {
        for txn in txns {
            assert!(self.commit(txn), "{txn:?}");
        }
    }

    fn put(&mut self, key: String, value: Vec<u8>) {
        let modified = Revision(self.revision);
        let created = self
            .entries
            .get(&key)
            .map_or(modified, |entry| entry.created);
        let entry = Entry {
            key: key.clone(),
            value,
            created,
            modified,
        };
        self.entries.insert(key, entry);
    }

    /// Writes a key, whatever is there.
    pub(crate) fn set(&mut self, key: &Key, value: Vec<u8>) {
        self.set_raw(key.path(), value);
    }

    pub(crate) fn set_raw(&mut self, key: String, value: Vec<u8>) {
        self.revision += 1;
        self.put(key, value);
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.revision += 1;
        self.entries.remove(&key.path());
    }

    pub(crate) fn view(&self) -> View {
        View::from_entries(
            Revision(self.revision),
            self.entries.values().cloned().collect(),
        )
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn pool(&mut self, name: &str, cidrs: &[&str]) {
        let ranges = cidrs.iter().map(|text| RangeSpec::new(cidr(text)));
        let spec = PoolSpec::new(ranges.collect());
        let txn = create_pool(&self.view(), pool_name(name), spec).unwrap();
        assert!(self.commit(&txn));
    }

    pub(crate) fn node(&mut self, name: &str) {
        let record = NodeRecord {
            journal: journal(name),
            labels: BTreeMap::new(),
            since: UnixSeconds(1),
            daemon: "0".to_owned(),
            host: "h".to_owned(),
            underlay: None,
        };
        self.set(&Key::Node(name.parse().unwrap()), record.encode());
    }

    pub(crate) fn block(
        &mut self,
        pool: &str,
        block: &str,
        owner: Option<&str>,
        entries: Vec<BlockEntry>,
    ) {
        let record = BlockRecord {
            owner: owner.map(|node| BlockOwner {
                node: node.parse().unwrap(),
                journal: journal(node),
                boot: None,
            }),
            epoch: 1,
            free: 0,
            entries,
        };
        self.set(&Key::Block(pool_name(pool), cidr(block)), record.encode());
    }

    pub(crate) fn block_record(&self, pool: &str, block: &str) -> Option<BlockRecord> {
        let at = (pool_name(pool), cidr(block));
        self.view()
            .blocks
            .get(&at)
            .map(|stored| stored.value.clone())
    }

    pub(crate) fn claim(&mut self, pool: &str, name: &str, claim: Claim) {
        let key = Key::Claim(pool_name(pool), claim_name(name));
        self.set(&key, ClaimRecord::Claim(claim).encode());
    }

    pub(crate) fn record(&self, pool: &str, name: &str) -> Option<ClaimRecord> {
        let at = (pool_name(pool), claim_name(name));
        self.view()
            .claims
            .get(&at)
            .map(|stored| stored.value.clone())
    }

    pub(crate) fn single(&self, pool: &str, name: &str) -> Option<Claim> {
        match self.record(pool, name)? {
            ClaimRecord::Claim(claim) => Some(claim),
            ClaimRecord::Set(_) => None,
        }
    }
}

pub(crate) fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn pool_name(text: &str) -> PoolName {
    text.parse().unwrap()
}

pub(crate) fn claim_name(text: &str) -> ClaimName {
    text.parse().unwrap()
}

pub(crate) fn journal(node: &str) -> crate::JournalId {
    format!("{node}-journal").parse().unwrap()
}

pub(crate) fn at(millis: u64) -> Clock {
    Clock {
        now: Millis(millis),
        wall: UnixSeconds(1000 + millis / 1000),
    }
}

pub(crate) fn attachment(container: &str) -> AttachmentId {
    AttachmentId {
        network: "apps".to_owned(),
        container: container.to_owned(),
        ifname: "eth0".to_owned(),
    }
}

pub(crate) fn live(address: &str, container: &str) -> BlockEntry {
    BlockEntry {
        ip: ip(address),
        seq: 7,
        used: Use::Live {
            attachment: attachment(container),
            workload: None,
        },
    }
}

pub(crate) fn cooling(address: &str) -> BlockEntry {
    BlockEntry {
        ip: ip(address),
        seq: 7,
        used: Use::Cooling,
    }
}

pub(crate) fn claimed(address: &str, uid: &str) -> BlockEntry {
    BlockEntry {
        ip: ip(address),
        seq: 7,
        used: Use::Claimed {
            uid: uid.parse().unwrap(),
        },
    }
}

/// A sticky claim that nobody holds.
pub(crate) fn claim(uid: &str, address: &str) -> Claim {
    Claim {
        uid: uid.parse().unwrap(),
        kind: Kind::Sticky,
        parts: vec![Part::Granted { ip: ip(address) }],
        holder: None,
        release: Release::Never,
        handover: Handover::Wait,
        app: None,
        ordinal: None,
        only: None,
        ousted: None,
        ended: None,
        created: UnixSeconds(900),
    }
}

pub(crate) fn held(claim: Claim, node: &str, container: &str) -> Claim {
    Claim {
        holder: Some(Holder {
            node: node.parse().unwrap(),
            journal: journal(node),
            attachment: attachment(container),
            seq: 9,
            since: UnixSeconds(950),
            boot: None,
        }),
        ..claim
    }
}
