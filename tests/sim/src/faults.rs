//! What goes wrong with nodes: daemons are killed, machines reboot or die, journals are lost, clocks jump.

use crate::{
    event::{Event, NodeIx},
    node::{Batch, Daemon},
    oracle::Author,
    sabotage::Sabotage,
    violation::Violation,
    world::{Checked, World, journal_id},
};
use fairway_ipam::{
    AttachmentId, Clock, Effects, Settings, Start,
    keys::Key,
    record::{NodeRecord, Record},
    wants_sightings,
};
use fairway_kv::{Txn, Write};

impl World {
    pub(crate) fn clock(&self, at: NodeIx) -> Clock {
        self.nodes[at].clock(self.now)
    }

    /// A daemon is killed. What was not durable is gone, or some of it came to be after all; what was to
    /// be done is not done.
    pub(crate) fn crash(&mut self, at: NodeIx) {
        let Some(daemon) = &self.nodes[at].daemon else {
            return;
        };
        let waiting = daemon.undurable.len() as u64;
        let durable = match self.rng.chance(500) {
            true => self.rng.span(0, waiting),
            false => 0,
        };
        for _ in 0..durable {
            self.write_one(at, false);
        }
        let node = &mut self.nodes[at];
        node.daemon = None;
        node.incarnation += 1;
        node.told = None;
        node.told_lost = false;
        node.pump_at = None;
        node.cancelled.clear();
        let requests = std::mem::take(&mut node.requests);
        self.oracle.begins(at);
        self.count("daemons killed");
        self.note(|world| {
            format!(
                "{} is killed, {durable} of {waiting} batches were durable",
                world.nodes[at].name
            )
        });
        for (_, pending) in requests {
            self.broken(at, pending);
        }
        let down = match self.rng.below(20) {
            0 => self.rng.span(5_000, 40_000),
            _ => self.rng.span(50, 3_000),
        };
        self.queue.at(self.now + down, Event::Start(at));
        self.queue.at(self.now + 10_000, Event::Presence(at));
    }

    /// A machine reboots: its containers are gone, its clock begins anew.
    pub(crate) fn reboot(&mut self, at: NodeIx) {
        self.crash(at);
        self.kill_all(at);
        self.count("reboots");
        self.note(|world| format!("{} reboots", world.nodes[at].name));
        let up = self.rng.below(5_000) as i64;
        self.nodes[at].ahead = up - self.now as i64;
        self.nodes[at].released.clear();
        self.nodes[at].boots += 1;
    }

    fn kill_all(&mut self, at: NodeIx) {
        let all: Vec<AttachmentId> = self.nodes[at].containers.keys().cloned().collect();
        for attachment in all {
            self.oracle.dead(self.now, &(at, attachment.clone()));
            self.finish(at, &attachment);
        }
    }

    /// A machine dies for good, with its containers.
    pub(crate) fn perish(&mut self, at: NodeIx) {
        let alive = self.nodes.iter().filter(|node| !node.dead).count();
        if alive <= 3 || self.nodes[at].dead {
            return;
        }
        self.crash(at);
        self.kill_all(at);
        self.nodes[at].dead = true;
        self.count("machines dead");
        self.note(|world| format!("{} dies for good", world.nodes[at].name));
    }

    /// A daemon's journal is gone; it begins a new one.
    pub(crate) fn lose_journal(&mut self, at: NodeIx) -> Checked {
        self.crash(at);
        let node = &mut self.nodes[at];
        node.journal.clear();
        node.journals += 1;
        node.journal_id = journal_id(at, node.journals)?;
        let journal = node.journal_id.clone();
        self.oracle.journal(at, journal);
        self.count("journals lost");
        self.note(|world| {
            format!(
                "{} loses its journal, now {}",
                world.nodes[at].name, world.nodes[at].journal_id
            )
        });
        Ok(())
    }

