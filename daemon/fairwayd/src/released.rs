//! Works off what DELs left behind while nobody answered the socket.
//!
//! A record frees what its attachment had been given before it was written, and nothing that was given
//! since. Before an ADD the attachment's own record is worked off, so a record that is found later is
//! younger than what it frees; the times in it are compared all the same, for allocations whose time is
//! known.
//!
//! A plugin that was not told of the daemon's folder leaves its records in the default one, so both are
//! worked off. The default one is the machine's: records there that another daemon is to hear are left to it.

use crate::news::news;
use crate::{
    code::Coded as _,
    driver::{Driver, Failure},
};
use fairway_api::{
    ipam::Attachment,
    released::{self, Record, ReleasedError},
};
use fairway_ipam::{Lease, Request};
use prometheus_client::metrics::counter::Counter;
use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::Mutex;
use tracing::{error, info};

/// Between two looks at the folders.
const EVERY: Duration = Duration::from_secs(3);

/// So many allocations are remembered: those that a record can be older than are the last ones.
const REMEMBERED: usize = 4096;

/// The folders of records, and when this daemon gave what it gave.
#[derive(Debug)]
pub struct Released {
    /// The first is this daemon's alone.
    folders: Vec<PathBuf>,
    socket: PathBuf,
    boot: String,
    /// Records that were worked off.
    pub(crate) done: Counter,
    /// One at a time: an ADD must not overtake the record of the DEL before it.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `CLOCK_BOOTTIME` in milliseconds of the last allocations of this daemon's life, by their number.
    given: BTreeMap<u64, u64>,
    /// Records that are left alone: another daemon's, or such as cannot be used and were told of.
    left: HashSet<PathBuf>,
}

impl Released {
    /// The records below a daemon's folder, and those for its socket in the default one.
    ///
    /// # Errors
    /// Where the kernel does not tell its boot.
    pub fn of(state_dir: &Path, socket: &Path) -> Result<Released, ReleasedError> {
        let mut folders = vec![released::below(state_dir), released::default_folder()];
        folders.dedup();
        Ok(Released {
            folders,
            socket: socket.to_owned(),
            boot: released::boot_id()?,
            done: Counter::default(),
            state: Mutex::default(),
        })
    }

    /// Which boot this is.
    pub fn boot(&self) -> &str {
        &self.boot
    }

    /// Notes an allocation; `at` is when it was asked for.
    pub async fn given(&self, seq: u64, at: u64) {
        let mut state = self.state.lock().await;
        state.given.insert(seq, at);
        if state.given.len() > REMEMBERED {
            state.given.pop_first();
        }
    }

    /// Works off the record of one attachment, if there is one: before it is given something anew.
    ///
    /// # Errors
    /// Where the agent cannot free it; then nothing may be given.
    pub async fn before(&self, driver: &Driver, attachment: &Attachment) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        for folder in &self.folders {
            let path = folder.join(Record::name_of(attachment));
            match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                _ => {
                    let leases = driver.leases().await?;
                    self.work_off(driver, &mut state, &leases, &path).await?;
                }
            }
        }
        Ok(())
    }

    /// Works off all there are. Says how many.
    ///
    /// # Errors
    /// Where the agent cannot free one; the rest stays for later.
    pub async fn all(&self, driver: &Driver) -> Result<usize, Failure> {
        let mut state = self.state.lock().await;
        let mut records = HashSet::new();
        for folder in &self.folders {
            match released::list(folder) {
                Ok(found) => records.extend(found),
                Err(error) => news!(warn, code = error.number(), "{}", chain(&error)),
            }
        }
        state.left.retain(|path| records.contains(path));
        records.retain(|path| !state.left.contains(path));
        if records.is_empty() {
            return Ok(0);
        }
        let leases = driver.leases().await?;
        let mut done = 0;
        for path in &records {
            if self.work_off(driver, &mut state, &leases, path).await? {
                done += 1;
            }
        }
        Ok(done)
    }

    /// Works them off again and again.
    pub async fn watch(&self, driver: &Driver) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.all(driver).await {
                news!(
                    warn,
                    code = error.number(),
                    "records of releases must wait: {error}"
                );
            }
        }
    }

    /// Does what a record asks for. Says whether it was this daemon's.
    async fn work_off(
        &self,
        driver: &Driver,
        state: &mut State,
        leases: &[Lease],
        path: &Path,
    ) -> Result<bool, Failure> {
        let record = match Record::read(path) {
            Ok(record) => record,
            Err(ReleasedError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(false);
            }
            Err(error) => {
                error!(
                    code = error.number(),
                    "{}; it is left alone, and frees nothing",
                    chain(&error)
                );
                state.left.insert(path.to_owned());
                return Ok(false);
            }
        };
        let own = path.parent() == self.folders.first().map(PathBuf::as_path);
        if !own && !record.is_meant_for(&self.socket) {
            state.left.insert(path.to_owned());
            return Ok(false);
        }
        let id = crate::convert::attachment_id(&record.attachment);
        let lease = leases.iter().find(|lease| lease.attachment == id);
        let given = lease.and_then(|lease| state.given.get(&lease.seq).copied());
        match free(&record, &self.boot, lease, given) {
            Some(request) => {
                driver.ask(request).await?;
                info!("{id}: released, as its DEL left word while fairwayd was away");
            }
            None => info!("{id}: was given anew after its DEL left word; it stays"),
        }
        self.done.inc();
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                news!(
                    warn,
                    code = error.number(),
                    "{}: cannot be removed: {error}",
                    path.display()
                );
            }
            _ => {}
        }
        Ok(true)
    }
}

/// What a record asks for; none where what is there now is younger than it. `given`: when that was given,
/// if it was in this daemon's life.
fn free(record: &Record, boot: &str, lease: Option<&Lease>, given: Option<u64>) -> Option<Request> {
    let id = crate::convert::attachment_id(&record.attachment);
    let Some(lease) = lease else {
        // Not known: parts of it may be under way still.
        return Some(Request::Release(id));
    };
    let younger = given.is_some_and(|at| record.boot != boot || at > record.boottime);
    (!younger).then_some(Request::Gone(id, lease.seq))
}

fn chain(error: &ReleasedError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_ipam::UnixSeconds;

    fn record(boot: &str, boottime: u64) -> Record {
        Record {
            version: 1,
            attachment: Attachment {
                network: "net".into(),
                container: "c1".into(),
                ifname: "eth0".into(),
            },
            boot: boot.into(),
            boottime,
            socket: None,
        }
    }

    fn lease(seq: u64) -> Lease {
        Lease {
            attachment: crate::convert::attachment_id(&record("", 0).attachment),
            netns: None,
            addresses: Vec::new(),
            claim: None,
            label: None,
            seq,
            since: UnixSeconds(0),
            cut_off: false,
        }
    }

    #[test]
    fn only_what_is_older_than_the_record_is_freed() {
        let gone = |request: Option<Request>| match request {
            Some(Request::Gone(_, seq)) => Some(seq),
            _ => None,
        };
        let lease = lease(7);
        let free = |boot, given| gone(free(&record(boot, 1000), "now", Some(&lease), given));
        assert_eq!(free("now", None), Some(7), "given by an earlier daemon");
        assert_eq!(free("now", Some(900)), Some(7));
        assert_eq!(free("now", Some(1001)), None);
        assert_eq!(free("before", Some(900)), None, "from before the boot");
        assert_eq!(free("before", None), Some(7));
    }

    #[test]
    fn what_is_not_known_is_released_all_the_same() {
        let request = free(&record("now", 1), "now", None, None);
        assert!(matches!(request, Some(Request::Release(_))));
    }
}
