//! One generation: maps of its own, filled by whoever has loaded it, and the programs that read them.
//!
//! A change of the program, of the maps' layout, of their sizes, and a plain restart all go the same way,
//! because a way that is only gone on upgrades is a way that does not work on upgrades: load, fill
//! completely, seal, swap the programs link by link, let the older generation go. Until a link's programs
//! are swapped they decide by the older maps, which nobody touches any more. Only the tables of open flows
//! are one and the same for both, so that no connection is judged by half of what is known of it.

use std::path::PathBuf;

use aya::Ebpf;
use aya::maps::RingBuf;
use fairway_dataplane_abi::{
    Addr, Config, Count, Decision, Endpoint, Lengths, Peer, PeerKey, PortKey, Route, RouteKey,
    RuleKey, Set,
};

use crate::error::{Error, Result};
use crate::events::Events;
use crate::generation::Generation;
use crate::object::{self, OBJECT};
use crate::plain::Lpm;
use crate::prefix::Prefixes;
use crate::sizes::Sizes;
use crate::table::{Fill, Table};
use crate::track::Tracks;

/// How to load.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// How much fits in.
    pub sizes: Sizes,
    /// Where generations are kept, so that open flows outlive the process: a folder in a bpffs, which is
    /// mounted there if there is none. Without, nothing is kept beyond what links hold.
    pub pins: Option<PathBuf>,
}

impl Options {
    /// The folder of the daemon.
    pub const PINS: &str = "/sys/fs/bpf/fairway";
}

/// The maps and programs of one generation.
#[derive(Debug)]
pub struct Dataplane {
    pub(crate) config: Table<u32, Config>,
    pub(crate) endpoints: Table<u32, Endpoint>,
    pub(crate) addresses: Table<Addr, Peer>,
    pub(crate) prefixes: Prefixes,
    pub(crate) routes: Table<Lpm<RouteKey>, Route>,
    pub(crate) sets: Table<u32, Set>,
    pub(crate) peers: Table<PeerKey, Lengths>,
    pub(crate) ports: Table<PortKey, Decision>,
    pub(crate) counters: Table<u32, Count>,
    pub(crate) rules: Table<RuleKey, Count>,
    pub(crate) tracks: Tracks,
    pub(crate) generation: Option<Generation>,
    pub(crate) ebpf: Ebpf,
    events: Option<Events>,
    inherited: Option<u32>,
}

impl Dataplane {
    /// Loads the programs that this crate was built with, with empty maps. Nothing that runs changes by it.
    /// Takes some tens of milliseconds.
    ///
    /// # Errors
    /// Where the kernel refuses a map or a program, or the pins cannot be written.
    pub fn load(options: &Options) -> Result<Self> {
        Self::load_object(options, OBJECT)
    }

    /// Loads another object, that has the same maps and programs.
    ///
    /// # Errors
    /// As [`Dataplane::load`], and where maps or programs are missing or different.
    pub fn load_object(options: &Options, object: &[u8]) -> Result<Self> {
        let generation = options.pins.as_deref().map(Generation::begin).transpose()?;
        let kept = match &generation {
            Some(generation) => generation.reusable(&options.sizes)?,
            None => Vec::new(),
        };
        let mut ebpf = object::load(object, &options.sizes, &kept)?;
        if let Some(generation) = &generation {
            generation.pin(&mut ebpf)?;
        }
        let mut tracks = Tracks::new(&mut ebpf)?;
        let inherited = match &generation {
            Some(generation) => generation.hand_over(&mut tracks)?,
            None => None,
        };
        let flows = object::map(&mut ebpf, "FLOWS")?;
        let flows = aya::maps::Map::from_map_data(flows).and_then(RingBuf::try_from);
        let events = Events::new(flows.map_err(|error| object::object_error(error.into()))?);
        let prefixes = Prefixes::new(&mut ebpf)?;
        let mut map = |name| object::map(&mut ebpf, name);
        Ok(Self {
            config: Table::new("CONFIG", map("CONFIG")?)?,
            endpoints: Table::new("ENDPOINTS", map("ENDPOINTS")?)?,
            addresses: Table::new("ADDRESSES", map("ADDRESSES")?)?,
            prefixes,
            routes: Table::new("ROUTES", map("ROUTES")?)?,
            sets: Table::new("SETS", map("SETS")?)?,
            peers: Table::new("PEERS", map("PEERS")?)?,
            ports: Table::new("PORTS", map("PORTS")?)?,
            counters: Table::new("COUNTERS", map("COUNTERS")?)?,
            rules: Table::new("RULES", map("RULES")?)?,
            tracks,
            generation,
            ebpf,
            events: Some(events),
            inherited,
        })
    }

    /// The greatest [`Config::epoch`] that open flows taken over may bear. The first epoch of this generation
    /// must be another one, or they would count as judged by policies that are not even known yet.
    pub const fn inherited_epoch(&self) -> Option<u32> {
        self.inherited
    }

    /// The number of this generation, where it is kept.
    pub fn number(&self) -> Option<u64> {
        self.generation.as_ref().map(Generation::number)
    }

    /// Marks this generation as filled: from now on it is what a restart takes over from. To be done before
    /// the first link is given its programs.
    ///
    /// # Errors
    /// Where the pins cannot be moved; then nothing has changed.
    pub fn seal(&mut self) -> Result<()> {
        match &mut self.generation {
            Some(generation) => generation.seal(),
            None => Ok(()),
        }
    }

    /// Lets older generations go, once no link has their programs any more. Flows that began meanwhile in
    /// tables that could not be shared are taken along.
    ///
    /// # Errors
    /// Where the tables cannot be read or the pins not removed; it can be done again.
    pub fn retire_older(&mut self) -> Result<()> {
        match &mut self.generation {
            Some(generation) => generation.retire_older(&mut self.tracks),
            None => Ok(()),
        }
    }

    /// Programs of older generations, whose routes nobody follows up, leave packets to other nodes to the host.
    ///
    /// # Errors
    /// Where their maps cannot be read or written.
    pub fn stop_older_routes(&self) -> Result<()> {
        match &self.generation {
            Some(generation) => generation.stop_routes(),
            None => Ok(()),
        }
    }

    /// Writes what holds for all links.
    ///
    /// # Errors
    /// Where the kernel refuses it.
    pub fn set_config(&mut self, config: &Config) -> Result<()> {
        self.config.set(&0, config)
    }

    /// What holds for all links, as the programs see it.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn config(&self) -> Result<Config> {
        self.config.get(&0)?.ok_or(Error::Missing {
            what: "entry in map",
            name: "CONFIG",
        })
    }

    /// What the programs tell, to be read by one thread. None after the first call.
    pub const fn take_events(&mut self) -> Option<Events> {
        self.events.take()
    }

    /// How much of each map is in use.
    pub fn fill(&self) -> Vec<Fill> {
        let [open, new] = self.tracks.fill();
        let [blocks, v4, v6] = self.prefixes.fill();
        vec![
            self.endpoints.fill(),
            self.addresses.fill(),
            blocks,
            v4,
            v6,
            self.routes.fill(),
            self.sets.fill(),
            self.peers.fill(),
            self.ports.fill(),
            open,
            new,
        ]
    }
}
