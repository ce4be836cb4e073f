//! Routes: each place that was touched, judged once, all changes in few requests.

use super::{Fib, Synced};
use crate::{
    error::Problem,
    place::Place,
    render::{self, Rendered},
};
use fairway_netlink::{Netlink, Route, RouteChange};
use std::{cmp::Reverse, mem};

/// So many refusals of single routes are told one by one.
const TOLD: usize = 8;

impl<N: Netlink> Fib<N> {
    /// How many of the changes were repairs?
    pub(super) fn routes(&mut self, synced: &mut Synced) -> usize {
        let mut dirty: Vec<Place> = mem::take(&mut self.dirty).into_iter().collect();
        // The longest prefixes first, and what is there before what goes: no address loses its way between
        // two steps that has one before and after.
        dirty.sort_by_key(|place| Reverse(place.dst.prefix()));
        let (mut set, mut gone) = (Vec::new(), Vec::new());
        for place in dirty {
            match self.judged(place) {
                Some(RouteChange::Delete(route)) => gone.push((place, RouteChange::Delete(route))),
                Some(change) => set.push((place, change)),
                None => {}
            }
        }
        set.append(&mut gone);
        let changes: Vec<RouteChange> = set.iter().map(|(_, change)| change.clone()).collect();
        if changes.is_empty() {
            return 0;
        }
        let results = match self.netlink.change_routes(&changes) {
            Ok(results) => results,
            Err(source) => {
                self.refused("routes".to_owned(), source, synced);
                return 0;
            }
        };
        let (mut refused, mut repaired) = (0, 0);
        for ((place, change), result) in set.into_iter().zip(results) {
            if result.is_ok() && !self.news.places.remove(&place) {
                repaired += 1;
            }
            match (result, change) {
                (Ok(()), RouteChange::Delete(_)) => {
                    synced.changes += 1;
                    self.have.routes.remove(&place);
                }
                (Ok(()), RouteChange::Add(route) | RouteChange::Replace(route)) => {
                    synced.changes += 1;
                    self.have.routes.insert(place, route);
                }
                (Err(source), _) => {
                    refused += 1;
                    synced.refused += 1;
                    synced.again = true;
                    if refused <= TOLD {
                        let what = about(place);
                        let problem = Problem::Refused { what, source };
                        self.problems.insert(about(place), problem);
                    }
                }
            }
        }
        repaired
    }

    /// What is to be done about a place.
    fn judged(&mut self, place: Place) -> Option<RouteChange> {
        if !self.problems.is_empty() {
            self.problems.remove(&about(place));
        }
        if let Some(protocol) = self.have.squatters.get(&place) {
            if self.want.get(place).is_some() {
                let problem = Problem::Conflict {
                    ours: place.dst,
                    foreign: place.dst,
                    table: place.table,
                    protocol: *protocol,
                };
                self.problems.insert(about(place), problem);
            }
            return None;
        }
        let have = self.have.routes.get(&place);
        match self.rendered(place) {
            Some(Rendered::Hold) => None,
            Some(Rendered::Route(want)) => match have {
                Some(have) if render::is(have, &want) => {
                    self.news.places.remove(&place);
                    None
                }
                _ => Some(RouteChange::Replace(*want)),
            },
            Some(Rendered::Waits) => None,
            Some(Rendered::Absent) | None => {
                let Some(have) = have else {
                    self.news.places.remove(&place);
                    return None;
                };
                self.complete.then(|| RouteChange::Delete(bare(have)))
            }
        }
    }
}

fn about(place: Place) -> String {
    format!("route {} of table {}", place.dst, place.table)
}

/// As much of a route as its deletion is to name.
fn bare(route: &Route) -> Route {
    Route {
        table: route.table,
        protocol: route.protocol,
        priority: route.priority,
        kind: route.kind,
        ..Route::to(route.dst)
    }
}
