//! Whatever happens between two neighbours: once it ends, one session is up, and both know what the other tells.

use super::*;

/// Settings of a seed: times, restarts, who waits for whom, which families.
fn settings(dice: &mut Dice) -> [Settings; 2] {
    let hold_time = dice.pick(&[9, 30, 90]);
    let one = |settings: Settings, dice: &mut Dice| {
        let mut settings = hold(both_families(settings), hold_time);
        settings.graceful = dice.pick(&[
            Graceful::FULL,
            Graceful::FULL,
            Graceful::HELPER,
            Graceful::OFF,
        ]);
        settings.graceful.notification = !dice.one_in(3);
        settings
    };
    let mut all = [one(here(), dice), one(there(), dice)];
    match dice.below(5) {
        0 => all[0].passive = true,
        1 => all[1].passive = true,
        2 => all[0].local = speaker(65001, 30),
        _ => {}
    }
    if dice.one_in(4) {
        all[1].families.pop();
    }
    all
}

impl World {
    /// Something goes wrong, or changes.
    fn fault(&mut self) {
        let node = self.dice.below(2) as usize;
        let live = self.wires.live();
        let wire = (!live.is_empty()).then(|| self.dice.pick(&live));
        match (self.dice.below(12), wire) {
            (0, _) if !self.parted => {
                self.parted = true;
                for at in live {
                    self.wires.0[at].dead = self.dice.one_in(2);
                }
                let until = self.now + self.dice.millis(200_000);
                self.at(until, Due::Healed);
            }
            (1 | 2, _) if self.nodes[node].alive => {
                self.nodes[node].dies();
                for at in live {
                    if self.dice.one_in(2) {
                        self.carry(at, node, Item::End);
                    }
                    self.wires.close(at, node);
                }
                let time = self.now + self.dice.millis(150_000);
                self.at(time, Due::Back { node });
            }
            (3, _) => {
                let reason = self
                    .dice
                    .pick(&[Cease::Shutdown, Cease::Reset, Cease::ConfigChange]);
                let text = Text::none();
                self.give(node, Input::Stop { reason, text });
                let time = self.now + self.dice.millis(60_000);
                self.at(time, Due::Starts { node });
            }
            (4 | 5, Some(wire)) => self.reset(wire),
            (6, Some(wire)) => {
                let to = self.dice.below(2) as usize;
                let item = Item::Garbage;
                self.at(self.now, Due::Comes { wire, to, item });
            }
            (7, _) if self.nodes[node].alive => self.stranger(node),
            (8, _) => {
                let family = self.dice.pick(&Family::ALL);
                self.give(node, Input::Refresh(family));
            }
            (9, Some(wire)) => self.wires.0[wire].dead = true,
            _ => {}
        }
        self.change(node);
    }

    /// A node has a route more or less, and tells so whether anybody hears it or not.
    fn change(&mut self, node: usize) {
        let route = self.dice.below(12) as u32;
        let own = &mut self.nodes[node].own;
        let update = match own.remove(&route) {
            true => node::withdraw(route),
            false => {
                own.insert(route);
                node::announce(route)
            }
        };
        // Only of families that are spoken: that is the table's to know.
        let spoken = self.nodes.iter().all(|node| {
            let mut families = node.settings.families.iter();
            families.any(|one| one.family == node::family_of(route))
        });
        if spoken {
            self.give(node, Input::Tell(update));
        }
    }

    fn flaps(&self) -> [u64; 2] {
        [0, 1].map(|node| self.nodes[node].session.status().counters.flaps)
    }

    fn settled(&self) -> bool {
        let up = |node: &Node| node.session.state() == State::Established;
        self.nodes.iter().all(up)
    }

