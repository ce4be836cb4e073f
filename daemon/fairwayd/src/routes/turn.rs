//! One turn: what was learned goes to the routing table, what follows from it to the kernel, and whoever
//! waits for that is told.

use super::{
    Beginning, Message, Ready,
    containers::{self, Containers},
    fabric::Fabric,
    feed::{self, Feed},
    firewall::Firewall,
    follow::{self, Follow, is_ours},
    ground, machine,
    state::State,
    tally, told, underlay,
    wait::Waiting,
    ways::Ways,
};
use crate::{
    code::Coded as _,
    news::{News, news},
};
use fairway_fib::{Fib, Synced, names};
use fairway_ipam::{Lease, record::UnderlayRecord};
use fairway_kv::Update;
use fairway_netlink::{Event, Netlink, Route, sysctl};
use fairway_rib::{Change, Input, Reader, Rib};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tracing::{debug, info, warn};

/// How long a container that has just come up waits for its routes.
const READY_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Turn<N> {
    beginning: Beginning,
    pub(super) state: State<N>,
    reader: Reader,
    publish: watch::Sender<Option<UnderlayRecord>>,
    ways: Ways,
    fabric: Fabric,
    waiting: Vec<Waiting>,
    /// The underlay has to be looked for.
    look: bool,
    hops: Follow,
    /// Containers have to be placed anew.
    place: bool,
    /// The device's checksum offload is as it is wanted.
    checksums: bool,
    /// What containers had when the daemon came up.
    leases: Option<Vec<Lease>>,
    /// The kernel has refused something.
    refused: bool,
    told: News,
}

impl<N: Netlink> Turn<N> {
    pub(super) fn new(
        beginning: Beginning,
        netlink: N,
        publish: watch::Sender<Option<UnderlayRecord>>,
    ) -> Turn<N> {
        let grace = crate::clock::millis(beginning.grace);
        let mut rib = Rib::new(beginning.node.clone(), grace);
        let (reader, _) = rib.subscribe();
        Turn {
            state: State {
                feed: Feed::new(beginning.node.clone(), grace),
                rib,
                fib: Fib::new(netlink),
                containers: Containers::default(),
                firewall: Firewall::default(),
                found: None,
                now: None,
                seen: false,
                named: beginning.underlay.clone(),
                port: beginning.port,
            },
            ways: Ways::new(beginning.ways.clone()),
            fabric: Fabric::default(),
            hops: Follow::new(beginning.hops.clone()),
            beginning,
            reader,
            publish,
            waiting: Vec::new(),
            look: true,
            place: false,
            checksums: false,
            leases: None,
            refused: false,
            told: News::default(),
        }
    }

