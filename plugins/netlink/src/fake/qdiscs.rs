//! The model's qdiscs, classes and u32 filters.

use nix::errno::Errno;

use super::model::{Model, Place};
use super::recorder::deleted;
use super::{Change, Recorder};
use crate::error::Result;
use crate::qdisc::{HtbClass, Qdisc, QdiscKind, Qdiscs, TcHandle, U32Filter};

/// What hangs on one link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queues {
    /// Ordered by place.
    pub qdiscs: Vec<Qdisc>,
    /// Ordered by handle.
    pub classes: Vec<HtbClass>,
    /// In the order in which they are asked.
    pub filters: Vec<U32Filter>,
}

impl Queues {
    fn at(&self, parent: TcHandle) -> Option<&Qdisc> {
        self.qdiscs.iter().find(|qdisc| qdisc.parent == parent)
    }

    fn put(&mut self, qdisc: &Qdisc, replace: bool) -> Result<(), Errno> {
        let is_class = |class: &HtbClass| class.handle == qdisc.parent;
        if qdisc.parent != TcHandle::ROOT && !self.classes.iter().any(is_class) {
            return Err(Errno::ENOENT);
        }
        match self.at(qdisc.parent) {
            Some(_) if !replace => return Err(Errno::EEXIST),
            Some(known) if known.handle == qdisc.handle => {
                let same = known.kind.name() == qdisc.kind.name();
                if !same || matches!(qdisc.kind, QdiscKind::Htb { .. }) {
                    return Err(Errno::EINVAL);
                }
            }
            Some(_) if qdisc.parent == TcHandle::ROOT => *self = Self::default(),
            _ => {}
        }
        self.qdiscs.retain(|known| known.parent != qdisc.parent);
        self.qdiscs.push(qdisc.clone());
        self.qdiscs
            .sort_by_key(|qdisc| qdisc.parent.0.wrapping_add(1));
        Ok(())
    }
}

impl Recorder {
    /// This kernel has no such kind of qdisc or filter any more, in either namespace.
    pub fn lack(&self, kind: &'static str) {
        self.shared.borrow_mut().model.lacking.insert(kind);
    }

    fn queues<R>(
        &self,
        change: Change,
        op: &'static str,
        index: u32,
        apply: impl FnOnce(&mut Queues) -> Result<R, Errno>,
        kind: &str,
    ) -> Result<R> {
        self.change(change, op, index, |model: &mut Model, place: Place| {
            model.get(place, index)?;
            if model.lacking.contains(kind) {
                return Err(Errno::ENOENT);
            }
            apply(model.queues.entry(index).or_default())
        })
    }

    fn add_filter(&self, index: u32, filter: &U32Filter) -> Result<()> {
        let change = Change::AddU32Filter(index, filter.clone());
        let key = |filter: &U32Filter| (filter.parent, filter.priority, filter.node);
        let add = |queues: &mut Queues| {
            let mut qdiscs = queues.qdiscs.iter();
            if !qdiscs.any(|qdisc| qdisc.handle == filter.parent) {
                return Err(Errno::EINVAL);
            }
            if queues.filters.iter().any(|known| key(known) == key(filter)) {
                return Err(Errno::EEXIST);
            }
            queues.filters.push(filter.clone());
            queues.filters.sort_by_key(key);
            Ok(())
        };
        self.queues(change, "add filter to link", index, add, "u32")
    }

    fn look_at<R: Default>(&self, index: u32, look: impl FnOnce(&Queues) -> R) -> R {
        self.look(|model, place| {
            let here = model.get(place, index).is_ok();
            let queues = model.queues.get(&index).filter(|_| here);
            queues.map(look).unwrap_or_default()
        })
    }
}

impl Qdiscs for Recorder {
    fn qdisc(&mut self, index: u32, parent: TcHandle) -> Result<Option<Qdisc>> {
        Ok(self.look_at(index, |queues| queues.at(parent).cloned()))
    }

