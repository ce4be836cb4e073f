//! Judges what happens: who was told that an address is its own, by what right, and until when.
//!
//! It sees what the containers see (answers that arrived, addresses that were taken away, the moment in
//! which a container ends) and what the store sees (each transaction), never what an agent believes.

mod answers;
mod claims;
mod rights;
mod truth;

pub(crate) use answers::Context;
pub(crate) use truth::{Author, Title};

use crate::{
    event::{Ms, NodeIx},
    violation::Violation,
};
use fairway_ipam::{AttachmentId, JournalId, Lease, NodeName};
use fairway_kv::Change;
use std::{collections::BTreeMap, net::IpAddr};
use truth::Truth;

/// An attachment of a node.
pub(crate) type Who = (NodeIx, AttachmentId);

/// What an attachment was told that it has.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) addresses: Vec<(IpAddr, Title)>,
    pub(crate) seq: u64,
    /// The journal by which it was given.
    pub(crate) journal: JournalId,
}

/// How an attachment's right stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// It has it.
    Good,
    /// It has lost it at that revision, because somebody was allowed to take it (`forced`); since when it
    /// is whose it is now.
    Lost {
        ceased: u64,
        since: u64,
        to: Option<String>,
        forced: bool,
    },
}

/// The judge.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) truth: Truth,
    names: Vec<NodeName>,
    index: BTreeMap<NodeName, NodeIx>,
    /// Nodes' journals as of now.
    journals: Vec<JournalId>,
    /// Up to which revision each node has done what follows from it.
    followed: Vec<u64>,
    pub(crate) held: BTreeMap<Who, Held>,
    live: BTreeMap<IpAddr, Vec<Who>>,
    /// Who had an address last, and until when.
    used: BTreeMap<IpAddr, (String, Ms)>,
    /// Those whose right ended by force while they lived.
    shaken: Vec<Who>,
    /// How many answers were judged.
    pub(crate) given: u64,
}

impl Oracle {
    pub(crate) fn new(
        names: Vec<NodeName>,
        journals: Vec<JournalId>,
        reclaim: Option<u64>,
    ) -> Oracle {
        let index = names.iter().cloned().enumerate();
        let mut oracle = Oracle {
            index: index.map(|(at, name)| (name, at)).collect(),
            followed: vec![0; names.len()],
            names,
            journals,
            ..Oracle::default()
        };
        oracle.truth.reclaim = reclaim;
        oracle
    }

    /// As it stands in messages.
    pub(crate) fn text(&self, who: &Who) -> String {
        format!("{} {}", self.names[who.0], who.1)
    }

    /// A node has a new journal.
    pub(crate) fn journal(&mut self, node: NodeIx, journal: JournalId) {
        self.journals[node] = journal;
    }

    /// A transaction was done.
    pub(crate) fn committed(
        &mut self,
        now: Ms,
        revision: u64,
        author: &Author,
        changes: &[Change],
    ) -> Result<(), Violation> {
        for ended in self.truth.take(now, revision, author, changes)? {
            let Some(node) = self.index.get(&ended.node).copied() else {
                continue;
            };
            let losers = self.losers(node, &ended.title);
            if !ended.forced
                && let Some(who) = losers.first()
            {
                return Err(Violation::Stolen {
                    title: ended.title.to_string(),
                    by: format!("{author:?}"),
                    holder: self.text(who),
                });
            }
            if ended.forced {
                self.shake(now, ended, &losers);
            }
        }
        self.grants_hit_nobody(changes)
    }

    /// A container ended, or the runtime began to end it: from now on it uses no address.
    pub(crate) fn dead(&mut self, now: Ms, who: &Who) {
        let Some(held) = self.held.get(who).cloned() else {
            return;
        };
        for (ip, title) in &held.addresses {
            if self.standing(who, title) == Standing::Good {
                let user = self.user(who, title);
                self.used.insert(*ip, (user, now));
            }
        }
        self.forget(who);
    }

    fn forget(&mut self, who: &Who) {
        let Some(held) = self.held.remove(who) else {
            return;
        };
        for (ip, _) in held.addresses {
            if let Some(list) = self.live.get_mut(&ip) {
                list.retain(|other| other != who);
                if list.is_empty() {
                    self.live.remove(&ip);
                }
            }
        }
        self.shaken.retain(|other| other != who);
    }

