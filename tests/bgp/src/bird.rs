//! BIRD 2.

use crate::{END, SOON};
use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Guarded, Ns, poll, tempfile::TempDir};
use nix::sys::signal::Signal;
use std::fs;

/// A BIRD that runs, or ran.
#[derive(Debug)]
pub struct Bird {
    ns: Ns,
    dir: TempDir,
    process: Option<Guarded>,
}

impl Bird {
    /// Starts one with this configuration, and waits until it answers.
    ///
    /// # Errors
    /// Where it does not start, with what it said.
    pub fn start(ns: &Ns, config: &str) -> Result<Bird> {
        let dir = TempDir::new()?;
        let mut bird = Bird {
            ns: ns.clone(),
            dir,
            process: None,
        };
        bird.write(config)?;
        bird.run(&[])?;
        Ok(bird)
    }

    /// Another configuration, for when it starts again.
    ///
    /// # Errors
    /// Where there is no room for it.
    pub fn write(&self, config: &str) -> Result<()> {
        Ok(fs::write(self.dir.path().join("bird.conf"), config)?)
    }

    fn run(&mut self, more: &[&str]) -> Result<()> {
        let command = self.ns.command("bird").dir(self.dir.path());
        let command = command.args(["-f", "-c", "bird.conf", "-s", "bird.ctl", "-P", "bird.pid"]);
        self.process = Some(command.args(more).spawn()?);
        let answers = || self.ask("show status").is_ok();
        poll(SOON, "BIRD answers", answers).with_context(|| self.log())
    }

    /// What it answers to a line of its CLI.
    ///
    /// # Errors
    /// Where it does not run, or does not know the line.
    pub fn ask(&self, line: &str) -> Result<String> {
        let birdc = self.ns.command("birdc").dir(self.dir.path());
        Ok(birdc.args(["-s", "bird.ctl"]).args(line.split(' ')).run()?)
    }

    /// Another configuration, while it runs.
    ///
    /// # Errors
    /// Where BIRD does not take it.
    pub fn configure(&self, config: &str) -> Result<()> {
        self.write(config)?;
        let birdc = self.ns.command("birdc").dir(self.dir.path());
        let said = birdc.args(["-s", "bird.ctl", "configure"]).run()?;
        ensure!(said.contains("Reconfigur"), "{said}");
        Ok(())
    }

    /// Kills it: its peers see the connections end, and its routes stay in the kernel.
    ///
    /// # Errors
    /// Where it is gone already.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("BIRD does not run")?;
        process.signal(Signal::SIGKILL)?;
        process.wait(END)?;
        Ok(())
    }

    /// Starts it again; with graceful recovery where its configuration has it.
    ///
    /// # Errors
    /// As [`Bird::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.run(&["-R"])
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.process.as_ref().map(Guarded::pid)
    }

    /// What it printed.
    pub fn log(&self) -> String {
        self.process.as_ref().map(Guarded::log).unwrap_or_default()
    }
}
