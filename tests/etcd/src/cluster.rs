//! The members together.

use crate::loopback::Held;
use crate::member::{Common, Member, url};
use crate::options::{Options, Seat, Seats};
use crate::{CLIENT_PORT, Error, Files, Flaw, PEER_PORT, Pki, Result};
use fairway_lab::{Cmd, Lab, Ns, poll};
use nix::sys::signal::Signal;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// A cluster starts in about a second; a loaded machine takes longer.
const READY: Duration = Duration::from_secs(60);

/// See the crate's head. All methods take `&self`: a disturber may work beside the clients.
#[derive(Debug)]
pub struct Cluster {
    // In the order in which they are to go: processes first.
    members: Vec<Member>,
    pki: Option<Pki>,
    admin: Option<Files>,
    password: Option<String>,
    scheme: &'static str,
    _held: Vec<Held>,
    lab: Lab,
}

impl Cluster {
    /// Starts the members and waits until all are healthy and authentication, if wanted, is on.
    ///
    /// # Errors
    /// Where etcd is not installed, a member ends, or they do not agree within a minute.
    pub fn start(options: Options) -> Result<Self> {
        let lab = Lab::new()?;
        let mut held = Vec::new();
        let seats = match options.seats {
            Seats::Given(seats) => seats,
            Seats::Loopback(members) => {
                let ns = Ns::host()?;
                held = (0..members).map(|_| Held::take()).collect::<Result<_>>()?;
                let seat = |held: &Held| Seat {
                    ns: ns.clone(),
                    ip: held.address.into(),
                };
                held.iter().map(seat).collect()
            }
        };
        let pki = match options.tls {
            Some(_) => Some(Pki::new(lab.scratch(), seats.iter().map(|seat| seat.ip))?),
            None => None,
        };
        let (mut tls, mut admin) = (None, None);
        if let (Some(pki), Some(flaw)) = (&pki, options.tls) {
            let (shown, own) = (pki.issue("shown", flaw)?, pki.issue("peer", Flaw::None)?);
            tls = Some((pki.ca(), shown, own));
            admin = Some(pki.issue("root", Flaw::None)?);
        }
        let scheme = if pki.is_some() { "https" } else { "http" };
        let mut args = options.args;
        let quota = options.quota;
        args.extend(quota.map(|bytes| format!("--quota-backend-bytes={bytes}")));
        let peer = |(n, seat): (usize, &Seat)| format!("m{n}={}", url(scheme, seat.ip, PEER_PORT));
        let peers: Vec<_> = seats.iter().enumerate().map(peer).collect();
        let common = Common {
            scheme,
            dir: lab.scratch(),
            initial: peers.join(","),
            tls,
            args,
        };
        let member = |(n, seat): (usize, Seat)| Member::new(n, seat.ns, seat.ip, &common);
        let members = seats.into_iter().enumerate().map(member).collect();
        let mut cluster = Self {
            members,
            pki,
            admin,
            password: None,
            scheme,
            _held: held,
            lab,
        };
        cluster.members.iter().try_for_each(Member::start)?;
        cluster.wait_ready(READY)?;
        if let Some(password) = options.password {
            cluster.etcdctl(&["user", "add", &format!("root:{password}")])?;
            cluster.etcdctl(&["user", "grant-role", "root", "root"])?;
            cluster.etcdctl(&["auth", "enable"])?;
            cluster.password = Some(password);
        }
        Ok(cluster)
    }

    /// How many members there are, running or not.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The URL at which a member answers clients.
    pub fn endpoint(&self, member: usize) -> String {
        url(self.scheme, self.members[member].ip, CLIENT_PORT)
    }

    /// All members' URLs.
    pub fn endpoints(&self) -> Vec<String> {
        (0..self.len()).map(|n| self.endpoint(n)).collect()
    }

    /// The address at which a member answers clients, for a proxy.
    pub fn address(&self, member: usize) -> SocketAddr {
        SocketAddr::new(self.members[member].ip, CLIENT_PORT)
    }

    /// A member's own address.
    pub fn ip(&self, member: usize) -> IpAddr {
        self.members[member].ip
    }

    /// The namespace that a member is in.
    pub fn ns(&self, member: usize) -> &Ns {
        &self.members[member].ns
    }

    /// The certificates, where there is TLS.
    pub fn pki(&self) -> Option<&Pki> {
        self.pki.as_ref()
    }

