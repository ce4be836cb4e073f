//! One operation on a network's folder, from taking the lock to leaving the index complete.
//!
//! The order of the steps is what makes a kill at any of them harmless. Each change of the folder gives
//! it a new time, which the index does not bear, so from the first change on the index counts as
//! incomplete; only the very last step declares it complete again. Whoever comes after a killed process
//! therefore looks at the files themselves, and they are whole at every step (see [`crate::stage`]).

use crate::{
    error::StoreError,
    folder::{AddressFile, Folder},
    identity::Identity,
    index::{Home, Index, Slot, key_of},
    lock::{LOCK_WAIT, Lock},
    mark::Mark,
    record::Record,
    span::{Span, number},
    stage::Staged,
};
use fairway_cni::{ContainerId, IfName, NetworkName};
use std::{
    collections::HashMap,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// A network's folder, not yet opened.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) folder: PathBuf,
    home: Home,
    spans: Vec<Span>,
    identity: Identity,
    wait: Duration,
}

impl Store {
    /// The folder of `network` under `data_dir`. `spans` are the ranges to map; empty where they are not known.
    pub fn new(data_dir: &Path, network: &NetworkName, spans: Vec<Span>) -> Self {
        Store {
            folder: data_dir.join(network.as_str()),
            home: Home::new(data_dir, network.as_str()),
            spans,
            identity: Identity::of_kernel(),
            wait: LOCK_WAIT,
        }
    }

    /// As if under another boot, or on another machine.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// With another limit for the wait for the lock.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Runs `operation` under the lock in the network's folder, which is made where it is not there.
    pub(crate) fn with<T, E: From<StoreError>>(
        &self,
        operation: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            let folder = Folder::open_or_create(&self.folder)?;
            if let Some(lock) = Lock::acquire(&folder, self.wait)? {
                return Session::run(self, &folder, &lock, operation);
            }
        }
    }

    /// As [`Self::with`]; `None` where there is no such folder.
    pub(crate) fn with_existing<T, E: From<StoreError>>(
        &self,
        operation: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        loop {
            let Some(folder) = Folder::open(&self.folder)? else {
                return Ok(None);
            };
            if let Some(lock) = Lock::acquire(&folder, self.wait)? {
                return Session::run(self, &folder, &lock, operation).map(Some);
            }
        }
    }
}

/// An address that a container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) ip: IpAddr,
    key: u64,
    /// `None` for the old form, which names no interface.
    pub(crate) ifname: Option<IfName>,
    pub(crate) earlier_boot: bool,
}

/// How sure we are of what is in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trust {
    /// The index says so.
    Indexed,
    /// We have listed the folder; files that are the same as before were not read again.
    Listed,
    /// We have read each file.
    Read,
}

/// The folder while we hold its lock.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    store: &'a Store,
    pub(crate) folder: &'a Folder,
    index: Index,
    trust: Trust,
    changed: bool,
}

impl<'a> Session<'a> {
    fn run<T, E: From<StoreError>>(
        store: &'a Store,
        folder: &'a Folder,
        _lock: &'a Lock,
        operation: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let stamp = folder.stamp()?;
        let index = store.home.load();
        let mut session = match index {
            Some(index) if index.is_current(&store.identity, &stamp) => Session {
                store,
                folder,
                index,
                trust: Trust::Indexed,
                changed: false,
            },
            old => {
                // After a boot the content of a file may be lost while its times are not.
                let same_boot = |old: &Index| old.identity().boot == store.identity.boot;
                let trust = if old.as_ref().is_some_and(same_boot) {
                    Trust::Listed
                } else {
                    Trust::Read
                };
                Session {
                    store,
                    folder,
                    index: rebuild(store, folder, old.as_ref(), trust)?,
                    trust,
                    changed: true,
                }
            }
        };
        let outcome = operation(&mut session);
        session.finish();
        outcome
    }

