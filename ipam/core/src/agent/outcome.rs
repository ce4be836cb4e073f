//! Transactions: handed out one at a time for each key, and what is learned from their outcome.

use super::block::Used;
use super::{Action, Agent, Notice, Outcome, RequestId, TxnId, task::Task};
use crate::{
    Cidr, PoolName,
    keys::Key,
    record::{ClaimRecord, Part, Record},
};
use fairway_kv::{Committed, Condition, Entry, Revision, Txn, Write};

/// What a transaction is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To own a block.
    Take(PoolName, Cidr),
    /// To tell what is in a block.
    Publish(Cidr),
    /// To give a block back.
    Give(Cidr),
    /// To get a task further.
    Task(RequestId),
    /// What is seen by its effect.
    Other,
}

/// After a failure: so long, doubled each time, up to the second.
const FIRST_REST: u64 = 50;
const LONGEST_REST: u64 = 2_000;

impl Agent {
    /// Hands out a transaction. None of its keys may be busy.
    pub(super) fn commit(&mut self, txn: Txn, purpose: Purpose) {
        self.next_txn += 1;
        let id = TxnId(self.next_txn);
        self.busy.extend(
            txn.keys()
                .into_iter()
                .map(str::to_owned)
                .filter(|key| exclusive(key)),
        );
        self.act(Action::Commit(id, txn.clone()));
        self.under_way.insert(id, (txn, purpose));
    }

    pub(super) fn finished(&mut self, id: TxnId, outcome: Outcome) {
        // One that was handed out before a restart: the mirror tells what became of it.
        let Some((txn, purpose)) = self.under_way.remove(&id) else {
            return;
        };
        for key in txn.keys() {
            self.busy.remove(key);
        }
        self.stirred = true;
        let touched = match outcome {
            Outcome::Done(Committed::Yes { revision }) => {
                self.failures = 0;
                self.rejected = None;
                self.granted_by(&txn, revision);
                self.view.wrote(&txn, revision)
            }
            Outcome::Done(Committed::No { revision, found }) => {
                self.dirty_again(&txn);
                if let Purpose::Task(id) = purpose
                    && self.is_void(id, &found)
                {
                    self.give_up(id, "what it was to be made for has changed meanwhile");
                }
                let touched = self.view.found(found, revision);
                // By all that this node knows it should have been carried out: the mirror lags, or tells of
                // another store. The same at once would be refused again.
                if touched.keys.is_empty() && self.agrees(&txn) {
                    self.pause();
                }
                touched
            }
            Outcome::Unknown => {
                self.dirty_again(&txn);
                return self.pause();
            }
            Outcome::Rejected { reason } => {
                self.dirty_again(&txn);
                self.pause();
                if let Purpose::Task(id) = purpose {
                    self.give_up(id, &format!("the store refuses writes: {reason}"));
                }
                self.rejected = Some(reason.clone());
                return self.act(Action::Notify(Notice::Rejected { reason }));
            }
        };
        self.review(touched);
        if let Purpose::Give(cidr) = purpose {
            self.review_block_at(cidr);
        }
    }

    /// What was set aside for claims that the transaction wrote is theirs now.
    fn granted_by(&mut self, txn: &Txn, revision: Revision) {
        for write in &txn.writes {
            let Write::Put { key, value, .. } = write else {
                continue;
            };
            let Some(Key::Claim(..)) = Key::parse(key) else {
                continue;
            };
            let Ok(ClaimRecord::Claim(claim)) = ClaimRecord::decode(value) else {
                continue;
            };
            for part in &claim.parts {
                if let Part::Granted { ip } = part
                    && let Some(Used::Claimed { uid, granted: None }) =
                        self.own_slot(*ip).map(|slot| &slot.used)
                    && *uid == claim.uid
                {
                    self.grant_known(*ip, claim.uid.clone(), revision);
                }
            }
        }
    }

    /// What the store was not told is to be told again.
    fn dirty_again(&mut self, txn: &Txn) {
        let now = self.clock.now;
        for write in &txn.writes {
            if let Some(Key::Block(_, cidr)) = Key::parse(write.key()) {
                self.blocks.tell(cidr, Some(now));
            }
        }
    }

    /// Does something not hold, in what a transaction found, that was to hold while a claim is made? It never will again.
    fn is_void(&self, id: RequestId, found: &[(String, Option<Entry>)]) -> bool {
        let task = self.tasks.get(&id);
        let mut only_while = task.into_iter().flat_map(Task::only_while);
        only_while.any(|condition| {
            let there = found.iter().find(|(key, _)| key == condition.key());
            let there = there.and_then(|(_, entry)| entry.as_ref());
            let there = there.map(|entry| entry.modified);
            match condition {
                Condition::Absent { .. } => there.is_some(),
                Condition::Unchanged { modified, .. } => there != Some(*modified),
            }
        })
    }

    fn agrees(&self, txn: &Txn) -> bool {
        txn.conditions.iter().all(|condition| {
            // Of keys that are not the address logic's nothing is known that would speak against it.
            let Some(key) = Key::parse(condition.key()) else {
                return true;
            };
            let there = self.view.modified(&key);
            match condition {
                Condition::Absent { .. } => there.is_none(),
                Condition::Unchanged { modified, .. } => there == Some(*modified),
            }
        })
    }

    fn pause(&mut self) {
        let rest = FIRST_REST << self.failures.min(6);
        self.failures += 1;
        self.rest_until = self.clock.now + rest.min(LONGEST_REST);
    }
}

/// Many transactions may rely on a pool, on a node's absence, or on what is not the address logic's, at the same time.
fn exclusive(key: &str) -> bool {
    !matches!(Key::parse(key), None | Some(Key::Pool(_) | Key::Node(_)))
}
