//! FRR: zebra, which programs the kernel, and bgpd.

use crate::{END, SOON};
use anyhow::{Context as _, Result};
use fairway_lab::{Guarded, Ns, Value, poll, tempfile::TempDir};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, User, chown};
use std::fs;
use std::path::Path;

const DAEMONS: &str = "/usr/lib/frr";
/// Who FRR runs as.
const USER: &str = "frr";

/// An FRR that runs, or ran.
#[derive(Debug)]
pub struct Frr {
    ns: Ns,
    dir: TempDir,
    _zebra: Guarded,
    bgpd: Option<Guarded>,
    /// Of bgpd.
    options: Vec<String>,
}

impl Frr {
    /// Starts one with this configuration, and waits until it answers.
    ///
    /// # Errors
    /// Where it does not start, with what it said.
    pub fn start(ns: &Ns, config: &str) -> Result<Frr> {
        Frr::start_with(ns, config, &[])
    }

    /// Likewise, with more options of bgpd.
    ///
    /// # Errors
    /// As [`Frr::start`].
    pub fn start_with(ns: &Ns, config: &str, options: &[&str]) -> Result<Frr> {
        let user = User::from_name(USER)?.context("there is no user frr")?;
        let dir = TempDir::new()?;
        let file = dir.path().join("frr.conf");
        fs::write(&file, config)?;
        let own = |path: &Path, uid: Uid, gid: Gid| chown(path, Some(uid), Some(gid));
        own(dir.path(), user.uid, user.gid)?;
        own(&file, user.uid, user.gid)?;
        let zebra = daemon(ns, dir.path(), "zebra", &["-f", "/dev/null"])?;
        let api = dir.path().join("api");
        poll(SOON, "zebra answers", || api.exists()).with_context(|| zebra.log())?;
        let mut frr = Frr {
            ns: ns.clone(),
            dir,
            _zebra: zebra,
            bgpd: None,
            options: options.iter().map(ToString::to_string).collect(),
        };
        frr.restart()?;
        Ok(frr)
    }

    /// What bgpd answers to a line of its CLI.
    ///
    /// # Errors
    /// Where it does not run, or does not know the line.
    pub fn ask(&self, line: &str) -> Result<String> {
        let vtysh = self.ns.command("vtysh").arg("--vty_socket");
        Ok(vtysh
            .arg(self.dir.path())
            .args(["-d", "bgpd", "-c", line])
            .run()?)
    }

    /// Likewise, of a line that answers in JSON.
    ///
    /// # Errors
    /// As [`Frr::ask`].
    pub fn json(&self, line: &str) -> Result<Value> {
        let text = self.ask(line)?;
        fairway_lab::serde_json::from_str(&text).with_context(|| text)
    }

    /// Lines of configuration, one after the other, while it runs.
    ///
    /// # Errors
    /// Where it does not know one.
    pub fn configure(&self, lines: &[&str]) -> Result<()> {
        let vtysh = self.ns.command("vtysh").arg("--vty_socket");
        let mut vtysh = vtysh
            .arg(self.dir.path())
            .args(["-d", "bgpd", "-c", "configure terminal"]);
        for line in lines {
            vtysh = vtysh.args(["-c", line]);
        }
        vtysh.run()?;
        Ok(())
    }

    /// Another configuration, for when bgpd starts again.
    ///
    /// # Errors
    /// Where there is no room for it.
    pub fn write(&self, config: &str) -> Result<()> {
        Ok(fs::write(self.dir.path().join("frr.conf"), config)?)
    }

    /// Kills bgpd; zebra keeps the routes for a while.
    ///
    /// # Errors
    /// Where it is gone already.
    pub fn kill(&mut self) -> Result<()> {
        let mut bgpd = self.bgpd.take().context("bgpd does not run")?;
        bgpd.signal(Signal::SIGKILL)?;
        bgpd.wait(END)?;
        Ok(())
    }

    /// Starts bgpd again.
    ///
    /// # Errors
    /// As [`Frr::start`].
    pub fn restart(&mut self) -> Result<()> {
        let options = self.options.iter().map(String::as_str);
        let options: Vec<&str> = ["-f", "frr.conf"].into_iter().chain(options).collect();
        self.bgpd = Some(daemon(&self.ns, self.dir.path(), "bgpd", &options)?);
        let answers = || self.ask("show bgp summary").is_ok();
        poll(SOON, "bgpd answers", answers).with_context(|| self.log())
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.bgpd.as_ref().map(Guarded::pid)
    }

    /// What bgpd printed.
    pub fn log(&self) -> String {
        self.bgpd.as_ref().map(Guarded::log).unwrap_or_default()
    }
}

/// With all that daemons share in a folder of their own.
fn daemon(ns: &Ns, dir: &Path, name: &str, more: &[&str]) -> Result<Guarded> {
    let path = |file: &str| dir.join(file).display().to_string();
    let (pid, api, vty) = (path(&format!("{name}.pid")), path("api"), path(""));
    let command = ns.command(format!("{DAEMONS}/{name}")).dir(dir);
    let command = command.args(["-i", &pid, "-z", &api, "--vty_socket", &vty]);
    // No port for people, and what is to be told goes to the log.
    let command = command.args(["-P", "0", "--log", "stdout"]);
    Ok(command.args(more).spawn()?)
}
