//! The maps, under the names that the loader knows, and lookups that give references.
//!
//! What only the daemon writes is hashed without preallocation: the largest number of entries is a limit then,
//! and costs nothing until it is used. An entry that the daemon replaces stays readable until the program has
//! ended (RCU), so references to it are good.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::btf_maps::{
    Array, HashMap, LpmTrie, LruHashMap, LruPerCpuHashMap, PerCpuArray, RingBuf,
};
use aya_ebpf::macros::btf_map;
use fairway_dataplane_abi::{
    Addr, Config, Count, Decision, Endpoint, Fragment, FragmentKey, Lengths, Peer, PeerKey,
    PortKey, Prefix4, Prefix6, Reason, RuleKey, Set, Track, TrackKey,
};

const SPARSE: usize = BPF_F_NO_PREALLOC as usize;

#[btf_map]
static CONFIG: Array<Config, 1> = Array::new();
#[btf_map]
static ENDPOINTS: HashMap<u32, Endpoint, 16_384, SPARSE> = HashMap::new();
#[btf_map]
static ADDRESSES: HashMap<Addr, Peer, 1_048_576, SPARSE> = HashMap::new();
#[btf_map]
static PREFIXES4: LpmTrie<Prefix4, u32, 262_144> = LpmTrie::new();
#[btf_map]
static PREFIXES6: LpmTrie<Prefix6, u32, 262_144> = LpmTrie::new();
/// Private to the programs, like `BUDGET`.
#[btf_map]
pub(crate) static DECIDED: PerCpuArray<crate::verdict::Decided, 1_024> = PerCpuArray::new();
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
pub(crate) static BUDGET: PerCpuArray<crate::tell::Budget, 1> = PerCpuArray::new();

/// What holds for all links.
#[inline(always)]
pub(crate) fn config() -> Option<&'static Config> {
    CONFIG.get(0)
}

/// Makes a lookup in a hash that the programs only read.
macro_rules! read_only {
    ($($(#[doc = $doc:literal])+ $name:ident: $map:ident[$key:ty] = $value:ty;)+) => {
        $(
            $(#[doc = $doc])+
            #[expect(unsafe_code, reason = "a map's entry is read by reference")]
            #[inline(always)]
            pub(crate) fn $name(key: &$key) -> Option<&'static $value> {
                // SAFETY: Programs never write to this map, and what the daemon replaces or removes is
                // freed only after they have ended.
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
    /// A policy set.
    set: SETS[u32] = Set;
    /// What a set says of a peer.
    peer: PEERS[PeerKey] = Lengths;
    /// What a table says of ports.
    port: PORTS[PortKey] = Decision;
}

/// The number of the longest prefix that an address is in, or 0.
#[expect(unsafe_code, reason = "one key for both tries, the stack is small")]
#[inline(always)]
pub(crate) fn prefix(address: &Addr) -> u32 {
    let v4 = address.is_v4();
    let mut words = address.0;
    if v4 {
        words[0] = words[3];
    }
    let key = &Key::new(if v4 { 32 } else { 128 }, words);
    let number = if v4 {
        // SAFETY: A key of IPv4 is the beginning of one of IPv6.
        PREFIXES4.get(unsafe { &*core::ptr::from_ref(key).cast::<Key<Prefix4>>() })
    } else {
        PREFIXES6.get(key)
    };
    number.copied().unwrap_or(0)
}
