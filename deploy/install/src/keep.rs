//! Puts everything there, and sees to it that it stays, until a signal ends it.
//!
//! What it is told to put there it reads anew each time, so a changed configuration goes on the node by itself. The
//! plugins come first, since they are asked; the configuration when they are ready, and from then on it stays: a daemon
//! that is away for a moment, as during its upgrade, is no reason to take a node's network away. It ends with
//! everything left in place.

use crate::{ConfName, Disk, InstallError, PluginType, conflist, plugins, ready};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// What is to be on the node, and where it comes from.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The plugins' binary.
    pub binary: PathBuf,
    /// Only these of its types.
    pub types: Option<Vec<PluginType>>,
    /// Where plugins go.
    pub plugins: PathBuf,
    /// The configuration, where one is wanted.
    pub conf: Option<Conf>,
}

/// The configuration's part of a plan.
#[derive(Debug, Clone)]
pub struct Conf {
    /// What is to be in it.
    pub file: PathBuf,
    /// What it is to be called.
    pub name: ConfName,
    /// Where it goes.
    pub folder: PathBuf,
    /// Others may come before it.
    pub not_first: bool,
}

/// What a round has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Of the plugins.
    pub plugins: plugins::Changes,
    /// The configuration was written.
    pub conf: bool,
}

impl Plan {
    /// What it has the plugins' folder be.
    ///
    /// # Errors
    /// As [`plugins::Wanted::of`].
    pub fn plugins(&self) -> Result<plugins::Wanted, InstallError> {
        plugins::Wanted::of(&self.binary, self.types.as_deref())
    }

    /// Does what is missing.
    ///
    /// # Errors
    /// The first thing that could not be done, with what was done before it; the next round goes on from there.
    pub fn round(&self, disk: &Disk) -> Result<Round, InstallError> {
        let ours = self.plugins()?;
        let plugins = plugins::put(disk, &self.plugins, &ours)?;
        let mut conf = false;
        if let Some(plan) = &self.conf {
            let wanted = plan.wanted()?;
            if conflist::check(&plan.folder, &wanted).is_err() {
                ready::ask(&self.plugins, &wanted, &ours)?;
            }
            conf = conflist::put(disk, &plan.folder, &wanted)? == conflist::Done::Changed;
        }
        Ok(Round { plugins, conf })
    }

    /// Is all of it there?
    ///
    /// # Errors
    /// Names the first thing that is not.
    pub fn check(&self) -> Result<(), InstallError> {
        plugins::check(&self.plugins, &self.plugins()?)?;
        match &self.conf {
            None => Ok(()),
            Some(plan) => conflist::check(&plan.folder, &plan.wanted()?),
        }
    }
}

impl Conf {
    fn wanted(&self) -> Result<conflist::Wanted, InstallError> {
        let mut wanted = conflist::Wanted::read(self.name.clone(), &self.file)?;
        wanted.not_first = self.not_first;
        Ok(wanted)
    }
}

/// SIGTERM and SIGINT, which end a wait instead of the process.
#[derive(Debug)]
pub struct Ending(SignalFd);

impl Ending {
    /// From now on.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn heard() -> nix::Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGTERM);
        set.add(Signal::SIGINT);
        set.thread_block()?;
        SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC).map(Self)
    }

    /// Waits so long, or for ever; true: the process is to end.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let millis = limit.map(|limit| u16::try_from(limit.as_millis()).unwrap_or(u16::MAX));
        let timeout = millis.map_or(PollTimeout::NONE, PollTimeout::from);
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(0) | Err(Errno::EINTR) => false,
            Ok(_) | Err(_) => true,
        }
    }
}

/// Between two rounds as long as something is missing.
const SOON: Duration = Duration::from_secs(1);

/// Round after round, `every` so long, until the process is to end; `tell` hears what has changed, and each new trouble
/// once.
pub fn keep(plan: &Plan, every: Duration, ending: &Ending, mut tell: impl FnMut(&str)) {
    let mut trouble = String::new();
    loop {
        let pause = match plan.round(&Disk::real()) {
            Ok(round) => {
                if !round.plugins.changed.is_empty() {
                    tell(&format!("plugins: {}", round.plugins.changed.join(" ")));
                }
                if round.conf {
                    tell("the configuration is written");
                }
                if !trouble.is_empty() {
                    tell("all is as it should be");
                }
                trouble.clear();
                every
            }
            Err(error) => {
                let text = error.shown();
                if text != trouble {
                    tell(&text);
                    trouble = text;
                }
                SOON.min(every)
            }
        };
        if ending.wait(Some(pause)) {
            return;
        }
    }
}
