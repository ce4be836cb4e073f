//! An index of a network's folder, so that no operation needs to read every address file.
//!
//! The reference plugin finds what a container holds by reading all of the folder's files at each ADD,
//! DEL and CHECK. The index says it in one read. It lives outside of the folder, which the reference
//! walks: `<dataDir>/.fairway/<network>`, a name that no network can have.
//!
//! It is only ever a shortcut:
//! - What it says of an owner is checked against the address file.
//! - It counts as complete only while the folder bears exactly the times that we left it with (see
//!   `Folder::settle`), under the same boot. The reference plugin, an
//!   administrator, or a process of ours that was killed between two steps changes them; then it is built
//!   anew from the files.
//! - Where it cannot be written it is built in memory for the one operation.
//!
//! It also remembers which files were there under an earlier boot of this machine ([`Slot::earlier_boot`]).

mod bytes;
mod file;
mod header;
mod map;
mod slot;
mod storage;
mod table;
#[cfg(test)]
mod tests;

pub use header::Header;
pub use slot::{Place, Slot, key_of};

use crate::{
    folder::Stamp,
    identity::{Id, Identity},
    span::Span,
};
pub(crate) use file::Home;
use header::{HEAD, PAGE};
use std::{io, net::IpAddr};
use storage::Storage;

/// An open index.
#[derive(Debug)]
pub(crate) struct Index {
    home: Home,
    header: Header,
    storage: Storage,
    /// It may not be complete; it is not to be declared so.
    broken: bool,
}

impl Index {
    /// Builds an index of `slots` in the place of any other; in memory where it cannot be written.
    ///
    /// `built`: when the files were looked at, in s since 1970.
    pub(crate) fn build(
        home: &Home,
        identity: Identity,
        spans: &[Span],
        slots: &[Slot],
        built: u64,
    ) -> Index {
        let mut header = Header::new(identity, spans, slots.len());
        header.built = built;
        header.earlier = slots.iter().any(|slot| slot.earlier_boot);
        let mut index = Index {
            home: home.clone(),
            header,
            storage: Storage::Memory(Vec::new()),
            broken: false,
        };
        let size = usize::try_from(index.header.size()).unwrap_or_default();
        index.storage = Storage::Memory(vec![0; size]);
        for slot in slots {
            index.put(*slot);
        }
        if let Storage::Memory(image) = &mut index.storage
            && let Some(page) = image.get_mut(..PAGE)
        {
            page.copy_from_slice(&index.header.encode());
            if let Ok(file) = home.write(image) {
                index.storage = Storage::File(file);
            }
        }
        index
    }

    /// Is it complete for a folder with this stamp, under this boot?
    pub(crate) fn is_current(&self, boot: Option<Id>, stamp: &Stamp) -> bool {
        let known = self.header.stamp != Stamp::default() && boot.is_some();
        known && self.header.stamp == *stamp && self.header.identity.boot == boot
    }

    /// When the files were last looked at, in s since 1970.
    pub(crate) fn built(&self) -> u64 {
        self.header.built
    }

    /// To make it lie.
    #[cfg(test)]
    pub(crate) fn set_built(&mut self, built: u64) {
        self.header.built = built;
        self.storage.write(0, &self.header.encode()).unwrap();
    }

    /// How many addresses have a file.
    pub(crate) fn used(&self) -> u64 {
        self.header.used.into()
    }

    /// The addresses that have had their file since an earlier boot.
    pub(crate) fn earlier(&self) -> io::Result<Vec<Slot>> {
        if !self.header.earlier {
            return Ok(Vec::new());
        }
        let mut slots = self.slots()?;
        slots.retain(|slot| slot.earlier_boot);
        Ok(slots)
    }

    /// Under which boot it was built.
    pub(crate) fn identity(&self) -> Identity {
        self.header.identity
    }

    /// The ranges that its map covers.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.header.spans
    }

    /// Would the map of an index built for `spans` cover `span`?
    pub(crate) fn would_map(spans: &[Span], span: &Span) -> bool {
        let header = Header::new(Identity::default(), spans, 0);
        header.spans.iter().any(|mapped| mapped.covers(span))
    }

    /// Notes an address that has got a file.
    pub(crate) fn insert(&mut self, slot: Slot) {
        if self.header.full() {
            self.grow();
        }
        self.put(slot);
    }

    fn put(&mut self, slot: Slot) {
        let done = self
            .table_insert(slot)
            .and_then(|()| self.map_set(slot.ip, true));
        self.broken |= done.is_err();
    }

    /// Notes an address whose file is gone.
    pub(crate) fn remove(&mut self, key: u64, ip: IpAddr) {
        let done = self
            .table_remove(key, ip)
            .and_then(|()| self.map_set(ip, false));
        self.broken |= done.is_err();
    }

    /// Notes that an address has a file, whosesoever.
    pub(crate) fn occupy(&mut self, ip: IpAddr) {
        self.broken |= self.map_set(ip, true).is_err();
    }

    /// Something has gone wrong with the files: the next operation is to build the index anew.
    pub(crate) fn doubt(&mut self) {
        self.broken = true;
    }

    fn grow(&mut self) {
        match self.slots() {
            Ok(slots) => {
                let (home, identity) = (self.home.clone(), self.header.identity);
                let spans = std::mem::take(&mut self.header.spans);
                let (broken, built) = (self.broken, self.header.built);
                *self = Index::build(&home, identity, &spans, &slots, built);
                self.broken |= broken;
            }
            Err(_) => self.broken = true,
        }
    }

    /// Declares the index incomplete, on disk too: before the first change of each operation.
    ///
    /// That the folder's times change is not enough where they are of one second: an operation that ends
    /// between its last change and [`Self::seal`] can leave the folder with the times of the one before.
    pub(crate) fn unseal(&mut self) {
        if self.header.stamp != Stamp::default() {
            self.broken |= self.write_stamp(Stamp::default()).is_err();
        }
    }

    /// Does it claim to be complete?
    #[cfg(test)]
    pub(crate) fn is_sealed(&self) -> bool {
        self.header.stamp != Stamp::default()
    }

    /// Can it be declared complete?
    pub(crate) fn can_seal(&self) -> bool {
        !self.broken && matches!(self.storage, Storage::File(_))
    }

    /// Declares the index complete for a folder with this stamp: the last step of each operation.
    pub(crate) fn seal(&mut self, stamp: Stamp) -> io::Result<()> {
        if self.broken {
            return Ok(());
        }
        self.write_stamp(stamp)
    }

    fn write_stamp(&mut self, stamp: Stamp) -> io::Result<()> {
        self.header.stamp = stamp;
        let page = self.header.encode();
        let head = page.get(..HEAD).unwrap_or(&page);
        self.storage.write(0, head)
    }
}