    /// A daemon starts.
    pub(crate) fn start(&mut self, at: NodeIx) -> Checked {
        let node = &mut self.nodes[at];
        if node.dead || node.daemon.is_some() {
            return Ok(());
        }
        if self.rng.chance(200) {
            node.ahead = (1 << 41) + self.rng.below(1 << 40) as i64;
        }
        let mut settings = Settings::new(node.name.clone(), node.journal_id.clone());
        settings.boot = Some(node.boots.to_string());
        settings.idle_block = self.profile.idle_block;
        settings.wait = self.profile.wait;
        settings.reclaim = self.profile.reclaim;
        let journal = node
            .journal
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()));
        let journal: Vec<_> = journal.collect();
        let mut start = Start {
            settings,
            journal,
            sightings: Vec::new(),
            clock: self.clock(at),
        };
        let blind = self.sabotage == Some(Sabotage::NoSightings);
        if wants_sightings(&start.journal) && !blind {
            start.sightings = self.nodes[at].sightings();
        }
        let mut effects = Effects::default();
        let brain = (self.maker)(start, &mut effects).map_err(|error| Violation::Journal {
            node: self.nodes[at].name.to_string(),
            reason: error.to_string(),
        })?;
        let leases = brain.leases();
        self.nodes[at].daemon = Some(Daemon::new(brain, self.rng.chance(300)));
        self.note(|world| {
            format!(
                "{} starts with {} leases",
                world.nodes[at].name,
                leases.len()
            )
        });
        self.steps += 1;
        let mut batch = Batch::default();
        self.keep(at, effects, 0, &mut batch);
        self.take(at, batch);
        for lease in leases.iter().filter(|lease| lease.cut_off) {
            self.cut_off(at, &lease.attachment, &lease.addresses, false)?;
        }
        self.oracle.remembered(at, &leases, false)?;
        self.plan_tick(at);
        self.work_off(at, None);
        let incarnation = self.nodes[at].incarnation;
        let swept = self.rng.span(20, 3_000);
        self.queue
            .at(self.now + swept, Event::Sweep(at, incarnation));
        let present = self.rng.span(50, 1_000);
        self.queue.at(self.now + present, Event::Presence(at));
        match self.nodes[at].linked {
            true => self.plan_pump(at),
            false => {
                let breaks = self.nodes[at].breaks;
                self.queue
                    .at(self.now + 1_000, Event::NoticeLoss(at, breaks));
            }
        }
        Ok(())
    }

    /// A node's lease is written, or it has run out.
    pub(crate) fn presence(&mut self, at: NodeIx) -> Checked {
        let node = &self.nodes[at];
        let alive = node.daemon.is_some() && node.linked;
        let told = node.present.as_ref();
        if alive && told == Some(&node.journal_id) || !alive && told.is_none() {
            return Ok(());
        }
        if at >= self.profile.leases {
            return Ok(());
        }
        if self.full {
            self.queue.at(self.now + 1_000, Event::Presence(at));
            return Ok(());
        }
        let key = Key::Node(node.name.clone()).path();
        let write = match alive {
            false => Write::Delete { key },
            true => {
                let record = NodeRecord {
                    journal: node.journal_id.clone(),
                    labels: Default::default(),
                    since: node.clock(self.now).wall,
                    daemon: "sim".to_owned(),
                    host: node.name.to_string(),
                    underlay: None,
                };
                Write::Put {
                    key,
                    value: record.encode(),
                    lease: None,
                }
            }
        };
        let journal = self.nodes[at].journal_id.clone();
        self.nodes[at].present = alive.then_some(journal);
        self.write(
            &Author::World,
            &Txn {
                conditions: Vec::new(),
                writes: vec![write],
            },
        )?;
        Ok(())
    }

    /// A wall clock jumps.
    pub(crate) fn jump(&mut self, at: NodeIx) {
        let year = 365 * 86_400;
        let by = self.rng.of([5, 3_600, year, 40 * year]);
        let by = self.rng.below(by) as i64;
        self.nodes[at].wrong = if self.rng.chance(500) { by } else { -by };
        self.count("clocks that jumped");
    }
}