    fn add_qdisc(&mut self, index: u32, qdisc: &Qdisc) -> Result<()> {
        let change = Change::AddQdisc(index, qdisc.clone());
        let put = |queues: &mut Queues| queues.put(qdisc, false);
        self.queues(change, "add qdisc to link", index, put, qdisc.kind.name())
    }

    fn put_qdisc(&mut self, index: u32, qdisc: &Qdisc) -> Result<()> {
        let change = Change::PutQdisc(index, qdisc.clone());
        let put = |queues: &mut Queues| queues.put(qdisc, true);
        self.queues(change, "put qdisc of link", index, put, qdisc.kind.name())
    }

    fn delete_qdisc(&mut self, index: u32, parent: TcHandle, handle: TcHandle) -> Result<bool> {
        let change = Change::DeleteQdisc(index, parent, handle);
        let delete = |queues: &mut Queues| match queues.at(parent) {
            Some(known) if known.handle == handle && parent == TcHandle::ROOT => {
                *queues = Queues::default();
                Ok(())
            }
            Some(known) if known.handle == handle => {
                queues.qdiscs.retain(|known| known.parent != parent);
                Ok(())
            }
            _ => Err(Errno::ENOENT),
        };
        deleted(self.queues(change, "delete qdisc of link", index, delete, ""))
    }

    fn classes(&mut self, index: u32) -> Result<Vec<HtbClass>> {
        Ok(self.look_at(index, |queues| queues.classes.clone()))
    }

    /// A class right below the qdisc is told with the root as its parent, and one with classes below it with
    /// neither quantum nor priority, as the kernel does.
    fn put_class(&mut self, index: u32, class: &HtbClass) -> Result<()> {
        let change = Change::PutClass(index, *class);
        let put = |queues: &mut Queues| {
            let root = queues.at(TcHandle::ROOT);
            let root = root.filter(|root| root.handle.major() == class.handle.major());
            let root = root.ok_or(Errno::ENOENT)?.handle;
            let known = |handle| queues.classes.iter().any(|known| known.handle == handle);
            let parent = match class.parent {
                parent if parent == root => TcHandle::ROOT,
                parent if known(parent) => parent,
                _ => return Err(Errno::ENOENT),
            };
            queues.classes.retain(|known| known.handle != class.handle);
            queues.classes.push(HtbClass { parent, ..*class });
            queues.classes.sort_by_key(|class| class.handle);
            let parents: Vec<_> = queues.classes.iter().map(|class| class.parent).collect();
            for class in &mut queues.classes {
                if parents.contains(&class.handle) {
                    (class.quantum, class.priority) = (0, 0);
                }
            }
            Ok(())
        };
        self.queues(change, "put class of link", index, put, "htb")
    }

    fn u32_filters(&mut self, index: u32, parent: TcHandle) -> Result<Vec<U32Filter>> {
        let of = |filter: &&U32Filter| filter.parent == parent;
        Ok(self.look_at(index, |queues| {
            queues.filters.iter().filter(of).cloned().collect()
        }))
    }

    fn add_u32_filters(&mut self, index: u32, filters: &[U32Filter]) -> Result<()> {
        let results: Vec<_> = filters.iter().map(|f| self.add_filter(index, f)).collect();
        results.into_iter().collect()
    }

    fn delete_filters(&mut self, index: u32, parent: TcHandle, priority: u16) -> Result<bool> {
        let change = Change::DeleteFilters(index, parent, priority);
        let delete = |queues: &mut Queues| {
            let before = queues.filters.len();
            let gone = |known: &U32Filter| (known.parent, known.priority) == (parent, priority);
            queues.filters.retain(|known| !gone(known));
            match queues.filters.len() < before {
                true => Ok(()),
                false => Err(Errno::ENOENT),
            }
        };
        deleted(self.queues(change, "delete filters of link", index, delete, ""))
    }
}
