//! `daemon.doctor`: proves, from this node, that containers are reached, and says how to mend what is not so.
//!
//! Everything is read at the same time and each reading has an end of its own, so that a cluster of which
//! nothing works any more is told of as quickly as one that is well. What is read is judged by functions
//! that know of nothing else; what could not be read is a warning and never an `ok`. Nothing is changed.

mod features;
mod firewall;
mod judge;
mod kernel;
mod ping;
mod standing;

use super::{Daemon, change::Stop, refusal};
use crate::{clock, convert::body, routes::Ground, server::Replies, sweep};
use fairway_api::{ErrorBody, Progress, admin};
use fairway_cni::Code;
use fairway_fib::names;
use fairway_ipam::{NodeName, UnixSeconds, View, admin::nodes, keys::Key, record::UnderlayRecord};
use judge::{Reached, StoreRead};
use ping::Pings;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// For all pings together.
const PINGS_WITHIN: Duration = Duration::from_secs(12);
/// For each of the other readings.
const READ_WITHIN: Duration = Duration::from_secs(4);
/// How often whoever asked is told that it goes on.
const TELL: Duration = Duration::from_secs(1);

/// A node, as the store knows it.
#[derive(Debug, Clone)]
struct Peer {
    name: NodeName,
    alive: bool,
    underlay: Option<UnderlayRecord>,
    since: Option<UnixSeconds>,
}

fn peers(view: &View) -> Vec<Peer> {
    let peer = |(name, row): (NodeName, fairway_ipam::admin::NodeRow)| Peer {
        alive: row.alive,
        underlay: row.underlay,
        since: view.nodes.get(&name).map(|node| node.value.since),
        name,
    };
    nodes(view).into_iter().map(peer).collect()
}

