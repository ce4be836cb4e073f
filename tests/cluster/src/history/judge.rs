//! The judge: pure, and shown by forged histories to catch what it is for.

use super::lives::{Hold, Lives, Standing};
use super::{Ask, Call, Line, Outcome, Violation, check_snapshot};
use fairway_api::ipam::Attachment;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What held in the cluster whose history is judged.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The pools' cooldown, in microseconds.
    pub cooldown: u64,
    /// How many addresses each container gets.
    pub families: usize,
}

/// Clocks of daemons count in milliseconds; a rest may look so much shorter.
const GRAIN: u64 = 2_000;
/// Ends of claims are kept in whole seconds of a clock that may be set.
const SECOND: u64 = 1_000_000;
/// What a daemon says when it cannot tell now.
const TRY_AGAIN: u32 = 11;

/// Everything that the history proves against the daemons, in no order.
pub fn judge(lines: &[Line], rules: Rules) -> Vec<Violation> {
    let lives = Lives::new(lines);
    let mut found = Vec::new();
    answers(&lives, rules, &mut found);
    per_address(&lives, rules, &mut found);
    claims(&lives, &mut found);
    numbers(&lives, &mut found);
    checks(&lives, &mut found);
    for line in lines {
        if let Line::Snapshot(listed) = line {
            found.extend(check_snapshot(&lives, listed));
        }
    }
    found
}

/// Each answer by itself.
fn answers(lives: &Lives, rules: Rules, found: &mut Vec<Violation>) {
    for hold in &lives.holds {
        let wrong = |wanted: String| Violation::WrongAddresses {
            who: hold.who.clone(),
            got: hold.addresses.clone(),
            wanted,
        };
        if hold.addresses.len() != rules.families {
            found.push(wrong(format!("{} were due", rules.families)));
        }
        let asked = hold.facts.addresses.iter().map(|a| a.value);
        for ip in asked.filter(|ip| !hold.addresses.contains(ip)) {
            found.push(wrong(format!("it asked for {ip}")));
        }
    }
    for (who, life) in &lives.of {
        let mut had: BTreeSet<IpAddr> = BTreeSet::new();
        let mut certain: Option<&Call> = None;
        for call in &life.calls {
            match (&call.ask, &call.outcome) {
                (Ask::Add { .. }, Outcome::Given(given)) => {
                    if certain.replace(call).is_some() {
                        let (who, at) = (who.clone(), call.end);
                        found.push(Violation::GivenTwice { who, at });
                    }
                    had.extend(given.addresses.iter().map(|a| a.ip));
                }
                // What an unknown ADD was given, nobody can say: whatever its DEL frees is well.
                (Ask::Add { .. }, Outcome::Unknown { .. }) => break,
                (Ask::Del { .. }, outcome) => {
                    certain = None;
                    let Outcome::Freed(freed) = outcome else {
                        continue;
                    };
                    let foreign: Vec<_> = freed
                        .iter()
                        .copied()
                        .filter(|ip| !had.contains(ip))
                        .collect();
                    if !foreign.is_empty() {
                        found.push(Violation::FreedAnothers {
                            who: who.clone(),
                            freed: foreign,
                            at: call.end,
                        });
                    }
                }
                _ => {}
            }
        }
    }
}

/// Who had an address after whom.
fn per_address(lives: &Lives, rules: Rules, found: &mut Vec<Violation>) {
    let mut by_address: BTreeMap<IpAddr, Vec<&Hold>> = BTreeMap::new();
    for hold in &lives.holds {
        for ip in &hold.addresses {
            by_address.entry(*ip).or_default().push(hold);
        }
    }
    for (ip, holds) in by_address {
        // The one that ends last of those so far: not always the one before.
        let mut last: Option<&Hold> = None;
        for next in holds {
            if let Some(last) = last {
                found.extend(follows(ip, last, next, lives, rules));
            }
            if last.is_none_or(|last| last.until <= next.until) {
                last = Some(next);
            }
        }
    }
}

