//! Each distinct set of attributes once.
//!
//! A million prefixes have some hundred thousand different ones at most, and a neighbour's ten thousand often a
//! handful. What is kept of a prefix is a number of four octets; two are equal where their numbers are.

use super::hops::{HopId, Hops, Resolve};
use super::packed::{pack, unpack};
use crate::attr::{Attributes, NextHop};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use std::num::NonZeroU32;
use std::sync::Arc;

/// What a route has beside its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// Its attributes.
    pub attributes: Attributes,
    /// Where packets go; none of own routes, whose packets are here.
    pub next_hop: Option<NextHop>,
}

/// Which route of the store. It holds no count by itself: who keeps one says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RouteId(NonZeroU32);

/// What the choice looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rank {
    /// Preference, length and origin: the lower the better.
    pub(super) first: u64,
    pub(super) med: u32,
    /// The AS whose MEDs are of one kind.
    pub(super) neighbour: u32,
    pub(super) originator: u32,
    pub(super) clusters: u16,
}

struct Slot {
    route: Box<[u8]>,
    count: u32,
    hash: Hash,
    hop: HopId,
    rank: Rank,
}

/// Kept, so that a table that grows does not have to look at all routes once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hash(u32);

impl Hash {
    fn of(hasher: &DefaultHashBuilder, route: &[u8]) -> Hash {
        let hash = hasher.hash_one(route);
        Hash((hash >> 32) as u32 ^ hash as u32)
    }

    /// Spread over all bits again, since tables use the highest and the lowest.
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Remembers the last one as it is worked with, since prefixes of the same one come together.
#[derive(Default)]
pub(super) struct Open(Option<(RouteId, Arc<Route>)>);

impl Open {
    /// Nothing of the store may be let go from one call to the next but what is kept otherwise.
    pub(super) fn get(&mut self, store: &Store, id: RouteId) -> Option<Arc<Route>> {
        if let Some((_, last)) = self.0.as_ref().filter(|(last, _)| *last == id) {
            return Some(Arc::clone(last));
        }
        let route = Arc::new(store.get(id)?);
        self.0 = Some((id, Arc::clone(&route)));
        Some(route)
    }
}

/// All of them.
pub(super) struct Store {
    slots: Vec<Option<Slot>>,
    free: Vec<RouteId>,
    index: HashTable<(Hash, RouteId)>,
    hasher: DefaultHashBuilder,
    /// Room for one that comes.
    packing: Vec<u8>,
    pub(super) hops: Hops,
}

impl RouteId {
    fn slot(self) -> usize {
        self.0.get() as usize - 1
    }

    fn of(slot: usize) -> Option<RouteId> {
        let number = u32::try_from(slot).ok()?.checked_add(1)?;
        NonZeroU32::new(number).map(RouteId)
    }
}

/// What LOCAL_PREF is where nobody said.
pub(super) const LOCAL_PREF: u32 = 100;

impl Rank {
    fn of(attributes: &Attributes) -> Rank {
        let path = &attributes.as_path;
        let preference = attributes.local_pref.unwrap_or(LOCAL_PREF);
        let length = path.len().min(0xFFFF) as u64;
        Rank {
            first: u64::from(!preference) << 18 | length << 2 | attributes.origin as u64,
            med: attributes.med.unwrap_or(0),
            neighbour: path.neighbour().map_or(0, crate::Asn::get),
            originator: attributes.originator.map_or(0, crate::RouterId::get),
            clusters: u16::try_from(attributes.clusters.len()).unwrap_or(u16::MAX),
        }
    }
}

impl Store {
    pub(super) fn new(resolve: Box<dyn Resolve>) -> Store {
        Store {
            slots: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            packing: Vec::new(),
            hops: Hops::new(resolve),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    fn slot(&self, id: RouteId) -> Option<&Slot> {
        self.slots.get(id.slot())?.as_ref()
    }

    pub(super) fn get(&self, id: RouteId) -> Option<Route> {
        unpack(&self.slot(id)?.route)
    }

    pub(super) fn next_hop(&self, id: RouteId) -> Option<NextHop> {
        self.hops.get(self.slot(id)?.hop)
    }

    /// Whether two went through the same AS.
    pub(super) fn has_same_path(&self, one: RouteId, other: RouteId) -> bool {
        let path = |id| Some(self.get(id)?.attributes.as_path);
        one == other || path(one) == path(other)
    }

    /// Whether its next hop is reached in another way than when it was chosen from.
    pub(super) fn is_reached_otherwise(&self, id: RouteId) -> bool {
        self.slot(id)
            .is_some_and(|slot| self.hops.is_other(slot.hop))
    }

    pub(super) fn rank(&self, id: RouteId) -> Option<(Rank, Option<u32>)> {
        let slot = self.slot(id)?;
        Some((slot.rank, self.hops.cost(slot.hop)))
    }

    /// Counts once more than before; to be [released](Store::release).
    pub(super) fn keep(&mut self, id: RouteId) -> RouteId {
        if let Some(Some(slot)) = self.slots.get_mut(id.slot()) {
            slot.count += 1;
        }
        id
    }

    /// The number of a route, kept once more. None where four octets are too few for all.
    pub(super) fn intern(&mut self, route: &Route) -> Option<RouteId> {
        self.packing.clear();
        pack(route, &mut self.packing);
        let packed = self.packing.as_slice();
        let hash = Hash::of(&self.hasher, packed);
        let slots = &self.slots;
        let same = |(other, id): &(Hash, RouteId)| match slots.get(id.slot()) {
            Some(Some(slot)) => *other == hash && *slot.route == *packed,
            _ => false,
        };
        if let Some((_, id)) = self.index.find(hash.spread(), same) {
            return Some(self.keep(*id));
        }
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                let id = RouteId::of(self.slots.len())?;
                self.slots.push(None);
                id
            }
        };
        let slot = Slot {
            hop: self.hops.keep(route.next_hop),
            rank: Rank::of(&route.attributes),
            route: packed.into(),
            count: 1,
            hash,
        };
        if let Some(place) = self.slots.get_mut(id.slot()) {
            *place = Some(slot);
        }
        let key = |(hash, _): &(Hash, RouteId)| hash.spread();
        self.index.insert_unique(hash.spread(), (hash, id), key);
        Some(id)
    }

    /// Counts once less; what nobody keeps is gone.
    pub(super) fn release(&mut self, id: RouteId) {
        let Some(place) = self.slots.get_mut(id.slot()) else {
            return;
        };
        let Some(slot) = place else { return };
        slot.count -= 1;
        if slot.count > 0 {
            return;
        }
        let (hash, hop) = (slot.hash, slot.hop);
        *place = None;
        self.hops.release(hop);
        self.free.push(id);
        let found = self
            .index
            .find_entry(hash.spread(), |(_, other)| *other == id);
        if let Ok(entry) = found {
            entry.remove();
        }
    }
}
