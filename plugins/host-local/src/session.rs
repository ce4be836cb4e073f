//! One operation on a network's folder, from taking the lock to leaving the index complete.
//!
//! The order of the steps is what makes a kill at any of them harmless. Before the first change the index
//! is declared incomplete; only the very last step declares it complete again. Whoever comes after a killed process
//! therefore looks at the files themselves, and they are whole at every step (see [`crate::stage`]).

use crate::{
    error::StoreError,
    folder::{AddressFile, Folder},
    index::{Index, Slot, key_of},
    lock::Lock,
    mark,
    rebuild::{nobodys_key, rebuild, tell_removed},
    record::{self, Record},
    span::{Span, number},
    stage::Staged,
    store::Store,
};
use fairway_cni::{ContainerId, IfName};
use std::net::IpAddr;

/// An address that a container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) ip: IpAddr,
    key: u64,
    /// `None` for the old form, which names no interface.
    pub(crate) ifname: Option<IfName>,
    pub(crate) earlier_boot: bool,
}

/// What a container has.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    pub(crate) held: Vec<Held>,
    pub(crate) unreadable: Vec<StoreError>,
}

impl Holdings {
    /// All of it; an error where a file cannot be read.
    pub(crate) fn all(mut self) -> Result<Vec<Held>, StoreError> {
        match self.unreadable.pop() {
            Some(error) => Err(error),
            None => Ok(self.held),
        }
    }
}

