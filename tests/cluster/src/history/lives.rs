//! Who had which addresses, from when until when at least.
//!
//! A hold begins when its ADD was answered: before, the container could not use the addresses. It ends
//! when the first DEL after it was *begun*: from then on the daemon may free them at any time, whatever
//! became of the DEL. So two holds of one address that overlap are two containers that had it at once, with
//! no doubt left; and what is not certain is never counted against the daemon.

use super::{Ask, Call, Line, Outcome};
use fairway_api::ipam::{Attachment, Facts};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses in a container's hands.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Whose.
    pub who: Attachment,
    /// By which daemon.
    pub node: String,
    /// One of each family.
    pub addresses: Vec<IpAddr>,
    /// The workload's claim; none for an ordinary, temporary or borrowed address.
    pub claim: Option<String>,
    /// What was said about the workload.
    pub facts: Facts,
    /// The daemon's number.
    pub seq: u64,
    /// When its ADD began.
    pub asked: u64,
    /// When its ADD was answered.
    pub from: u64,
    /// When its DEL began; `u64::MAX`: never.
    pub until: u64,
}

impl Hold {
    /// Who rests an address against whom: the claim, else the container.
    pub fn workload(&self) -> String {
        let of = |claim: &String| format!("claim {claim}");
        let own = || super::violation::name(&self.who);
        self.claim.as_ref().map_or_else(own, of)
    }
}

/// All that happened to one container's interface.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// In the order in which they began. The caller makes one at a time.
    pub calls: Vec<Call>,
}

/// What an attachment may have at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Certainly addresses: ADD was answered, no DEL has begun.
    Has,
    /// Certainly none: never asked, refused, or DEL was answered.
    HasNone,
    /// Nobody can tell.
    Open,
}

impl Life {
    /// How it stands from `start` to `end`, if no call of it falls in between.
    pub fn standing(&self, start: u64, end: u64) -> Standing {
        let mut standing = Standing::HasNone;
        for call in &self.calls {
            if call.start > end {
                break;
            }
            standing = match (&call.ask, &call.outcome) {
                (Ask::Check { .. } | Ask::Unclaim { .. }, _) => continue,
                _ if call.end > start => return Standing::Open,
                (_, Outcome::Given(_)) => Standing::Has,
                // A refusal changes nothing: "already attached" is one.
                (Ask::Add { .. }, Outcome::Refused { .. }) => standing,
                (Ask::Del { .. }, Outcome::Freed(_)) => Standing::HasNone,
                _ => Standing::Open,
            };
        }
        standing
    }
}

/// A history, sorted by whom it is about.
#[derive(Debug, Clone, Default)]
pub struct Lives {
    /// Each container's interface.
    pub of: BTreeMap<Attachment, Life>,
    /// In the order in which they began to be certain.
    pub holds: Vec<Hold>,
    /// When claims were taken away: name and begin, in order.
    pub unclaims: BTreeMap<String, Vec<u64>>,
}

impl Lives {
    /// Sorts a history.
    pub fn new(lines: &[Line]) -> Self {
        let mut lives = Self::default();
        for line in lines {
            let Line::Call(call) = line else { continue };
            match (&call.ask, &call.outcome) {
                (Ask::Unclaim { .. }, Outcome::Refused { .. }) => {}
                (Ask::Unclaim { claim }, _) => {
                    let times = lives.unclaims.entry(claim.clone()).or_default();
                    times.push(call.start);
                }
                (ask, _) => {
                    if let Some(who) = ask.attachment() {
                        let life = lives.of.entry(who.clone()).or_default();
                        life.calls.push(call.clone());
                    }
                }
            }
        }
        lives.unclaims.values_mut().for_each(|times| times.sort());
        for life in lives.of.values_mut() {
            life.calls.sort_by_key(|call| call.start);
            lives.holds.extend(holds(life));
        }
        lives.holds.sort_by_key(|hold| hold.from);
        lives
    }

    /// When a claim that had a holder at `at` was taken away after that.
    pub fn unclaimed_after(&self, claim: &str, at: u64) -> Option<u64> {
        let times = self.unclaims.get(claim)?;
        times.iter().copied().find(|time| *time >= at)
    }
}

fn holds(life: &Life) -> impl Iterator<Item = Hold> + '_ {
    let calls = life.calls.iter().enumerate();
    calls.filter_map(|(index, call)| {
        let (Ask::Add { attachment, facts }, Outcome::Given(given)) = (&call.ask, &call.outcome)
        else {
            return None;
        };
        let del = |call: &&Call| matches!(call.ask, Ask::Del { .. });
        let claims = given.addresses.iter().filter_map(|a| a.claim.clone());
        let own = claims.filter(|claim| !claim.starts_with("~borrow/"));
        Some(Hold {
            who: attachment.clone(),
            node: call.node.clone(),
            addresses: given.addresses.iter().map(|a| a.ip).collect(),
            claim: own.into_iter().next(),
            facts: (**facts).clone(),
            seq: given.seq,
            asked: call.start,
            from: call.end,
            until: life.calls[index..]
                .iter()
                .find(del)
                .map_or(u64::MAX, |del| del.start),
        })
    })
}
