//! Prefixes: those of usual lengths in a hash, the others in tries; see [`fairway_dataplane_abi::Block`].

use std::collections::{BTreeMap, BTreeSet};

use aya::Ebpf;
use fairway_dataplane_abi::{Block, Kinds, Prefix, Prefix4, Prefix6};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use crate::address::{addr_of, ip_of, octets_of, words_of};
use crate::dataplane::Dataplane;
use crate::error::Result;
use crate::object;
use crate::plain::Lpm;
use crate::table::{Fill, Table};

/// The maps that say which prefix an address is in.
#[derive(Debug)]
pub(crate) struct Prefixes {
    kinds: Table<u32, u32>,
    blocks: Table<Block, u32>,
    v4: Table<Lpm<Prefix4>, Prefix>,
    v6: Table<Lpm<Prefix6>, Prefix>,
    /// Those that there are of each kind, by its bit. Kernels before 6.13 do not tell of tries whether an entry
    /// is new.
    there: [BTreeSet<IpNetwork>; 2 * Kinds::V6 as usize],
    /// As the programs have it.
    told: u32,
}

impl Prefixes {
    pub(crate) fn new(ebpf: &mut Ebpf) -> Result<Self> {
        let mut map = |name| object::map(ebpf, name);
        Ok(Self {
            kinds: Table::new("KINDS", map("KINDS")?)?,
            blocks: Table::new("BLOCKS", map("BLOCKS")?)?,
            v4: Table::new("PREFIXES4", map("PREFIXES4")?)?,
            v6: Table::new("PREFIXES6", map("PREFIXES6")?)?,
            there: Default::default(),
            told: 0,
        })
    }

    pub(crate) const fn fill(&self) -> [Fill; 3] {
        [self.blocks.fill(), self.v4.fill(), self.v6.fill()]
    }

    /// Programs look where they are told that there is something: that comes first.
    fn put(&mut self, net: IpNetwork, number: u32) -> Result<()> {
        let kind = kind(net);
        self.tell(self.told | 1 << kind)?;
        let written = self.write(net, kind, number);
        if written.is_ok() {
            self.there[kind].insert(bare(net));
        }
        let told = self.tell_all();
        written.and(told)
    }

    fn write(&mut self, net: IpNetwork, kind: usize, number: u32) -> Result<()> {
        let prefix = Prefix {
            number,
            length: net.prefix().into(),
        };
        if !is_other(kind) {
            return self.blocks.put(&block(net), &number).map(drop);
        }
        match net {
            IpNetwork::V4(net) => self.v4.put(&key4(net), &prefix),
            IpNetwork::V6(net) => self.v6.put(&key6(net), &prefix),
        }
        .map(drop)
    }

    fn remove(&mut self, net: IpNetwork) -> Result<bool> {
        let kind = kind(net);
        let was = if !is_other(kind) {
            self.blocks.remove(&block(net))?
        } else {
            match net {
                IpNetwork::V4(net) => self.v4.remove(&key4(net))?,
                IpNetwork::V6(net) => self.v6.remove(&key6(net))?,
            }
        };
        self.there[kind].remove(&bare(net));
        self.tell_all()?;
        Ok(was)
    }

    fn tell_all(&mut self) -> Result<()> {
        let there = self.there.iter().enumerate();
        let there = there.filter(|(_, nets)| !nets.is_empty());
        self.tell(there.fold(0, |kinds, (kind, _)| kinds | 1 << kind))
    }

    fn tell(&mut self, kinds: u32) -> Result<()> {
        if self.told != kinds {
            self.kinds.set(&0, &kinds)?;
            self.told = kinds;
        }
        Ok(())
    }

    fn all(&self) -> Result<BTreeMap<IpNetwork, u32>> {
        let mut all = BTreeMap::new();
        let mut found = |net: Result<IpNetwork, _>, number| {
            // The kernel keeps no longer ones than the key has room for.
            all.extend(net.ok().map(|net: IpNetwork| (net, number)));
        };
        for (block, number) in self.blocks.all()? {
            found(
                IpNetwork::new(ip_of(block.addr), length(block.length)),
                number,
            );
        }
        for (key, prefix) in self.v4.all_by_key()? {
            let ip = key.bits.to_ne_bytes().into();
            found(
                Ipv4Network::new(ip, length(key.length)).map(Into::into),
                prefix.number,
            );
        }
        for (key, prefix) in self.v6.all_by_key()? {
            let ip = octets_of(key.bits).into();
            found(
                Ipv6Network::new(ip, length(key.length)).map(Into::into),
                prefix.number,
            );
        }
        Ok(all)
    }
}

impl Dataplane {
    /// Gives a prefix its number; bits beyond its length do not count.
    ///
    /// # Errors
    /// Where the map is full or the kernel refuses it.
    pub fn put_prefix(&mut self, prefix: IpNetwork, number: u32) -> Result<()> {
        self.prefixes.put(prefix, number)
    }

    /// Removes just this prefix, none that is longer or shorter; false if there is none.
    ///
    /// # Errors
    /// Where the kernel refuses it.
    pub fn remove_prefix(&mut self, prefix: IpNetwork) -> Result<bool> {
        self.prefixes.remove(prefix)
    }

    /// Prefixes and their numbers, as the programs see them.
    ///
    /// # Errors
    /// Where the maps cannot be read.
    pub fn prefixes(&self) -> Result<BTreeMap<IpNetwork, u32>> {
        self.prefixes.all()
    }
}

/// Without bits beyond its length.
fn bare(net: IpNetwork) -> IpNetwork {
    IpNetwork::new(net.network(), net.prefix()).unwrap_or(net)
}

/// The number of a prefix's bit in [`Kinds`].
fn kind(net: IpNetwork) -> usize {
    let ([host, subnet], shift) = match net {
        IpNetwork::V4(_) => (Block::V4, 0),
        IpNetwork::V6(_) => (Block::V6, Kinds::V6),
    };
    let kind = match u32::from(net.prefix()) {
        length if length == host => Kinds::HOST,
        length if length == subnet => Kinds::SUBNET,
        _ => Kinds::OTHER,
    };
    (kind.trailing_zeros() + shift) as usize
}

const fn is_other(kind: usize) -> bool {
    1 << (kind % Kinds::V6 as usize) == Kinds::OTHER
}

fn length(bits: u32) -> u8 {
    u8::try_from(bits).unwrap_or(u8::MAX)
}

fn block(net: IpNetwork) -> Block {
    Block {
        addr: addr_of(net.network()),
        length: net.prefix().into(),
    }
}

fn key4(net: Ipv4Network) -> Lpm<Prefix4> {
    Lpm {
        length: net.prefix().into(),
        bits: u32::from_ne_bytes(net.network().octets()),
    }
}

fn key6(net: Ipv6Network) -> Lpm<Prefix6> {
    Lpm {
        length: net.prefix().into(),
        bits: words_of(net.network().octets()),
    }
}
