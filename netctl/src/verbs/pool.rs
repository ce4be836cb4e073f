//! `netctl pool`.

use super::{RELEASE, handover, lines, maybe, ranges::RangeArgs, span};
use crate::{
    args::{Cidr, Seconds},
    cli::usage,
    document::{Answer, Job, Note},
    error::NetctlError,
    sheet::{Cell, Sheet, Tone},
};
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use fairway_api::{
    Method,
    admin::{Pool, PoolCreate, PoolRange, PoolRemove, PoolSet, PoolSettings},
};

#[derive(Debug, Subcommand)]
pub(crate) enum PoolVerb {
    /// Make a pool
    Create(Box<Create>),
    /// List the pools and how they stand
    Ls,
    /// Grow a pool, shrink it, or change its settings
    Set(Box<Set>),
    /// No new addresses from a pool, or from some of its prefixes; what is given stays
    Drain(Drain),
    /// Addresses again from a pool, or from some of its prefixes
    Undrain(Drain),
    /// Retire a pool: it gives no address any more, and goes when the last one is back
    Rm {
        /// Its name
        name: String,
        /// Wait until it is gone
        #[arg(long)]
        wait: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name: 1 to 63 of a-z 0-9 . -
    name: String,
    /// A prefix; give it again for more, IPv4 and IPv6 alike
    #[arg(long, value_name = "PREFIX", value_delimiter = ',', required = true)]
    cidr: Vec<Cidr>,
    #[command(flatten)]
    ranges: RangeArgs,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name
    name: String,
    /// Add a prefix
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    cidr: Vec<Cidr>,
    /// Change a prefix: its block length, its gateway, its exclusions; what is not given stays as it is
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    replace: Vec<Cidr>,
    #[command(flatten)]
    ranges: RangeArgs,
    /// No new addresses from this prefix
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    drain: Vec<Cidr>,
    /// Addresses from this prefix again
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    undrain: Vec<Cidr>,
    /// Take away a prefix that is drained and empty
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    remove: Vec<Cidr>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Its name
    name: String,
    /// Only these prefixes of it
    #[arg(value_name = "PREFIX")]
    prefixes: Vec<Cidr>,
}

#[derive(Debug, Args)]
struct Settings {
    /// How long a freed address rests before another workload gets it [default: 30s]; made shorter, those
    /// that rest already rest no longer than that
    #[arg(long, value_name = "TIME")]
    cooldown: Option<Seconds>,
    /// Free addresses that each node keeps at hand
    #[arg(long, value_name = "N")]
    reserve: Option<u32>,
    /// When the addresses of workloads that do not say are given back
    #[arg(long, value_name = "POLICY", long_help = format!("When the addresses of workloads that do not say are given back: {RELEASE}"))]
    release: Option<String>,
    /// What a newcomer gets while the claim's holder is still ending
    #[arg(long, value_name = "MODE", value_parser = handover())]
    handover: Option<String>,
    /// Only nodes whose labels fit, such as `rack=a,zone in (x,y)`
    #[arg(long, value_name = "SELECTOR")]
    nodes: Option<String>,
    /// Only namespaces whose name fits, such as `name in (a,b)`; what is known of a namespace is `name`
    /// and the same as `kubernetes.io/metadata.name`
    #[arg(long, value_name = "SELECTOR")]
    namespaces: Option<String>,
    /// Where the pool is in a network: to which nodes packets are encapsulated (VXLAN); `cross-subnet`: to
    /// those outside our subnet [default: always]
    #[arg(long, value_name = "MODE", value_parser = encap())]
    encap: Option<String>,
    /// Where the pool is in a network: whether packets to the outside of all networks get the node's address
    /// [default: on]
    #[arg(long, value_name = "on|off", value_parser = on_off())]
    masquerade: Option<bool>,
}

/// What `--encap` takes.
fn encap() -> PossibleValuesParser {
    PossibleValuesParser::new(["always", "cross-subnet", "never"])
}

fn on_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|text| text == "on")
}

impl Settings {
    fn api(&self) -> PoolSettings {
        PoolSettings {
            cooldown: self.cooldown.map(|time| time.0),
            reserve: self.reserve,
            release: self.release.clone(),
            handover: self.handover.clone(),
            nodes: self.nodes.clone(),
            namespaces: self.namespaces.clone(),
            encap: self.encap.clone(),
            masquerade: self.masquerade,
        }
    }
}