    /// When to take a turn at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let now = self.beginning.clocks.millis();
        let grace = self
            .state
            .rib
            .deadline()
            .map(|at| Instant::now() + Duration::from_millis(at.0.saturating_sub(now.0)));
        let waiting = self.waiting.iter().map(Waiting::until).min();
        let firewall = self.state.firewall.deadline();
        [grace, waiting, firewall, self.hops.due()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn doubt(&mut self) {
        // Until it is tried again, what was refused is refused, whatever else went well.
        self.refused = false;
        self.state.fib.doubt();
        self.state.firewall.doubt();
        self.look = true;
        self.hops.may_differ();
    }

    pub(super) fn message(&mut self, message: Message) {
        match message {
            Message::Store(update) => self.store(update),
            Message::Leases(leases) => self.leases = Some(leases),
            Message::Gone(attachment) => {
                let waiting = std::mem::take(&mut self.waiting).into_iter();
                let (gone, left) = waiting.partition(|w| w.lease().attachment == attachment);
                self.waiting = left;
                for waiting in gone {
                    waiting.answer(Err(told::cut_off(&attachment)));
                }
                self.state.containers.cut_off(attachment);
                self.place = true;
            }
            Message::Ready(ready) => self.ready(*ready),
            Message::Prepare(network, to) => drop(to.send(told::prepared(&self.state, &network))),
            Message::Learned(learned) => {
                let inputs = self.fabric.learn(learned, &|to| self.hops.by(to));
                self.state.rib.handle_all(inputs);
            }
            Message::ForgetLearned => {
                let inputs = self.fabric.forget();
                self.state.rib.handle_all(inputs);
            }
            Message::LearnedAgain => self.fabric.again = true,
            Message::Endpoints(to) => drop(to.send(told::endpoints(&self.state))),
            Message::Routes(network, to) => {
                drop(to.send(told::routes(&self.state, network.as_deref())))
            }
            Message::Why(why, to) => drop(to.send(told::explained(&self.state, &why))),
            Message::Problems(to) => drop(to.send(self.state.problems())),
            Message::Ground(to) => drop(to.send(ground::of(&self.state))),
            Message::Tally(to) => drop(to.send(tally::of(&self.state))),
        }
    }

    fn store(&mut self, update: Update) {
        let whole = matches!(update, Update::Reset { .. });
        let inputs = self.state.feed.take(update, self.beginning.clocks.millis());
        self.state.rib.handle_all(inputs);
        if whole {
            self.state.seen = true;
            self.state.feed.changed = true;
        }
    }

    /// Finds the containers that were there before; false where the kernel could not be asked yet. Until
    /// then nothing is taken away, or what leads to them would be.
    fn begin(&mut self) -> bool {
        if !self.state.fib.is_listed() {
            let synced = self.state.fib.sync();
            self.after(synced);
        }
        if !self.state.fib.is_listed() {
            return false;
        }
        if let Some(leases) = self.leases.take() {
            for (lease, link) in containers::with_links(self.state.fib.links(), &leases) {
                self.state.containers.put(lease, link);
            }
            self.place = true;
        }
        if self.state.seen && self.state.feed.is_whole() && self.fabric.again {
            self.state.fib.complete();
        }
        true
    }

    fn ready(&mut self, ready: Ready) {
        let attachment = &ready.lease.attachment;
        if self.state.containers.is_cut_off(attachment) {
            return drop(ready.to.send(Err(told::cut_off(attachment))));
        }
        if containers::link_of(self.state.fib.links(), attachment).is_none() {
            // The event of its making may still be on its way.
            self.state.fib.doubt();
        }
        self.waiting.push(Waiting::new(ready, READY_WITHIN));
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.state.fib.event(event);
        match event {
            Event::LinkGone(link) => {
                let alias = link.alias.as_deref();
                self.place |= self.state.containers.link_gone(link.index, alias);
                self.look |= !is_ours(link);
            }
            Event::LinkChanged(link) => self.look |= !is_ours(link),
            Event::AddressChanged(address) | Event::AddressGone(address) => {
                self.look |= !self.is_containers(address.index);
            }
            Event::ListAnew => self.look = true,
            Event::RouteChanged { routes, .. } | Event::RouteGone(routes) => {
                self.look |= routes.iter().any(is_default);
            }
            _ => {}
        }
        if follow::concerns(event, |index| self.is_containers(index)) {
            self.hops.may_differ();
        }
    }

    /// Routes go by what next hops are reached by now.
    fn follow_hops(&mut self) {
        if self.hops.look() {
            let inputs = self.fabric.reach(&|to| self.hops.by(to));
            self.state.rib.handle_all(inputs);
        }
    }

    /// Is a link one that containers hang on? Whatever happens to it says nothing about where this node is.
    fn is_containers(&self, index: u32) -> bool {
        let mut links = self.state.fib.links();
        let link = links.find(|link| link.index == index);
        link.is_some_and(is_ours)
    }

    /// Looks where this node is.
    pub(super) fn look_around(&mut self) {
        self.look = false;
        let named = self.beginning.underlay.clone();
        let last = self.state.found.as_ref().map(|found| found.link.clone());
        let found =
            match underlay::find(self.state.fib.netlink(), named.as_deref(), last.as_deref()) {
                Ok(found) => found,
                Err(error) => {
                    news!(
                        warn,
                        code = error.number(),
                        "the underlay cannot be looked for: {error}"
                    );
                    self.look = true;
                    return;
                }
            };
        if self.state.now != found {
            self.state.now.clone_from(&found);
            self.state.feed.changed = true;
        }
        // An address that is away for a moment is that of a change, or of a cable that was pulled.
        let Some(found) = found.filter(|found| self.state.found.as_ref() != Some(found)) else {
            return;
        };
        let Some(node) = feed::node(&self.beginning.node, &found.record) else {
            return;
        };
        let addresses = found.record.addresses.iter();
        let addresses: Vec<_> = addresses.map(|a| a.address.to_string()).collect();
        info!(
            "the underlay is {}: {}, mtu {}",
            found.link,
            addresses.join(", "),
            found.record.mtu
        );
        self.state.rib.handle(Input::Node(node));
        self.publish.send_replace(Some(found.record.clone()));
        self.state.found = Some(found);
    }

    /// Brings all into step; has anything been refused?
    pub(super) fn step(&mut self) -> bool {
        if self.look {
            self.look_around();
        }
        self.follow_hops();
        self.state
            .rib
            .handle(Input::Tick(self.beginning.clocks.millis()));
        if !self.begin() {
            return self.refused;
        }
        if std::mem::take(&mut self.state.feed.changed) {
            self.place = true;
            let places = self.state.feed.places();
            let pools = places.values().flatten().copied().collect();
            self.hops.set_pools(pools);
            let inputs = self.fabric.place(places);
            self.state.rib.handle_all(inputs);
            if self.state.seen {
                let (pools, masquerade) = self.state.node_rules();
                let whole = self.state.feed.is_whole();
                self.state.firewall.configure(pools, masquerade, whole);
            }
            let settings = self.state.settings();
            self.ways.configure(&settings);
            self.state.fib.configure(settings);
        }
        self.adopt();
        if std::mem::take(&mut self.place) {
            let inputs = self.state.containers.changes(&self.state.feed);
            self.state.rib.handle_all(inputs);
        }
        let changes: Vec<Change> = self.state.rib.changes(&self.reader);
        self.ways.change(&changes);
        if self.state.seen {
            self.ways.whole();
        }
        self.state.fib.change(changes);
        self.kernel();
        self.answer();
        self.refused
    }

    /// Brings routes and firewall into step: each begins to drop what comes out of the overlay for nobody before
    /// the other ends to.
    fn kernel(&mut self) {
        self.state.firewall.listen();
        let guard = self.state.firewall.is_to_guard();
        if guard {
            self.state.firewall.step();
        }
        self.state.fib.guarded(self.state.firewall.guards());
        if self.state.fib.is_due() {
            let synced = self.state.fib.sync();
            self.after(synced);
            if synced.device_made && synced.again {
                // Next hops may have waited for what the device was only told after.
                self.state.fib.doubt();
                let synced = self.state.fib.sync();
                self.after(synced);
            }
        }
        if !guard && self.state.fib.drops_the_rest() {
            self.state.firewall.step();
        }
    }

    fn after(&mut self, synced: Synced) {
        if synced.changes > 0 {
            debug!("{} changes of the kernel's routes", synced.changes);
        }
        if synced.device_made {
            self.checksums = false;
        }
        let device = self.state.fib.link(names::DEVICE).is_some();
        if device && (synced.device_made || synced.listed) {
            self.set_machine();
        }
        if synced.listed {
            let links: BTreeSet<u32> = self.state.fib.links().map(|link| link.index).collect();
            self.place |= self.state.containers.retain(&links);
        }
        self.refused |= synced.again;
        if !self.checksums && self.state.fib.link(names::DEVICE).is_some() {
            self.checksums = true;
            if let Err(error) = machine::set_checksums(self.beginning.offload) {
                news!(
                    warn,
                    code = error.number(),
                    "checksum offload of {}: {error}",
                    names::DEVICE
                );
            }
        }
        self.tell_problems();
    }

    fn set_machine(&self) {
        let links = self.state.fib.links().map(|link| link.name.as_str());
        for (key, value) in machine::settings(self.state.found.as_ref(), links) {
            match sysctl::ensure(&key, value) {
                Err(error) if !error.is_not_found() => {
                    news!(warn, code = error.number(), "{error}")
                }
                _ => {}
            }
        }
    }

    fn tell_problems(&mut self) {
        let problems = self.state.problems();
        for problem in self.told.of(&problems, Instant::now()) {
            warn!("{problem}");
        }
    }

    /// Takes up the containers that somebody waits for.
    fn adopt(&mut self) {
        for waiting in &self.waiting {
            let attachment = &waiting.lease().attachment;
            if let Some(link) = containers::link_of(self.state.fib.links(), attachment) {
                self.state.containers.put(waiting.lease(), link);
                self.place = true;
            }
        }
    }

    /// Tells those that wait.
    fn answer(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for waiting in waiting {
            match told::standing(&self.state, &waiting) {
                Some(answer) => waiting.answer(answer),
                None => self.waiting.push(waiting),
            }
        }
    }
}

fn is_default(route: &Route) -> bool {
    route.table == Route::MAIN && route.is_default()
}
