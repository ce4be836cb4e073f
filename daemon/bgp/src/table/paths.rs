//! Paths, in one list for all prefixes: sixteen octets each.

use super::peers::PeerId;
use super::store::RouteId;

/// None.
pub(super) const END: u32 = u32::MAX;

/// What one neighbour told of one prefix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    /// As it was told; kept once.
    pub(super) received: RouteId,
    /// As policy has it, kept once; none where it is not taken.
    pub(super) chosen: Option<RouteId>,
    /// Of the same prefix, the next one.
    pub(super) next: u32,
    pub(super) peer: PeerId,
    /// When it was told.
    pub(super) epoch: u16,
}

const _: () = assert!(size_of::<Path>() == 16);

#[derive(Default)]
pub(super) struct Paths {
    all: Vec<Path>,
    /// The first free place; each leads to the next.
    free: Option<u32>,
}

impl Paths {
    pub(super) fn get(&self, at: u32) -> Option<&Path> {
        self.all.get(at as usize)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Path> {
        self.all.get_mut(at as usize)
    }

    /// Those from this one on.
    pub(super) fn from(&self, first: u32) -> impl Iterator<Item = (u32, &Path)> {
        let mut at = first;
        std::iter::from_fn(move || {
            let path = self.get(at)?;
            let here = std::mem::replace(&mut at, path.next);
            Some((here, path))
        })
    }

    /// None where four octets are too few for all.
    pub(super) fn add(&mut self, path: Path) -> Option<u32> {
        if let Some(at) = self.free {
            let place = self.get_mut(at)?;
            let next = std::mem::replace(place, path).next;
            self.free = (next != END).then_some(next);
            return Some(at);
        }
        let at = u32::try_from(self.all.len()).ok().filter(|at| *at != END)?;
        self.all.push(path);
        Some(at)
    }

    pub(super) fn free(&mut self, at: u32) {
        let next = self.free.unwrap_or(END);
        if let Some(path) = self.get_mut(at) {
            path.next = next;
            self.free = Some(at);
        }
    }
}