    /// One session, over one wire, and both know all.
    fn check_settled(&self, seed: u64) {
        let wires = [0, 1].map(|node| {
            let node = &self.nodes[node];
            let (id, _) = node.session.established().unwrap_or_else(|| {
                panic!("seed {seed}: {:?}", node.session.status());
            });
            assert_eq!(node.session.links.len(), 1, "seed {seed}");
            assert!(node.session.attempt.is_none(), "seed {seed}");
            node.wire(id)
        });
        assert_eq!(wires[0], wires[1], "seed {seed}: not the same connection");
        for node in 0..2 {
            let (_, agreed) = self.nodes[node].session.established().unwrap();
            let told = self.nodes[1 - node].own.iter();
            let told = told.filter(|route| agreed.families().contains(node::family_of(**route)));
            let told: Vec<_> = told.map(|route| (*route, false)).collect();
            let table = &self.nodes[node].table;
            let found: Vec<_> = table
                .iter()
                .map(|(route, stale)| (*route, *stale))
                .collect();
            assert_eq!(found, told, "seed {seed}: what node {node} knows");
            let status = self.nodes[node].session.status();
            assert!(status.stale.is_empty() && !status.restarting, "seed {seed}");
        }
    }
}

/// Half an hour of faults; how long it took afterwards.
fn run(seed: u64) -> Duration {
    let mut dice = Dice(seed);
    let settings = settings(&mut dice);
    let mut world = World::new(seed.wrapping_mul(31), settings);
    for node in 0..2 {
        world.give(node, Input::Start { restarted: None });
    }
    let end = world.now + secs(1800);
    while world.now < end {
        let pause = match dice.one_in(3) {
            true => dice.millis(90_000),
            false => dice.millis(2_000),
        };
        let until = world.now + pause;
        world.run(until);
        world.fault();
    }
    // All that was to come back has come back.
    let healed = world.now + secs(200);
    world.run(healed);
    let mut last = healed;
    while !world.settled() && world.now < healed + secs(600) {
        let next = world.now + secs(1);
        world.run(next);
        last = world.now;
    }
    world.run(healed + secs(1200));
    let flaps = world.flaps();
    world.check_settled(seed);
    world.run(healed + secs(3600));
    assert_eq!(world.flaps(), flaps, "seed {seed}: it does not last");
    world.check_settled(seed);
    last - healed
}

#[test]
fn whatever_happens_the_session_comes_back() {
    let mut longest = Duration::ZERO;
    for seed in 0..400 {
        println!("seed {seed}");
        longest = longest.max(run(seed));
    }
    assert!(longest < secs(120), "{longest:?}");
}

/// Both try at once, over all delays: of two connections one stays, at the first go.
#[test]
fn both_connect_at_the_same_moment() {
    for seed in 0..2000 {
        let mut settings = [graceful(here()), graceful(there())];
        // Less than the other's, more, and the same, where the greater AS counts.
        settings[0].local = speaker(65001, [10, 30, 20][seed as usize % 3]);
        let mut world = World::new(seed, settings);
        for node in 0..2 {
            let restarted = (seed % 4 == node as u64).then_some(Families::NONE);
            world.give(node, Input::Start { restarted });
        }
        world.run(Time::after(secs(5)));
        assert!(world.settled(), "seed {seed}: not at the first go");
        world.run(Time::after(secs(300)));
        world.check_settled(seed);
    }
}

/// The neighbour is gone without a sign: it takes the hold time until that is seen, and no longer.
#[test]
fn silence_ends_within_the_hold_time() {
    for seed in 0..100 {
        let settings = [hold(here(), 9), hold(there(), 9)];
        let mut world = World::new(seed, settings);
        for node in 0..2 {
            world.give(node, Input::Start { restarted: None });
        }
        world.run(Time::after(secs(100)));
        world.check_settled(seed);
        world.parted = true;
        for at in world.wires.live() {
            world.wires.0[at].dead = true;
        }
        world.run(Time::after(secs(105)));
        assert!(world.settled(), "seed {seed}");
        world.run(Time::after(secs(110)));
        let down = |node: &Node| node.session.state() < State::OpenSent;
        assert!(world.nodes.iter().all(down), "seed {seed}");
    }
}
