//! A deterministic simulation of the address logic.
//!
//! Nodes with their daemons, journals, clocks and containers, operators, and a store with one history live
//! in one thread of virtual time. Everything that can be late is late, everything that can be lost is
//! lost, everything that can come twice comes twice; daemons are killed between any two of their steps.
//! After each step it is judged what the containers and the store have seen so far. A seed is a run: the
//! same seed is the same run, to the last step.
//!
//! What is judged is what was answered and what was committed, never what an agent believes of itself. So
//! that the judge is not believed either, [`Sabotage`] breaks an agent or its driver in known ways, and a
//! test sees each of them caught.

mod balance;
mod brain;
mod chance;
mod client;
mod driver;
mod due;
mod event;
mod faults;
mod link;
mod node;
mod operator;
mod oracle;
mod profile;
mod quiet;
mod rng;
mod runtime;
mod sabotage;
mod store;
mod tend;
mod trace;
mod violation;
mod workload;
mod world;

pub use brain::{Brain, Maker, agent};
pub use profile::Profile;
pub use sabotage::Sabotage;
pub use violation::{Failure, Violation};

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};
use world::World;

/// A run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Decides everything.
    pub seed: u64,
    /// How many steps, at least; a run ends with some more, in which all is tidied up.
    pub steps: u64,
    /// What kind.
    pub profile: Profile,
    /// Makes the agents.
    pub maker: Maker,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
}

/// What a good run saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Inputs handled, actions carried out, transactions done.
    pub steps: u64,
    /// Virtual milliseconds.
    pub millis: u64,
    /// Revisions of the store.
    pub revisions: u64,
    /// Answers with addresses that were judged.
    pub given: u64,
    /// How often what.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Adds another run's.
    pub fn add(&mut self, other: Report) {
        self.steps += other.steps;
        self.millis += other.millis;
        self.revisions += other.revisions;
        self.given += other.given;
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }
}

impl Run {
    /// A run of the agent itself.
    pub fn new(seed: u64, steps: u64, profile: Profile) -> Run {
        Run {
            seed,
            steps,
            profile,
            maker: agent,
            sabotage: None,
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// The first violation, with the events that led to it: it is run twice then.
    pub fn go(&self) -> Result<Report, Box<Failure>> {
        match self.once(false) {
            (Ok(report), _) => Ok(report),
            (Err(_), _) => match self.once(true) {
                (Ok(report), _) => Ok(report),
                (Err(mut failure), lines) => {
                    failure.trace = trace::about(&lines, &failure.violation.about(), 60);
                    Err(failure)
                }
            },
        }
    }

    /// Runs it once.
    ///
    /// # Errors
    /// The first violation, without the events that led to it.
    pub fn quick(&self) -> Result<Report, Box<Failure>> {
        self.once(false).0
    }

    /// Runs it and gives every line of what happened.
    pub fn traced(&self) -> (Result<Report, Box<Failure>>, Vec<String>) {
        self.once(true)
    }

    fn once(&self, trace: bool) -> (Result<Report, Box<Failure>>, Vec<String>) {
        let fail = |violation, step, at| {
            let command = format!(
                "cargo run -p fairway-sim -- --seed {} --steps {} --profile {}",
                self.seed, self.steps, self.profile.name
            );
            Box::new(Failure {
                violation,
                step,
                at,
                command,
                trace: Vec::new(),
            })
        };
        let made = World::new(
            self.seed,
            self.profile.clone(),
            self.maker,
            self.sabotage,
            trace,
        );
        let mut world = match made {
            Ok(world) => world,
            Err(violation) => return (Err(fail(violation, 0, 0)), Vec::new()),
        };
        // A seed belongs to a panic too.
        let played = catch_unwind(AssertUnwindSafe(|| self.play(&mut world)));
        let done = played.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            let message = text.unwrap_or_default();
            Err(Violation::Panicked { message })
        });
        let report = Report {
            steps: world.steps,
            millis: world.now,
            revisions: world.store.revision(),
            given: world.oracle.given,
            counts: std::mem::take(&mut world.counts),
        };
        let result = match done {
            Ok(()) => Ok(report),
            Err(violation) => Err(fail(violation, world.steps, world.now)),
        };
        (result, world.trace.into_lines())
    }

    fn play(&self, world: &mut World) -> Result<(), Violation> {
        world.storm();
        loop {
            let until = self.steps.min(world.steps + self.profile.quiet_every);
            while world.steps < until {
                if !world.step()? {
                    break;
                }
            }
            world.calm_down()?;
            world.serves(5)?;
            if world.steps >= self.steps {
                break;
            }
            world.storm();
        }
        world.tear_down()
    }
}
