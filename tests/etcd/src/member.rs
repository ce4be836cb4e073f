//! One etcd process.

use crate::{CLIENT_PORT, Error, Files, METRICS_PORT, PEER_PORT, Result};
use fairway_lab::{Cmd, Guarded, Ns};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a member may take to say how it does.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) index: usize,
    pub(crate) ns: Ns,
    pub(crate) ip: IpAddr,
    command: Cmd,
    process: Mutex<Option<Guarded>>,
}

/// What all members have in common.
pub(crate) struct Common<'a> {
    pub(crate) scheme: &'static str,
    pub(crate) dir: &'a Path,
    pub(crate) initial: String,
    pub(crate) tls: Option<(PathBuf, Files, Files)>,
    pub(crate) args: Vec<String>,
}

fn alive_mut(process: &mut Option<Guarded>) -> Option<&mut Guarded> {
    let process = process.as_mut()?;
    match process.ended() {
        None => Some(process),
        Some(_) => None,
    }
}

pub(crate) fn url(scheme: &str, ip: IpAddr, port: u16) -> String {
    format!("{scheme}://{}", SocketAddr::new(ip, port))
}

impl Member {
    pub(crate) fn new(index: usize, ns: Ns, ip: IpAddr, common: &Common) -> Self {
        let Common { scheme, dir, .. } = common;
        let client = url(scheme, ip, CLIENT_PORT);
        let peer = url(scheme, ip, PEER_PORT);
        let mut command = ns.command("etcd").env_clear().env("GOMAXPROCS", "2");
        let mut set = |flag: &str, value: &str| {
            command = command.clone().arg(format!("--{flag}={value}"));
        };
        set("name", &format!("m{index}"));
        let data = dir.join(format!("m{index}"));
        set("data-dir", &data.display().to_string());
        set("listen-client-urls", &client);
        set("advertise-client-urls", &client);
        set("listen-peer-urls", &peer);
        set("initial-advertise-peer-urls", &peer);
        set("listen-metrics-urls", &url("http", ip, METRICS_PORT));
        set("initial-cluster", &common.initial);
        set("initial-cluster-token", "bed");
        set("initial-cluster-state", "new");
        set("logger", "zap");
        set("log-outputs", "stderr");
        set("log-level", "warn");
        if let Some((ca, shown, own)) = &common.tls {
            let ca = ca.display().to_string();
            set("trusted-ca-file", &ca);
            set("cert-file", &shown.cert.display().to_string());
            set("key-file", &shown.key.display().to_string());
            set("client-cert-auth", "true");
            set("peer-trusted-ca-file", &ca);
            set("peer-cert-file", &own.cert.display().to_string());
            set("peer-key-file", &own.key.display().to_string());
            set("peer-client-cert-auth", "true");
        }
        let command = command.args(&common.args);
        let process = Mutex::new(None);
        Self {
            index,
            ns,
            ip,
            command,
            process,
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Guarded>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn start(&self) -> Result {
        let mut process = self.process();
        if process.as_mut().is_some_and(|p| p.ended().is_none()) {
            return Err(self.state("running"));
        }
        *process = Some(self.command.spawn()?);
        Ok(())
    }

    fn state(&self, state: &'static str) -> Error {
        let member = self.index;
        Error::State { member, state }
    }

    /// Does something with the running process.
    pub(crate) fn running<T>(&self, f: impl FnOnce(&mut Guarded) -> Result<T>) -> Result<T> {
        let mut process = self.process();
        match alive_mut(&mut process) {
            Some(process) => f(process),
            None => Err(self.state("not running")),
        }
    }

    /// Takes the running process out, to end it.
    pub(crate) fn take(&self) -> Result<Guarded> {
        let taken = self.process().take();
        taken.ok_or_else(|| self.state("not running"))
    }

    pub(crate) fn log(&self) -> String {
        self.process()
            .as_ref()
            .map(Guarded::log)
            .unwrap_or_default()
    }

    /// An error if the member was started and has ended by itself.
    pub(crate) fn alive(&self) -> Result {
        let mut process = self.process();
        let Some(running) = process.as_mut() else {
            return Ok(());
        };
        match running.ended() {
            None => Ok(()),
            Some(status) => Err(Error::Ended {
                member: self.index,
                status: status.to_string(),
                log: running.log(),
            }),
        }
    }

    /// What it answers to a GET on the metrics port; nothing where it does not answer.
    fn ask(&self, path: &str) -> Option<String> {
        let to = SocketAddr::new(self.ip, METRICS_PORT);
        let ask = || {
            let mut stream = TcpStream::connect_timeout(&to, PATIENCE).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).ok()?;
            Some(text)
        };
        self.ns.inside(ask).ok()?
    }

    /// It is part of a cluster with a leader, and reads and writes go through.
    pub(crate) fn healthy(&self) -> bool {
        let healthy = |text: String| text.contains("\"health\":\"true\"");
        self.ask("/health").is_some_and(healthy)
    }

    /// It believes that it leads.
    pub(crate) fn leads(&self) -> bool {
        let leads = |text: String| text.lines().any(|l| l == "etcd_server_is_leader 1");
        self.ask("/metrics").is_some_and(leads)
    }
}