    /// A container's addresses were taken away. `then`: its rights were good when the agent said so.
    pub(crate) fn cut(
        &mut self,
        who: &Who,
        addresses: &[IpAddr],
        then: bool,
    ) -> Result<(), Violation> {
        let Some(held) = self.held.get(who) else {
            return Ok(());
        };
        for (ip, title) in &held.addresses {
            if then && addresses.contains(ip) && self.standing(who, title) == Standing::Good {
                return Err(Violation::CutForNothing {
                    holder: self.text(who),
                    ip: *ip,
                });
            }
        }
        if held.addresses.iter().all(|(ip, _)| addresses.contains(ip)) {
            self.forget(who);
            return Ok(());
        }
        let (cut, kept) = held
            .addresses
            .iter()
            .cloned()
            .partition(|(ip, _)| addresses.contains(ip));
        let cut: Vec<(IpAddr, Title)> = cut;
        for (ip, _) in cut {
            if let Some(list) = self.live.get_mut(&ip) {
                list.retain(|other| other != who);
            }
        }
        if let Some(held) = self.held.get_mut(who) {
            held.addresses = kept;
        }
        Ok(())
    }

    /// Was it given by the journal that its node has now? What another gave is known once it was restored.
    pub(crate) fn is_of_journal(&self, who: &Who) -> bool {
        let held = self.held.get(who);
        held.is_some_and(|held| held.journal == self.journals[who.0])
    }

    /// Are all of its rights good?
    pub(crate) fn is_good(&self, who: &Who) -> bool {
        let held = self.held.get(who);
        held.is_some_and(|held| {
            held.addresses
                .iter()
                .all(|(_, title)| self.standing(who, title) == Standing::Good)
        })
    }

    /// A node has done all that follows from the store up to a revision.
    pub(crate) fn followed(&mut self, node: NodeIx, revision: u64) -> Result<(), Violation> {
        self.followed[node] = self.followed[node].max(revision);
        self.shaken.retain(|who| self.held.contains_key(who));
        for who in self.shaken.iter().filter(|who| who.0 == node) {
            for (_, title) in &self.held[who].addresses {
                // A claim that is no more is in no list, and what the kernel shows does not say that there was
                // one: by a new journal the address is an ordinary one of the node's block.
                if self.is_forgotten(title) && !self.is_of_journal(who) {
                    continue;
                }
                if let Standing::Lost {
                    since,
                    to: Some(owner),
                    ..
                } = self.standing(who, title)
                    && since <= self.followed[node]
                {
                    return Err(Violation::NotCutOff {
                        holder: self.text(who),
                        title: title.to_string(),
                        owner,
                    });
                }
            }
        }
        Ok(())
    }

    fn is_forgotten(&self, title: &Title) -> bool {
        match title {
            Title::Claim(_, uid) => {
                let truth = self.truth.claims.get(uid);
                truth.is_none_or(|truth| truth.claim.is_none())
            }
            Title::Block(..) => false,
        }
    }

    /// A daemon that has just begun has only done what its journal shows.
    pub(crate) fn begins(&mut self, node: NodeIx) {
        self.followed[node] = 0;
    }

    /// What an agent says that its attachments have must contain what they were told. What a lost journal
    /// gave is known only once the store was heard (`restored`).
    pub(crate) fn remembered(
        &self,
        node: NodeIx,
        leases: &[Lease],
        restored: bool,
    ) -> Result<(), Violation> {
        let known: BTreeMap<_, _> = leases
            .iter()
            .map(|lease| (&lease.attachment, lease))
            .collect();
        let of_node = self
            .held
            .range((node, nobody())..)
            .take_while(|(who, _)| who.0 == node);
        for (who, held) in of_node {
            let own = held.journal == self.journals[node];
            if !own && !restored {
                continue;
            }
            let lease = known.get(&who.1);
            let fits = lease.is_some_and(|lease| {
                let has = held
                    .addresses
                    .iter()
                    .all(|(ip, _)| lease.addresses.contains(ip));
                has && (!own || lease.seq == held.seq)
            });
            if !fits {
                let had: Vec<_> = held.addresses.iter().map(|(ip, _)| ip).collect();
                return Err(Violation::Forgotten {
                    holder: self.text(who),
                    had: format!("{had:?} seq {}", held.seq),
                    known: lease.map_or("nothing".to_owned(), |lease| {
                        format!("{:?} seq {}", lease.addresses, lease.seq)
                    }),
                });
            }
        }
        Ok(())
    }

    /// Who has an address.
    pub(crate) fn holders(&self, ip: IpAddr) -> &[Who] {
        self.live.get(&ip).map_or(&[], Vec::as_slice)
    }
}

/// Comes before every attachment.
pub(crate) fn nobody() -> AttachmentId {
    AttachmentId {
        network: String::new(),
        container: String::new(),
        ifname: String::new(),
    }
}