/// May `next` have the address after `last`?
fn follows(ip: IpAddr, last: &Hold, next: &Hold, lives: &Lives, rules: Rules) -> Option<Violation> {
    if next.from < last.until {
        let (a, b, at) = (last.who.clone(), next.who.clone(), next.from);
        return Some(Violation::HeldTwice { ip, a, b, at });
    }
    if last.workload() == next.workload() {
        return None;
    }
    let (from, to) = (last.workload(), next.workload());
    let Some(freed) = freed(last, lives) else {
        let claim = last.claim.clone().unwrap_or_default();
        let at = next.from;
        return Some(Violation::ClaimRobbed { ip, claim, to, at });
    };
    let after = next.from.saturating_sub(freed);
    let rest = rules.cooldown;
    let rested = after + GRAIN >= rest;
    (!rested).then_some(Violation::NotRested {
        ip,
        from,
        to,
        after,
        rest,
    })
}

/// The earliest time at which what a hold had can have been freed; none: never.
fn freed(hold: &Hold, lives: &Lives) -> Option<u64> {
    let Some(claim) = &hold.claim else {
        return Some(hold.until);
    };
    let release = hold.facts.release.as_ref().map(|r| r.value.as_str());
    let kept = release.and_then(|r| r.strip_prefix("after:")?.strip_suffix('s')?.parse().ok());
    let ran_out = kept.map(|seconds: u64| {
        let kept = seconds.saturating_sub(1).saturating_mul(SECOND);
        hold.until.saturating_add(kept)
    });
    // One who never went is not outlived by his claim.
    let unclaimed = lives.unclaimed_after(claim, hold.asked);
    [ran_out, unclaimed].into_iter().flatten().min()
}

/// A claim keeps its addresses for as long as it is there.
fn claims(lives: &Lives, found: &mut Vec<Violation>) {
    let mut last: BTreeMap<&str, &Hold> = BTreeMap::new();
    for hold in &lives.holds {
        let Some(claim) = &hold.claim else { continue };
        let Some(before) = last.insert(claim, hold) else {
            continue;
        };
        let ended = freed(before, lives).is_some_and(|ended| ended <= hold.from);
        let sorted = |hold: &Hold| hold.addresses.iter().copied().collect::<BTreeSet<_>>();
        if !ended && sorted(before) != sorted(hold) {
            found.push(Violation::ClaimMoved {
                claim: claim.clone(),
                had: before.addresses.clone(),
                got: hold.addresses.clone(),
                at: hold.from,
            });
        }
    }
}

/// A node's numbers go up, also over restarts.
fn numbers(lives: &Lives, found: &mut Vec<Violation>) {
    let mut by_node: BTreeMap<&str, Vec<&Hold>> = BTreeMap::new();
    for hold in &lives.holds {
        by_node.entry(&hold.node).or_default().push(hold);
    }
    for (node, holds) in by_node {
        // Holds are in the order of their answers; who asks after an answer must get a larger number.
        let mut asked: Vec<_> = holds.clone();
        asked.sort_by_key(|hold| hold.asked);
        let mut answered = holds.iter().peekable();
        let mut highest = 0;
        for hold in asked {
            while let Some(before) = answered.next_if(|before| before.from < hold.asked) {
                highest = highest.max(before.seq);
            }
            if hold.seq <= highest {
                found.push(Violation::SequenceBack {
                    node: node.to_owned(),
                    earlier: highest,
                    later: hold.seq,
                    at: hold.from,
                });
            }
        }
    }
}

/// A CHECK of a container that certainly had its addresses all the time.
fn checks(lives: &Lives, found: &mut Vec<Violation>) {
    let lost = |who: &Attachment, ip: &IpAddr, how: &str| Violation::Lost {
        who: who.clone(),
        ip: *ip,
        how: format!("CHECK: {how}"),
    };
    for (who, life) in &lives.of {
        for call in &life.calls {
            let (Ask::Check { addresses, .. }, Outcome::Refused { code, message }) =
                (&call.ask, &call.outcome)
            else {
                continue;
            };
            let has = life.standing(call.start, call.end) == Standing::Has;
            if *code != TRY_AGAIN && has {
                found.extend(addresses.iter().map(|ip| lost(who, ip, message)));
            }
        }
    }
}
