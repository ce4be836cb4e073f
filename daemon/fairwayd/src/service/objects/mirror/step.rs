//! What is to be done next so that a pool, a claim or a network is as an API server has it: pure, and computed anew after
//! each step from what the store has then. It comes to its end when a look shows that all is so, and so it does
//! whoever was killed in the middle, and wherever.

use super::super::{
    AddressKind, addressing,
    marks::{self, Record, Stamp, Standing},
};
use fairway_ipam::{
    ClaimName, Clock, NetworkName, PoolChange, PoolName, PoolPhase, View,
    admin::{AdminError, Retire, Which, change_pool, finish_retire, remove_claims, remove_network},
    keys::Key,
};
use fairway_k8s::Outcome;
use fairway_kv::{Condition, Entry, ROOT, Revision, Txn, Write};
use fairway_pools::{Mark, Object, claim};
use std::collections::BTreeMap;

/// What the store has.
#[derive(Debug, Default)]
pub(super) struct There {
    pub(super) view: View,
    pub(super) stamps: BTreeMap<String, Stamp>,
}

impl There {
    pub(super) fn of(revision: Revision, entries: Vec<Entry>) -> There {
        let folder = format!("{ROOT}origins/");
        let (marks, others) = entries
            .into_iter()
            .partition::<Vec<_>, _>(|entry| entry.key.starts_with(&folder));
        let stamp = |entry: Entry| (entry.key.clone(), Stamp::of(&entry));
        There {
            view: View::from_entries(revision, others),
            stamps: marks.into_iter().map(stamp).collect(),
        }
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub(super) enum Next<'a> {
    /// Nothing.
    Settled(Outcome),
    /// These, one by one as far as they can be; then another look.
    Commit(Vec<Txn>),
    /// The nodes are to make this claim, as long as its mark stands; then another look.
    Make(&'a claim::Wish, Condition),
}

/// One change on its way to its end. What the nodes refuse to make is looked at once more, and not asked for a second time:
/// the claim may be there all the same, made by a leader of before or after their answer was given up, and is then to have
/// its mark at once.
#[derive(Debug, Default)]
pub(super) struct Way {
    refused: Option<Outcome>,
}

impl Way {
    /// As [`next`].
    pub(super) fn next<'a>(
        &mut self,
        there: &There,
        of: (AddressKind, &str),
        wish: Option<&'a Object>,
        now: Clock,
    ) -> Next<'a> {
        let next = next(there, of, wish, now);
        let stands = match &next {
            Next::Make(..) => true,
            // One that lacks an address still is taken away again by whoever began it.
            Next::Settled(Outcome::Done) => !wish.is_some_and(|wish| is_whole(&there.view, wish)),
            _ => false,
        };
        match self.refused.take_if(|_| stands) {
            Some(refused) => Next::Settled(refused),
            None => next,
        }
    }

    /// What the nodes said; none: it is made.
    pub(super) fn made(&mut self, refused: Option<Outcome>) {
        self.refused = refused;
    }
}

fn is_whole(view: &View, wish: &Object) -> bool {
    let claim = single(wish).and_then(|wish| view.claim(&wish.pool, &wish.name));
    claim.is_some_and(|(claim, _)| claim.addresses().is_some())
}