    /// A folder that goes with the cluster.
    pub fn scratch(&self) -> &Path {
        self.lab.scratch()
    }

    /// The process id of a running member.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn pid(&self, member: usize) -> Result<i32> {
        self.members[member].running(|process| Ok(process.pid()))
    }

    /// What a member complained of since it was started last.
    pub fn log(&self, member: usize) -> String {
        self.members[member].log()
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn kill(&self, member: usize) -> Result {
        self.members[member].take().map(drop)
    }

    /// SIGTERM, and waits until it is gone.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn shut(&self, member: usize) -> Result {
        let process = self.members[member].take()?;
        process.stop(READY)?;
        Ok(())
    }

    /// SIGSTOP: it is there, its connections stay, and it says nothing.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn stop(&self, member: usize) -> Result {
        self.members[member].running(|process| Ok(process.signal(Signal::SIGSTOP)?))
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn cont(&self, member: usize) -> Result {
        self.members[member].running(|process| Ok(process.signal(Signal::SIGCONT)?))
    }

    /// Starts a member that was killed, with its old data. Does not wait for it.
    ///
    /// # Errors
    /// Where it is running.
    pub fn restart(&self, member: usize) -> Result {
        self.members[member].start()
    }

    /// Whether a member says that reads and writes go through.
    pub fn healthy(&self, member: usize) -> bool {
        self.members[member].healthy()
    }

    /// Waits until all members are healthy.
    ///
    /// # Errors
    /// Where one has ended, or after `limit`.
    pub fn wait_ready(&self, limit: Duration) -> Result {
        let ready = poll(limit, "", || {
            for member in &self.members {
                match member.alive() {
                    Ok(()) if member.healthy() => {}
                    Ok(()) => return None,
                    Err(error) => return Some(Err(error)),
                }
            }
            Some(Ok(()))
        });
        ready.unwrap_or_else(|_| Err(self.late("all members are healthy")))
    }

    /// The member that leads, as soon as exactly one of those that answer says so.
    ///
    /// # Errors
    /// Where that is not so within a minute.
    pub fn leader(&self) -> Result<usize> {
        let one = poll(READY, "", || {
            let mut leaders = self.members.iter().filter(|member| member.leads());
            match (leaders.next(), leaders.next()) {
                (Some(leader), None) => Some(leader.index),
                _ => None,
            }
        });
        one.map_err(|_| self.late("one member leads"))
    }

    fn late(&self, what: &str) -> Error {
        let logs = self.members.iter();
        let logs: Vec<_> = logs
            .map(|m| format!("member {}:\n{}", m.index, m.log()))
            .collect();
        Error::Deadline {
            what: what.to_owned(),
            log: logs.join("\n"),
        }
    }

    /// Runs `etcdctl` as root against all members; gives its output.
    ///
    /// # Errors
    /// Where it fails.
    pub fn etcdctl(&self, args: &[&str]) -> Result<String> {
        Ok(self.ctl().args(args).run()?)
    }

    fn ctl(&self) -> Cmd {
        let ns = &self.members[0].ns;
        let mut command = ns.command("etcdctl").env_clear().env("ETCDCTL_API", "3");
        command = command.arg(format!("--endpoints={}", self.endpoints().join(",")));
        // Its own five seconds and two are few for a store whose machine builds something; who asks for others has them.
        command = command.args(["--command-timeout=25s", "--dial-timeout=10s"]);
        if let (Some(pki), Some(admin)) = (&self.pki, &self.admin) {
            command = command.arg(format!("--cacert={}", pki.ca().display()));
            command = command.arg(format!("--cert={}", admin.cert.display()));
            command = command.arg(format!("--key={}", admin.key.display()));
        }
        match &self.password {
            Some(password) => command.arg(format!("--user=root:{password}")),
            None => command,
        }
    }

    /// A user that may read and write the keys with a prefix, and nothing else.
    ///
    /// # Errors
    /// Where there is one of that name.
    pub fn add_user(&self, name: &str, password: &str, prefix: &str) -> Result {
        self.etcdctl(&["user", "add", &format!("{name}:{password}")])?;
        self.etcdctl(&["role", "add", name])?;
        self.etcdctl(&[
            "role",
            "grant-permission",
            "--prefix=true",
            name,
            "readwrite",
            prefix,
        ])?;
        self.etcdctl(&["user", "grant-role", name, name])?;
        Ok(())
    }
}
