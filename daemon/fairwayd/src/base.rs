//! All of a daemon but its socket: what serving stands on, and cleaning up too.

use crate::{
    bgp::{self, Bgp},
    clock::Clocks,
    config::Config,
    cutoff::{self, Target},
    definitions::Definitions,
    driver::{Beginning, Driver, DriverError, Failure, Generation, Order, Started},
    error::Error,
    hops::Hops,
    journal::{Contents, FileJournal, Folder, Journal, JournalFault, JournalMeter, Measured},
    link::{self, Link, NameState},
    metrics::keep::Counters,
    policy::{self, Policy},
    rates::{self, Rates},
    released::Released,
    routes::{self, Routes},
    sweep,
};
use fairway_cni::Code;
use fairway_ipam::{
    Agent, JournalId, NodeName, Settings, Sighting, record::NodeRecord, wants_sightings,
};
use prometheus_client::metrics::counter::Counter;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout},
};
use tracing::{error, info, warn};

/// How long the start waits for the store before it goes on without it.
const STORE_WITHIN: Duration = Duration::from_secs(3);
/// How long the end waits for what is to be told to the store.
const PUBLISH_WITHIN: Duration = Duration::from_secs(3);

/// What is counted on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meters {
    pub(crate) journal: JournalMeter,
    pub(crate) notices: Counters<1>,
    pub(crate) cut_offs: Counter,
    pub(crate) swept: Counter,
}

/// See the module's head.
pub(crate) struct Base {
    pub(crate) clocks: Clocks,
    folder: Folder,
    pub(crate) link: Link,
    pub(crate) driver: Driver,
    pub(crate) routes: Routes,
    pub(crate) policy: Policy,
    pub(crate) rates: Rates,
    pub(crate) bgp: Bgp,
    pub(crate) definitions: Definitions,
    pub(crate) released: Arc<Released>,
    pub(crate) tasks: JoinSet<()>,
    pub(crate) journal: JournalId,
    pub(crate) meters: Meters,
    /// Attachments up to this number were made before the machine was booted.
    pub(crate) former: u64,
    name: watch::Receiver<NameState>,
    /// All that the store has was seen once.
    pub(crate) seen: watch::Receiver<bool>,
    thread: JoinHandle<()>,
}

impl Base {
    /// Starts all; what was missed while nobody was there is worked off when this returns.
    pub(crate) async fn start(config: Arc<Config>) -> Result<Base, Error> {
        let clocks = Clocks::start();
        let folder = Folder::lock(&config.state_dir)?;
        let released = Arc::new(Released::of(&config.state_dir, &config.socket)?);
        let (link, opening) = Link::open(&config).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(opening);
        let hops = Hops::new();
        let (tell, mut ways) = mpsc::unbounded_channel();
        let routes = Routes::start(routes::Beginning {
            node: config.node.clone(),
            underlay: config.underlay.clone(),
            port: config.overlay_port,
            offload: config.overlay_offload,
            grace: config.node_grace,
            clocks,
            ways: tell,
            hops: hops.clone(),
        })
        .await?;
        let state_dir = config.state_dir.clone();
        let former = blocking("rates", move || rates::shaped(&state_dir)).await??;
        let beginning = policy::Beginning {
            node: config.node.clone(),
            state_dir: config.state_dir.clone(),
            policing: config.policy.clone(),
            grace: config.node_grace,
            shaped: former.clone(),
        };
        let (policy, publishing) = Policy::start(beginning, link.clone()).await?;
        tasks.spawn(publishing);
        let shaping = policy.clone();
        let rates = Rates::start(rates::Beginning {
            state_dir: config.state_dir.clone(),
            former,
            tell: Box::new(move |shaped| shaping.shaped(shaped)),
        })
        .await?;
        let enforcing = policy.clone();
        tasks.spawn(async move {
            while let Some(changed) = ways.recv().await {
                enforcing.ways(changed);
            }
        });

        let (orders, ordered) = mpsc::unbounded_channel();
        let meters = Meters::default();
        let begun = agent(&config, &folder, clocks, released.boot(), orders, &meters);
        let (started, journal) = begun.await?;
        let Started {
            driver,
            thread,
            former,
        } = started;
        let name = match hold_name(&config, &journal, &link, clocks, &routes, &mut tasks).await {
            Ok(name) => name,
            Err(error) => {
                driver.end();
                return Err(error);
            }
        };
        let thread = tokio::task::spawn_blocking(move || drop(thread.join()));
        let bgp = Bgp::start(bgp::Beginning {
            node: config.node.clone(),
            routes: routes.clone(),
            driver: driver.clone(),
            record: config.bgp_record.clone(),
            hops,
        });
        let definitions = Definitions::new();
        let (generations, generation) = watch::channel(Generation::default());
        tasks.spawn(link::carry_out(
            ordered,
            link.clone(),
            driver.clone(),
            (routes.clone(), policy.clone()),
            generations,
            meters.cut_offs.clone(),
        ));
        let (first, seen) = watch::channel(false);
        if let Ok(leases) = driver.leases().await {
            routes.leases(leases);
        }
        tasks.spawn(mirror_once_named(
            (link.clone(), config.node.clone()),
            (
                driver.clone(),
                routes.clone(),
                policy.clone(),
                rates.clone(),
                bgp.clone(),
                definitions.clone(),
            ),
            generation,
            first,
            name.clone(),
        ));
        if *name.borrow() == NameState::Held {
            let mut seen = seen.clone();
            let whole = seen.wait_for(|seen| *seen);
            if timeout(STORE_WITHIN, whole).await.is_err() {
                warn!("the store does not tell what it has; going on without it");
            }
        }
        let mut base = Base {
            clocks,
            journal,
            meters,
            folder,
            link,
            driver,
            routes,
            policy,
            rates,
            bgp,
            definitions,
            released,
            tasks,
            former,
            name,
            seen,
            thread,
        };
        if let Err(failure) = base.catch_up().await {
            base.end().await;
            return Err(Error::Late(Box::new(failure)));
        }
        Ok(base)
    }

