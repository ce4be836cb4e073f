//! Asks all parts how they stand, and shows it.

use super::{
    http::{self, Limits, Served, Source},
    names,
    page::Page,
    process, show,
};
use crate::{driver::Failure, service::Daemon};
use fairway_api::admin::BgpPeers;
use fairway_ipam::admin::{Census, census};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    time::timeout,
};

/// Each part has so long to answer.
const WITHIN: Duration = Duration::from_secs(1);
/// A page is shown again for so long.
const FRESH: Duration = Duration::from_millis(250);
/// The agent is held up by counting for a two-hundredth of its time at most.
const REST: u32 = 200;

/// See the module's head.
pub(crate) struct Collector {
    daemon: Arc<Daemon>,
    served: Served,
    last: Mutex<Last>,
}

/// What was asked before.
#[derive(Default)]
struct Last {
    page: Option<(Instant, Arc<str>)>,
    census: Option<Counted>,
    flaps: Flaps,
}

/// A census, and when it was made.
#[derive(Clone)]
struct Counted {
    census: Arc<Census>,
    at: Instant,
    took: Duration,
}

/// Neighbours come and go, and what they counted with them.
#[derive(Debug, Default)]
struct Flaps {
    known: BTreeMap<IpAddr, u64>,
    all: u64,
}

impl Flaps {
    fn learn(&mut self, peers: &BgpPeers) {
        let known = peers.peers.iter().map(|peer| (peer.address, peer.flaps));
        let known: BTreeMap<IpAddr, u64> = known.collect();
        for (address, flaps) in &known {
            let before = self.known.get(address).copied().unwrap_or(0);
            // One that was made anew counts from the beginning.
            self.all += flaps.checked_sub(before).unwrap_or(*flaps);
        }
        self.known = known;
    }
}

impl Source for Collector {
    async fn metrics(&self) -> Arc<str> {
        let mut last = self.last.lock().await;
        if let Some((at, page)) = &last.page
            && at.elapsed() < FRESH
        {
            return page.clone();
        }
        let page: Arc<str> = self.collect(&mut last).await.open_metrics().into();
        last.page = Some((Instant::now(), page.clone()));
        page
    }

    /// The agent answers and its journal can be written.
    async fn ready(&self) -> Result<(), String> {
        match timeout(WITHIN, self.daemon.driver.fault()).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(fault))) => Err(fault),
            Ok(Err(failure)) => Err(failure.to_string()),
            Err(_) => Err("the agent does not answer".to_owned()),
        }
    }
}

impl Collector {
    pub(crate) fn new(daemon: Arc<Daemon>) -> Collector {
        Collector {
            daemon,
            served: Served::default(),
            last: Mutex::default(),
        }
    }

    /// Answers until told to stop.
    pub(crate) async fn serve(self, listener: TcpListener, stop: watch::Receiver<bool>) {
        let served = self.served.clone();
        http::serve(listener, Arc::new(self), Limits::default(), served, stop).await;
    }

