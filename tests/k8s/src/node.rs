//! One node with its daemon, on the bed's wire; the store is the bed's etcd, beside the API server's own keys.

use crate::{Bed, Error, Result, User};
use fairway_api::{admin::ObjectList, endpoint::Endpoint};
use fairway_lab::{Cmd, Cni, Guarded, Lab, Mounts, Ns, Value, bin_dir, plugin_dir, poll};
use fairway_tests_cluster::{Cable, Door};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What happens at once may take so long on a machine that builds something.
pub const SOON: Duration = Duration::from_secs(60);

/// Settings of a daemon whose containers nobody judges.
pub const UNJUDGED: &str = "[policy]\nenforce = false\n";

/// See the module's head.
pub struct Node {
    /// Its name.
    pub name: String,
    /// The daemon's socket.
    pub door: Door,
    /// Where the daemon and the node's plugins run.
    pub ns: Ns,
    process: Option<Guarded>,
    log: String,
    mounts: Mounts,
    lab: Lab,
    cable: Cable,
}

impl Node {
    /// A node whose daemon does not run yet, and will not judge packets; the API server has heard of it, with the taint.
    ///
    /// # Errors
    /// Without root.
    pub fn new(bed: &Bed, name: &str) -> Result<Self> {
        let node = Self::bare(bed, name)?;
        node.configure(bed, &bed.kubeconfig(User::Daemon), UNJUDGED)?;
        Ok(node)
    }

    /// As [`Node::new`], without settings.
    ///
    /// # Errors
    /// As there.
    pub fn bare(bed: &Bed, name: &str) -> Result<Self> {
        let lab = Lab::new()?;
        let ns = lab.machine(name)?;
        let cable = bed.lan.plug(&ns)?;
        let mounts = Mounts::new().map_err(|source| Error::File {
            path: "/sys/fs/bpf".into(),
            source,
        })?;
        let object = format!(
            r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":{name:?}}},"spec":{{"taints":[
               {{"key":"fairway.network/not-ready","effect":"NoSchedule"}},{{"key":"other","effect":"NoSchedule"}}]}}}}"#
        );
        apply(bed, &object)?;
        Ok(Self {
            name: name.to_owned(),
            door: Door {
                node: name.to_owned(),
                socket: lab.scratch().join("sock"),
            },
            ns,
            process: None,
            log: String::new(),
            mounts,
            lab,
            cable,
        })
    }

    /// Gives it settings, which its daemon reads at its next start: those that place it here, and `more` (TOML).
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn configure(&self, bed: &Bed, kubeconfig: &Path, more: &str) -> Result {
        let settings = format!(
            "node = {:?}\nsocket = {:?}\nstate_dir = {:?}\nstore = \"etcd:{}\"\nkubeconfig = {kubeconfig:?}\n{more}",
            self.name,
            self.door.socket,
            self.state(),
            bed.etcd.endpoint(0),
        );
        let path = self.settings();
        std::fs::write(&path, settings).map_err(|source| Error::File { path, source })
    }

    fn settings(&self) -> PathBuf {
        self.folder().join("fairwayd.toml")
    }

    fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// A folder that goes with it.
    pub fn folder(&self) -> &Path {
        self.lab.scratch()
    }

    /// Its address on the bed's wire.
    pub fn address(&self) -> &str {
        &self.cable.address
    }

    /// What leads to the node, in front of a program of whoever does not start it by [`Node::command`].
    pub fn enter(&self) -> [String; 3] {
        let net = format!("--net={}", self.ns.path().display());
        ["nsenter".to_owned(), net, self.mounts.flag()]
    }

    /// What a plugin on this node, or the runtime that starts it, has in its environment.
    pub fn env(&self) -> [(String, String); 2] {
        let text = |path: &Path| path.display().to_string();
        [
            ("FAIRWAY_SOCKET".to_owned(), text(&self.door.socket)),
            ("FAIRWAY_STATE_DIR".to_owned(), text(&self.state())),
        ]
    }

    /// A command on the node.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Cmd {
        let nsenter = self.ns.command("nsenter").arg(self.mounts.flag());
        nsenter.arg(program.as_ref())
    }

    /// A plugin of that type, run on this node.
    pub fn cni(&self, kind: &str) -> Cni {
        let cni = Cni::new(&self.ns, plugin_dir(), kind);
        let env = self.env().into_iter();
        env.fold(cni, |cni, (key, value)| cni.env(key, value))
    }

    /// A namespace as a runtime hands it to a plugin.
    ///
    /// # Errors
    /// Without root.
    pub fn container(&self) -> Result<Ns> {
        Ok(self.lab.container()?)
    }

    /// Starts the daemon and waits until it has a store.
    ///
    /// # Errors
    /// Where it does not come up; with its words.
    pub fn start(&mut self) -> Result {
        let command = self.command(bin_dir().join("fairwayd"));
        let command = command.arg("--config").arg(self.settings());
        self.process = Some(command.env("RUST_LOG", "info").spawn()?);
        self.soon("connected", || {
            self.door.info().is_ok_and(|info| info.connected)
        })
    }

    /// Polls.
    ///
    /// # Errors
    /// Where it does not come to be; with what the daemon said.
    pub fn soon(&self, what: &str, so: impl FnMut() -> bool) -> Result {
        poll(SOON, what, so).map_err(|error| Error::Node {
            name: self.name.clone(),
            what: error.to_string(),
            log: self.log(),
        })
    }

    /// All that the daemon said, over all its lives.
    pub fn log(&self) -> String {
        let now = self.process.as_ref().map(Guarded::log).unwrap_or_default();
        format!("{}{now}", self.log)
    }

    /// Sends the daemon a signal by which it ends; gone when this returns.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn end(&mut self, signal: Signal) -> Result {
        if let Some(mut process) = self.process.take() {
            process.signal(signal)?;
            process.wait(SOON)?;
            self.log.push_str(&process.log());
        }
        Ok(())
    }

    /// Sends the daemon a signal such as SIGSTOP.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn signal(&self, signal: Signal) -> Result {
        match &self.process {
            Some(process) => Ok(process.signal(signal)?),
            None => Err(Error::Daemon("does not run")),
        }
    }

    /// A number of the daemon's `/proc/PID/status`, in KiB.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn memory(&self, line: &str) -> Result<u64> {
        let process = self.process.as_ref();
        let pid = process.ok_or(Error::Daemon("does not run"))?.pid();
        let path = PathBuf::from(format!("/proc/{pid}/status"));
        let status = std::fs::read_to_string(&path);
        let status = status.map_err(|source| Error::File { path, source })?;
        let found = status.lines().find_map(|text| text.strip_prefix(line));
        let number = found.and_then(|text| text.split_whitespace().next()?.parse().ok());
        number.ok_or(Error::Daemon("has no such line in its status"))
    }

    /// Exit by good, and all that it said.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn netctl(&self, line: &str, input: &str) -> Result<(bool, String)> {
        let command = self.ns.command(bin_dir().join("netctl"));
        let command = command.arg("--socket").arg(&self.door.socket);
        let output = command
            .args(line.split_whitespace())
            .stdin(input)
            .output()?;
        Ok((
            output.status.success(),
            format!("{}{}", output.stdout, output.stderr),
        ))
    }

    /// Names of objects of a kind, as the daemon has them.
    pub fn names(&self, kind: &str) -> Vec<String> {
        let list = ObjectList {
            kind: kind.to_owned(),
            namespace: None,
            name: None,
        };
        let name = |object: &Value| object["metadata"]["name"].as_str().map(str::to_owned);
        let all = self.door.objects(list).unwrap_or_default();
        all.iter().filter_map(name).collect()
    }

    /// Does the daemon have an object?
    pub fn has(&self, kind: &str, name: &str) -> bool {
        self.names(kind).iter().any(|one| one == name)
    }

    /// Has one of the daemon's problems this text?
    pub fn problem(&self, text: &str) -> bool {
        let info = self.door.info();
        info.is_ok_and(|info| info.problems.iter().any(|problem| problem.contains(text)))
    }

    /// Containers that are in a network, as the daemon has them.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.door.endpoints().unwrap_or_default()
    }
}

