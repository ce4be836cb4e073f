//! The maps, under the names that the loader knows, and lookups that give references.
//!
//! What only the daemon writes is hashed without preallocation: the largest number of entries is a limit then,
//! and costs nothing until it is used. An entry that the daemon replaces stays readable until the program has
//! ended, so references to it are good; but its memory may be another entry's by then, if one comes at that
//! very moment. The epoch that follows each change has what was judged by such a mixture judged anew.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::btf_maps::{
    Array, HashMap, LpmTrie, LruHashMap, LruPerCpuHashMap, PerCpuArray, RingBuf,
};
use aya_ebpf::macros::btf_map;
use fairway_dataplane_abi::{
    Addr, Block, Config, Count, Decision, Endpoint, Fragment, FragmentKey, Lengths, Peer, PeerKey,
    PortKey, Prefix, Prefix4, Prefix6, Reason, Route, RouteKey, RuleKey, Set, Track, TrackKey,
};

const SPARSE: usize = BPF_F_NO_PREALLOC as usize;

#[btf_map]
static CONFIG: Array<Config, 1> = Array::new();
#[btf_map]
static ENDPOINTS: HashMap<u32, Endpoint, 16_384, SPARSE> = HashMap::new();
#[btf_map]
static ADDRESSES: HashMap<Addr, Peer, 1_048_576, SPARSE> = HashMap::new();
#[btf_map]
static KINDS: Array<u32, 1> = Array::new();
#[btf_map]
static BLOCKS: HashMap<Block, u32, 262_144, SPARSE> = HashMap::new();
#[btf_map]
pub(crate) static PREFIXES4: LpmTrie<Prefix4, Prefix, 262_144> = LpmTrie::new();
#[btf_map]
pub(crate) static PREFIXES6: LpmTrie<Prefix6, Prefix, 262_144> = LpmTrie::new();
/// Private to the programs, like `BUDGET`.
#[btf_map]
pub(crate) static DECIDED: PerCpuArray<crate::verdict::Decided, 1_024> = PerCpuArray::new();
#[btf_map]
pub(crate) static ROUTES: LpmTrie<RouteKey, Route, 262_144> = LpmTrie::new();
#[btf_map]
static SETS: HashMap<u32, Set, 65_536, SPARSE> = HashMap::new();
#[btf_map]
static PEERS: HashMap<PeerKey, Lengths, 1_048_576, SPARSE> = HashMap::new();
#[btf_map]
static PORTS: HashMap<PortKey, Decision, 1_048_576, SPARSE> = HashMap::new();
#[btf_map]
pub(crate) static TRACK_OPEN: HashMap<TrackKey, Track, 262_144, SPARSE> = HashMap::new();
#[btf_map]
pub(crate) static TRACK_NEW: LruHashMap<TrackKey, Track, 131_072> = LruHashMap::new();
#[btf_map]
pub(crate) static FRAGMENTS: LruHashMap<FragmentKey, Fragment, 8_192> = LruHashMap::new();
#[btf_map]
pub(crate) static COUNTERS: PerCpuArray<Count, { Reason::COUNTERS as usize }> = PerCpuArray::new();
#[btf_map]
pub(crate) static RULES: LruPerCpuHashMap<RuleKey, Count, 16_384> = LruPerCpuHashMap::new();
#[btf_map]
pub(crate) static FLOWS: RingBuf<(), 1_048_576> = RingBuf::new();
#[btf_map]
pub(crate) static BUDGET: PerCpuArray<crate::tell::Budget, 2> = PerCpuArray::new();

/// What holds for all links.
#[inline(always)]
pub(crate) fn config() -> Option<&'static Config> {
    CONFIG.get(0)
}

/// Of which lengths there are prefixes, see [`fairway_dataplane_abi::Kinds`].
#[inline(always)]
pub(crate) fn kinds() -> u32 {
    KINDS.get(0).copied().unwrap_or(0)
}

/// Makes a lookup in a hash that the programs only read.
macro_rules! read_only {
    ($($(#[doc = $doc:literal])+ $name:ident: $map:ident[$key:ty] = $value:ty;)+) => {
        $(
            $(#[doc = $doc])+
            #[expect(unsafe_code, reason = "a map's entry is read by reference")]
            #[inline(always)]
            pub(crate) fn $name(key: &$key) -> Option<&'static $value> {
                // SAFETY: Programs never write to this map, and what the daemon replaces or removes stays
                // an entry of it, this one's or another's, until they have ended: all bytes are good values.
                unsafe { $map.get(key) }
            }
        )+
    };
}
read_only! {
    /// Who is at this link?
    endpoint: ENDPOINTS[u32] = Endpoint;
    /// Who has this address?
    address: ADDRESSES[Addr] = Peer;
    /// The number of a prefix of a usual length.
    block: BLOCKS[Block] = u32;
    /// A policy set.
    set: SETS[u32] = Set;
    /// What a set says of a peer.
    peer: PEERS[PeerKey] = Lengths;
    /// What a table says of ports.
    port: PORTS[PortKey] = Decision;
}
