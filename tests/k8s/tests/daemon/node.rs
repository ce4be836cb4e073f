//! One node with its daemon, on the bed's wire; the store is the bed's etcd, beside the API server's own keys.

use fairway_lab::{Guarded, Lab, Ns, Value, bin_dir, poll};
use fairway_tests_cluster::{Cable, Door};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;
use std::time::Duration;

/// What happens at once may take so long on a machine that builds something.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// See the module's head.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) door: Door,
    process: Option<Guarded>,
    log: String,
    ns: Ns,
    lab: Lab,
    _cable: Cable,
}

impl Node {
    /// A node whose daemon does not run yet; the API server has heard of it, with the taint.
    pub(crate) fn new(bed: &Bed, name: &str) -> Outcome<Node> {
        let lab = Lab::new()?;
        let ns = lab.machine(name)?;
        let cable = bed.lan.plug(&ns)?;
        let socket = lab.scratch().join("sock");
        let settings = format!(
            "node = {name:?}\nsocket = {socket:?}\nstate_dir = {:?}\nstore = \"etcd:{}\"\nkubeconfig = {:?}\n\
             [policy]\nenforce = false\n",
            lab.scratch().join("state"),
            bed.etcd.endpoint(0),
            bed.kubeconfig(User::Daemon),
        );
        std::fs::write(lab.scratch().join("fairwayd.toml"), settings)?;
        let object = format!(
            r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":{name:?}}},"spec":{{"taints":[
               {{"key":"fairway.network/not-ready","effect":"NoSchedule"}},{{"key":"other","effect":"NoSchedule"}}]}}}}"#
        );
        apply(bed, &object)?;
        Ok(Node {
            name: name.to_owned(),
            door: Door {
                node: name.to_owned(),
                socket,
            },
            process: None,
            log: String::new(),
            ns,
            lab,
            _cable: cable,
        })
    }

    /// Starts it and waits until it has a store.
    pub(crate) fn start(&mut self) -> Outcome {
        let config = self.lab.scratch().join("fairwayd.toml");
        let command = self.ns.command(bin_dir().join("fairwayd"));
        let command = command.arg("--config").arg(config);
        self.process = Some(command.env("RUST_LOG", "info").spawn()?);
        self.soon("connected", || {
            self.door.info().is_ok_and(|info| info.connected)
        })
    }

    /// Polls; where it does not come to be, with what the daemon said.
    pub(crate) fn soon(&self, what: &str, so: impl Fn() -> bool) -> Outcome {
        poll(SOON, what, so)
            .map_err(|error| format!("{error}; {} said:\n{}", self.name, self.log()))?;
        Ok(())
    }

    pub(crate) fn log(&self) -> String {
        let now = self.process.as_ref().map(Guarded::log).unwrap_or_default();
        format!("{}{now}", self.log)
    }

    pub(crate) fn end(&mut self, signal: Signal) -> Outcome {
        if let Some(mut process) = self.process.take() {
            process.signal(signal)?;
            process.wait(SOON)?;
            self.log.push_str(&process.log());
        }
        Ok(())
    }

    /// In KiB.
    pub(crate) fn memory(&self, line: &str) -> Outcome<u64> {
        let pid = self.process.as_ref().ok_or("does not run")?.pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let found = status.lines().find_map(|text| text.strip_prefix(line));
        let number = found.and_then(|text| text.split_whitespace().next()?.parse().ok());
        Ok(number.ok_or("no such line")?)
    }

    /// Exit by good, and all that it said.
    pub(crate) fn netctl(&self, line: &str, input: &str) -> Outcome<(bool, String)> {
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
    pub(crate) fn names(&self, kind: &str) -> Vec<String> {
        let list = fairway_api::admin::ObjectList {
            kind: kind.to_owned(),
            namespace: None,
            name: None,
        };
        let name = |object: &Value| object["metadata"]["name"].as_str().map(str::to_owned);
        let all = self.door.objects(list).unwrap_or_default();
        all.iter().filter_map(name).collect()
    }

    pub(crate) fn has(&self, kind: &str, name: &str) -> bool {
        self.names(kind).iter().any(|one| one == name)
    }
}

/// Applies what must be taken.
pub(crate) fn apply(bed: &Bed, object: &str) -> Outcome {
    let line = "apply --server-side --force-conflicts --validate=false -f -";
    let answer = bed.ask(User::Admin, line, object)?;
    match answer.done {
        true => Ok(()),
        false => Err(answer.text.into()),
    }
}

/// A bed with our kinds and what the daemon may do.
pub(crate) fn bed() -> Outcome<Bed> {
    let bed = Bed::start()?;
    bed.install()?;
    let rbac = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rbac.yaml");
    bed.kubectl(User::Admin, &format!("apply -f {rbac}"))?;
    Ok(bed)
}

/// The condition of an object: its status, reason and message.
pub(crate) fn condition(bed: &Bed, object: &str, kind: &str) -> Option<(String, String, String)> {
    let object = bed.json(User::Admin, &format!("get {object}")).ok()?;
    let all = object["status"]["conditions"].as_array()?;
    let one = all.iter().find(|one| one["type"] == kind)?;
    let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
    // What is told must be of what is there.
    let current =
        kind != "Accepted" || one["observedGeneration"] == object["metadata"]["generation"];
    current.then(|| (text("status"), text("reason"), text("message")))
}
