//! A node with a daemon.

use fairway_api::{
    Client, ClientError, Method,
    admin::{IpamList, PoolCreate, PoolRange, PoolSettings},
    ipam::{Allocate, Allocated, Attachment, Facts, Netns, Release, Released},
};
use fairway_lab::{Guarded, Lab, Ns, poll};
use serde::de::DeserializeOwned;
use std::{fs, net::IpAddr, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

/// Longer than anything takes on a machine that builds at the same time.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A node whose daemon can be started again and again.
pub(crate) struct Bed {
    pub(crate) daemon: Option<Guarded>,
    pub(crate) lab: Lab,
    sweep: &'static str,
}

impl Bed {
    /// A node without a daemon.
    pub(crate) fn new() -> Bed {
        Bed {
            daemon: None,
            lab: Lab::new().unwrap(),
            sweep: "every = \"1h\"\nfirst_grace = \"1h\"",
        }
    }

    /// A node whose daemon runs, with a pool.
    pub(crate) fn up() -> Bed {
        let mut bed = Bed::new();
        bed.start();
        bed.pool("web", "10.7.0.0/24");
        bed
    }

    /// Lets it look for dead containers ten times a second.
    pub(crate) fn sweeping(mut self) -> Bed {
        self.sweep = "every = \"100ms\"\ngrace = \"200ms\"\nfirst_grace = \"200ms\"";
        self
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.lab.scratch().join("state")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.lab.scratch().join("run/fairwayd.sock")
    }

    /// Writes the settings; gives their path.
    pub(crate) fn settings(&self) -> PathBuf {
        let path = self.lab.scratch().join("fairwayd.toml");
        let text = format!(
            "node = \"n1\"\nstate_dir = {:?}\nsocket = {:?}\nstore = \"redb:{}\"\n[sweep]\n{}\n",
            self.state(),
            self.socket(),
            self.lab.scratch().join("store.redb").display(),
            self.sweep,
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// The daemon, with more arguments.
    pub(crate) fn launch(&self, more: &[&str]) -> Guarded {
        self.launch_logging("debug", more)
    }

    /// The same, which logs as much as `RUST_LOG` says.
    pub(crate) fn launch_logging(&self, level: &str, more: &[&str]) -> Guarded {
        let program = env!("CARGO_BIN_EXE_fairwayd");
        let command = self
            .lab
            .node()
            .command(program)
            .arg("--config")
            .arg(self.settings());
        command.args(more).env("RUST_LOG", level).spawn().unwrap()
    }

    /// Where this machine's plugins leave records if nothing tells them where: see [`Bed::start_with_var`].
    pub(crate) fn untold(&self) -> PathBuf {
        self.lab.scratch().join("var/fairway/released")
    }

    /// As [`Bed::start`], with a `/var/lib` of the daemon's own, in a mount namespace that goes with it.
    pub(crate) fn start_with_var(&mut self) {
        let var = self.lab.scratch().join("var");
        fs::create_dir_all(&var).unwrap();
        let script = "mount --bind \"$0\" /var/lib && exec \"$@\"";
        let command = self.lab.node().command("unshare");
        let command = command.args(["--mount", "sh", "-c", script]).arg(var);
        let command = command
            .arg(env!("CARGO_BIN_EXE_fairwayd"))
            .arg("--config")
            .arg(self.settings());
        self.daemon = Some(command.env("RUST_LOG", "debug").spawn().unwrap());
        self.answers();
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start(&mut self) {
        self.daemon = Some(self.launch(&[]));
        self.answers();
    }

    pub(crate) fn answers(&mut self) {
        self.answers_within(SOON);
    }

    pub(crate) fn answers_within(&mut self, limit: Duration) {
        let daemon = self.daemon.as_mut().unwrap();
        let socket = self.lab.scratch().join("run/fairwayd.sock");
        let answers = || {
            let there = Client::connect(&socket, Duration::from_secs(5)).is_ok();
            let ended = daemon.ended().is_some();
            (there || ended).then_some(there)
        };
        let there = poll(limit, "the daemon answers", answers);
        assert_eq!(there.ok(), Some(true), "{}", daemon.log());
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.signal(nix::sys::signal::Signal::SIGKILL).unwrap();
        daemon.wait(SOON).unwrap();
    }

    /// Ends it as the service manager does; gives its log.
    pub(crate) fn stop(&mut self) -> String {
        let mut daemon = self.daemon.take().unwrap();
        daemon.signal(nix::sys::signal::Signal::SIGTERM).unwrap();
        let status = daemon.wait(SOON).unwrap();
        assert!(status.success(), "{status}: {}", daemon.log());
        daemon.log()
    }

    pub(crate) fn log(&self) -> String {
        self.daemon.as_ref().map(Guarded::log).unwrap_or_default()
    }

    pub(crate) fn says(&self, text: &str) {
        let says = || self.log().contains(text);
        let said = poll(SOON, text, says);
        assert!(said.is_ok(), "not a word of {text:?}:\n{}", self.log());
    }

    pub(crate) fn call<T: DeserializeOwned>(&self, method: Method) -> Result<T, ClientError> {
        Client::connect(&self.socket(), Duration::from_secs(5))?.call(method)
    }

    pub(crate) fn pool(&self, name: &str, cidr: &str) {
        let range = PoolRange {
            cidr: cidr.into(),
            block: None,
            gateway: None,
            exclude: Vec::new(),
            draining: false,
        };
        let create = PoolCreate {
            name: name.into(),
            ranges: vec![range],
            settings: PoolSettings {
                cooldown: Some(1),
                ..PoolSettings::default()
            },
        };
        let made: fairway_api::admin::Pool = self.call(Method::PoolCreate(create)).unwrap();
        assert_eq!(made.phase, "active");
    }

    /// ADD, for a container at a namespace.
    pub(crate) fn add_at(
        &self,
        container: &str,
        netns: Option<Netns>,
    ) -> Result<IpAddr, ClientError> {
        let request = Allocate {
            attachment: attachment(container),
            netns,
            facts: Facts::default(),
            early: false,
        };
        let given: Allocated = self.call(Method::Allocate(Box::new(request)))?;
        assert_eq!(given.addresses.len(), 1);
        Ok(given.addresses[0].ip)
    }

    /// ADD, for a container of which nobody says where it is.
    pub(crate) fn add(&self, container: &str) -> IpAddr {
        self.add_at(container, None)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// DEL.
    pub(crate) fn del(&self, container: &str) -> Vec<IpAddr> {
        let attachment = attachment(container);
        let released: Released = self.call(Method::Release(Release { attachment })).unwrap();
        released.addresses
    }

    /// (address, state) as the store shows them.
    pub(crate) fn listed(&self) -> Vec<(IpAddr, String)> {
        let list = Method::IpamList(IpamList::default());
        let rows: Vec<fairway_api::admin::AddressRow> = self.call(list).unwrap();
        rows.into_iter().map(|row| (row.ip, row.state)).collect()
    }

    /// Waits until the store shows an address so; `None`: not at all.
    pub(crate) fn shows(&self, ip: IpAddr, state: Option<&str>) {
        let shown = || {
            let rows = self.listed();
            let row = rows.iter().find(|(at, _)| *at == ip);
            row.map(|(_, state)| state.as_str()) == state
        };
        let shown = poll(SOON, "the store shows it", shown);
        assert!(
            shown.is_ok(),
            "{ip} {state:?}: {:?}\n{}",
            self.listed(),
            self.log()
        );
    }
}

pub(crate) fn attachment(container: &str) -> Attachment {
    Attachment {
        network: "net".into(),
        container: container.into(),
        ifname: "eth0".into(),
    }
}

/// Where a container is, as a plugin tells it.
pub(crate) fn netns(ns: &Ns) -> Netns {
    let path = ns.path();
    let found = fs::metadata(&path).unwrap();
    Netns {
        path: path.display().to_string(),
        device: found.dev(),
        inode: found.ino(),
    }
}