impl Daemon {
    pub(super) async fn doctor(&self, replies: &mut Replies) -> Result<admin::Doctor, Stop> {
        let silent = |_| body(Code::TRY_AGAIN, "the daemon's own threads do not answer");
        let ground = timeout(READ_WITHIN, self.routes.ground()).await;
        let ground = ground.map_err(silent)??;
        let peers = timeout(READ_WITHIN, self.driver.look(peers)).await;
        let peers = peers.map_err(silent)?;
        let peers = peers.map_err(|error| refusal::failure(&error))?;
        let others: Vec<&Peer> = peers
            .iter()
            .filter(|p| p.name != self.config.node)
            .collect();

        let mut pings = Pings::start(self.targets(&ground, &others));
        let (until, mut reached) = (Instant::now() + PINGS_WITHIN, BTreeMap::new());
        let total = Some(pings.left() as u64).filter(|total| *total > 0);
        let mut local = std::pin::pin!(self.local(&ground));
        let mut checks = None;
        let mut ticks = interval(TELL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while checks.is_none() || (pings.left() > 0 && Instant::now() < until) {
            tokio::select! {
                biased;
                found = &mut local, if checks.is_none() => checks = Some(found),
                one = pings.next(), if pings.left() > 0 => reached.extend(one),
                () = tokio::time::sleep_until(until), if pings.left() > 0 && Instant::now() < until => {}
                _ = ticks.tick() => {
                    let done = reached.len() as u64;
                    let what = match total {
                        Some(_) => "looks whether nodes are reached",
                        None => "looks at store, kernel and firewall",
                    };
                    replies.progress(Progress { what: what.to_owned(), done, total }).await?;
                }
            }
        }
        let Local {
            store,
            kernel,
            firewall,
            standing,
        } = checks.unwrap_or_default();
        let mut checks = store;
        checks.push(judge::clock(&peers, self.clocks.now().wall));
        checks.push(judge::underlay(&ground));
        checks.extend(judge::routes(&ground));
        checks.extend(kernel);
        checks.extend(firewall);
        checks.extend(standing);
        checks.extend(judge::nodes(&ground, &others, &reached));
        Ok(admin::Doctor {
            node: self.config.node.to_string(),
            daemon: Some(env!("CARGO_PKG_VERSION").to_owned()),
            checks,
        })
    }

    /// What can be pinged: nodes that are alive, at each address of a family that this node has as well.
    fn targets(&self, ground: &Ground, others: &[&Peer]) -> Vec<ping::Target> {
        let Some(found) = &ground.underlay else {
            return Vec::new();
        };
        let target = |peer: &&&Peer| {
            let theirs = peer.underlay.as_ref().filter(|_| peer.alive)?;
            let ways = judge::ways(&found.record, theirs);
            let mtu = found.record.mtu.min(theirs.mtu);
            (!ways.is_empty()).then(|| ping::Target {
                node: peer.name.clone(),
                ways,
                mtu,
            })
        };
        others.iter().filter_map(|peer| target(&peer)).collect()
    }

    /// Store, kernel and firewall.
    async fn local(&self, ground: &Ground) -> Local {
        let kernel = async {
            let read = tokio::task::spawn_blocking(|| kernel::read(names::DEVICE));
            let late = "the kernel does not answer in time".to_owned();
            match timeout(READ_WITHIN, read).await {
                Ok(Ok(read)) => kernel::judge(ground, &read),
                Ok(Err(error)) => vec![judge::warning("settings", error.to_string(), None)],
                Err(_) => vec![judge::warning("settings", late, None)],
            }
        };
        let firewall = async {
            let rules = firewall::read(READ_WITHIN).await;
            firewall::judge(ground, self.config.overlay_port, &rules)
        };
        let features = async {
            let read = tokio::task::spawn_blocking(features::read);
            let tried = match timeout(READ_WITHIN, read).await {
                Ok(Ok(tried)) => tried,
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the kernel does not answer in time".to_owned()),
            };
            features::judge(ground, tried)
        };
        let standing = async {
            let standing = timeout(READ_WITHIN, self.standing()).await;
            standing.unwrap_or_else(|_| {
                let silent = "the daemon's own threads do not answer";
                vec![judge::warning("policy", silent, None)]
            })
        };
        let (read, mut kernel, firewall, features, standing) =
            tokio::join!(self.store_read(), kernel, firewall, features, standing);
        kernel.extend(features);
        Local {
            store: vec![judge::store(self.link.kind(), &read)],
            kernel,
            firewall,
            standing,
        }
    }

    /// Policies, rates, BGP, and what is left of containers that are gone.
    async fn standing(&self) -> Vec<admin::Check> {
        let unknown =
            |name: &str, error: ErrorBody| vec![judge::warning(name, error.message, None)];
        let policy = match (self.policy.status().await, self.policy.policies().await) {
            (Ok(status), Ok(policies)) => standing::policy(&status, policies.len()),
            (Err(error), _) | (_, Err(error)) => unknown("policy", error),
        };
        let rates = match self.rates.problems().await {
            Ok(problems) => standing::problems("rates", "all limits are kept", &problems),
            Err(error) => unknown("rates", error),
        };
        let bgp = match self.bgp.problems().await {
            Ok(problems) => standing::problems("bgp", "nothing is amiss", &problems),
            Err(error) => unknown("bgp", error),
        };
        let left = match self.driver.leases().await {
            Ok(leases) => {
                let looked = leases.clone();
                let seen = tokio::task::spawn_blocking(move || sweep::observe(&looked)).await;
                let seen = seen.map_err(|error| error.to_string());
                let seen = seen.and_then(|seen| seen.map_err(|error| error.to_string()));
                standing::left(&leases, seen.as_ref().map_err(Clone::clone))
            }
            Err(error) => unknown("leftovers", refusal::failure(&error)),
        };
        [policy, rates, bgp, left].concat()
    }

    async fn store_read(&self) -> StoreRead {
        let Some(store) = self.link.store() else {
            return StoreRead::Never;
        };
        let begun = Instant::now();
        let key = Key::Node(self.config.node.clone()).path();
        match timeout(READ_WITHIN, store.get(&key)).await {
            Ok(Ok(_)) => StoreRead::Took {
                millis: clock::millis(begun.elapsed()),
                mirrored: self.link.connected(),
            },
            Ok(Err(error)) => StoreRead::Failed(error.to_string()),
            Err(_) => StoreRead::Failed(format!("no answer within {READ_WITHIN:?}")),
        }
    }
}

/// Checks of what is on this node, and of the store.
#[derive(Debug, Default)]
struct Local {
    store: Vec<admin::Check>,
    kernel: Vec<admin::Check>,
    firewall: Vec<admin::Check>,
    standing: Vec<admin::Check>,
}

/// What pings found, by node.
type Pinged = BTreeMap<NodeName, Vec<(IpAddr, Reached)>>;
