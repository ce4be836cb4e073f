//! Ways to break an agent or its driver on purpose, each of which the simulation has to catch.

use crate::rng::Rng;
use fairway_ipam::{
    Action, Effects, Input, Outcome, Request,
    keys::Key,
    record::{BlockRecord, ClaimRecord, Part, Record},
};
use fairway_kv::{Change, Committed, Entry, Update, Write};

/// A way to break it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// One in twenty journal changes is not written.
    ForgetsJournal,
    /// Actions are carried out before the journal is durable.
    AnswersBeforeDurable,
    /// The agent believes that pools have no cooldown.
    NoCooldown,
    /// Transactions are sent without their conditions.
    BlindWrites,
    /// The watch leaves out one change in ten.
    DeafWatch,
    /// What a sweep saw is taken for a DEL, whatever its number.
    GoneIsRelease,
    /// GC frees what is younger than its list.
    CollectsTheYoung,
    /// DEL is answered, and nothing is freed.
    DropsRelease,
    /// One in a hundred answers is never given.
    Mute,
    /// One in fifty answers is given twice.
    Stutters,
    /// Blocks' epochs do not go up.
    OldEpoch,
    /// After a lost journal, nobody looks at the kernel.
    NoSightings,
    /// Containers are never cut off.
    NeverCutsOff,
    /// An explicit address is taken for a wish.
    IgnoresExplicit,
    /// A claim's address is another one, now and then.
    MovesClaims,
    /// Claims are not taken note of: a workload's address is anything.
    NotSticky,
}

impl Sabotage {
    /// All ways.
    pub const ALL: [Sabotage; 16] = [
        Sabotage::ForgetsJournal,
        Sabotage::AnswersBeforeDurable,
        Sabotage::NoCooldown,
        Sabotage::BlindWrites,
        Sabotage::DeafWatch,
        Sabotage::GoneIsRelease,
        Sabotage::CollectsTheYoung,
        Sabotage::DropsRelease,
        Sabotage::Mute,
        Sabotage::Stutters,
        Sabotage::OldEpoch,
        Sabotage::NoSightings,
        Sabotage::NeverCutsOff,
        Sabotage::IgnoresExplicit,
        Sabotage::MovesClaims,
        Sabotage::NotSticky,
    ];

    /// Changes what the agent is told.
    pub(crate) fn input(self, mut input: Input, rng: &mut Rng) -> Input {
        match (self, &mut input) {
            (Sabotage::NoCooldown, Input::Store(update)) => match update {
                Update::Reset { entries, .. } => entries.iter_mut().for_each(no_cooldown),
                Update::Changes { changes, .. } => changes.iter_mut().for_each(|change| {
                    if let Change::Put(entry) = change {
                        no_cooldown(entry);
                    }
                }),
                Update::Lost => {}
            },
            (Sabotage::NoCooldown, Input::Txn(_, Outcome::Done(Committed::No { found, .. }))) => {
                found
                    .iter_mut()
                    .filter_map(|(_, entry)| entry.as_mut())
                    .for_each(no_cooldown);
            }
            (Sabotage::DeafWatch, Input::Store(Update::Changes { changes, .. })) => {
                changes.retain(|_| !rng.chance(100));
            }
            (Sabotage::GoneIsRelease, Input::Request(_, request)) => {
                if let Request::Gone(attachment, _) = request {
                    *request = Request::Release(attachment.clone());
                }
            }
            (Sabotage::CollectsTheYoung, Input::Request(_, Request::Collect { before, .. })) => {
                *before = u64::MAX;
            }
            (
                Sabotage::DropsRelease,
                Input::Request(_, Request::Release(attachment) | Request::Gone(attachment, _)),
            ) => attachment.network.push_str("-lost"),
            (Sabotage::IgnoresExplicit, Input::Request(_, Request::Allocate(asked))) => {
                asked.addresses.clear()
            }
            (Sabotage::NotSticky, Input::Request(_, Request::Allocate(asked))) => {
                asked.workload = None
            }
            _ => {}
        }
        input
    }

    /// Changes what the agent wants.
    pub(crate) fn effects(self, effects: &mut Effects, rng: &mut Rng) {
        match self {
            Sabotage::ForgetsJournal => effects.journal.retain(|_| !rng.chance(50)),
            Sabotage::Mute => effects
                .actions
                .retain(|action| !matches!(action, Action::Answer(..)) || !rng.chance(10)),
            Sabotage::NeverCutsOff => effects
                .actions
                .retain(|action| !matches!(action, Action::CutOff { .. })),
            Sabotage::Stutters => {
                let twice = effects
                    .actions
                    .iter()
                    .find(|action| matches!(action, Action::Answer(..)))
                    .cloned();
                effects.actions.extend(twice.filter(|_| rng.chance(20)));
            }
            Sabotage::BlindWrites => for_txns(effects, |txn| txn.conditions.clear()),
            Sabotage::OldEpoch => {
                for_txns(effects, |txn| txn.writes.iter_mut().for_each(old_epoch))
            }
            Sabotage::MovesClaims => {
                let moves = rng.chance(100);
                for_txns(effects, |txn| {
                    txn.writes.iter_mut().filter(|_| moves).for_each(move_claim)
                });
            }
            _ => {}
        }
    }
}

fn for_txns(effects: &mut Effects, change: impl Fn(&mut fairway_kv::Txn)) {
    for action in &mut effects.actions {
        if let Action::Commit(_, txn) = action {
            change(txn);
        }
    }
}

fn no_cooldown(entry: &mut Entry) {
    if let Some(Key::Pool(_)) = Key::parse(&entry.key)
        && let Ok(mut spec) = fairway_ipam::PoolSpec::decode(&entry.value)
    {
        spec.cooldown = 0;
        entry.value = spec.encode();
    }
}

fn old_epoch(write: &mut Write) {
    if let Write::Put { key, value, .. } = write
        && let Some(Key::Block(..)) = Key::parse(key)
        && let Ok(mut record) = BlockRecord::decode(value)
    {
        record.epoch = 1;
        *value = record.encode();
    }
}

fn move_claim(write: &mut Write) {
    if let Write::Put { key, value, .. } = write
        && let Some(Key::Claim(..)) = Key::parse(key)
        && let Ok(ClaimRecord::Claim(mut claim)) = ClaimRecord::decode(value)
    {
        for part in &mut claim.parts {
            if let Part::Granted {
                ip: std::net::IpAddr::V4(ip),
            } = part
            {
                *ip = std::net::Ipv4Addr::from_bits(ip.to_bits() ^ 1);
            }
        }
        *value = ClaimRecord::Claim(claim).encode();
    }
}
