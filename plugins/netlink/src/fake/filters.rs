//! The model's clsact qdiscs and filters.

use std::os::fd::AsRawFd;

use nix::errno::Errno;

use super::recorder::deleted;
use super::{Change, Recorder};
use crate::error::Result;
use crate::filter::{Filter, FilterId, FilterProgram, FilterSpec, TrafficControl};

const ETH_P_ALL: u16 = 3;

/// The id of a filter's program is the number of the descriptor that it was given by.
impl TrafficControl for Recorder {
    fn ensure_clsact(&mut self, index: u32) -> Result<bool> {
        let change = Change::EnsureClsact(index);
        self.change(change, "add clsact to link", index, |model, place| {
            model.get(place, index)?;
            let known = model.clsact.contains_key(&index);
            model.clsact.entry(index).or_default();
            Ok(!known)
        })
    }

    fn has_clsact(&mut self, index: u32) -> Result<bool> {
        Ok(self.look(|model, place| {
            model.get(place, index).is_ok() && model.clsact.contains_key(&index)
        }))
    }

    fn delete_clsact(&mut self, index: u32) -> Result<bool> {
        let change = Change::DeleteClsact(index);
        deleted(
            self.change(change, "delete clsact of link", index, |model, place| {
                model.get(place, index)?;
                model.clsact.remove(&index).ok_or(Errno::ENOENT).map(drop)
            }),
        )
    }

    fn filters(&mut self, index: u32) -> Result<Vec<Filter>> {
        Ok(self.look(|model, place| {
            let here = model.get(place, index).is_ok();
            let filters = model.clsact.get(&index).filter(|_| here);
            filters.cloned().unwrap_or_default()
        }))
    }

    fn put_filter(&mut self, spec: &FilterSpec<'_>) -> Result<()> {
        let change = Change::PutFilter(spec.id, spec.name.to_owned());
        self.change(change, "put filter", spec.id, |model, place| {
            model.get(place, spec.id.index)?;
            let filters = model.clsact.get_mut(&spec.id.index).ok_or(Errno::EINVAL)?;
            filters.retain(|filter| filter.id != spec.id);
            filters.push(Filter {
                id: spec.id,
                protocol: ETH_P_ALL,
                kind: "bpf".to_owned(),
                program: Some(FilterProgram {
                    name: spec.name.to_owned(),
                    id: spec.program.as_raw_fd().cast_unsigned(),
                    class: spec.class,
                    tag: [0; 8],
                    direct: true,
                }),
            });
            filters.sort_by_key(|filter| (filter.id.hook, filter.id.priority));
            Ok(())
        })
    }

    fn delete_filter(&mut self, id: &FilterId) -> Result<bool> {
        deleted(self.change(
            Change::DeleteFilter(*id),
            "delete filter",
            id,
            |model, place| {
                model.get(place, id.index)?;
                let filters = model.clsact.get_mut(&id.index).ok_or(Errno::ENOENT)?;
                let before = filters.len();
                filters.retain(|filter| filter.id != *id);
                match filters.len() < before {
                    true => Ok(()),
                    false => Err(Errno::ENOENT),
                }
            },
        ))
    }
}