    /// The last steps: the folder gets its odd time, the index learns of it. Failing that, the next
    /// operation builds the index anew.
    fn finish(mut self) {
        if self.changed
            && let Some(stamp) = self.folder.settle()
        {
            let _ = self.index.seal(stamp);
        }
    }

    /// Looks at the files themselves, unless that has been done.
    pub(crate) fn verify(&mut self, trust: Trust) -> Result<bool, StoreError> {
        if self.trust >= trust {
            return Ok(false);
        }
        self.index = rebuild(self.store, self.folder, Some(&self.index), trust)?;
        self.trust = trust;
        self.changed = true;
        Ok(true)
    }

    /// The index cannot be read: look at the files. Where even the new one cannot be read, nothing is
    /// taken to be there.
    fn indexed<T: Default>(
        &mut self,
        ask: impl Fn(&Index) -> std::io::Result<T>,
    ) -> Result<T, StoreError> {
        match ask(&self.index) {
            Ok(answer) => Ok(answer),
            Err(_) => {
                self.index = rebuild(self.store, self.folder, None, Trust::Read)?;
                self.trust = Trust::Read;
                self.changed = true;
                Ok(ask(&self.index).unwrap_or_default())
            }
        }
    }

    /// All that the container has in this network, each checked against its file.
    pub(crate) fn held_by(&mut self, id: &ContainerId) -> Result<Vec<Held>, StoreError> {
        let key = key_of(id.as_str());
        loop {
            let slots = self.indexed(|index| index.slots_of(key))?;
            let mut held = Vec::with_capacity(slots.len());
            let mut sound = true;
            for slot in slots {
                let file = self.folder.address_file(slot.ip)?;
                sound &= file.as_ref().is_some_and(|file| file.mark == slot.mark);
                if let Some(Record::Owner { id: owner, ifname }) = file.map(|file| file.record)
                    && owner == *id
                {
                    let Slot {
                        ip, earlier_boot, ..
                    } = slot;
                    held.push(Held {
                        ip,
                        key,
                        ifname,
                        earlier_boot,
                    });
                }
            }
            if sound || !self.verify(Trust::Read)? {
                return Ok(held);
            }
        }
    }

    /// Gives an address its file and the index its entry; `false` where it has one already.
    pub(crate) fn reserve(
        &mut self,
        staged: &mut Staged<'_>,
        id: &ContainerId,
        ip: IpAddr,
    ) -> Result<bool, StoreError> {
        if !staged.link(&ip.to_string())? {
            return Ok(false);
        }
        self.changed = true;
        let (mark, size) = match self.folder.mark(ip) {
            Ok(found) => found.unwrap_or_default(),
            Err(error) => {
                let _ = self.folder.remove(ip);
                return Err(error);
            }
        };
        self.index.insert(Slot {
            key: key_of(id.as_str()),
            ip,
            mark,
            size,
            earlier_boot: false,
        });
        Ok(true)
    }

    /// Takes an address from its owner.
    pub(crate) fn release(&mut self, held: &Held) -> Result<(), StoreError> {
        self.free(held.key, held.ip)
    }

    /// Removes the file of an address that is `owner`'s.
    pub(crate) fn release_of(&mut self, owner: &ContainerId, ip: IpAddr) -> Result<(), StoreError> {
        self.free(key_of(owner.as_str()), ip)
    }

    fn free(&mut self, key: u64, ip: IpAddr) -> Result<(), StoreError> {
        self.changed = true;
        self.folder.remove(ip)?;
        self.index.remove(key, ip);
        Ok(())
    }

    /// Frees the addresses among `wanted` whose files stand from an earlier boot; gives how many.
    pub(crate) fn reclaim(&mut self, wanted: impl Fn(IpAddr) -> bool) -> Result<usize, StoreError> {
        let mut count = 0;
        for slot in self.reclaimable(wanted)? {
            self.free(slot.key, slot.ip)?;
            count += 1;
        }
        Ok(count)
    }

