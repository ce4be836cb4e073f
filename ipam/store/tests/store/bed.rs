//! What the suite needs of a kind of store, and words for the tests.

use fairway_etcd_bed::{Cluster, Flaw, Options};
use fairway_lab::tempfile::{TempDir, tempdir};
use fairway_store::kv::{Change, Committed, Condition, Entry, LeaseId, Revision, Txn, Write};
use fairway_store::{Batch, Location, Named, Store, User, Watch, open};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A store that a test has to itself.
pub(crate) trait Bed: Sized {
    /// Starts it, empty.
    fn start() -> Self;
    /// Where it is.
    fn location(&self) -> Location;
    /// Stops it, as by a crash, and starts it again. No store of it is open.
    fn restart(&self);
    /// Makes the store forget its history up to now.
    async fn compact(&self, store: &dyn Store);

    /// Opens it.
    async fn open(&self) -> Arc<dyn Store> {
        open(&self.location()).await.expect("it opens")
    }
}

/// Longer than any of it takes.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// All keys of the tests.
pub(crate) const ROOT: &str = "/fairway/v1/";

/// Runs a test, bounded.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build();
    let bounded = async { tokio::time::timeout(4 * SOON, test).await };
    runtime
        .expect("a runtime")
        .block_on(bounded)
        .expect("the test ends");
}

/// A future, bounded.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(SOON, future).await;
    done.expect("it comes within the time")
}

