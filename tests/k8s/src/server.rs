//! The server's process, which comes and goes.

use crate::{Error, Programs, Result, papers::Papers};
use fairway_lab::{Cmd, Guarded, Ns};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where the server listens.
pub const PORT: u16 = 6443;

/// How long it may take to end: it drains its connections.
const END: Duration = Duration::from_secs(60);

/// kube-apiserver. All methods take `&self`: a disturber may work beside the clients.
#[derive(Debug)]
pub struct Server {
    command: Cmd,
    process: Mutex<Option<Guarded>>,
    past: Mutex<String>,
}

impl Server {
    pub(crate) fn new(
        ns: &Ns,
        (ip, etcd): (&str, &str),
        (programs, papers): (&Programs, &Papers),
        folder: &Path,
    ) -> Self {
        let file = |name: &str| papers.path(name).display().to_string();
        let mut command = ns.command(&programs.apiserver).env_clear();
        for (flag, value) in [
            ("etcd-servers", etcd.to_owned()),
            ("bind-address", ip.to_owned()),
            ("advertise-address", ip.to_owned()),
            ("secure-port", PORT.to_string()),
            ("tls-cert-file", file("server.pem")),
            ("tls-private-key-file", file("server.key")),
            ("token-auth-file", file("tokens.csv")),
            ("service-account-issuer", "https://bed".to_owned()),
            ("service-account-key-file", file("accounts.pem")),
            ("service-account-signing-key-file", file("accounts.key")),
            ("service-cluster-ip-range", "198.51.100.0/24".to_owned()),
            ("authorization-mode", "RBAC".to_owned()),
            // Nobody is here who would give a namespace its account.
            ("disable-admission-plugins", "ServiceAccount".to_owned()),
            ("endpoint-reconciler-type", "none".to_owned()),
            ("cert-dir", folder.display().to_string()),
            // As in every cluster that has a network: what sets it up is privileged.
            ("allow-privileged", "true".to_owned()),
            ("profiling", "false".to_owned()),
            ("v", "1".to_owned()),
        ] {
            command = command.arg(format!("--{flag}={value}"));
        }
        Self {
            command,
            process: Mutex::default(),
            past: Mutex::default(),
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Guarded>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it, and no more; [`crate::Bed::ready`] waits.
    ///
    /// # Errors
    /// Where it is running.
    pub fn launch(&self) -> Result {
        let mut process = self.process();
        if process.as_mut().is_some_and(|one| one.ended().is_none()) {
            return Err(Error::State("running"));
        }
        *process = Some(self.command.spawn()?);
        Ok(())
    }

    /// SIGKILL; gone when this returns.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn kill(&self) -> Result {
        self.end(Signal::SIGKILL)
    }

    /// SIGTERM, by which it says goodbye to its clients; gone when this returns.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn stop(&self) -> Result {
        self.end(Signal::SIGTERM)
    }

    /// SIGSTOP: connections stay, and nothing comes.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn pause(&self) -> Result {
        self.signal(Signal::SIGSTOP)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn go_on(&self) -> Result {
        self.signal(Signal::SIGCONT)
    }

    /// Whether it was started and has not ended.
    pub fn runs(&self) -> bool {
        let mut process = self.process();
        process.as_mut().is_some_and(|one| one.ended().is_none())
    }

    /// All that it said, over all its lives.
    pub fn log(&self) -> String {
        let process = self.process();
        let now = process.as_ref().map(Guarded::log).unwrap_or_default();
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{past}{now}")
    }

    fn signal(&self, signal: Signal) -> Result {
        match self.process().as_ref() {
            Some(process) => Ok(process.signal(signal)?),
            None => Err(Error::State("not running")),
        }
    }

    fn end(&self, signal: Signal) -> Result {
        let Some(mut process) = self.process().take() else {
            return Err(Error::State("not running"));
        };
        if process.ended().is_none() {
            process.signal(signal)?;
            process.wait(END)?;
        }
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(past, "{}--- it ended", process.log());
        Ok(())
    }
}
