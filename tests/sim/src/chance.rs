//! What chance brings in a storm.

use crate::{
    event::{Event, NodeIx},
    node::{Asked, Stage},
    profile::Op,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{
    Allocate, AttachmentId, ClaimName, CreateClaim, Handover, PoolName, Release, Request,
};
use std::net::IpAddr;

impl World {
    /// The next thing, and when the one after it comes.
    pub(crate) fn chance(&mut self) -> Checked {
        if !self.storm {
            return Ok(());
        }
        let after = self.rng.below(2 * self.profile.gap + 1);
        self.queue.at(self.now + after, Event::Chance);
        let all: u64 = self.profile.weights.iter().map(|(_, weight)| weight).sum();
        let mut at = self.rng.below(all);
        let mut op = Op::Look;
        for (candidate, weight) in &self.profile.weights {
            if at < *weight {
                op = *candidate;
                break;
            }
            at -= weight;
        }
        self.happen(op)
    }

    /// A node whose machine is there. Of very many, a few are used more.
    fn some_node(&mut self) -> NodeIx {
        let all = self.nodes.len() as u64;
        let among = if all > 100 && self.rng.chance(900) {
            all / 10
        } else {
            all
        };
        for _ in 0..20 {
            let at = self.rng.below(among) as usize;
            if !self.nodes[at].dead {
                return at;
            }
        }
        self.nodes.iter().position(|node| !node.dead).unwrap_or(0)
    }

    fn happen(&mut self, op: Op) -> Checked {
        let at = self.some_node();
        match op {
            Op::Add => self.add(at),
            Op::Del => {
                if let Some(attachment) = self.some_container(at, |stage| stage == Stage::Live) {
                    self.doom(at, &attachment);
                }
            }
            Op::Die => {
                let adding = |stage| matches!(stage, Stage::Adding(_));
                let attachment = self.some_container(at, adding);
                let container =
                    attachment.and_then(|attachment| self.nodes[at].containers.get(&attachment));
                if let Some(Stage::Adding(id)) = container.map(|container| container.stage) {
                    self.die(at, id);
                }
            }
            Op::Look => self.look(at),
            Op::Claim => self.claim_by_hand(at),
            Op::Collect => self.collect(at),
            Op::Sweep => self.sweep_now(at),
            Op::Crash => self.crash(at),
            Op::Reboot => self.reboot(at),
            Op::LoseJournal => self.lose_journal(at)?,
            Op::Perish => self.perish(at),
            Op::Cut => {
                let millis = self.rng.of(self.profile.away);
                let millis = self.rng.span(100, millis);
                self.cut_link(at, millis);
            }
            Op::Full => {
                self.full = true;
                self.count("store full");
                let after = self.rng.span(500, 15_000);
                self.queue.at(self.now + after, Event::Space);
            }
            Op::Jump => self.jump(at),
            Op::Compact => {
                let revision = self.store.revision();
                let kept = self.rng.below(30);
                self.store.compact(revision.saturating_sub(kept));
            }
            Op::Relist => {
                self.nodes[at].told = None;
                self.plan_pump(at);
            }
            Op::Operate => self.operate()?,
        }
        Ok(())
    }

    pub(crate) fn some_container(
        &mut self,
        at: NodeIx,
        fits: impl Fn(Stage) -> bool,
    ) -> Option<AttachmentId> {
        let containers = self.nodes[at].containers.iter();
        let all: Vec<_> = containers
            .filter(|(_, container)| fits(container.stage))
            .map(|(attachment, _)| attachment.clone())
            .collect();
        self.rng.pick(&all).cloned()
    }

    /// A new container, or one whose name was used before, or an ADD for one that is there.
    fn add(&mut self, at: NodeIx) {
        if self.rng.chance(10)
            && let Some(attachment) = self.some_container(at, |stage| stage == Stage::Live)
        {
            return self.add_again(at, &attachment);
        }
        if self.nodes[at].containers.len() >= self.profile.crowd {
            return;
        }
        let attachment = self.some_attachment(at);
        let mut asked = self.asked(at, &attachment);
        let mut workload = None;
        if self.rng.chance(self.profile.sticky) && !self.works.is_empty() {
            let index = self.rng.below(self.works.len() as u64) as usize;
            let work = &self.works[index];
            if work.running < work.most {
                workload = Some(index);
                asked.pool = Some(work.pool.clone());
                asked.workload = Some(work.workload.clone());
                asked.release = work.release;
                asked.handover = work.handover;
            }
        } else if self.rng.chance(self.profile.explicit) {
            asked.addresses = self.some_addresses(asked.pool.as_ref());
        }
        self.add_container(at, attachment.clone(), workload);
        let netns = self.nodes[at]
            .containers
            .get(&attachment)
            .map(|container| container.netns.clone());
        asked.netns = netns;
        let dies = self.rng.chance(15);
        if let Some(id) = self.request(at, asked)
            && dies
        {
            let after = self.rng.delay(10);
            self.queue.at(self.now + after, Event::Die(at, id));
        }
    }

    /// Sends an ADD for a container that is there. Where no daemon is, the runtime gives it up.
    pub(crate) fn request(
        &mut self,
        at: NodeIx,
        asked: Allocate,
    ) -> Option<fairway_ipam::RequestId> {
        let attachment = asked.attachment.clone();
        self.count("ADDs");
        let asked = Box::new(asked);
        let sent = self.send(
            at,
            Asked::Add(asked.clone()),
            Request::Allocate(asked.clone()),
        );
        self.note(|world| {
            format!(
                "{} ADD {attachment} as {sent:?}: {:?} {:?} {:?}",
                world.nodes[at].name,
                asked.pool,
                asked.workload.as_ref().map(|w| &w.claim),
                asked.addresses
            )
        });
        match sent {
            Some(id) => {
                if let Some(container) = self.nodes[at].containers.get_mut(&attachment) {
                    container.stage = Stage::Adding(id);
                }
            }
            None => self.doom(at, &attachment),
        }
        sent
    }

    /// The same ADD again, for a container that has its addresses: it must be refused.
    fn add_again(&mut self, at: NodeIx, attachment: &AttachmentId) {
        let asked = self.asked(at, attachment);
        self.send(
            at,
            Asked::Again(attachment.clone()),
            Request::Allocate(Box::new(asked)),
        );
    }

    fn some_attachment(&mut self, at: NodeIx) -> AttachmentId {
        if self.rng.chance(150) {
            let node = &self.nodes[at];
            let busy = |attachment: &AttachmentId| {
                let mut requests = node.requests.values();
                node.containers.contains_key(attachment)
                    || requests.any(|pending| matches!(&pending.asked, Asked::Del(of) | Asked::Again(of) if of == attachment))
            };
            let free: Vec<_> = node
                .retired
                .iter()
                .filter(|attachment| !busy(attachment))
                .cloned()
                .collect();
            // Often the one that is over just now: what is known of it is still on its way.
            let last = free.last().filter(|_| self.rng.chance(500));
            if let Some(attachment) = last.or(self.rng.pick(&free)) {
                return attachment.clone();
            }
        }
        AttachmentId {
            network: self.rng.of(["net-a", "net-b"]).to_owned(),
            container: format!("c{}", self.number()),
            ifname: self.rng.of(["eth0", "eth0", "eth1"]).to_owned(),
        }
    }

    /// A plain request.
    pub(crate) fn asked(&mut self, at: NodeIx, attachment: &AttachmentId) -> Allocate {
        let pool = self
            .rng
            .pick(&self.profile.pools)
            .and_then(|(name, _)| PoolName::new(*name).ok());
        let pool = pool.filter(|_| !self.rng.chance(30));
        let patience = self.rng.of([2_000, 10_000, 20_000]);
        Allocate {
            attachment: attachment.clone(),
            netns: None,
            pool,
            namespace: Some("prod".to_owned()),
            workload: None,
            label: None,
            release: None,
            handover: None,
            addresses: Vec::new(),
            deadline: self.clock(at).now + patience,
        }
    }

    /// One address, or one of each family, out of a pool's prefixes, near their beginning.
    fn some_addresses(&mut self, pool: Option<&PoolName>) -> Vec<IpAddr> {
        let Some(pool) = pool.and_then(|pool| self.oracle.truth.pools.get(pool)) else {
            return Vec::new();
        };
        let mut ranges: Vec<_> = pool.ranges.iter().map(|range| range.cidr).collect();
        ranges.sort_by_key(|cidr| cidr.family());
        ranges.dedup_by_key(|cidr| cidr.family());
        if self.rng.chance(500) {
            ranges.truncate(1);
        }
        let some = |cidr: &fairway_ipam::Cidr| {
            cidr.nth(u128::from(self.rng.below(cidr.size().min(100) as u64)))
        };
        ranges.iter().filter_map(some).collect()
    }

    /// CHECK of a container, and STATUS.
    fn look(&mut self, at: NodeIx) {
        let pool = self.asked(at, &crate::oracle::nobody()).pool;
        self.send(
            at,
            Asked::Status,
            Request::Status {
                pool,
                namespace: None,
            },
        );
        if let Some(attachment) = self.some_container(at, |stage| stage == Stage::Live) {
            let addresses = self.nodes[at]
                .containers
                .get(&attachment)
                .map(|container| container.addresses.clone());
            let addresses = addresses.unwrap_or_default();
            let asked = Asked::Check(attachment.clone(), addresses.clone());
            self.send(at, asked, Request::Check(attachment, addresses));
        }
    }

    fn claim_by_hand(&mut self, at: NodeIx) {
        let Some(pool) = self.asked(at, &crate::oracle::nobody()).pool else {
            return;
        };
        let addresses = match self.rng.chance(400) {
            true => self.some_addresses(Some(&pool)),
            false => Vec::new(),
        };
        let works = self.works.len().max(1) as u64;
        let name = format!("hand-{}", self.rng.below(works));
        let Ok(name) = ClaimName::new(name) else {
            return;
        };
        let claim = Box::new(CreateClaim {
            pool,
            name,
            addresses,
            release: self
                .rng
                .of([Release::Never, Release::After(5), Release::OnAppDelete]),
            handover: self
                .rng
                .of([Handover::Wait, Handover::Temporary, Handover::Strict]),
            app: None,
            only_while: Vec::new(),
            deadline: self.clock(at).now + 5_000,
        });
        self.send(at, Asked::Claim(claim.clone()), Request::CreateClaim(claim));
    }

    /// GC: the list is what the runtime has now; it is worked off later.
    fn collect(&mut self, at: NodeIx) {
        let network = self.rng.of(["net-a", "net-b"]).to_owned();
        let node = &self.nodes[at];
        let Some(daemon) = &node.daemon else { return };
        let before = daemon.brain.sequence();
        let of = node
            .containers
            .iter()
            .filter(|(attachment, container)| attachment.network == network && container.there);
        let keep = of
            .map(|(attachment, _)| (attachment.container.clone(), attachment.ifname.clone()))
            .collect();
        self.count("GCs");
        let request = Request::Collect {
            network,
            keep,
            before,
        };
        let late = self.rng.delay(100);
        self.send_late(at, Asked::Collect, request, late);
    }

    /// An attachment that has its addresses was asked for again.
    pub(crate) fn answered_again(
        &self,
        at: NodeIx,
        attachment: &AttachmentId,
        answer: &dyn std::fmt::Debug,
    ) -> Checked {
        let to = format!("{} second ADD {attachment}", self.nodes[at].name);
        Err(Violation::Answer {
            to,
            reason: format!("{answer:?}"),
        })
    }
}
