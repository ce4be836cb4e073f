//! Claims and the blocks that their addresses are of, side by side.

use super::{FindingKind as Kind, Fix, Found, store::has};
use crate::{
    Cidr, ClaimName, PoolName,
    admin::{as_seen, knows_claims, put},
    keys::Key,
    record::{BlockEntry, BlockRecord, Claim, Part, Record, Use},
};
use fairway_kv::Txn;
use std::net::IpAddr;

impl Found<'_> {
    /// Each address of a claim must be set aside for it.
    pub(super) fn granted(&mut self, pool: &PoolName, name: &ClaimName, claim: &Claim) {
        let ips: Vec<IpAddr> = claim.parts.iter().filter_map(granted_ip).collect();
        for ip in ips {
            let Some((_, cidr)) = self.view.block_of(ip) else {
                continue;
            };
            let record = self.view.blocks.get(&(pool.clone(), cidr));
            if record.is_none() && self.is_unreadable(pool, cidr) {
                continue;
            }
            let entry = record.and_then(|stored| find(&stored.value, ip));
            let why = match entry.map(|entry| &entry.used) {
                Some(Use::Claimed { uid }) if *uid == claim.uid => continue,
                Some(Use::Claimed { uid }) => format!("is claim {uid}'s"),
                Some(Use::Live { attachment, .. }) => format!("is {attachment}'s"),
                Some(Use::Cooling) => "rests".to_owned(),
                None => "is free".to_owned(),
            };
            let owner = record.and_then(|stored| stored.value.owner.as_ref());
            let whose = owner.map_or("nobody's".to_owned(), |o| format!("node {}'s", o.node));
            let text = format!("claim {name} has {ip}, which {why} in block {cidr}, {whose}");
            let fix = self.regrant(pool, cidr);
            let remedy = "restart the daemon of the block's owner; if it stays, `netctl claim rm`";
            self.add(Kind::NotGranted, Some(pool), Some(ip), text, remedy, fix);
        }
    }

    /// A block that nobody owns, with every claim's address set aside and no other. `None` where it has an
    /// owner, who alone may change it, or where an address that a claim has is a container's.
    pub(super) fn regrant(&self, pool: &PoolName, cidr: Cidr) -> Option<Fix> {
        let view = self.view;
        let known = view.pools.get(pool)?;
        known.value.range_of_block(cidr)?;
        let key = Key::Block(pool.clone(), cidr);
        let stored = view.blocks.get(&(pool.clone(), cidr));
        if stored.is_none() && self.is_unreadable(pool, cidr) {
            return None;
        }
        let mut record = match stored {
            Some(stored) if stored.value.owner.is_some() => return None,
            Some(stored) => stored.value.clone(),
            // As if the pool were the former owner: every owner to come has a higher epoch.
            None => BlockRecord {
                owner: None,
                epoch: known.modified.0,
                free: 0,
                entries: Vec::new(),
            },
        };
        let seen = stored.map_or(known.modified, |stored| stored.modified);
        if !knows_claims(view, pool, seen) {
            return None;
        }
        let mut conditions = vec![as_seen(view, &key), as_seen(view, &Key::Pool(pool.clone()))];
        for entry in &mut record.entries {
            if let Use::Claimed { uid } = &entry.used {
                let ended = match view.claim_by_uid(uid) {
                    Some((_, _, claim, _)) => !has(claim, entry.ip),
                    None => view.is_gone(uid),
                };
                if ended {
                    entry.used = Use::Cooling;
                }
            }
        }
        for ((of, name), stored) in &view.claims {
            let crate::record::ClaimRecord::Claim(claim) = &stored.value else {
                continue;
            };
            let ips = claim.parts.iter().filter_map(granted_ip);
            for ip in ips.filter(|ip| of == pool && cidr.contains(*ip)) {
                let uid = claim.uid.clone();
                let mut entries = record.entries.iter_mut();
                match entries.find(|entry| entry.ip == ip) {
                    Some(entry) => match &entry.used {
                        Use::Claimed { uid } if *uid == claim.uid => continue,
                        Use::Cooling => entry.used = Use::Claimed { uid },
                        _ => return None,
                    },
                    None => record.entries.push(BlockEntry {
                        ip,
                        seq: 0,
                        used: Use::Claimed { uid },
                    }),
                }
                let claim = Key::Claim(of.clone(), name.clone());
                conditions.push(as_seen(view, &claim));
            }
        }
        record.entries.sort_by_key(|entry| entry.ip);
        (conditions.len() <= Txn::LIMIT).then(|| {
            let writes = vec![put(&key, record.encode())];
            Fix::Txn(Txn { conditions, writes })
        })
    }

    fn is_unreadable(&self, pool: &PoolName, cidr: Cidr) -> bool {
        let key = Key::Block(pool.clone(), cidr).path();
        self.view.unreadable.contains_key(&key)
    }
}

fn granted_ip(part: &Part) -> Option<IpAddr> {
    match part {
        Part::Granted { ip } => Some(*ip),
        _ => None,
    }
}

fn find(record: &BlockRecord, ip: IpAddr) -> Option<&BlockEntry> {
    record.entries.iter().find(|entry| entry.ip == ip)
}