/// Asks again and again until it holds, for [`SOON`] at most.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + SOON;
    while !ask().await {
        assert!(tokio::time::Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks again and again for so long, and each time it must hold: that nothing happens in this time is what is
/// tested, so that it has to pass.
pub(crate) async fn stays<F: Future<Output = bool>>(
    time: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) {
    let end = tokio::time::Instant::now() + time;
    while tokio::time::Instant::now() < end {
        assert!(ask().await, "not any more: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn key(name: &str) -> String {
    format!("{ROOT}{name}")
}

pub(crate) fn put(name: &str, value: impl AsRef<[u8]>) -> Write {
    Write::Put {
        key: key(name),
        value: value.as_ref().to_vec(),
        lease: None,
    }
}

pub(crate) fn put_with(name: &str, lease: LeaseId) -> Write {
    Write::Put {
        key: key(name),
        value: b"leased".to_vec(),
        lease: Some(lease),
    }
}

pub(crate) fn delete(name: &str) -> Write {
    Write::Delete { key: key(name) }
}

pub(crate) fn absent(name: &str) -> Condition {
    Condition::Absent { key: key(name) }
}

pub(crate) fn unchanged(name: &str, modified: Revision) -> Condition {
    let key = key(name);
    Condition::Unchanged { key, modified }
}

pub(crate) fn txn(conditions: Vec<Condition>, writes: Vec<Write>) -> Txn {
    Txn { conditions, writes }
}

/// Commits writes without conditions.
pub(crate) async fn write(store: &dyn Store, writes: Vec<Write>) -> Revision {
    match store
        .commit(&txn(vec![], writes))
        .await
        .expect("it commits")
    {
        Committed::Yes { revision } => revision,
        no => panic!("nothing was asked: {no:?}"),
    }
}

pub(crate) async fn get(store: &dyn Store, name: &str) -> Option<Entry> {
    store.get(&key(name)).await.expect("it reads")
}

pub(crate) async fn text(store: &dyn Store, name: &str) -> Option<String> {
    let entry = get(store, name).await?;
    Some(String::from_utf8(entry.value).expect("text"))
}

/// The next batch that holds a change.
pub(crate) async fn next(watch: &mut dyn Watch) -> Batch {
    loop {
        let batch = soon(watch.next()).await.expect("the watch goes on");
        if !batch.changes.is_empty() {
            return batch;
        }
    }
}

/// A change in short: `+key=value` or `-key`, without the root.
pub(crate) fn short(change: &Change) -> String {
    let name = |key: &str| key.strip_prefix(ROOT).unwrap_or(key).to_owned();
    match change {
        Change::Put(Entry { key, value, .. }) => {
            format!("+{}={}", name(key), String::from_utf8_lossy(value))
        }
        Change::Deleted { key, .. } => format!("-{}", name(key)),
    }
}

pub(crate) fn revision(change: &Change) -> Revision {
    match change {
        Change::Put(entry) => entry.modified,
        Change::Deleted { revision, .. } => *revision,
    }
}

/// One etcd member.
pub(crate) struct Etcd {
    cluster: Cluster,
}

impl Bed for Etcd {
    fn start() -> Self {
        let cluster = Cluster::start(Options::loopback(1)).expect("etcd");
        Self { cluster }
    }

    fn location(&self) -> Location {
        at(&self.cluster.endpoints())
    }

    fn restart(&self) {
        again(&self.cluster);
    }

    async fn compact(&self, store: &dyn Store) {
        forget(&self.cluster, store).await;
    }
}

/// Three members with mTLS and passwords.
pub(crate) struct Secure {
    cluster: Cluster,
    location: Location,
}

impl Bed for Secure {
    fn start() -> Self {
        let options = Options::loopback(3).tls().auth("secret");
        let cluster = Cluster::start(options).expect("etcd");
        let location = secured(&cluster, at(&cluster.endpoints()), "client", Flaw::None);
        let location = location.with_user(user("root", "secret"));
        Self { cluster, location }
    }

    fn location(&self) -> Location {
        self.location.clone()
    }

    fn restart(&self) {
        again(&self.cluster);
    }

    async fn compact(&self, store: &dyn Store) {
        forget(&self.cluster, store).await;
    }
}

/// All members crash and come back.
fn again(cluster: &Cluster) {
    for member in 0..cluster.len() {
        cluster.kill(member).expect("it runs");
    }
    for member in 0..cluster.len() {
        cluster.restart(member).expect("it starts");
    }
    cluster.wait_ready(SOON).expect("it is there again");
}

/// Compacts up to now.
pub(crate) async fn forget(cluster: &Cluster, store: &dyn Store) {
    let now = store.range(ROOT).await.expect("it lists").revision;
    let done = cluster.etcdctl(&["compact", &now.to_string()]);
    done.expect("it compacts");
}

pub(crate) fn at(endpoints: &[String]) -> Location {
    let text = format!("etcd:{}", endpoints.join(","));
    text.parse().expect("a location, with what is to follow")
}

pub(crate) fn user(name: &str, password: &str) -> User {
    User {
        name: name.to_owned(),
        password: password.to_owned(),
    }
}

pub(crate) fn named(field: &'static str, path: &Path) -> Option<Named> {
    let path = path.to_owned();
    Some(Named { field, path })
}

/// With the cluster's CA and a client certificate of that name, made anew.
pub(crate) fn secured(cluster: &Cluster, location: Location, name: &str, flaw: Flaw) -> Location {
    let pki = cluster.pki().expect("there is TLS");
    let files = pki.issue(name, flaw).expect("a certificate");
    let with = location.with_tls(
        named("--etcd-ca", &pki.ca()),
        named("--etcd-cert", &files.cert),
        named("--etcd-key", &files.key),
    );
    with.expect("it fits together")
}

/// redb.
pub(crate) struct File {
    dir: TempDir,
}

impl Bed for File {
    fn start() -> Self {
        let dir = tempdir().expect("a folder");
        Self { dir }
    }

    fn location(&self) -> Location {
        Location::Redb(self.dir.path().join("store"))
    }

    fn restart(&self) {}

    async fn compact(&self, store: &dyn Store) {
        // It keeps two megabytes.
        for _ in 0..3 {
            write(store, vec![put("elsewhere", vec![b'x'; 1_000_000])]).await;
        }
    }
}
