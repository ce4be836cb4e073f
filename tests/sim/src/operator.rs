//! What operators do, by the functions that `netctl` uses, on a view of the store that may be old by the
//! time they are done: nodes removed, claims moved and given back, sets made, pools grown, drained, retired.

use crate::{
    oracle::Author,
    world::{Checked, World},
};
use fairway_ipam::{
    Cidr, ClaimName, NodeName, PoolChange, PoolName, PoolPhase, RangeSpec, Release, View,
    admin::{self, AdminError, Keep, Move, Plan, SetWish, Which},
    keys::Key,
    record::{BlockRecord, Claim, ClaimRecord, Record},
};
use fairway_kv::{Committed, Revision, Txn};

/// A pool of this name is retired and made again.
const BRIEF: &str = "brief";

impl World {
    /// The store as it is.
    pub(crate) fn view(&self) -> View {
        View::from_entries(Revision(self.store.revision()), self.store.snapshot())
    }

    /// An operator does something, sometimes by what was so a while ago.
    pub(crate) fn operate(&mut self) -> Checked {
        let view = match self.old_view.take() {
            Some(view) if self.rng.chance(500) => view,
            _ => self.view(),
        };
        if self.rng.chance(300) {
            self.old_view = Some(self.view());
        }
        match self.rng.below(100) {
            0..=24 => self.remove_some_node(&view),
            25..=49 => self.move_some_claim(&view),
            50..=64 => self.remove_some_claim(&view),
            65..=74 => self.make_some_set(&view),
            75..=94 => self.change_some_pool(&view),
            _ => self.retire_or_make(&view),
        }
    }

    /// Commits what was planned until something is not as it was seen.
    fn carry_out<T>(&mut self, what: &'static str, plan: Result<Plan<T>, AdminError>) -> Checked {
        match plan {
            Ok(plan) => self.carry_out_all(what, &plan.txns),
            Err(error) => {
                self.note(|_| format!("an operator cannot: {what}: {error}"));
                Ok(())
            }
        }
    }

    fn carry_out_all(&mut self, what: &'static str, txns: &[Txn]) -> Checked {
        self.note(|_| format!("an operator: {what}, {} transactions", txns.len()));
        for txn in txns {
            if let Committed::No { .. } = self.write(&Author::Operator, txn)? {
                self.count("operators too late");
                return Ok(());
            }
        }
        self.count(what);
        Ok(())
    }

    /// Usually one that is away; now and then one that is not, which is what `--force` is for.
    fn remove_some_node(&mut self, view: &View) -> Checked {
        let away = self
            .nodes
            .iter()
            .filter(|node| node.dead || !node.linked || node.daemon.is_none());
        let away: Vec<_> = away.map(|node| node.name.clone()).collect();
        let all: Vec<_> = self.nodes.iter().map(|node| node.name.clone()).collect();
        let among = if self.rng.chance(800) { away } else { all };
        let (force, claims_only) = (self.rng.chance(700), self.rng.chance(200));
        match self.rng.pick(&among).cloned() {
            Some(node) => self.remove_node(view, &node, force, claims_only),
            None => Ok(()),
        }
    }

    /// `netctl node rm`.
    pub(crate) fn remove_node(
        &mut self,
        view: &View,
        node: &NodeName,
        force: bool,
        claims_only: bool,
    ) -> Checked {
        let clock = self.nodes[0].clock(self.now);
        let plan = admin::remove_node(view, node, force, claims_only, clock);
        self.note(|_| format!("an operator removes {node}"));
        self.carry_out("nodes removed", plan)
    }

    fn some_claim(&mut self, view: &View) -> Option<(PoolName, ClaimName)> {
        let ours = |(_, name): &&(PoolName, ClaimName)| !name.as_str().starts_with('~');
        let all: Vec<_> = view.claims.keys().filter(ours).cloned().collect();
        self.rng.pick(&all).cloned()
    }

    /// `netctl claim move`.
    fn move_some_claim(&mut self, view: &View) -> Checked {
        let Some((pool, name)) = self.some_claim(view) else {
            return Ok(());
        };
        let to = self.rng.below(self.nodes.len() as u64) as usize;
        let keep = match self.rng.below(4) {
            0 => None,
            1 => Some(Keep::For(self.nodes[to].name.clone())),
            _ => Some(Keep::Anywhere),
        };
        let moved = format!("hand-{}", self.rng.below(self.works.len() as u64 + 1));
        let rename = ClaimName::new(moved).ok().filter(|_| self.rng.chance(200));
        let wish = Move {
            name,
            pool: Some(pool),
            keep,
            rename,
            force: self.rng.chance(500),
        };
        let clock = self.nodes[0].clock(self.now);
        let txn = admin::move_claim(view, &wish, clock);
        self.carry_out(
            "claims moved",
            txn.map(|txn| Plan {
                txns: vec![txn],
                summary: (),
            }),
        )
    }

    /// `netctl claim rm`, half of the time by force.
    fn remove_some_claim(&mut self, view: &View) -> Checked {
        let Some((pool, name)) = self.some_claim(view) else {
            return Ok(());
        };
        let app = self
            .rng
            .pick(&self.works)
            .and_then(|work| work.workload.app.clone());
        let which = match (self.rng.below(10), app) {
            (0, Some(app)) => Which::App { app, pool: None },
            (1, Some(app)) => Which::Scaled {
                app,
                replicas: self.rng.below(4) as u32,
                pool: None,
            },
            _ => Which::Named {
                name,
                pool: Some(pool),
            },
        };
        let force = self.rng.chance(500);
        self.carry_out("claims removed", admin::remove_claims(view, &which, force))
    }

