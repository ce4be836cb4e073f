//! `fairway-install`: see the library.
//!
//! Exit status: 0 done, 1 refused or failed, 2 usage. What it does it says on standard error, one line each.

mod cli;
mod manual;

use clap::Parser as _;
use cli::{Cli, Command};
use fairway_install::{Disk, InstallError, conflist, keep, plugins};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error.shown());
            ExitCode::FAILURE
        }
    }
}

/// Where nobody hears it, the status still tells.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "fairway-install: {text}");
}

fn run(command: Command) -> Result<(), InstallError> {
    let disk = Disk::real();
    match command {
        Command::Plugins { plugins } => told(plugins::put(&disk, &plugins.to, &plugins.wanted()?)?),
        Command::Conflist(conf) => {
            let (wait, plan) = conf.plan();
            let ending = keep::Ending::heard().map_err(system)?;
            let end = std::time::Instant::now() + Duration::from_secs(wait);
            loop {
                match plan.round(&disk) {
                    Err(error @ InstallError::NotReady { .. }) => {
                        let left = end.saturating_duration_since(std::time::Instant::now());
                        if left.is_zero() || ending.wait(Some(left.min(Duration::from_millis(500))))
                        {
                            return Err(error);
                        }
                    }
                    done => {
                        let round = done?;
                        told(round.plugins);
                        tell(match round.conf {
                            true => "the configuration is written",
                            false => "the configuration is as it should be",
                        });
                        return Ok(());
                    }
                }
            }
        }
        Command::Keep { plan, every } => {
            let ending = keep::Ending::heard().map_err(system)?;
            keep::keep(&plan.plan(), Duration::from_secs(every), &ending, tell);
        }
        Command::Man { folder } => manual::write(&folder)?,
        Command::Check { plan } => plan.plan().check()?,
        Command::Remove {
            conflists,
            plugins,
            stay,
        } => {
            let ending = stay.then(keep::Ending::heard).transpose().map_err(system)?;
            // First what leads runtimes here, then what they would start.
            if let Some(folder) = conflists
                && conflist::remove(&disk, &folder)? == conflist::Done::Left
            {
                tell("the configuration was changed by somebody else and is left");
            }
            if let Some(folder) = plugins {
                told(plugins::remove(&disk, &folder)?);
            }
            if let Some(ending) = ending {
                tell("removed; waiting for the end");
                while !ending.wait(None) {}
            }
        }
    }
    Ok(())
}

fn told(changes: plugins::Changes) {
    for (names, what) in [
        (changes.changed, "changed"),
        (changes.kept, "kept aside what was there before"),
        (changes.restored, "put back what was there before"),
        (changes.left, "left: somebody else's by now"),
    ] {
        if !names.is_empty() {
            tell(&format!("{what}: {}", names.join(" ")));
        }
    }
}

fn system(error: nix::Error) -> InstallError {
    InstallError::Io {
        what: "listen to signals of",
        path: "/proc/self".into(),
        source: error.into(),
    }
}