    /// The addresses among `wanted` that [`Self::reclaim`] would free.
    pub(crate) fn reclaimable(
        &mut self,
        wanted: impl Fn(IpAddr) -> bool,
    ) -> Result<Vec<Slot>, StoreError> {
        let mut slots = self.indexed(Index::slots)?;
        slots.retain(|slot| slot.earlier_boot && wanted(slot.ip));
        let mut proven = Vec::new();
        for slot in slots {
            if self
                .folder
                .mark(slot.ip)?
                .is_some_and(|(mark, _)| mark == slot.mark)
            {
                proven.push(slot);
            }
        }
        Ok(proven)
    }

    /// Does the index know of each address of `span` whether it is free?
    pub(crate) fn maps(&self, span: &Span) -> bool {
        self.index.maps(span)
    }

    /// Would it, if it were built anew?
    pub(crate) fn could_map(&self, span: &Span) -> bool {
        Index::would_map(&self.store.spans, span)
    }

    /// The first free address of a mapped span.
    pub(crate) fn first_free(&mut self, span: &Span) -> Result<Option<IpAddr>, StoreError> {
        self.indexed(|index| index.first_free(span))
    }

    /// An address has turned out to have a file of which the index knows nothing.
    pub(crate) fn occupy(&mut self, ip: IpAddr) {
        self.index.occupy(ip);
    }

    /// The numbers of the addresses that have a file, of one family, in order.
    pub(crate) fn taken(&self, v6: bool) -> Result<Vec<u128>, StoreError> {
        let all = self.folder.addresses()?;
        let mut taken: Vec<_> = all
            .into_iter()
            .filter(|ip| ip.is_ipv6() == v6)
            .map(number)
            .collect();
        taken.sort_unstable();
        Ok(taken)
    }
}

/// Builds the index from the files, and removes those that belong to nobody.
///
/// What `old` knows of a file that is still the same need not be read again, and tells what stands from
/// an earlier boot: only what we had indexed ourselves under that boot, and that has not been touched
/// since, can be told for certain from what the reference plugin has written since this boot.
fn rebuild(
    store: &Store,
    folder: &Folder,
    old: Option<&Index>,
    trust: Trust,
) -> Result<Index, StoreError> {
    let known: HashMap<IpAddr, Slot> = old
        .and_then(|old| old.slots().ok())
        .map(|slots| slots.into_iter().map(|slot| (slot.ip, slot)).collect())
        .unwrap_or_default();
    let (now, then) = (
        &store.identity,
        old.map(Index::identity).unwrap_or_default(),
    );
    let rebooted = now.other_boot_of_this_machine(&then);
    let same_machine = now.machine.is_some() && now.machine == then.machine;
    let before = |slot: &Slot, mark: Mark| {
        slot.mark == mark && (rebooted || same_machine && slot.earlier_boot)
    };

    let mut slots = Vec::new();
    for ip in folder.addresses()? {
        let known = known.get(&ip);
        if trust < Trust::Read
            && let Some(slot) = known
            && folder.mark(ip)? == Some((slot.mark, slot.size))
        {
            slots.push(*slot);
            continue;
        }
        let Some(AddressFile { mark, size, record }) = folder.address_file(ip)? else {
            continue;
        };
        let key = match record {
            Record::Owner { id, .. } => key_of(id.as_str()),
            Record::Torn if folder.remove(ip).is_ok() => continue,
            // Found by nobody's id; spread over the table.
            Record::Torn | Record::Other => key_of(&format!("\n{ip}")),
        };
        let earlier_boot = known.is_some_and(|slot| before(slot, mark));
        slots.push(Slot {
            key,
            ip,
            mark,
            size,
            earlier_boot,
        });
    }
    let kept = old.map(Index::spans).unwrap_or_default();
    let spans = if store.spans.is_empty() {
        kept
    } else {
        &store.spans
    };
    Ok(Index::build(&store.home, *now, spans, &slots))
}
