//! The table of an index: a hash table of pages.
//!
//! A search begins at the page that the key chooses and goes on to the next only past a page that has no
//! free place, so that nearly every search reads one page.

use super::{
    Index,
    header::{PAGE, PAGE_SLOTS},
    slot::{Place, SLOT, Slot},
};
use std::{io, net::IpAddr};

impl Index {
    /// The addresses under a key.
    pub(crate) fn slots_of(&self, key: u64) -> io::Result<Vec<Slot>> {
        let mut found = Vec::new();
        for step in 0..self.header.pages {
            let page = self.storage.page(self.page_at(key, step))?;
            let mut free = false;
            for place in places(&page) {
                match place {
                    Place::Used(slot) if slot.key == key => found.push(slot),
                    Place::Free => free = true,
                    _ => {}
                }
            }
            if free {
                break;
            }
        }
        Ok(found)
    }

    /// Every address.
    pub(crate) fn slots(&self) -> io::Result<Vec<Slot>> {
        let mut found = Vec::with_capacity(usize::try_from(self.header.used).unwrap_or_default());
        for number in 0..self.header.pages {
            let at = self.header.table_at() + u64::from(number) * PAGE as u64;
            let page = self.storage.page(at)?;
            found.extend(places(&page).filter_map(|place| match place {
                Place::Used(slot) => Some(slot),
                _ => None,
            }));
        }
        Ok(found)
    }

    pub(super) fn table_insert(&mut self, slot: Slot) -> io::Result<()> {
        for step in 0..self.header.pages {
            let at = self.page_at(slot.key, step);
            let page = self.storage.page(at)?;
            let mut vacant = places(&page).enumerate();
            let Some((index, place)) = vacant.find(|(_, place)| !matches!(place, Place::Used(_)))
            else {
                continue;
            };
            if place == Place::Gone {
                self.header.gone = self.header.gone.saturating_sub(1);
            }
            self.header.used = self.header.used.saturating_add(1);
            return self
                .storage
                .write(place_at(at, index), &Place::Used(slot).encode());
        }
        Err(io::ErrorKind::StorageFull.into())
    }

    pub(super) fn table_remove(&mut self, key: u64, ip: IpAddr) -> io::Result<()> {
        for step in 0..self.header.pages {
            let at = self.page_at(key, step);
            let page = self.storage.page(at)?;
            let it = |place| matches!(place, Place::Used(slot) if slot.key == key && slot.ip == ip);
            let free = places(&page).any(|place| place == Place::Free);
            if let Some(index) = places(&page).position(it) {
                // Searches end at this page already: nothing is lost behind one more free place.
                let left = if free { Place::Free } else { Place::Gone };
                self.header.gone += u32::from(!free);
                self.header.used = self.header.used.saturating_sub(1);
                return self.storage.write(place_at(at, index), &left.encode());
            }
            if free {
                break;
            }
        }
        Ok(())
    }

    fn page_at(&self, key: u64, step: u32) -> u64 {
        let first = u64::from(self.header.page_of(key));
        let number = (first + u64::from(step)) % u64::from(self.header.pages.max(1));
        self.header.table_at() + number * PAGE as u64
    }
}

fn places(page: &[u8; PAGE]) -> impl Iterator<Item = Place> {
    page.chunks_exact(SLOT).take(PAGE_SLOTS).map(Place::decode)
}

fn place_at(page_at: u64, index: usize) -> u64 {
    page_at + (index * SLOT) as u64
}
