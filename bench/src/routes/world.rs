//! The other nodes: what each has in the store, and the routes that follow.

use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::{NetworkCreate, PoolCreate, PoolRange, PoolSettings};
use fairway_ipam::record::{
    BlockOwner, BlockRecord, NodeRecord, Record as _, UnderlayAddress, UnderlayRecord,
};
use fairway_ipam::{Cidr, JournalId, NodeName, PoolName, UnixSeconds, keys::Key};
use fairway_kv::{Committed, Txn, Write};
use fairway_lab::poll;
use fairway_store::{Store, open};
use fairway_tests_cluster::{Bed, SOON};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

pub(super) const NODES: usize = 1_000;
const V4_BLOCKS: usize = 10;
const V6_BLOCKS: usize = 9;
/// One for each block, and one to each node itself.
pub(super) const ROUTES: usize = NODES * (V4_BLOCKS + V6_BLOCKS + 1);
pub(super) const VNI: u32 = 4096;
/// The kernel's table of the network.
pub(super) const TABLE: u32 = fairway_fib::names::TABLES + VNI;
/// The pools, and the prefix of each.
pub(super) const POOLS: [(&str, &str, u8); 2] =
    [("v4", "10.64.0.0/12", 26), ("v6", "fd00:64::/64", 122)];

/// A block, and the node that has it at first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) cidr: Cidr,
    pub(super) node: usize,
}

impl Block {
    pub(super) fn key(self) -> Result<Key> {
        let pool = match self.cidr.first() {
            IpAddr::V4(_) => POOLS[0].0,
            IpAddr::V6(_) => POOLS[1].0,
        };
        Ok(Key::Block(PoolName::new(pool)?, self.cidr))
    }

    /// The record that says so, of its `epoch`th owner.
    pub(super) fn record(self, node: usize, epoch: u64) -> Result<Write> {
        let record = BlockRecord {
            owner: Some(BlockOwner {
                node: name(node)?,
                journal: journal(node)?,
                boot: None,
            }),
            epoch,
            free: 64,
            entries: Vec::new(),
        };
        put(&self.key()?, record.encode())
    }
}

/// All blocks of all nodes.
pub(super) fn blocks() -> Result<Vec<Block>> {
    let v4 = (0..NODES * V4_BLOCKS).map(|n| {
        // The first is left free.
        let first = Ipv4Addr::new(10, 64, 0, 0).to_bits() + (n as u32 + 1) * 64;
        (Ipv4Addr::from_bits(first).into(), 26, n % NODES)
    });
    let v6 = (0..NODES * V6_BLOCKS).map(|n| {
        let first = Ipv6Addr::new(0xfd00, 0x64, 0, 0, 0, 0, 0, 0).to_bits() + (n as u128 + 1) * 64;
        (Ipv6Addr::from_bits(first).into(), 122, n % NODES)
    });
    let block = |(first, length, node)| {
        let cidr = Cidr::holding(first, length).context("a block")?;
        Ok(Block { cidr, node })
    };
    v4.chain(v6).map(block).collect()
}

pub(super) fn name(node: usize) -> Result<NodeName> {
    Ok(NodeName::new(format!("other-{node}"))?)
}

fn journal(node: usize) -> Result<JournalId> {
    Ok(JournalId::new(format!("j{node}"))?)
}

/// A node's address in the underlay.
pub(super) fn vtep(node: usize) -> IpAddr {
    let first = Ipv4Addr::new(198, 18, 0, 1).to_bits();
    Ipv4Addr::from_bits(first + node as u32).into()
}

fn node(node: usize) -> Result<Write> {
    let record = NodeRecord {
        journal: journal(node)?,
        labels: BTreeMap::new(),
        since: UnixSeconds(1),
        daemon: env!("CARGO_PKG_VERSION").to_owned(),
        host: format!("host-{node}"),
        underlay: Some(UnderlayRecord {
            mtu: 1500,
            addresses: vec![UnderlayAddress {
                address: vtep(node),
                prefix: 15,
            }],
        }),
    };
    put(&Key::Node(name(node)?), record.encode())
}

fn put(key: &Key, value: Vec<u8>) -> Result<Write> {
    Ok(Write::Put {
        key: key.path(),
        value,
        lease: None,
    })
}

/// Pools and network by the daemon itself, which then stops; nodes and blocks past it.
pub(super) fn make(bed: &Bed) -> Result<()> {
    let door = bed.door(1);
    for (name, cidr, block) in POOLS {
        door.pool_create(PoolCreate {
            name: name.to_owned(),
            ranges: vec![PoolRange {
                cidr: cidr.to_owned(),
                block: Some(block),
                gateway: None,
                exclude: Vec::new(),
                draining: false,
            }],
            settings: PoolSettings {
                encap: Some("always".to_owned()),
                ..PoolSettings::default()
            },
        })?;
    }
    let network = || {
        door.network_create(NetworkCreate {
            name: "net".to_owned(),
            pools: POOLS.map(|(name, ..)| name.to_owned()).to_vec(),
            vni: Some(VNI),
            imports: Vec::new(),
        })
    };
    poll(SOON, "the network is made", || network().is_ok())?;
    bed.node(1).stop()?;
    println!("  {NODES} nodes and their blocks are written …");
    let mut writes = (0..NODES).map(node).collect::<Result<Vec<_>>>()?;
    for block in blocks()? {
        writes.push(block.record(block.node, 1)?);
    }
    client(bed, |store| {
        for part in writes.chunks(Txn::LIMIT) {
            store.commit(part.to_vec())?;
        }
        Ok(())
    })
}

/// A client of the store, as another node's daemon is one.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    store: Arc<dyn Store>,
}

impl Client {
    /// Done when this returns.
    pub(crate) fn commit(&self, writes: Vec<Write>) -> Result<()> {
        let txn = Txn {
            conditions: Vec::new(),
            writes,
        };
        let done = self.runtime.block_on(self.store.commit(&txn))?;
        ensure!(matches!(done, Committed::Yes { .. }), "not committed");
        Ok(())
    }
}

/// Does something on the node's network with a client of the store.
pub(crate) fn client<T: Send>(
    bed: &Bed,
    work: impl FnOnce(&Client) -> Result<T> + Send,
) -> Result<T> {
    let location = format!("etcd:{}", bed.etcd.endpoints().join(","));
    bed.node(1).ns.inside(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build()?;
        let store = runtime.block_on(open(&location.parse()?))?;
        work(&Client { runtime, store })
    })?
}