/// What is to be done; none wanted: it is to go.
pub(super) fn next<'a>(
    there: &There,
    (kind, name): (AddressKind, &str),
    wish: Option<&'a Object>,
    now: Clock,
) -> Next<'a> {
    let view = &there.view;
    if let Some(text) = unreadable(view, kind, name) {
        return Next::Settled(match wish {
            Some(_) => Outcome::Refused(text),
            None => Outcome::Waits(text),
        });
    }
    let records = marks::records(view, kind, name);
    let key = marks::path(kind, name);
    let mark = |stamp: &Stamp| Placed {
        key: key.clone(),
        modified: stamp.modified,
    };
    match (marks::standing(there.stamps.get(&key), &records), wish) {
        (Standing::Foreign(text), Some(_)) => Next::Settled(Outcome::Foreign(text.to_owned())),
        (Standing::Foreign(_) | Standing::Free, None) => Next::Settled(Outcome::Done),
        (Standing::Stale(stamp), _) | (Standing::Making(stamp), None) => {
            Next::Commit(vec![mark(stamp).removed()])
        }
        (Standing::Free, Some(wish)) => create(view, key, wish, now),
        (Standing::Making(stamp), Some(wish)) => match single(wish) {
            Some(claim) => match addressing::misplaced(view, claim) {
                Some(why) => refused(why),
                None => Next::Make(claim, mark(stamp).stands()),
            },
            None => Next::Commit(vec![mark(stamp).removed()]),
        },
        (Standing::Made(stamp, record), _) => Next::Commit(vec![Txn {
            conditions: vec![mark(stamp).stands(), as_it_is(record)],
            writes: vec![put(key, Mark::Of(record.created.0).write())],
        }]),
        (Standing::Ours(stamp, _), Some(wish)) => {
            let stands = mark(stamp).stands();
            match judged(view, wish, now) {
                Ok(txns) if txns.is_empty() => Next::Settled(Outcome::Done),
                Ok(txns) => Next::Commit(guarded(txns, &stands)),
                Err(next) => next,
            }
        }
        (Standing::Ours(stamp, record), None) => remove(view, (kind, name), &mark(stamp), record),
    }
}

/// A mark that is there.
struct Placed {
    key: String,
    modified: Revision,
}

impl Placed {
    fn stands(&self) -> Condition {
        let (key, modified) = (self.key.clone(), self.modified);
        Condition::Unchanged { key, modified }
    }

    fn removed(&self) -> Txn {
        Txn {
            conditions: vec![self.stands()],
            writes: vec![self.removal()],
        }
    }

    fn removal(&self) -> Write {
        let key = self.key.clone();
        Write::Delete { key }
    }
}

fn create<'a>(view: &View, mark: String, wish: &'a Object, now: Clock) -> Next<'a> {
    let absent = Condition::Absent { key: mark.clone() };
    if let Some(claim) = single(wish) {
        if let Some(why) = addressing::misplaced(view, claim) {
            return refused(why);
        }
        let key = Key::Claim(claim.pool.clone(), claim.name.clone()).path();
        return Next::Commit(vec![Txn {
            conditions: vec![absent, Condition::Absent { key }],
            writes: vec![put(mark, Mark::Making.write())],
        }]);
    }
    match judged(view, wish, now) {
        Ok(mut txns) => {
            // What makes it is one transaction, and its mark is of the same revision.
            if let Some(last) = txns.last_mut() {
                last.conditions.push(absent);
                last.writes.push(put(mark, Mark::Together.write()));
            }
            Next::Commit(txns)
        }
        Err(next) => next,
    }
}

/// The judge's word: what makes it so.
fn judged<'a>(view: &View, wish: &Object, now: Clock) -> Result<Vec<Txn>, Next<'a>> {
    if let Object::Claim(claim) = wish
        && let Some(why) = addressing::misplaced(view, claim)
    {
        return Err(refused(why));
    }
    match addressing::steps(view, wish, now) {
        Ok(plan) => plan.summary.map(|_| plan.txns).map_err(refused),
        Err(error) => Err(Next::Settled(Outcome::Refused(error.to_string()))),
    }
}

