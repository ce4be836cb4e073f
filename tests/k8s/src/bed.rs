//! Server, store and wire together.

use crate::{Error, Programs, Result, Server, User, papers::Papers};
use fairway_etcd_bed::{Cluster, Options, Seat};
use fairway_lab::{Lab, Ns, Value, poll};
use fairway_tests_cluster::{Cable, Lan};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// It starts in five seconds; a loaded machine takes longer.
const READY: Duration = Duration::from_secs(120);

/// See the crate's head.
#[derive(Debug)]
pub struct Bed {
    // In the order in which they are to go.
    /// The server.
    pub server: Server,
    /// What it keeps its objects in.
    pub etcd: Cluster,
    /// The server's wire; a cut one is a server that cannot be reached.
    pub cable: Cable,
    /// What clients on nodes of their own are plugged into.
    pub lan: Lan,
    pub(crate) programs: Programs,
    pub(crate) papers: Papers,
    machine: Ns,
    lab: Lab,
}

impl Bed {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// Where it is not built, or does not come up; with its words.
    pub fn start() -> Result<Self> {
        let programs = Programs::find()?;
        let (lab, lan) = (Lab::new()?, Lan::new()?);
        let machine = lab.machine("api")?;
        let cable = lan.plug(&machine)?;
        let ip = cable.address.clone();
        let seat = Seat {
            ns: machine.clone(),
            ip: ip.parse().map_err(|_| Error::State("without an address"))?,
        };
        let etcd = Cluster::start(Options::seats([seat]))?;
        let papers = Papers::write(lab.scratch(), &ip)?;
        let endpoint = etcd.endpoint(0);
        let server = Server::new(
            &machine,
            (&ip, &endpoint),
            (&programs, &papers),
            lab.scratch(),
        );
        let bed = Self {
            server,
            etcd,
            cable,
            lan,
            programs,
            papers,
            machine,
            lab,
        };
        bed.server.launch()?;
        bed.ready()?;
        Ok(bed)
    }

    /// One that all tests of this program share as long as any of them runs, with our kinds installed.
    ///
    /// # Errors
    /// As [`Bed::start`] and [`Bed::install`].
    pub fn shared() -> Result<Arc<Self>> {
        static SHARED: Mutex<Weak<Bed>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bed) = shared.upgrade() {
            return Ok(bed);
        }
        let bed = Arc::new(Self::start()?);
        bed.install()?;
        *shared = Arc::downgrade(&bed);
        Ok(bed)
    }

    /// Waits until the server says that it is ready.
    ///
    /// # Errors
    /// Where it ends, or does not say so; with its words.
    pub fn ready(&self) -> Result {
        let ready = poll(READY, "", || {
            let answer = self.ask(User::Admin, "get --raw /readyz", "");
            match answer.is_ok_and(|answer| answer.done) {
                true => Some(true),
                false => (!self.server.runs()).then_some(false),
            }
        });
        match ready {
            Ok(true) => Ok(()),
            _ => Err(Error::NotReady(self.server.log())),
        }
    }

    /// Applies our definitions, and the others' that the daemon watches, and waits until all are served.
    ///
    /// # Errors
    /// Where one is refused.
    pub fn install(&self) -> Result {
        for folder in [definitions(), others()] {
            // Server and kubectl are older than rules in CEL: applied on the server's side these would be refused, and
            // otherwise they are left out.
            let folder = folder.display();
            let line = format!("apply --validate=false -f {folder}");
            self.kubectl(User::Admin, &line)?;
        }
        let all = "wait --for=condition=established --timeout=60s crd --all";
        self.kubectl(User::Admin, all)?;
        // Who is told of its kinds hears of one a moment after it is established.
        let kinds = self.json(User::Admin, "get crd")?;
        let kinds = kinds["items"].as_array().cloned().unwrap_or_default();
        let served = |kind: &Value| {
            let text = |at: &str| kind.pointer(at).and_then(Value::as_str).unwrap_or_default();
            let (group, version) = (text("/spec/group"), text("/spec/versions/0/name"));
            let name = format!("\"{}\"", text("/spec/names/plural"));
            let told = self.kubectl(User::Admin, &format!("get --raw /apis/{group}/{version}"));
            told.is_ok_and(|told| told.contains(&name))
        };
        Ok(poll(READY, "all kinds are served", || {
            kinds.iter().all(served)
        })?)
    }

    /// Where the server runs, and clients may.
    pub fn ns(&self) -> &Ns {
        &self.machine
    }

    /// The server's URL.
    pub fn url(&self) -> String {
        format!("https://{}:{}", self.cable.address, crate::PORT)
    }

    /// A folder that goes with the bed.
    pub fn folder(&self) -> &Path {
        self.lab.scratch()
    }

    /// The text of a kubeconfig file for these credentials, such as `{"tokenFile": …}`.
    pub fn access(&self, credentials: &Value) -> String {
        self.papers.config(credentials, &self.cable.address)
    }

    /// A user's kubeconfig file.
    pub fn kubeconfig(&self, user: User) -> PathBuf {
        self.papers.kubeconfig(user)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Our definitions.
fn definitions() -> PathBuf {
    root().join("deploy/crds")
}

/// Definitions of kinds that are others', as far as tests need them.
fn others() -> PathBuf {
    root().join("tests/k8s/crds")
}
