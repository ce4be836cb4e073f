//! Next hops: whether they are reached, and how far they are.

use crate::attr::NextHop;
use hashbrown::HashMap;

/// Knows the ways within the AS.
pub trait Resolve: Send + Sync {
    /// What it costs to reach a next hop: 0 where it is on a link; none where it is not reached.
    fn cost(&self, next_hop: NextHop) -> Option<u32>;

    /// No route has it any more that was asked for.
    fn forget(&self, _next_hop: NextHop) {}
}

impl<F: Fn(NextHop) -> Option<u32> + Send + Sync> Resolve for F {
    fn cost(&self, next_hop: NextHop) -> Option<u32> {
        self(next_hop)
    }
}

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HopId(u32);

struct Hop {
    next_hop: Option<NextHop>,
    count: u32,
    cost: Option<u32>,
    /// Its cost is another than what its routes were chosen by.
    other: bool,
}

/// Each once, asked for once.
pub(super) struct Hops {
    all: Vec<Hop>,
    free: Vec<HopId>,
    index: HashMap<Option<NextHop>, HopId>,
    resolve: Box<dyn Resolve>,
    /// Some have another cost than what their routes were chosen by.
    other: bool,
}

impl Hops {
    pub(super) fn new(resolve: Box<dyn Resolve>) -> Hops {
        Hops {
            all: Vec::new(),
            free: Vec::new(),
            index: HashMap::new(),
            resolve,
            other: false,
        }
    }

    pub(super) fn cost(&self, id: HopId) -> Option<u32> {
        self.all.get(id.0 as usize)?.cost
    }

    pub(super) fn get(&self, id: HopId) -> Option<NextHop> {
        self.all.get(id.0 as usize)?.next_hop
    }

    /// What is here costs nothing.
    fn ask(&self, next_hop: Option<NextHop>) -> Option<u32> {
        next_hop.map_or(Some(0), |next_hop| self.resolve.cost(next_hop))
    }

    pub(super) fn keep(&mut self, next_hop: Option<NextHop>) -> HopId {
        if let Some(id) = self.index.get(&next_hop).copied() {
            if let Some(hop) = self.all.get_mut(id.0 as usize) {
                hop.count += 1;
            }
            return id;
        }
        let hop = Hop {
            next_hop,
            count: 1,
            cost: self.ask(next_hop),
            other: false,
        };
        let free = self.free.pop();
        let id = match free.and_then(|id| Some((id, self.all.get_mut(id.0 as usize)?))) {
            Some((id, place)) => {
                *place = hop;
                id
            }
            None => {
                self.all.push(hop);
                // There are no more of them than of routes, whose numbers have four octets.
                HopId(self.all.len() as u32 - 1)
            }
        };
        self.index.insert(next_hop, id);
        id
    }

    pub(super) fn release(&mut self, id: HopId) {
        let Some(hop) = self.all.get_mut(id.0 as usize) else {
            return;
        };
        hop.count -= 1;
        if hop.count == 0 {
            self.index.remove(&hop.next_hop);
            self.free.push(id);
            if let Some(next_hop) = hop.next_hop {
                self.resolve.forget(next_hop);
            }
        }
    }

    /// Asks for all of them anew; whether any answer is another.
    pub(super) fn anew(&mut self) -> bool {
        let used = |hop: &Hop| match hop.count {
            0 => hop.cost,
            _ => self.ask(hop.next_hop),
        };
        let costs: Vec<_> = self.all.iter().map(used).collect();
        let mut any = false;
        for (hop, cost) in self.all.iter_mut().zip(costs) {
            let other = hop.cost != cost;
            hop.cost = cost;
            hop.other |= other;
            any |= other;
        }
        self.other |= any;
        any
    }

    /// Whether its routes have to be chosen from anew.
    pub(super) fn is_other(&self, id: HopId) -> bool {
        self.all.get(id.0 as usize).is_some_and(|hop| hop.other)
    }

    /// All routes were chosen from anew.
    pub(super) fn settled(&mut self) {
        if std::mem::take(&mut self.other) {
            self.all.iter_mut().for_each(|hop| hop.other = false);
        }
    }
}
