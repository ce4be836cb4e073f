//! A speaker of ours in the middle, and others' around it.

use anyhow::{Context as _, Result};
use fairway_bgp::attr::{AsPath, Attributes, NextHop, Origin};
use fairway_bgp::policy::{Policy, Rule, Source};
use fairway_bgp::session::config::{FamilySettings, Peer, Settings};
use fairway_bgp::session::{Families, Neighbour, RemoteAs, Speaker as Who, State};
use fairway_bgp::table::{Best, Drain, Filters, Settings as TableSettings};
use fairway_bgp::{Asn, Family, Prefix, RouterId};
use fairway_lab::{Lab, Ns, poll};
use fairway_speaker::{Config, NextHops, PeerStatus, Speaker, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Who waits for longer than that waits in vain.
pub(crate) const SOON: Duration = Duration::from_secs(30);
pub(crate) const OWN: u32 = 65_000;

/// Our speaker on a machine of its own, as tests use it.
pub(crate) struct Ours {
    speaker: Speaker,
    runtime: Runtime,
    config: Config,
    /// What it uses of each prefix.
    used: BTreeMap<Prefix, Vec<Best>>,
    /// What it did not use at some time, but had used before.
    lost: BTreeSet<Prefix>,
}

pub(crate) fn asn(number: u32) -> Asn {
    Asn::new(number).expect("it is not 0")
}

fn who() -> Who {
    Who {
        asn: asn(OWN),
        router: RouterId::new(0x0A09_0001).expect("it is not 0"),
    }
}

/// Everything is taken, and told.
pub(crate) fn open() -> Filters {
    let all = |name: &str| {
        let policy = Policy::new(name, [Rule::accept("all")]);
        Some(Arc::new(policy.expect("a policy")))
    };
    Filters {
        import: all("import"),
        export: all("export"),
        needed: true,
    }
}

/// A neighbour of both families, whose attempts come soon.
pub(crate) fn neighbour(
    address: &str,
    remote: u32,
    change: impl FnOnce(&mut Settings),
) -> Result<Wanted> {
    let peer = Peer::At(address.parse()?);
    let mut settings = Settings::new(peer, who(), RemoteAs::Is(asn(remote)));
    settings.families = Family::ALL.map(FamilySettings::new).to_vec();
    settings.retry.first = Duration::from_secs(1);
    settings.idle_hold.first = Duration::from_secs(1);
    change(&mut settings);
    Ok(Wanted {
        name: address.to_owned(),
        neighbour: Neighbour::new(settings)?,
        filters: open(),
        client: false,
        enforce_first_as: true,
        next_hops: NextHops::default(),
    })
}

impl Ours {
    pub(crate) fn start(ns: &Ns, neighbours: Vec<Wanted>) -> Result<Ours> {
        Ours::start_with(ns, neighbours, |_| {})
    }

    /// With what else is wanted of it.
    pub(crate) fn start_with(
        ns: &Ns,
        neighbours: Vec<Wanted>,
        change: impl FnOnce(&mut Config),
    ) -> Result<Ours> {
        let Who { asn, router } = who();
        let mut config = Config {
            settings: TableSettings::new(asn, router),
            listen: vec!["0.0.0.0:179".parse::<SocketAddr>()?, "[::]:179".parse()?],
            neighbours,
            record: None,
        };
        change(&mut config);
        Ours::with(ns, config, None)
    }

    fn with(ns: &Ns, config: Config, restarted: Option<Families>) -> Result<Ours> {
        let started = config.clone();
        let resolve = |_: NextHop| Some(0);
        let speaker = ns.inside(|| match restarted {
            None => Speaker::start(started, resolve),
            Some(kept) => Speaker::start_restarted(started, resolve, kept),
        })??;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Ours {
            speaker,
            runtime,
            config,
            used: BTreeMap::new(),
            lost: BTreeSet::new(),
        })
    }

    /// It ends without a word; what it was is for [`Ours::back`].
    pub(crate) fn leave(self) -> Result<Config> {
        self.runtime.block_on(self.speaker.leave())?;
        Ok(self.config)
    }

    /// It is there again, as one that restarted.
    pub(crate) fn back(ns: &Ns, config: Config) -> Result<Ours> {
        Ours::with(ns, config, Some(Families::from_iter(Family::ALL)))
    }

    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut Config)) -> Result<()> {
        change(&mut self.config);
        Ok(self
            .runtime
            .block_on(self.speaker.configure(self.config.clone()))?)
    }

    pub(crate) fn originate(&self, prefixes: &[&str]) -> Result<()> {
        for prefix in prefixes {
            let attributes = Attributes::new(Origin::Igp, AsPath::default());
            let told = self
                .speaker
                .originate(Source::Block, prefix.parse()?, attributes);
            self.runtime.block_on(told)?;
        }
        Ok(())
    }

    /// So many routes from 172.16.0.0/28 on, with such MEDs.
    pub(crate) fn originate_many(&self, count: u32, med: impl Fn(u32) -> u32) -> Result<()> {
        self.runtime.block_on(async {
            for number in 0..count {
                let mut attributes = Attributes::new(Origin::Igp, AsPath::default());
                attributes.med = Some(med(number));
                let prefix = nth(number);
                let told = self.speaker.originate(Source::Block, prefix, attributes);
                told.await?;
            }
            Ok(())
        })
    }

    /// The first so many of them are no more.
    pub(crate) fn retract_many(&self, count: u32) -> Result<()> {
        self.runtime.block_on(async {
            for number in 0..count {
                self.speaker.retract(Source::Block, nth(number)).await?;
            }
            Ok(())
        })
    }

    pub(crate) fn retract(&self, prefix: &str) -> Result<()> {
        let gone = self.speaker.retract(Source::Block, prefix.parse()?);
        Ok(self.runtime.block_on(gone)?)
    }

    pub(crate) fn refresh(&self, address: &str) -> Result<()> {
        let asked = self.speaker.refresh(address.parse()?, Family::Ipv4);
        Ok(self.runtime.block_on(asked)?)
    }

    pub(crate) fn reset(&self, address: &str) -> Result<()> {
        let ended = self.speaker.reset(address.parse()?);
        Ok(self.runtime.block_on(ended)?)
    }

    pub(crate) fn drain(&self, drain: Drain) -> Result<()> {
        Ok(self.runtime.block_on(self.speaker.drain(drain))?)
    }

    pub(crate) fn statuses(&self) -> Result<Vec<PeerStatus>> {
        Ok(self.runtime.block_on(self.speaker.status())?)
    }

    pub(crate) fn status(&self, address: &str) -> Result<PeerStatus> {
        let address: IpAddr = address.parse()?;
        let mut all = self.statuses()?.into_iter();
        all.find(|peer| peer.address == address)
            .context("no such neighbour")
    }

    pub(crate) fn is_up(&self, address: &str) -> bool {
        let status = self.status(address);
        status.is_ok_and(|status| status.session.state == State::Established)
    }

    /// Takes in what changed until nothing does, or for a while, since routes may come and go without end. Whether there
    /// was an end.
    fn take_in(&mut self) -> Result<bool> {
        let once = Duration::from_millis(20);
        let began = Instant::now();
        while began.elapsed() < 10 * once {
            let next = async { timeout(once, self.speaker.changes()).await };
            let Ok(changes) = self.runtime.block_on(next) else {
                return Ok(true);
            };
            for change in changes? {
                match change.best.is_empty() {
                    true => {
                        let used = self.used.remove(&change.prefix);
                        self.lost.extend(used.map(|_| change.prefix));
                    }
                    false => drop(self.used.insert(change.prefix, change.best)),
                }
            }
        }
        Ok(false)
    }

    /// What it uses, as far as it is known by now.
    pub(crate) fn used(&mut self) -> Result<&BTreeMap<Prefix, Vec<Best>>> {
        self.take_in()?;
        Ok(&self.used)
    }

    /// All that it did not use at some time since it was asked last, but had used before.
    pub(crate) fn lost(&mut self) -> Result<BTreeSet<Prefix>> {
        while !self.take_in()? {}
        Ok(std::mem::take(&mut self.lost))
    }

    /// Until it uses a prefix by that next hop, or does not any more.
    pub(crate) fn uses(&mut self, prefix: &str, by: Option<&str>) -> Result<()> {
        let wanted: Prefix = prefix.parse()?;
        let hop: Option<IpAddr> = by.map(str::parse).transpose()?;
        let mut last = None;
        let used = || {
            last = self.used().ok().and_then(|used| {
                let best = used.get(&wanted)?.first()?;
                best.route.next_hop.map(NextHop::address)
            });
            last == hop
        };
        let done = poll(SOON, "the route that is used", used);
        done.with_context(|| format!("{prefix}: {hop:?} is wanted, it is {last:?}"))
    }
}

