//! The model's routes.

use std::cmp::Reverse;
use std::net::IpAddr;

use nix::errno::Errno;

use super::recorder::deleted;
use super::{Change, Recorder};
use crate::error::Result;
use crate::route::{Family, Route, RouteFilter, RouteKind};

impl Recorder {
    pub(super) fn new_route(&self, route: &Route, change: Change, ecmp: bool) -> Result<()> {
        self.change(change, "add route", route.dst, |model, place| {
            let links = route.oif.into_iter();
            let mut links = links.chain(route.hops.iter().map(|hop| hop.oif));
            links.try_for_each(|oif| model.get(place, oif).map(drop))?;
            let same = |known: &Route| match ecmp {
                true => known == route,
                false => {
                    (known.dst, known.table, known.priority)
                        == (route.dst, route.table, route.priority)
                }
            };
            if model
                .routes
                .iter()
                .any(|(at, known)| *at == place && same(known))
            {
                return Err(Errno::EEXIST);
            }
            model.routes.push((place, route.clone()));
            Ok(())
        })
    }

    /// The kernel replaces the first of the same destination, table and metric,
    /// whosever it is.
    pub(super) fn put_route(&self, route: &Route) -> Result<()> {
        let change = Change::ReplaceRoute(route.clone());
        self.change(change, "replace route", route.dst, |model, place| {
            let links = route.oif.into_iter();
            let mut links = links.chain(route.hops.iter().map(|hop| hop.oif));
            links.try_for_each(|oif| model.get(place, oif).map(drop))?;
            let key = |route: &Route| (route.dst, route.table, route.priority);
            let mut here = model.routes.iter_mut().filter(|(at, _)| *at == place);
            match here.find(|(_, known)| key(known) == key(route)) {
                Some((_, known)) => known.clone_from(route),
                None => model.routes.push((place, route.clone())),
            }
            Ok(())
        })
    }

    pub(super) fn take_route(&self, route: &Route, protocol: Option<u8>) -> Result<bool> {
        let change = Change::DeleteRoute(route.clone());
        let agrees = |known: &Route| {
            (known.dst, known.table) == (route.dst, route.table)
                && route.gateway.is_none_or(|ip| known.gateway == Some(ip))
                && route.oif.is_none_or(|oif| known.oif == Some(oif))
                && route
                    .priority
                    .is_none_or(|metric| known.priority == Some(metric))
                && protocol.is_none_or(|number| known.protocol == number)
        };
        deleted(
            self.change(change, "delete route", route.dst, |model, place| {
                let mut here = model.routes.iter();
                let found = here.position(|(at, known)| *at == place && agrees(known));
                model.routes.remove(found.ok_or(Errno::ESRCH)?);
                Ok(())
            }),
        )
    }

    pub(super) fn listed_routes(&self, filter: &RouteFilter) -> Vec<Route> {
        let wanted = |route: &Route| {
            let family = Family::of(route.dst.ip());
            filter.family.is_none_or(|wanted| wanted == family)
                && filter.table.is_none_or(|table| table == route.table)
                && filter.oif.is_none_or(|oif| Some(oif) == route.oif)
                && filter
                    .protocol
                    .is_none_or(|number| number == route.protocol)
        };
        self.look(|model, place| {
            let here = model.routes.iter().filter(|(at, _)| *at == place);
            let routes = here.map(|(_, route)| route).filter(|route| wanted(route));
            routes.cloned().collect()
        })
    }

    /// Of the main table the longest prefix, of those the least metric. There are no rules here.
    pub(super) fn found_route(&self, to: IpAddr) -> Vec<Route> {
        self.look(|model, place| {
            let mut own = model.addresses.iter();
            if own.any(|(at, known)| *at == place && known.ip.ip() == to) {
                let local = Route {
                    kind: RouteKind::LOCAL,
                    ..Route::to(to.into())
                };
                return vec![local];
            }
            let rank = |route: &Route| (Reverse(route.dst.prefix()), route.priority);
            let here = model.routes.iter().filter(|(at, _)| *at == place);
            let holding = here
                .map(|(_, route)| route)
                .filter(|route| route.table == Route::MAIN && route.dst.contains(to));
            let best = holding.clone().map(rank).min();
            let best = holding.filter(|route| Some(rank(route)) == best);
            best.cloned().collect()
        })
    }
}
