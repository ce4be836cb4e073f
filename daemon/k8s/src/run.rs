//! All of it: a way to the server, the node's object, the lease, and what its holder does.

use crate::{
    call::call,
    client::Access,
    election::Timing,
    kind::Kind,
    lease::{Candidate, Leads},
    mirror::{self, Leading},
    node, reap,
    report::{Report, SERVER},
    sink::{Sink, SinkError},
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    core::PartialObjectMeta,
    runtime::events::{Recorder, Reporter},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

/// What it runs by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the API server is.
    pub access: Access,
    /// This node's name: that of its object, and as a holder of the Lease.
    pub node: String,
    /// The namespace of the Lease.
    pub namespace: String,
    /// How long a lease lasts.
    pub timing: Timing,
    /// Between two looks at what comes without being told: kinds that a server may get, objects that were refused,
    /// numbers in the status.
    pub look: Duration,
}

impl Settings {
    /// The usual ones.
    pub fn new(access: Access, node: String) -> Settings {
        Settings {
            access,
            node,
            namespace: "kube-system".to_owned(),
            timing: Timing::default(),
            look: Duration::from_secs(10),
        }
    }
}

/// Between two tries where there is no way to the server, or where what leads must end.
const PAUSE: Duration = Duration::from_secs(5);
/// A cluster is known by its namespace of this name.
const SYSTEM: &str = "kube-system";

/// Runs until told to stop. `ready`: this node serves.
pub async fn run(
    settings: Settings,
    sink: Arc<dyn Sink>,
    report: Arc<Report>,
    ready: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let settings = Arc::new(settings);
    loop {
        let mark = settings.access.mark();
        let client = match settings.access.client().await {
            Ok(client) => client,
            Err(error) => {
                report.trouble(SERVER, error);
                tokio::select! {
                    () = sleep(PAUSE) => continue,
                    () = told(&mut stop) => return,
                }
            }
        };
        report.fine(SERVER);
        let identity = (settings.node.clone(), settings.timing);
        let mut candidate = Candidate::new(
            client.clone(),
            &settings.namespace,
            identity,
            report.clone(),
        );
        let leading = Leading {
            recorder: Recorder::new(
                client.clone(),
                Reporter {
                    controller: "fairway".to_owned(),
                    instance: Some(settings.node.clone()),
                },
            ),
            client: client.clone(),
            sink: sink.clone(),
            report: report.clone(),
            settings: settings.clone(),
            cluster: String::new(),
        };
        let (tell, leads) = watch::channel(None);
        tokio::select! {
            () = told(&mut stop) => {
                tell.send_replace(None);
                candidate.resign().await;
                return;
            }
            () = stale(&settings.access, mark, &report) => {}
            () = candidate.run(&tell) => {}
            _ = node::keep(client, &settings.node, ready.clone(), report.clone()) => {}
            () = lead(leading, leads) => {}
        }
        report.set_leader("", false);
    }
}

/// Comes back when it is time to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // Nobody is there to tell any more: that is as good.
    let _told = stop.wait_for(|stop| *stop).await;
}

/// Comes back when the way to the server is to be read anew.
async fn stale(access: &Access, mark: Option<(std::time::SystemTime, u64)>, report: &Report) {
    loop {
        tokio::select! {
            // The file may hold what is newer, or will soon.
            () = report.unknown.notified() => return sleep(PAUSE).await,
            () = sleep(PAUSE) => {}
        }
        if access.mark().is_some_and(|now| Some(now) != mark) {
            return;
        }
    }
}

/// Does what the leader does, while this node leads.
async fn lead(leading: Leading, mut leads: watch::Receiver<Leads>) {
    loop {
        // A renewal that is under way for too long has left a time that is over.
        let now = |leads: &Leads| leads.is_some_and(|until| Instant::now() < until);
        if leads.wait_for(now).await.is_err() {
            return;
        }
        leading.report.set_leader(&leading.settings.node, true);
        tokio::select! {
            () = lost(&mut leads) => {}
            error = work(&leading) => {
                leading.report.trouble("store", &error);
                // Whoever has taken over is seen in the lease by then.
                sleep(PAUSE).await;
                continue;
            }
        }
        leading.report.set_leader("", false);
    }
}

/// Comes back when this node leads no more: by what the lease says, or because nothing was heard of it for too long.
async fn lost(leads: &mut watch::Receiver<Leads>) {
    loop {
        let Some(until) = *leads.borrow_and_update() else {
            return;
        };
        tokio::select! {
            () = sleep_until(until) => {
                let renewed = leads.borrow().is_some_and(|until| Instant::now() < until);
                if !renewed {
                    return;
                }
            }
            changed = leads.changed() => if changed.is_err() { return },
        }
    }
}

/// Mirrors all kinds, and gives claims back, until that must end.
async fn work(leading: &Leading) -> SinkError {
    let leading = Leading {
        cluster: cluster(leading).await,
        ..leading.clone()
    };
    loop {
        match leading.sink.begin(&leading.cluster).await {
            Ok(()) => break,
            Err(SinkError::Away(text)) => leading.report.trouble("store", text),
            Err(error) => return error,
        }
        sleep(Duration::from_secs(1)).await;
    }
    leading.report.fine("store");
    let mut tasks = JoinSet::new();
    let sink = &leading.sink;
    for kind in Kind::ALL.into_iter().filter(|kind| sink.takes(*kind)) {
        tasks.spawn(mirror::kind(leading.clone(), kind));
    }
    tasks.spawn(reap::reap(leading.clone()));
    tasks.spawn(stays(leading.clone()));
    match tasks.join_next().await {
        Some(Ok(error)) => error,
        Some(Err(error)) => SinkError::Away(error.to_string()),
        None => SinkError::Away("nothing runs".to_owned()),
    }
}

/// Comes back when another cluster's API server has the place of the one by which this node began to lead.
async fn stays(leading: Leading) -> SinkError {
    loop {
        sleep(leading.settings.look).await;
        if let Err(error) = same_cluster(&leading).await {
            return error;
        }
    }
}

/// The API server is of the cluster by which this node began to lead: to be asked before what is not there is taken
/// for gone. One whose etcd was lost and that was set up anew has address and certificates of before, and nothing else.
pub(crate) async fn same_cluster(leading: &Leading) -> Result<(), SinkError> {
    let (there, here) = (leading.cluster.clone(), cluster(leading).await);
    match here == there {
        true => Ok(()),
        false => Err(SinkError::OtherCluster { there, here }),
    }
}

/// What the cluster is known by.
async fn cluster(leading: &Leading) -> String {
    let client: Client = leading.client.clone();
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    loop {
        match call(api.get(SYSTEM)).await {
            Ok(PartialObjectMeta { metadata, .. }) => {
                leading.report.fine(SERVER);
                return metadata.uid.unwrap_or_default();
            }
            Err(error) => leading.report.failed(SERVER, &error),
        }
        sleep(Duration::from_secs(1)).await;
    }
}
