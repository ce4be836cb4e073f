//! A quiet cluster: all that was broken is mended, everybody tidies up, and then store, nodes and
//! containers must agree, each address accounted for, and whoever asks must be served.

use crate::{
    balance::unbalanced,
    event::{Event, NodeIx},
    node::Stage,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{AttachmentId, Pool, PoolPhase, RequestId};

/// Milliseconds after which every late transaction and every request has come to an end.
const LATE: u64 = 60_000;

impl World {
    /// Mends everything, waits until it is quiet, and checks that all fits.
    pub(crate) fn calm_down(&mut self) -> Checked {
        self.storm = false;
        self.full = false;
        self.must = None;
        self.note(|_| "all is mended".to_owned());
        self.remove_dead()?;
        self.open_pools()?;
        for at in 0..self.nodes.len() {
            self.nodes[at].wrong = 0;
            self.mend(at);
            self.queue.at(self.now, Event::Start(at));
            self.plan_pump(at);
        }
        self.settle(LATE)?;
        // What they had asked for may have come to pass after they were removed.
        self.remove_dead()?;
        // A sweep, and what follows from it: what was freed rests, blocks that are not needed go back.
        let rest = self.longest_rest();
        self.sweep_all();
        self.settle(rest + self.profile.idle_block + self.tended())?;
        self.is_still()?;
        self.balanced()
    }

    /// Where nobody wants anything, nobody writes anything.
    fn is_still(&mut self) -> Checked {
        let before = self.store.revision();
        self.settle(10_000)?;
        let Some((after, changes)) = self.store.since(before, usize::MAX) else {
            return Ok(());
        };
        match changes.last() {
            None => Ok(()),
            Some(last) => Err(Violation::Restless {
                writes: after - before,
                key: last.key().to_owned(),
            }),
        }
    }

    fn remove_dead(&mut self) -> Checked {
        let dead = self.nodes.iter().filter(|node| node.dead);
        let dead: Vec<_> = dead.map(|node| node.name.clone()).collect();
        for node in dead {
            let view = self.view();
            self.remove_node(&view, &node, true, false)?;
        }
        Ok(())
    }

    fn longest_rest(&self) -> u64 {
        let pools = self.oracle.truth.pools.values();
        pools.map(|pool| pool.cooldown()).max().unwrap_or(0)
    }

    /// Goes on as before.
    pub(crate) fn storm(&mut self) {
        self.storm = true;
        self.queue.at(self.now, Event::Chance);
        self.note(|_| "the storm goes on".to_owned());
    }

    /// Milliseconds within which what nobody owns was looked at twice.
    fn tended(&self) -> u64 {
        5 * self.sweeps_every()
    }

    fn settle(&mut self, millis: u64) -> Checked {
        self.run_until(self.now + millis)
    }

    fn sweep_all(&mut self) {
        for at in 0..self.nodes.len() {
            self.sweep_now(at);
        }
    }

    /// Somebody asks on some nodes, one after the other, and is served as long as there is something.
    pub(crate) fn serves(&mut self, rounds: usize) -> Checked {
        for _ in 0..rounds {
            let at = self.rng.below(self.nodes.len() as u64) as usize;
            let pools: Vec<_> = self.oracle.truth.pools.values().cloned().collect();
            let Some(pool) = self.rng.pick(&pools).cloned() else {
                continue;
            };
            let free = self.free(&pool);
            let opens = pool.spec.phase == PoolPhase::Active
                && !pool.ranges.iter().any(|range| range.draining);
            if self.nodes[at].dead || free == 0 || !opens {
                continue;
            }
            self.must_serve(at, &pool, free)?;
        }
        self.sweep_all();
        let rest = self.longest_rest();
        self.settle(rest + 10_000)
    }

    fn must_serve(&mut self, at: NodeIx, pool: &Pool, free: u64) -> Checked {
        let container = format!("q{}", self.number());
        let attachment = AttachmentId {
            network: "net-q".to_owned(),
            container,
            ifname: "eth0".to_owned(),
        };
        let mut asked = self.asked(at, &attachment);
        asked.pool = Some(pool.name.clone());
        asked.release = Some(fairway_ipam::Release::OnDelete);
        asked.deadline = self.clock(at).now + 20_000;
        self.add_container(at, attachment.clone(), None);
        self.must = Some(attachment.clone());
        let sent: Option<RequestId> = self.request(at, asked);
        let until = self.now + 25_000;
        while self.now < until && self.is_adding(at, &attachment) {
            if !self.step()? {
                break;
            }
        }
        let served = self.nodes[at]
            .containers
            .get(&attachment)
            .is_some_and(|container| container.stage == Stage::Live);
        if sent.is_none() || !served {
            return Err(Violation::NotServed {
                holder: format!("{} {attachment}", self.nodes[at].name),
                pool: pool.name.to_string(),
                free,
                reason: "no answer".to_owned(),
            });
        }
        self.must = None;
        self.doom(at, &attachment);
        let rest = self.longest_rest();
        self.settle(rest + 3_000)
    }

    fn is_adding(&self, at: NodeIx, attachment: &AttachmentId) -> bool {
        let container = self.nodes[at].containers.get(attachment);
        container.is_some_and(|container| matches!(container.stage, Stage::Adding(_)))
    }

    /// How many addresses could be given, of the family that has fewest.
    fn free(&self, pool: &Pool) -> u64 {
        let used = |family| {
            let blocks = self.oracle.truth.blocks.iter();
            let of = blocks.filter(|((of, cidr), _)| *of == pool.name && cidr.family() == family);
            of.map(|(_, truth)| truth.record.entries.len() as u64)
                .sum::<u64>()
        };
        let all = |family| {
            let ranges = pool
                .ranges
                .iter()
                .filter(|range| range.cidr.family() == family);
            ranges.map(|range| range.gives_in(range.cidr)).sum::<u128>()
        };
        let free = pool.families().into_iter().map(|family| {
            let all = u64::try_from(all(family)).unwrap_or(u64::MAX);
            all.saturating_sub(used(family))
        });
        free.min().unwrap_or(0)
    }

    /// Everything ends: all containers, all claims. Then every address is free.
    pub(crate) fn tear_down(&mut self) -> Checked {
        for at in 0..self.nodes.len() {
            let all: Vec<_> = self.nodes[at].containers.keys().cloned().collect();
            for attachment in all {
                self.doom(at, &attachment);
            }
        }
        self.settle(20_000)?;
        self.remove_all_claims()?;
        self.sweep_all();
        let rest = self.longest_rest();
        self.settle(rest + self.profile.idle_block + self.tended())?;
        self.balanced()?;
        let left = self.all_blocks().into_iter().find_map(|(pool, _, record)| {
            let entry = record.entries.into_iter().next();
            entry.map(|entry| (pool, entry))
        });
        match left {
            Some((pool, entry)) => {
                let reason = format!("nobody is there, and it is {:?}", entry.used);
                Err(unbalanced(&pool, entry.ip, reason))
            }
            None => Ok(()),
        }
    }
}