    /// `netctl claim create --set`.
    fn make_some_set(&mut self, view: &View) -> Checked {
        let Some(work) = self.rng.pick(&self.works) else {
            return Ok(());
        };
        let (pool, name, app) = (
            work.pool.clone(),
            work.workload.claim.clone(),
            work.workload.app.clone(),
        );
        let size = self.rng.of([None, Some(2), Some(4)]);
        let surge = self.rng.of([None, Some(1), Some(2)]);
        let release = self
            .rng
            .of([Release::Never, Release::OnScaleDown, Release::After(5)]);
        let wish = SetWish {
            pool,
            name,
            size,
            surge,
            release: Some(release),
            handover: None,
            app,
        };
        let clock = self.nodes[0].clock(self.now);
        let txn = admin::create_set(view, wish, clock);
        self.carry_out(
            "sets made",
            txn.map(|txn| Plan {
                txns: vec![txn],
                summary: (),
            }),
        )
    }

    /// `netctl pool set`.
    fn change_some_pool(&mut self, view: &View) -> Checked {
        let names: Vec<_> = view
            .pools
            .keys()
            .filter(|name| name.as_str() != BRIEF)
            .cloned()
            .collect();
        let Some(name) = self.rng.pick(&names).cloned() else {
            return Ok(());
        };
        let Some(pool) = view.pools.get(&name).map(|stored| stored.value.clone()) else {
            return Ok(());
        };
        let cidrs: Vec<Cidr> = pool.ranges.iter().map(|range| range.cidr).collect();
        let some: Vec<Cidr> = self.rng.pick(&cidrs).into_iter().copied().collect();
        // A pool whose whole family drains gives the other one alone; that is nobody's wish here.
        let others = pool.ranges.iter().any(|range| {
            let one = |cidr: &Cidr| cidr.family() == range.cidr.family() && *cidr != range.cidr;
            !range.draining && some.iter().any(one)
        });
        let mut change = PoolChange::default();
        match self.rng.below(6) {
            0 => change.add = self.new_range(&cidrs),
            1 if others => change.drain = some,
            2 => change.undrain = some,
            3 => change.remove = some,
            4 => change.phase = Some(PoolPhase::Draining),
            _ => change.phase = Some(PoolPhase::Active),
        }
        self.note(|_| format!("an operator changes pool {name}: {change:?}"));
        self.carry_out("pools changed", admin::change_pool(view, &name, &change))
    }

    fn new_range(&mut self, cidrs: &[Cidr]) -> Vec<RangeSpec> {
        if cidrs.len() > 3 {
            return Vec::new();
        }
        let number = self.number() % 200;
        let v4 = cidrs.iter().any(|cidr| cidr.first().is_ipv4());
        let (text, block) = match v4 {
            true => (format!("10.200.{number}.0/27"), 29),
            false => (format!("fd00:c8:{number}::/123"), 125),
        };
        let range = text.parse().map(|cidr| RangeSpec {
            block: Some(block),
            ..RangeSpec::new(cidr)
        });
        range.into_iter().collect()
    }

    /// A pool is retired; once it is gone, it is made again.
    fn retire_or_make(&mut self, view: &View) -> Checked {
        let Ok(name) = PoolName::new(BRIEF) else {
            return Ok(());
        };
        if view.pools.contains_key(&name) {
            let plan = admin::change_pool(view, &name, &PoolChange::retire());
            return self.carry_out("pools retired", plan);
        }
        let spec = self
            .profile
            .pools
            .iter()
            .find(|(pool, _)| *pool == BRIEF)
            .map(|(_, spec)| spec.clone());
        match spec.map(|spec| admin::create_pool(view, name, spec)) {
            Some(Ok(txn)) => self.carry_out_all("pools made", &[txn]),
            _ => Ok(()),
        }
    }

    /// All pools that do not retire give addresses again.
    pub(crate) fn open_pools(&mut self) -> Checked {
        let view = self.view();
        for (name, stored) in &view.pools {
            let spec = &stored.value.spec;
            if spec.phase == PoolPhase::Retiring {
                continue;
            }
            let draining = spec.ranges.iter().filter(|range| range.draining);
            let change = PoolChange {
                undrain: draining.map(|range| range.cidr).collect(),
                phase: Some(PoolPhase::Active),
                ..PoolChange::default()
            };
            self.carry_out("pools opened", admin::change_pool(&view, name, &change))?;
        }
        Ok(())
    }

    /// `netctl claim rm --force` of all of them.
    pub(crate) fn remove_all_claims(&mut self) -> Checked {
        for (pool, name) in self.view().claims.keys() {
            let which = Which::Named {
                name: name.clone(),
                pool: Some(pool.clone()),
            };
            let plan = admin::remove_claims(&self.view(), &which, true);
            self.carry_out("claims removed", plan)?;
        }
        Ok(())
    }

    /// Every block in the store.
    pub(crate) fn all_blocks(&self) -> Vec<(PoolName, Cidr, BlockRecord)> {
        let entries = self.store.range("/fairway/v1/blocks/");
        let blocks = entries.filter_map(|entry| match Key::parse(&entry.key)? {
            Key::Block(pool, cidr) => Some((pool, cidr, BlockRecord::decode(&entry.value).ok()?)),
            _ => None,
        });
        blocks.collect()
    }

    /// Every claim in the store, sets' descriptions excepted.
    pub(crate) fn all_claims(&self) -> Vec<(PoolName, ClaimName, Claim)> {
        let entries = self.store.range("/fairway/v1/claims/");
        let claims = entries.filter_map(|entry| {
            match (
                Key::parse(&entry.key)?,
                ClaimRecord::decode(&entry.value).ok()?,
            ) {
                (Key::Claim(pool, name), ClaimRecord::Claim(claim)) => Some((pool, name, claim)),
                _ => None,
            }
        });
        claims.collect()
    }
}
