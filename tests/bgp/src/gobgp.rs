//! GoBGP. It keeps tables only, and does not touch the kernel.

use crate::{END, SOON};
use anyhow::{Context as _, Result};
use fairway_lab::{Guarded, Ns, Value, poll, tempfile::TempDir};
use nix::sys::signal::Signal;
use std::fs;

/// Where it is asked, in its namespace.
const API: &str = "127.0.0.1:50051";

/// A GoBGP that runs, or ran.
#[derive(Debug)]
pub struct Gobgp {
    ns: Ns,
    dir: TempDir,
    process: Option<Guarded>,
}

impl Gobgp {
    /// Starts one with this configuration (TOML), and waits until it answers.
    ///
    /// # Errors
    /// Where it does not start, with what it said.
    pub fn start(ns: &Ns, config: &str) -> Result<Gobgp> {
        let dir = TempDir::new()?;
        fs::write(dir.path().join("gobgpd.toml"), config)?;
        let mut gobgp = Gobgp {
            ns: ns.clone(),
            dir,
            process: None,
        };
        gobgp.run(&[])?;
        Ok(gobgp)
    }

    fn run(&mut self, more: &[&str]) -> Result<()> {
        let command = self.ns.command("gobgpd").dir(self.dir.path());
        let command = command.args(["-f", "gobgpd.toml", "--api-hosts", API, "--pprof-disable"]);
        self.process = Some(command.args(more).spawn()?);
        let answers = || self.ask("global").is_ok();
        poll(SOON, "GoBGP answers", answers).with_context(|| self.log())
    }

    /// What it answers to a line of its CLI.
    ///
    /// # Errors
    /// Where it does not run, or does not know the line.
    pub fn ask(&self, line: &str) -> Result<String> {
        Ok(self.ns.command("gobgp").args(line.split(' ')).run()?)
    }

    /// Likewise, in JSON.
    ///
    /// # Errors
    /// As [`Gobgp::ask`].
    pub fn json(&self, line: &str) -> Result<Value> {
        let gobgp = self.ns.command("gobgp").arg("-j");
        Ok(gobgp.args(line.split(' ')).json()?)
    }

    /// Kills it.
    ///
    /// # Errors
    /// Where it is gone already.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("GoBGP does not run")?;
        process.signal(Signal::SIGKILL)?;
        process.wait(END)?;
        Ok(())
    }

    /// Starts it again, as one that restarts gracefully.
    ///
    /// # Errors
    /// As [`Gobgp::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.run(&["--graceful-restart"])
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