fn remove<'a>(
    view: &View,
    (kind, name): (AddressKind, &str),
    mark: &Placed,
    record: &Record,
) -> Next<'a> {
    let plan = match kind {
        AddressKind::IPPool => PoolName::new(name)
            .ok()
            .map(|name| retire(view, &name, mark)),
        AddressKind::Network => NetworkName::new(name).ok().map(|name| {
            let txn = remove_network(view, &name, false);
            txn.map(|txn| with_mark(vec![txn], mark))
        }),
        AddressKind::IPClaim => ClaimName::new(name).ok().map(|name| {
            let pool = record.pool.clone();
            let plan = remove_claims(view, &Which::Named { name, pool }, false)?;
            // A set's own record goes last, with the mark: until then it is known whose its members are.
            let mut txns = plan.txns;
            txns.reverse();
            Ok(with_mark(txns, mark))
        }),
    };
    match plan {
        Some(Ok(txns)) if txns.is_empty() => Next::Settled(Outcome::Waits(waits(view, name))),
        Some(Ok(txns)) => Next::Commit(txns),
        // Whatever stands against it may be gone the next time.
        Some(Err(error)) => Next::Settled(Outcome::Waits(error.to_string())),
        None => Next::Settled(Outcome::Done),
    }
}

/// A pool goes as by `netctl pool rm`: it retires, and some daemon takes it away when its last address is back. Its mark
/// stays until it is gone.
fn retire(view: &View, name: &PoolName, mark: &Placed) -> Result<Vec<Txn>, AdminError> {
    let there = view.pools.get(name);
    if there.is_some_and(|there| there.value.spec.phase == PoolPhase::Retiring) {
        return Ok(Vec::new());
    }
    let plan = change_pool(view, name, &PoolChange::retire())?;
    Ok(guarded(plan.txns, &mark.stands()))
}

/// What a pool that retires waits for.
fn waits(view: &View, name: &str) -> String {
    let left = PoolName::new(name)
        .ok()
        .map(|name| finish_retire(view, &name));
    match left {
        Some(Ok(Retire::Waiting(left))) => format!(
            "it goes when its last address is back: {} of containers, {} claims, {} resting, {} blocks of nodes",
            left.live, left.claims, left.cooling, left.blocks
        ),
        Some(Err(error)) => error.to_string(),
        _ => "it goes in a moment".to_owned(),
    }
}

/// All on the condition that the mark stands, which goes with the last.
fn with_mark(txns: Vec<Txn>, mark: &Placed) -> Vec<Txn> {
    let mut txns = guarded(txns, &mark.stands());
    if let Some(last) = txns.last_mut() {
        last.writes.push(mark.removal());
    }
    txns
}

fn guarded(mut txns: Vec<Txn>, condition: &Condition) -> Vec<Txn> {
    for txn in &mut txns {
        txn.conditions.push(condition.clone());
    }
    txns
}

/// A claim that nodes have to make.
fn single(wish: &Object) -> Option<&claim::Wish> {
    match wish {
        Object::Claim(claim) if claim.set.is_none() => Some(claim),
        _ => None,
    }
}

fn refused<'a>((field, what): (String, String)) -> Next<'a> {
    Next::Settled(Outcome::Refused(format!("{field}: {what}")))
}

/// Why nothing can be said of a name.
fn unreadable(view: &View, kind: AddressKind, name: &str) -> Option<String> {
    let folder = match kind {
        AddressKind::IPPool => "pools/",
        AddressKind::Network => "networks/",
        AddressKind::IPClaim => "claims/",
    };
    let folder = format!("{ROOT}{folder}");
    let is_it = |key: &String| {
        let rest = key.strip_prefix(&folder);
        rest.is_some_and(|rest| match kind {
            AddressKind::IPClaim => rest.split_once('/').is_some_and(|(_, own)| own == name),
            _ => rest == name,
        })
    };
    let mut all = view.unreadable.iter();
    let (key, why) = all.find(|(key, _)| is_it(key))?;
    Some(format!("{key}: {}", why.error))
}

fn as_it_is(record: &Record) -> Condition {
    let (key, modified) = (record.key.clone(), record.modified);
    Condition::Unchanged { key, modified }
}

fn put(key: String, value: Vec<u8>) -> Write {
    let lease = None;
    Write::Put { key, value, lease }
}

#[cfg(test)]
mod tests;