impl PoolVerb {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        Ok(match self {
            PoolVerb::Ls => Job::list::<Pool>(Method::PoolList).watchable(),
            PoolVerb::Create(create) => Job::new::<Pool>(Method::PoolCreate(PoolCreate {
                name: create.name.clone(),
                ranges: create.ranges.ranges(&create.cidr, create.cidr.len())?,
                settings: create.settings.api(),
            })),
            PoolVerb::Set(set) => Job::new::<Pool>(Method::PoolSet(set.api()?)),
            PoolVerb::Drain(drain) => drain.job(true),
            PoolVerb::Undrain(drain) => drain.job(false),
            PoolVerb::Rm { name, wait } => {
                let (name, wait) = (name.clone(), *wait);
                let note = match wait {
                    true => Note::Instead(format!("pool {name} is gone")),
                    false => Note::Below(format!(
                        "pool {name} retires: it goes when its last address is back"
                    )),
                };
                Job::new::<Pool>(Method::PoolRemove(PoolRemove { name, wait })).note(note)
            }
        })
    }
}

impl Set {
    fn api(&self) -> Result<PoolSet, NetctlError> {
        let prefixes = [self.cidr.as_slice(), &self.replace].concat();
        let mut add = self.ranges.ranges(&prefixes, self.cidr.len())?;
        let replace = add.split_off(self.cidr.len());
        let change = PoolSet {
            name: self.name.clone(),
            add,
            replace,
            drain: texts(&self.drain),
            undrain: texts(&self.undrain),
            remove: texts(&self.remove),
            phase: None,
            settings: self.settings.api(),
        };
        let name = self.name.clone();
        let unchanged = PoolSet {
            name,
            ..PoolSet::default()
        };
        match change == unchanged {
            true => Err(usage("pool set: nothing to change was given")),
            false => Ok(change),
        }
    }
}

impl Drain {
    fn job(&self, on: bool) -> Job {
        let name = self.name.clone();
        let mut change = PoolSet {
            name,
            ..PoolSet::default()
        };
        let phase = if on { "draining" } else { "active" };
        match (self.prefixes.is_empty(), on) {
            (true, _) => change.phase = Some(phase.to_owned()),
            (false, true) => change.drain = texts(&self.prefixes),
            (false, false) => change.undrain = texts(&self.prefixes),
        }
        Job::new::<Pool>(Method::PoolSet(change))
    }
}

fn texts(cidrs: &[Cidr]) -> Vec<String> {
    cidrs.iter().map(ToString::to_string).collect()
}

impl Answer for Pool {
    fn sheet(&self) -> Sheet {
        sheet(std::slice::from_ref(self))
    }
}

impl Answer for Vec<Pool> {
    fn sheet(&self) -> Sheet {
        sheet(self)
    }
}

const HEADS: [&str; 16] = [
    "NAME",
    "PHASE",
    "PREFIX",
    "SIZE",
    "LIVE",
    "CLAIMED",
    "COOLING",
    "BLOCKS",
    "NETWORK?",
    "ENCAP",
    "MASQUERADE",
    "COOLDOWN",
    "RELEASE",
    "HANDOVER",
    "NODES?",
    "NAMESPACES?",
];

fn sheet(pools: &[Pool]) -> Sheet {
    let mut sheet = Sheet::new(
        &HEADS,
        "no pools: netctl pool create NAME --cidr PREFIX makes one",
    );
    for pool in pools {
        let ranges: Vec<String> = pool.ranges.iter().map(range).collect();
        sheet.row([
            Cell::from(&pool.name),
            Cell::from(&pool.phase).tone(match pool.phase.as_str() {
                "active" => Tone::Good,
                _ => Tone::Mind,
            }),
            lines(&ranges),
            Cell::from(&pool.size),
            Cell::from(pool.live),
            Cell::from(pool.claimed),
            Cell::from(pool.cooling),
            Cell::from(pool.blocks),
            maybe(pool.network.as_ref()),
            Cell::from(&pool.encap),
            Cell::from(if pool.masquerade { "on" } else { "off" }),
            Cell::from(span(pool.cooldown)),
            Cell::from(&pool.release),
            Cell::from(&pool.handover),
            Cell::from(&pool.nodes),
            Cell::from(&pool.namespaces),
        ]);
    }
    sheet
}

fn range(range: &PoolRange) -> String {
    match range.draining {
        true => format!("{} (draining)", range.cidr),
        false => range.cidr.clone(),
    }
}