/// How long a full index is believed, in s.
pub(crate) const REVIEW: u64 = 60;

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
    pub(crate) fn run<T, E: From<StoreError>>(
        store: &'a Store,
        folder: &'a Folder,
        _lock: &'a Lock,
        operation: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let stamp = folder.stamp()?;
        let index = store.home.load();
        let mut session = match index {
            Some(index) if index.is_current(store.boot, &stamp) => Session {
                store,
                folder,
                index,
                trust: Trust::Indexed,
                changed: false,
            },
            mut old => {
                // The new one may turn out not to be writable, and the old one stay.
                if let Some(old) = &mut old {
                    old.unseal();
                }
                // After a boot the content of a file may be lost while its times are not.
                let now = store.boot;
                let same_boot = |old: &Index| now.is_some() && old.identity().boot == now;
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
            && self.index.can_seal()
            && let Some(stamp) = self.folder.settle()
        {
            let _ = self.index.seal(stamp);
        }
    }

    /// From here on nobody takes the index on disk for complete, until [`Self::finish`].
    fn begin_change(&mut self) {
        if !self.changed {
            self.index.unseal();
            self.changed = true;
        }
    }

    /// A file for an address of `id`'s, which on some file systems has a passing name in the folder.
    pub(crate) fn stage(
        &mut self,
        id: &ContainerId,
        ifname: &IfName,
    ) -> Result<Staged<'a>, StoreError> {
        let staged = Staged::new(self.folder, record::format(id, ifname))?;
        if staged.is_named() {
            self.begin_change();
        }
        Ok(staged)
    }

    /// Looks at the files themselves, unless that has been done.
    pub(crate) fn verify(&mut self, trust: Trust) -> Result<bool, StoreError> {
        if self.trust >= trust {
            return Ok(false);
        }
        self.begin_change();
        self.index = rebuild(self.store, self.folder, Some(&self.index), trust)?;
        self.trust = trust;
        Ok(true)
    }

    /// Before the answer is "none left": looks at the files, if that was not done for a while.
    ///
    /// A current index is believed: with 50,000 files a listing under the lock takes half a second, and a
    /// storm of ADDs on a full range would keep the one DEL that helps from its turn. But whoever removed
    /// a file by hand in the very moment of an operation of ours is not to wait for ever.
    pub(crate) fn review(&mut self) -> Result<bool, StoreError> {
        let overdue = mark::seconds().abs_diff(self.index.built()) > REVIEW;
        Ok(overdue && self.verify(Trust::Listed)?)
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
                self.begin_change();
                self.index = rebuild(self.store, self.folder, None, Trust::Read)?;
                self.trust = Trust::Read;
                Ok(ask(&self.index).unwrap_or_default())
            }
        }
    }

    /// All that the container has in this network, each checked against its file; and the files that
    /// may be the container's and cannot be read.
    pub(crate) fn held_by(&mut self, id: &ContainerId) -> Result<Holdings, StoreError> {
        let key = key_of(id.as_str());
        loop {
            let slots = self.indexed(|index| index.slots_of(key))?;
            let mut found = Holdings::default();
            let mut sound = true;
            for slot in slots {
                let file = match self.folder.address_file(slot.ip) {
                    Ok(file) => file,
                    Err(error) => {
                        found.unreadable.push(error);
                        continue;
                    }
                };
                sound &= file.as_ref().is_some_and(|file| {
                    let its = |owner: &ContainerId| key_of(owner.as_str()) == key;
                    file.mark == slot.mark
                        && matches!(&file.record, Record::Owner { id, .. } if its(id))
                });
                let Some(file) = file else {
                    continue;
                };
                let earlier_boot = self.is_dead(&slot, &file);
                if let Record::Owner { id: owner, ifname } = file.record
                    && owner == *id
                {
                    found.held.push(Held {
                        ip: slot.ip,
                        key,
                        ifname,
                        earlier_boot,
                    });
                }
            }
            if sound || !self.verify(Trust::Read)? {
                return Ok(found);
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
        self.begin_change();
        let linked = staged.link(&ip.to_string());
        if matches!(linked, Ok(false)) {
            return Ok(false);
        }
        let (mark, size) = match linked.and_then(|_| self.folder.mark(ip)) {
            Ok(found) => found.unwrap_or_default(),
            // The name may be there nevertheless.
            Err(error) => {
                self.index.doubt();
                return Err(error);
            }
        };
        self.index.insert(Slot {
            key: key_of(id.as_str()),
            ip,
            mark,
            size,
            earlier_boot: false,
            settled: staged.bears(&mark),
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
        self.begin_change();
        self.folder.remove(ip)?;
        self.index.remove(key, ip);
        Ok(())
    }

    /// Frees the first address of `order` whose file stands from an earlier boot. One, as one is needed:
    /// should the proof ever be wrong, it is wrong for one container.
    pub(crate) fn reclaim(&mut self, order: &[Span]) -> Result<Option<IpAddr>, StoreError> {
        let Some(slot) = self.reclaimable(order)? else {
            return Ok(None);
        };
        self.free(slot.key, slot.ip)?;
        Ok(Some(slot.ip))
    }

    /// What [`Self::reclaim`] would free.
    pub(crate) fn reclaimable(&mut self, order: &[Span]) -> Result<Option<Slot>, StoreError> {
        let place = |slot: Slot| {
            let leg = order.iter().position(|leg| leg.contains(slot.ip))?;
            Some(((leg, number(slot.ip)), slot))
        };
        let slots = self.indexed(Index::earlier)?.into_iter();
        let mut slots: Vec<_> = slots.filter_map(place).collect();
        slots.sort_unstable_by_key(|(place, _)| *place);
        // A file that cannot be read proves nothing.
        let dead = |slot: &Slot| match self.folder.address_file(slot.ip) {
            Ok(Some(file)) => self.is_dead(slot, &file),
            _ => false,
        };
        Ok(slots.into_iter().map(|(_, slot)| slot).find(dead))
    }

    /// Looks at the one file of an address that is asked for: removes it where it is torn or stands from an
    /// earlier boot, and gives it where it stays.
    pub(crate) fn contest(&mut self, ip: IpAddr) -> Result<Option<AddressFile>, StoreError> {
        let Some(file) = self.folder.address_file(ip)? else {
            return Ok(None);
        };
        let key = match &file.record {
            Record::Torn => {
                self.free(nobodys_key(ip), ip)?;
                tell_removed(self.folder, ip, file.size);
                return Ok(None);
            }
            Record::Owner { id, .. } => {
                let key = key_of(id.as_str());
                let slots = self.indexed(|index| index.slots_of(key))?;
                let mut its = slots.iter().filter(|slot| slot.ip == ip);
                if !its.any(|slot| self.is_dead(slot, &file)) {
                    return Ok(Some(file));
                }
                key
            }
            Record::Other => return Ok(Some(file)),
        };
        self.free(key, ip)?;
        Ok(None)
    }

    /// Does `file`, just read, stand from an earlier boot beyond doubt, its container dead with that?
    fn is_dead(&self, slot: &Slot, file: &AddressFile) -> bool {
        let same = |id: &ContainerId| key_of(id.as_str()) == slot.key;
        slot.earlier_boot
            && slot.mark == file.mark
            && matches!(&file.record, Record::Owner { id, ifname: Some(_) } if same(id))
            && self.folder.is_local()
    }

    /// To make it lie.
    #[cfg(test)]
    pub(crate) fn index(&mut self) -> &mut Index {
        self.begin_change();
        &mut self.index
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

    /// Has the index an address of `span` for free? No file is looked at.
    pub(crate) fn has_free(&mut self, span: &Span) -> Result<bool, StoreError> {
        if self.maps(span) {
            return Ok(self.first_free(span)?.is_some());
        }
        let Some(len) = span.len().filter(|len| *len <= self.index.used()) else {
            return Ok(true);
        };
        let slots = self.indexed(Index::slots)?;
        let taken = slots.iter().filter(|slot| span.contains(slot.ip)).count();
        Ok((taken as u64) < len)
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