    /// Cuts off again who was cut off, and works off what DELs left behind.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        for lease in self.driver.leases().await? {
            if lease.cut_off {
                let target = Target {
                    attachment: lease.attachment,
                    netns: lease.netns,
                    addresses: lease.addresses,
                };
                drop(blocking("cut off", move || cutoff::cut_off(&target)).await);
            }
        }
        let records = self.released.all(&self.driver).await?;
        if records > 0 {
            info!("{records} DELs came while fairwayd was away; they are done");
        }
        Ok(())
    }

    /// Comes back when it cannot go on.
    pub(crate) async fn failed(&mut self) -> Error {
        let taken = async {
            let taken = self
                .name
                .wait_for(|state| matches!(state, NameState::Taken(_)));
            match taken.await.map(|state| state.clone()) {
                Ok(NameState::Taken(error)) => error.into(),
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            error = taken => error,
            _ = &mut self.thread => Error::Ended { what: "agent" },
            () = self.routes.ended() => Error::Ended { what: "routes thread" },
            () = self.policy.ended() => Error::Ended { what: "policy thread" },
            () = self.rates.ended() => Error::Ended { what: "rates thread" },
            () = self.bgp.ended() => Error::Ended { what: "BGP task" },
        }
    }

    /// Refuses what comes, waits until the store was told all, for a while, and ends. The folder stays
    /// locked for as long as what is returned lives.
    pub(crate) async fn end(mut self) -> Folder {
        self.settle().await;
        self.driver.end();
        // One that has ended by itself was waited for.
        if !self.thread.is_finished() {
            drop(timeout(PUBLISH_WITHIN, &mut self.thread).await);
        }
        self.bgp.end().await;
        self.tasks.shutdown().await;
        self.rates.end().await;
        self.policy.end().await;
        self.routes.end().await;
        self.folder
    }

    /// Refuses what comes, and waits until the store was told all, for a while.
    pub(crate) async fn settle(&self) {
        self.driver.quiesce().await;
        let until = Instant::now() + PUBLISH_WITHIN;
        while self.link.connected() && !matches!(self.driver.settled().await, Ok(true) | Err(_)) {
            if Instant::now() >= until {
                return warn!("not all could be told to the store; the journal has it");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Runs what blocks where that is fine.
pub(crate) async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::System {
        what,
        source: std::io::Error::other(error),
    })
}

/// The agent with its journal; a damaged one is set aside. What the agent wants done waits.
async fn agent(
    config: &Config,
    folder: &Folder,
    clocks: Clocks,
    boot: &str,
    orders: mpsc::UnboundedSender<Order>,
    meters: &Meters,
) -> Result<(Started, JournalId), Error> {
    let path = folder.journal();
    let mut first = true;
    loop {
        let read = || {
            let mut file = FileJournal::at(&path)?;
            let contents = file.load()?;
            Ok((file, contents))
        };
        let damage = match read() {
            Ok((file, contents)) => {
                let sightings = sightings_for(&contents).await?;
                let journal = contents.id.clone();
                let started = Driver::start::<Agent>(Beginning {
                    settings: settings(config, journal.clone(), boot),
                    journal: Box::new(Measured::new(file, meters.journal.clone())),
                    contents,
                    boot: boot.to_owned(),
                    sightings,
                    clocks,
                    orders: orders.clone(),
                    notices: meters.notices.clone(),
                });
                match started {
                    Ok(started) => return Ok((started, journal)),
                    Err(DriverError::Agent(error)) if first => {
                        format!("journal {}: {error}", path.display())
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Err(JournalFault::Damaged { path, reason }) if first => {
                format!("journal {}: damaged: {reason}", path.display())
            }
            Err(fault) => return Err(fault.into()),
        };
        first = false;
        let aside = folder.set_aside()?;
        error!(
            code = Code::IO.number(),
            "{damage}; it is set aside as {}, and this node is rebuilt from the store and the kernel",
            aside.display()
        );
    }
}

/// What the kernel shows, where the journal knows nothing, or not yet all that one that was lost knew.
async fn sightings_for(contents: &Contents) -> Result<Vec<Sighting>, Error> {
    if !wants_sightings(&contents.entries) {
        return Ok(Vec::new());
    }
    let sightings = blocking("links", sweep::sightings).await??;
    if !sightings.is_empty() {
        warn!(
            "this node is rebuilt, and {} attachments are there: they keep what the kernel shows",
            sightings.len()
        );
    }
    Ok(sightings)
}

fn settings(config: &Config, journal: JournalId, boot: &str) -> Settings {
    let mut settings = Settings::new(config.node.clone(), journal);
    settings.boot = Some(boot.to_owned());
    settings.labels = config.labels.clone();
    settings.reclaim = config.reclaim_after.map(crate::clock::millis);
    settings
}

/// Takes the node's name, if the store can be reached.
async fn hold_name(
    config: &Config,
    journal: &JournalId,
    link: &Link,
    clocks: Clocks,
    routes: &Routes,
    tasks: &mut JoinSet<()>,
) -> Result<watch::Receiver<NameState>, Error> {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let record = NodeRecord {
        journal: journal.clone(),
        labels: config.labels.clone(),
        since: clocks.now().wall,
        daemon: env!("CARGO_PKG_VERSION").to_owned(),
        host: host.to_string_lossy().into_owned(),
        underlay: None,
    };
    let (states, name) = watch::channel(NameState::Unknown);
    tasks.spawn(link::keep_name(
        link.clone(),
        config.node.clone(),
        record,
        routes.underlay(),
        states,
    ));
    let mut known = name.clone();
    let first = known.wait_for(|state| *state != NameState::Unknown);
    if timeout(STORE_WITHIN, first).await.is_err() {
        warn!("the store cannot be reached; going on with what the journal has");
        return Ok(name);
    }
    let state = known.wait_for(|state| !matches!(state, NameState::Unknown | NameState::Waiting));
    match state.await.map(|state| state.clone()) {
        Ok(NameState::Taken(error)) => Err(error.into()),
        _ => Ok(name),
    }
}

/// The agent is told of the store only under its own name: another with the same name would be taken for
/// its own past.
async fn mirror_once_named(
    link: (Link, NodeName),
    told: (Driver, Routes, Policy, Rates, Bgp, Definitions),
    generation: watch::Receiver<Generation>,
    first: watch::Sender<bool>,
    mut name: watch::Receiver<NameState>,
) {
    let held = name
        .wait_for(|state| *state == NameState::Held)
        .await
        .is_ok();
    if held {
        link::mirror(link, told, generation, first).await;
    }
}
