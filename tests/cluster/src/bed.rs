//! A whole cluster: members of the store and nodes on one switch.
//!
//! Everything of it is in namespaces without names and in one scratch folder, so that tests run side by
//! side and nothing is left of one that is killed.

use crate::{Cable, Daemon, Door, Lan, say};
use anyhow::{Context, Result};
use fairway_etcd_bed::{Cluster, Files, Flaw, Options, Seat};
use fairway_lab::Lab;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// What kind of cluster is wanted.
#[derive(Debug, Clone)]
pub struct Plan {
    nodes: usize,
    members: usize,
    options: fn(Options) -> Options,
    settings: String,
}

impl Plan {
    /// So many nodes, named `n1` and so on, on a store of three members.
    pub fn nodes(nodes: usize) -> Self {
        Self {
            nodes,
            members: 3,
            options: |options| options,
            settings: String::new(),
        }
    }

    /// Another number of members: one, where the test is not about the store.
    #[must_use]
    pub fn members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }

    /// What else holds for the store.
    #[must_use]
    pub fn store(mut self, options: fn(Options) -> Options) -> Self {
        self.options = options;
        self
    }

    /// Further settings of every daemon (TOML).
    #[must_use]
    pub fn settings(mut self, settings: &str) -> Self {
        settings.clone_into(&mut self.settings);
        self
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Bed {
    // In the order in which they are to go: clients of the store first.
    /// The nodes.
    pub daemons: Vec<Daemon>,
    /// The store.
    pub etcd: Cluster,
    /// The wires of the store's members.
    pub wires: Vec<Cable>,
    settings: String,
    /// What all of them are plugged into.
    pub lan: Lan,
    /// A namespace and a folder; containers come from here.
    pub lab: Lab,
}

impl Bed {
    /// Starts the store, and gives nodes their settings. No daemon runs yet.
    ///
    /// # Errors
    /// Where etcd is missing or does not come up.
    pub fn new(plan: &Plan) -> Result<Self> {
        let (lab, lan) = (Lab::new()?, Lan::new()?);
        let (mut seats, mut wires) = (Vec::new(), Vec::new());
        for number in 0..plan.members {
            let ns = lab.machine(&format!("m{number}"))?;
            let cable = lan.plug(&ns)?;
            let ip = cable.address.parse()?;
            seats.push(Seat { ns, ip });
            wires.push(cable);
        }
        // Few test machines are quick enough for etcd's usual half second when they are busy.
        let options = Options::seats(seats)
            .arg("--heartbeat-interval=100")
            .arg("--election-timeout=1000");
        let etcd = Cluster::start((plan.options)(options)).context("etcd")?;
        let mut daemons = Vec::new();
        for number in 1..=plan.nodes {
            let ns = lab.machine(&format!("n{number}"))?;
            let cable = lan.plug(&ns)?;
            let daemon = Daemon::new(&format!("n{number}"), ns, cable, lab.scratch())?;
            daemons.push(daemon);
        }
        let bed = Self {
            daemons,
            etcd,
            wires,
            settings: plan.settings.clone(),
            lan,
            lab,
        };
        for daemon in &bed.daemons {
            bed.configure(daemon, "")?;
        }
        Ok(bed)
    }

    /// As [`Bed::new`], with all daemons started.
    ///
    /// # Errors
    /// Where one does not come up; with its words.
    pub fn up(plan: &Plan) -> Result<Self> {
        let bed = Self::new(plan)?;
        bed.daemons.iter().try_for_each(Daemon::launch)?;
        bed.daemons.iter().try_for_each(Daemon::connected)?;
        Ok(bed)
    }

    /// The flags that name the store, as settings.
    pub fn store(&self) -> String {
        format!("store = \"etcd:{}\"\n", self.etcd.endpoints().join(","))
    }

    /// Certificates of a node, as settings; empty without TLS.
    ///
    /// # Errors
    /// Where they cannot be made.
    pub fn certificates(&self, name: &str, flaw: Flaw) -> Result<String> {
        let Some(pki) = self.etcd.pki() else {
            return Ok(String::new());
        };
        let Files { cert, key } = pki.issue(name, flaw)?;
        Ok(format!(
            "etcd_ca = {:?}\netcd_cert = {cert:?}\netcd_key = {key:?}\n",
            pki.ca()
        ))
    }

    /// Gives a daemon its settings: where the store is, the plan's, and these.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn configure(&self, daemon: &Daemon, more: &str) -> Result<()> {
        let (store, own) = (self.store(), self.certificates(&daemon.name, Flaw::None)?);
        let settings = &self.settings;
        // Tables come last in TOML.
        Ok(daemon.configure(&format!("{store}{own}{more}{settings}"))?)
    }

    /// The daemon of that number, from 1.
    pub fn node(&self, number: usize) -> &Daemon {
        &self.daemons[number - 1]
    }

    /// Its socket.
    pub fn door(&self, number: usize) -> Door {
        self.node(number).door()
    }

    /// What an operator would want to see after a failure. With `FAIRWAY_KEEP_DIR`, all logs go there as
    /// files, whole.
    pub fn report(&self) -> String {
        let mut text = String::new();
        for daemon in &self.daemons {
            let log = daemon.log();
            let told = |line: &&str| !line.contains(" DEBUG ");
            let lines: Vec<_> = log.lines().filter(told).collect();
            let tail = lines.len().saturating_sub(40);
            let _ = writeln!(
                text,
                "--- {} said last:\n{}",
                daemon.name,
                lines[tail..].join("\n")
            );
            if let Some(dir) = keep_dir() {
                let test = std::thread::current();
                let test = test.name().unwrap_or_default().replace("::", "-");
                let name = format!("{test}-{}.log", daemon.name);
                let _ = fs::create_dir_all(&dir).and_then(|()| fs::write(dir.join(name), log));
            }
        }
        text
    }
}

/// Where a failed test leaves what it has, if that is wanted.
pub fn keep_dir() -> Option<PathBuf> {
    std::env::var_os("FAIRWAY_KEEP_DIR").map(PathBuf::from)
}

/// Runs a test on a bed with all daemons started; where it fails, shows what they said.
///
/// # Errors
/// The test's.
pub fn on(plan: &Plan, test: impl FnOnce(&Bed) -> Result<()>) -> Result<()> {
    run(Bed::up(plan)?, test)
}

/// As [`on`], with no daemon started.
///
/// # Errors
/// The test's.
pub fn before(plan: &Plan, test: impl FnOnce(&Bed) -> Result<()>) -> Result<()> {
    run(Bed::new(plan)?, test)
}

fn run(bed: Bed, test: impl FnOnce(&Bed) -> Result<()>) -> Result<()> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&bed)));
    match caught {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            say(bed.report());
            Err(error)
        }
        Err(panic) => {
            say(bed.report());
            std::panic::resume_unwind(panic)
        }
    }
}