/// Applies what must be taken.
///
/// # Errors
/// Where it is refused.
pub fn apply(bed: &Bed, object: &str) -> Result {
    let line = "apply --server-side --force-conflicts --validate=false -f -";
    let answer = bed.ask(User::Admin, line, object)?;
    match answer.done {
        true => Ok(()),
        false => Err(Error::Kubectl {
            line: line.to_owned(),
            text: answer.text,
        }),
    }
}

/// A bed with our kinds and what the daemon may do.
///
/// # Errors
/// As [`Bed::start`] and [`Bed::install`].
pub fn bed() -> Result<Bed> {
    let bed = Bed::start()?;
    furnish(&bed)?;
    Ok(bed)
}

/// Gives the API server our kinds and what the daemon may do.
///
/// # Errors
/// As [`Bed::install`].
pub fn furnish(bed: &Bed) -> Result {
    bed.install()?;
    let rbac = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rbac.yaml");
    bed.kubectl(User::Admin, &format!("apply -f {rbac}"))?;
    Ok(())
}

/// The condition of an object: its status, reason and message.
pub fn condition(bed: &Bed, object: &str, kind: &str) -> Option<(String, String, String)> {
    let object = bed.json(User::Admin, &format!("get {object}")).ok()?;
    let all = object["status"]["conditions"].as_array()?;
    let one = all.iter().find(|one| one["type"] == kind)?;
    let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
    // What is told must be of what is there.
    let current =
        kind != "Accepted" || one["observedGeneration"] == object["metadata"]["generation"];
    current.then(|| (text("status"), text("reason"), text("message")))
}