    async fn collect(&self, last: &mut Last) -> Page {
        let daemon = &*self.daemon;
        let begun = Instant::now();
        let location = daemon.config.store.clone();
        let process = tokio::task::spawn_blocking(move || {
            let mut page = Page::default();
            let known = process::show(&mut page);
            for (file, end) in fairway_store::certificate_ends(&location) {
                page.put(names::CERTIFICATE, &[file], end);
            }
            known.then_some(page).ok_or(())
        });
        let process = async { process.await.unwrap_or(Err(())) };
        let (process, census, agent, routes, policy, rates, peers) = tokio::join!(
            within(process),
            self.census(last.census.clone()),
            within(self.agent()),
            within(daemon.routes.tally()),
            within(daemon.policy.tally()),
            within(daemon.rates.tally()),
            within(daemon.bgp.peers()),
        );
        let up = [
            ("process", process.is_some()),
            ("ipam", agent.is_some() && census.is_some()),
            ("routes", routes.is_some()),
            ("policy", policy.is_some()),
            ("rates", rates.is_some()),
            ("bgp", peers.is_some()),
        ];
        let mut page = process.unwrap_or_default();
        for (part, up) in up {
            page.put(names::COLLECTOR_UP, &[part], up);
        }
        page.put(names::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], true);
        let node = [daemon.config.node.as_str(), daemon.link.kind()];
        page.put(names::NODE_INFO, &node, true);
        daemon.calls.show(&mut page);
        self.counted(&mut page);
        if let Some(agent) = agent {
            agent.show(&mut page);
        }
        if let Some(census) = &census {
            self.store(&mut page, &census.census);
            show::pools(&mut page, &census.census);
        }
        if let Some(routes) = routes {
            show::routes(&mut page, &routes);
        }
        if let Some(policy) = policy {
            show::policy(&mut page, &policy);
        }
        if let Some(rates) = rates {
            show::rates(&mut page, &rates);
        }
        if let Some(peers) = peers {
            last.flaps.learn(&peers);
            show::bgp(&mut page, &peers, last.flaps.all);
        }
        last.census = census;
        page.put(
            names::COLLECTION_SECONDS,
            &[],
            begun.elapsed().as_secs_f64(),
        );
        page
    }

    /// What the store shows, counted anew unless that would take too much of the agent's time.
    async fn census(&self, last: Option<Counted>) -> Option<Counted> {
        if let Some(last) = last
            && last.at.elapsed() < last.took * REST
        {
            return Some(last);
        }
        let node = self.daemon.config.node.clone();
        let look = move |view: &_| {
            let begun = Instant::now();
            let census = Arc::new(census(view, &node));
            Counted {
                census,
                at: begun,
                took: begun.elapsed(),
            }
        };
        within(self.daemon.driver.look(look)).await
    }

    async fn agent(&self) -> Result<Agent, Failure> {
        let fault = self.daemon.driver.fault().await?;
        // While the journal cannot be written, nothing is known of them.
        let leases = self.daemon.driver.leases().await.ok();
        Ok(Agent {
            writable: fault.is_none(),
            leases: leases.map(|leases| {
                let cut_off = leases.iter().filter(|lease| lease.cut_off);
                (leases.len(), cut_off.count())
            }),
        })
    }

    /// What is counted where it happens.
    fn counted(&self, page: &mut Page) {
        let daemon = &*self.daemon;
        let (meters, store) = (&daemon.meters, &daemon.link.meter);
        page.keep(names::JOURNAL_SECONDS, meters.journal.took.clone());
        page.keep(names::JOURNAL_FAILURES, meters.journal.failed.clone());
        page.keep(names::NOTICES, meters.notices.clone());
        page.keep(names::CUT_OFFS, meters.cut_offs.clone());
        page.keep(names::SWEPT, meters.swept.clone());
        page.keep(names::RELEASED, daemon.released.done.clone());
        page.keep(names::STORE_SECONDS, store.took.clone());
        page.keep(names::STORE_FAILURES, store.failed.clone());
        page.keep(names::STORE_LOSSES, store.losses.clone());
        page.put(names::STORE_UP, &[], daemon.link.connected());
        page.put(names::EVENTS_MISSED, &[], daemon.policy.flows().missed());
        page.keep(names::SCRAPES, self.served.scrapes.clone());
        page.keep(names::SCRAPES_REFUSED, self.served.refused.clone());
    }

    fn store(&self, page: &mut Page, census: &Census) {
        let newest = self.daemon.link.meter.newest();
        page.put(names::STORE_REVISION, &[], census.revision);
        page.put(
            names::STORE_LAG,
            &[],
            newest.saturating_sub(census.revision),
        );
        page.put(names::STORE_UNREADABLE, &[], census.unreadable);
    }
}

async fn within<T, E>(answer: impl Future<Output = Result<T, E>>) -> Option<T> {
    timeout(WITHIN, answer).await.ok()?.ok()
}

/// What the agent says.
struct Agent {
    writable: bool,
    /// Of these, those that are cut off.
    leases: Option<(usize, usize)>,
}

impl Agent {
    fn show(&self, page: &mut Page) {
        page.put(names::JOURNAL_WRITABLE, &[], self.writable);
        if let Some((all, cut_off)) = self.leases {
            page.put(names::ATTACHMENTS, &[], all);
            page.put(names::CUT_OFF, &[], cut_off);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_api::admin::BgpPeer;

    #[test]
    fn a_neighbour_that_comes_again_takes_nothing_back() {
        let peers = |flaps: &[(u8, u64)]| BgpPeers {
            asn: None,
            router: None,
            listening: Vec::new(),
            problems: Vec::new(),
            peers: flaps
                .iter()
                .map(|(last, flaps)| BgpPeer {
                    address: [192, 0, 2, *last].into(),
                    object: "BgpPeer/x".into(),
                    asn: None,
                    state: "Idle".into(),
                    since: None,
                    why: None,
                    routes: Vec::new(),
                    flaps: *flaps,
                })
                .collect(),
        };
        let mut flaps = Flaps::default();
        let mut after = |seen: &[(u8, u64)]| {
            flaps.learn(&peers(seen));
            flaps.all
        };
        assert_eq!(after(&[(1, 2), (2, 1)]), 3);
        assert_eq!(after(&[(1, 2), (2, 4)]), 6);
        assert_eq!(after(&[(1, 3)]), 7);
        // It was made anew, and has gone down once since; so has the other.
        assert_eq!(after(&[(1, 1), (2, 1)]), 9);
    }
}