fn nth(number: u32) -> Prefix {
    let address = IpAddr::from((0xAC10_0000 + 16 * number).to_be_bytes());
    Prefix::new(address, 28).expect("a length of IPv4")
}

/// A cable with addresses of both families: the first is `.1`, the other `.2`.
pub(crate) fn cable(lab: &Lab, one: (&Ns, &str), other: (&Ns, &str), net: u8) -> Result<()> {
    lab.wire(one.0, one.1, other.0, other.1)?;
    for (host, (ns, link)) in [(1, one), (2, other)] {
        ns.addr(link, &format!("10.9.{net}.{host}/24"))?;
        ns.addr(link, &format!("fd09:{net}::{host}/64"))?;
    }
    Ok(())
}

/// GoBGP on the first cable: of another AS, with both families, and with what else is said of the neighbour.
pub(crate) fn gobgp(asn: u32, more: &str) -> String {
    let family = |name: &str| {
        format!(
            "[[neighbors.afi-safis]]
               [neighbors.afi-safis.config]
                 afi-safi-name = \"{name}\"
               [neighbors.afi-safis.mp-graceful-restart.config]
                 enabled = true
            "
        )
    };
    let families = family("ipv4-unicast") + &family("ipv6-unicast");
    format!(
        "[global.config]
           as = {asn}
           router-id = \"10.9.1.2\"
         [[neighbors]]
           [neighbors.config]
             neighbor-address = \"10.9.1.1\"
             peer-as = 65000
           [neighbors.transport.config]
             passive-mode = true
           {more}
           {families}"
    )
}

/// Until a text has all of these.
pub(crate) fn says(what: &str, ask: impl Fn() -> Result<String>, wanted: &[&str]) -> Result<()> {
    let has = || ask().is_ok_and(|text| wanted.iter().all(|word| text.contains(word)));
    poll(SOON, what, has).with_context(|| format!("{wanted:?} in {:#?}", ask()))
}

/// Until it has none of these.
pub(crate) fn lacks(what: &str, ask: impl Fn() -> Result<String>, gone: &[&str]) -> Result<()> {
    let has = || ask().is_ok_and(|text| gone.iter().all(|word| !text.contains(word)));
    poll(SOON, what, has).with_context(|| format!("no {gone:?} in {:#?}", ask()))
}
