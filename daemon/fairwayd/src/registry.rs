//! What is known of this node's containers: in a file each, so that a daemon that comes back knows them also
//! while the store is away.
//!
//! They are not synced: containers do not outlive the machine. A record whose link is gone is of no use.

use crate::{code::Coded as _, error::Error};
use fairway_api::{ipam::Attachment, released};
use fairway_ipam::{AttachmentId, record::Record};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use tracing::warn;

/// What is written down of a container's interface.
pub(crate) trait Filed: Record + PartialEq {
    /// The folder that such records lie in, below the daemon's own.
    const FOLDER: &'static str;
    /// What it means for a container that its record cannot be read.
    const BROKEN: &'static str;

    /// Which interface of which container.
    fn attachment(&self) -> AttachmentId;
}

#[derive(Debug)]
pub(crate) struct Registry<R> {
    folder: PathBuf,
    all: BTreeMap<AttachmentId, R>,
    /// Files that cannot be read, and why.
    broken: BTreeMap<PathBuf, String>,
}

impl<R: Filed> Registry<R> {
    /// Reads what is there; what cannot be read is a problem, and left.
    pub(crate) fn open(state_dir: &Path) -> Result<Registry<R>, Error> {
        let folder = state_dir.join(R::FOLDER);
        let failed = |source| Error::System {
            what: R::FOLDER,
            source,
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        let (mut all, mut broken) = (BTreeMap::new(), BTreeMap::new());
        for entry in fs::read_dir(&folder).map_err(failed)?.flatten() {
            let path = entry.path();
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("json") => {}
                // The remains of a write that was killed.
                _ => {
                    let _ = fs::remove_file(&path);
                    continue;
                }
            }
            let read = fs::read(&path).map_err(|error| error.to_string());
            let read = read.and_then(|bytes| R::decode(&bytes).map_err(|error| error.to_string()));
            match read {
                Ok(record) => drop(all.insert(record.attachment(), record)),
                Err(error) => drop(broken.insert(path, error)),
            }
        }
        Ok(Registry {
            folder,
            all,
            broken,
        })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &R> {
        self.all.values()
    }

    /// What could not be read.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let told = |(path, error): (&PathBuf, &String)| {
            let path = path.display();
            format!("{path}: {error}; {}", R::BROKEN)
        };
        self.broken.iter().map(told)
    }

    /// Forgets what could not be read of containers that are not among these.
    pub(crate) fn keep_broken(&mut self, there: &[AttachmentId]) {
        if self.broken.is_empty() {
            return;
        }
        let there: Vec<PathBuf> = there.iter().map(|id| self.file(id)).collect();
        self.broken.retain(|path, _| {
            let kept = there.contains(path);
            if !kept && let Err(error) = fs::remove_file(path) {
                warn!(
                    code = error.number(),
                    "{}: cannot be removed: {error}",
                    path.display()
                );
            }
            kept
        });
    }

    pub(crate) fn get(&self, attachment: &AttachmentId) -> Option<&R> {
        self.all.get(attachment)
    }

    /// Takes one up; whole or not at all on the disk.
    pub(crate) fn put(&mut self, record: R) -> io::Result<()> {
        let attachment = record.attachment();
        if self.all.get(&attachment) == Some(&record) {
            return Ok(());
        }
        let file = self.file(&attachment);
        let partial = file.with_extension("part");
        fs::write(&partial, record.encode())?;
        fs::rename(&partial, &file)?;
        self.broken.remove(&file);
        self.all.insert(attachment, record);
        Ok(())
    }

    /// Forgets one.
    pub(crate) fn remove(&mut self, attachment: &AttachmentId) -> Option<R> {
        let record = self.all.remove(attachment);
        let file = self.file(attachment);
        if record.is_none() && self.broken.remove(&file).is_none() {
            return None;
        }
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!(
                    code = error.number(),
                    "{attachment}: its record cannot be removed: {error}"
                );
            }
            _ => {}
        }
        record
    }

    fn file(&self, attachment: &AttachmentId) -> PathBuf {
        self.folder.join(released::Record::name_of(&Attachment {
            network: attachment.network.clone(),
            container: attachment.container.clone(),
            ifname: attachment.ifname.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::EndpointRecord;

    fn record(container: &str) -> EndpointRecord {
        EndpointRecord {
            network: "net".into(),
            container: container.into(),
            ifname: "eth0".into(),
            workload: Default::default(),
            addresses: vec!["10.0.0.1".parse().unwrap()],
            mac: "02:00:00:00:00:01".into(),
            cluster: true,
            tenant: None,
        }
    }

    #[test]
    fn the_next_daemon_knows_what_this_one_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let mut registry: Registry<EndpointRecord> = Registry::open(folder.path()).unwrap();
        registry.put(record("a")).unwrap();
        registry.put(record("b")).unwrap();
        registry.remove(&record("a").attachment()).unwrap();
        let below = folder.path().join("endpoints");
        fs::write(below.join("x.json"), "{\"version\":99}").unwrap();
        fs::write(below.join("x.part"), "{").unwrap();

        let registry: Registry<EndpointRecord> = Registry::open(folder.path()).unwrap();
        assert_eq!(registry.all().collect::<Vec<_>>(), [&record("b")]);
        assert!(below.join("x.json").exists() && !below.join("x.part").exists());
        assert!(registry.problems().next().unwrap().contains("x.json"));

        // One that can be known by its name is forgotten with its container.
        let broken = registry.file(&record("c").attachment());
        fs::rename(below.join("x.json"), &broken).unwrap();
        let mut registry: Registry<EndpointRecord> = Registry::open(folder.path()).unwrap();
        assert_eq!(registry.problems().count(), 1);
        assert_eq!(registry.remove(&record("c").attachment()), None);
        assert!(registry.problems().next().is_none() && !broken.exists());
        fs::write(&broken, "{").unwrap();
        let mut registry: Registry<EndpointRecord> = Registry::open(folder.path()).unwrap();
        registry.keep_broken(&[record("b").attachment(), record("c").attachment()]);
        assert_eq!(registry.problems().count(), 1);
        registry.keep_broken(&[record("b").attachment()]);
        assert!(registry.problems().next().is_none() && !broken.exists());
        fs::write(&broken, "{").unwrap();
        let mut registry: Registry<EndpointRecord> = Registry::open(folder.path()).unwrap();
        registry.put(record("c")).unwrap();
        assert!(registry.problems().next().is_none());
    }
}
